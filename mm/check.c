/* SPDX-License-Identifier: MIT */
/*
 * The auditor: counts everything from scratch and compares (I1-I8, check.h).
 *
 * The world of pages stands still meanwhile (check_world.c), and so its one look
 * is exact.
 *
 * Per frame one word: how many entries map it, whether a page cache or a
 * table claims it.
 *
 * Locks: check_world.c's; inside them anon_vma root read, a table lock; MAPPINGS,
 * I_PAGES, LRU.  Tests: tests/kt/kt_check.c
 */
#include "kernel/ktest.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "mm/check.h"
#include "mm/check_swap.h"
#include "mm/check_world.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/lru.h"
#include "mm/motion.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/swapops.h"
#include "mm/vmalloc.h"
#include "mm/writeback.h"

#define F_CACHE		BIT(31)		/* in a page cache */
#define F_TABLE		BIT(30)		/* seen as a table */
#define F_MAPS		(F_TABLE - 1)
#define MAX_LINES	20
#define MAX_CHECKERS	8

struct audit {
	u32 *frame;
	u32 problems;
	u64 off_list;		/* pages in use, but on no reclaim list */
};

/* Walking one vma. */
struct vma_audit {
	struct audit *a;
	struct vm_area_struct *vma;
	u64 anon, file, swap;
};

static u32 (*checkers[MAX_CHECKERS])(void);
static u32 nr_checkers;

void mm_check_register(u32 (*fn)(void))
{
	KASSERT(nr_checkers < MAX_CHECKERS);
	checkers[nr_checkers++] = fn;
}

static void __printf(2, 3) problem(struct audit *a, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	a->problems++;
	if (a->problems > MAX_LINES)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_err("audit: %s\n", text);
}

/*
 * I1, I2: leaves.
 */
static bool chain_has(const struct vm_area_struct *vma,
		      const struct anon_vma *av)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		if (avc->anon_vma == av)
			return true;
	return false;
}

static bool found_by_rmap(const struct vm_area_struct *vma, vaddr_t va,
			  const struct page *p)
{
	u64 m = (u64)READ_ONCE(p->mapping);

	if (page_is_ksm(p))
		return ksm_rmap_finds(p, vma, va);
	if (p->index != linear_page_index(vma, va))
		return false;
	if (m & PAGE_MAPPING_ANON)
		return chain_has(vma, (void *)(m & ~PAGE_MAPPING_ANON));
	return m && m == (u64)vma->vm_mapping;
}

static void audit_leaf(struct vma_audit *v, vaddr_t va, pte_t e)
{
	u32 id = v->vma->vm_mm->id;
	struct page *p;

	if (pte_special(e) && (v->vma->vm_flags & VM_PFNMAP))
		return;			/* its owner's books */
	if (pte_special(e)) {
		if (!pte_is_zero_page(e) || pte_write(e))
			problem(v->a, "mm %u %llx: bad special entry %llx", id,
				va, e.val);
		return;
	}
	if (!pfn_valid(pte_pfn(e))) {
		problem(v->a, "mm %u %llx: entry %llx names no frame", id, va,
			e.val);
		return;
	}
	p = pte_page(e);
	v->a->frame[pte_pfn(e)]++;
	if (page_is_anon(p))
		v->anon++;
	else
		v->file++;
	if (pte_write(e) && !(v->vma->vm_flags & VM_SHARED) &&
	    (!page_is_anon(p) || !page_test(p, PG_anon_exclusive)))
		problem(v->a, "P3: mm %u %llx: frame %llx is writable, not exclusive",
			id, va, pte_pfn(e));
	if (pte_write(e) && !pte_soft_dirty(e) &&
	    vma_soft_dirty_enabled(v->vma))
		problem(v->a, "S1: mm %u %llx: writable, and a write leaves no trace",
			id, va);
	if (!found_by_rmap(v->vma, va, p))
		problem(v->a, "I2: mm %u %llx: frame %llx is not found by rmap",
			id, va, pte_pfn(e));
}

static void audit_swap(struct vma_audit *v, pte_t e)
{
	v->swap++;
	check_swap_entry(pte_to_swp(e));
}

static vaddr_t audit_leaf_table(struct vma_audit *v, vaddr_t va)
{
	struct pt_pos pos;
	bool more = true;

	lock_leaf(&v->vma->vm_mm->pgt, va, &pos);
	va = pos_end(&pos);
	for (; pos.level == 1 && more && pos.va < v->vma->vm_end;
	     more = pos_next(&pos)) {
		pte_t e = pte_read(pos.ptep);

		if (pte_limbo(e))
			problem(v->a, "I7: LIMBO at %llx", pos.va);
		else if (pte_mapped(e))
			audit_leaf(v, pos.va, e);
		else if (pte_is_swap(e))
			audit_swap(v, e);
		else if (!pte_none(e) && !pte_is_migration(e))
			problem(v->a, "mm %u %llx: odd entry %llx",
				v->vma->vm_mm->id, pos.va, e.val);
		va = pos_end(&pos);
	}
	unlock_table(&pos);
	return va;
}

static void audit_vma(struct vma_audit *v)
{
	struct anon_vma *av = v->vma->anon_vma;
	struct anon_vma *root = av ? av->root : NULL;
	vaddr_t va = v->vma->vm_start;

	if (root)
		down_read(&root->rwsem);
	while (va < v->vma->vm_end)
		va = audit_leaf_table(v, va);
	if (root)
		up_read(&root->rwsem);
}

/*
 * I6, I7: tables.
 */
static void audit_table(struct audit *a, const struct pt_pos *pos)
{
	struct page *t = pos->table;
	vaddr_t base = pos->level == PT_LEVELS ? 0 :
		pos->va & ~(pt_size(pos->level + 1) - 1);
	const pte_t *e = page_address(t);
	u32 nr = 0;

	for (u32 i = 0; i < PT_ENTRIES; i++) {
		nr += !pte_none(pte_read(&e[i]));
		if (pte_limbo(pte_read(&e[i])))
			problem(a, "I7: LIMBO in the %s table of %llx",
				pt_level_name[pos->level], base);
	}
	if (page_test(t, PG_retired))
		problem(a, "I7: the %s table of %llx is RETIRED",
			pt_level_name[pos->level], base);
	if (!page_test(t, PG_table) || t->pt_level != pos->level ||
	    t->pt != pos->pt || t->pt_base != base || page_count(t))
		problem(a, "I6: the %s table of %llx says level %d, base %llx, count %d",
			pt_level_name[pos->level], base, t->pt_level,
			t->pt_base, page_count(t));
	if (nr != t->pt_nr)
		problem(a, "I6: the %s table of %llx has %u entries, counts %u",
			pt_level_name[pos->level], base, nr, t->pt_nr);
	if (a->frame[page_to_pfn(t)] & F_TABLE)
		problem(a, "I6: the %s table of %llx has two parents",
			pt_level_name[pos->level], base);
	a->frame[page_to_pfn(t)] |= F_TABLE;
}

/* Number of tables of one level. */
static u64 audit_level(struct audit *a, struct pgtable *pt, int level)
{
	struct pt_pos pos;
	vaddr_t va = 0;
	u64 n = 0;

	while (va < USER_END) {
		if (lock_table(pt, va, level, &pos)) {
			va = pos_end(&pos);
			continue;
		}
		n++;
		audit_table(a, &pos);
		unlock_table(&pos);
		if (level == PT_LEVELS)
			break;
		va = (va & ~(pt_size(level + 1) - 1)) + pt_size(level + 1);
	}
	return n;
}

/*
 * I8 of one mm.  mmap_lock held.
 */
static void audit_mm(struct audit *a, struct mm_struct *mm)
{
	struct vma_audit v = { .a = a };
	u64 tables = 0, pages = 0;
	u32 vmas = 0;

	for_each_vma(mm, v.vma) {
		audit_vma(&v);
		vmas++;
		pages += vma_pages(v.vma);
	}
	for (int level = 1; level <= PT_LEVELS; level++)
		tables += audit_level(a, &mm->pgt, level);
	if (vma_tree_check(mm))
		problem(a, "I8: mm %u: %u vmas are out of place or have a wrong gap",
			mm->id, vma_tree_check(mm));
	if (vmas != mm->map_count || pages != mm->total_vm)
		problem(a, "I8: mm %u has %u vmas of %llu pages, counts %u, %llu",
			mm->id, vmas, pages, mm->map_count, mm->total_vm);
	if ((s64)v.anon != atomic64_read(&mm->rss_anon) ||
	    (s64)v.file != atomic64_read(&mm->rss_file))
		problem(a, "I8: mm %u maps %llu anon, %llu file pages, counts %lld, %lld",
			mm->id, v.anon, v.file, atomic64_read(&mm->rss_anon),
			atomic64_read(&mm->rss_file));
	if ((s64)v.swap != atomic64_read(&mm->swap_ents))
		problem(a, "I8: mm %u has %llu swap entries, counts %lld",
			mm->id, v.swap, atomic64_read(&mm->swap_ents));
	if ((s64)tables != atomic64_read(&mm->pgt.nr_tables))
		problem(a, "I8: mm %u has %llu tables, counts %lld", mm->id,
			tables, atomic64_read(&mm->pgt.nr_tables));
}

/*
 * Page caches.
 */
/* Flags and tags of one page (W2 of writeback.c).  i_pages_lock held. */
static u64 audit_tags(struct audit *a, struct address_space *m,
		      const struct page *p)
{
	bool dirty = radix_tree_tag_get(&m->i_pages, p->index, TAG_DIRTY);
	bool wb = radix_tree_tag_get(&m->i_pages, p->index, TAG_WRITEBACK);
	bool want = mapping_can_writeback(m) && page_test(p, PG_dirty);

	if (dirty != want || (wb && !page_test(p, PG_writeback)))
		problem(a, "I8: frame %llx is tagged%s%s, its flags are %llx",
			page_to_pfn(p), dirty ? " DIRTY" : "",
			wb ? " WRITEBACK" : "", p->flags);
	return dirty;
}

struct cache_audit { struct audit *a; u64 pages, dirty, swapped; };

/* i_pages_lock held. */
static void audit_item(struct cache_audit *c, struct address_space *m,
		       u64 index, void *item)
{
	struct page *p = item;

	if (item_is_swap(item)) {
		check_swap_entry(item_entry(item));
		c->swapped++;
		return;
	}
	if (p->mapping != m || p->index != index)
		problem(c->a, "frame %llx in a page cache at %llu says %llu",
			page_to_pfn(p), index, p->index);
	c->a->frame[page_to_pfn(p)] |= F_CACHE;
	c->dirty += audit_tags(c->a, m, p);
	c->pages++;
}

static void audit_mapping(struct address_space *m, void *arg)
{
	struct cache_audit c = { .a = arg };
	u64 index[16], first = 0;
	void *item[16];
	u32 got;

	spin_lock(&m->i_pages_lock);
	while ((got = radix_tree_gang_lookup(&m->i_pages, item, index, first,
					     ARRAY_SIZE(item)))) {
		for (u32 i = 0; i < got; i++)
			audit_item(&c, m, index[i], item[i]);
		first = index[got - 1] + 1;
	}
	if (c.pages != m->nrpages || c.dirty != m->nrdirty ||
	    c.swapped != m->nrswapped)
		problem(c.a, "I8: a cache: %llu pages, %llu dirty, %llu out, not %llu, %llu, %llu",
			c.pages, c.dirty, c.swapped, m->nrpages, m->nrdirty,
			m->nrswapped);
	spin_unlock(&m->i_pages_lock);
}

/*
 * I1, I4, I5: frames.
 */
static void audit_frame(struct audit *a, pfn_t pfn)
{
	struct page *p = pfn_to_page(pfn);
	u32 maps = a->frame[pfn] & F_MAPS;
	u32 claims = maps + !!(a->frame[pfn] & F_CACHE) +
		     page_test(p, PG_swapcache);

	if (page_test(p, PG_reserved) && !claims)
		return;
	if (page_mapcount(p) != (int)maps)
		problem(a, "I1: frame %llx is mapped %u times, counts %d", pfn,
			maps, page_mapcount(p));
	if (!claims)
		return;
	a->off_list += !page_test(p, PG_lru) && !lru_holds(p);
	if (maps && page_test(p, PG_anon_exclusive) &&
	    (maps > 1 || !page_is_anon(p)))
		problem(a, "P3: frame %llx is exclusive, but mapped %u times%s",
			pfn, maps, page_is_anon(p) ? "" : " and no anonymous page");
	if (page_test(p, PG_zero))
		problem(a, "the zero page counts as mapped or cached");
	if (page_test(p, PG_buddy) || page_test(p, PG_pcp) ||
	    page_test(p, PG_table) ||
	    page_test(p, PG_slab) || page_test(p, PG_poisoned))
		problem(a, "I5: frame %llx is mapped or cached, flags %llx",
			pfn, p->flags);
	if (page_count(p) < (int)claims)
		problem(a, "I4: frame %llx has %u claims, count %d", pfn,
			claims, page_count(p));
}

/* The world stands still. */
static u32 audit(u32 *frame)
{
	struct audit a = { .frame = frame };

	for (pfn_t pfn = 0; pfn < max_pfn; pfn++)
		frame[pfn] = 0;
	check_swap_begin();
	for (u32 i = 0; i < stopped_mms.nr; i++)
		audit_mm(&a, stopped_mms.mm[i]);
	for_each_mapping(audit_mapping, &a);
	for (pfn_t pfn = 0; pfn < max_pfn; pfn++)
		if (pfn_valid(pfn))
			audit_frame(&a, pfn);
	return a.problems + check_lru(a.off_list) + check_swap_end();
}

/* Problems; -ENOMEM, -EBUSY: it could not look. */
static s64 stop_and_audit(u32 *frame)
{
	s64 problems = stop_world();

	if (problems)
		return problems;
	problems = audit(frame);
	start_world();
	for (u32 i = 0; i < nr_checkers; i++)
		problems += checkers[i]();			/* I3 */
	return problems;
}

u32 mm_check(void)
{
	u32 *frame = vmalloc(max_pfn * sizeof(*frame));
	s64 problems = -ENOMEM;

	mutex_lock(&audit_mutex);
	if (frame)
		problems = stop_and_audit(frame);
	mutex_unlock(&audit_mutex);
	vfree(frame);
	if (problems >= 0)
		return (u32)problems;
	pr_warn("audit: nothing checked: %pe\n", ERR_PTR(problems));
	return problems == -EBUSY;
}

KT_CHECK(mm, mm_check);
