/* SPDX-License-Identifier: MIT */
/*
 * Reverse mapping: counting who maps a page, and finding all of them.
 *
 * P1. _mapcount + 1 is the number of leaf entries (present or PROT_NONE) that
 *     name the page; each holds a reference on it.  Zero-page entries
 *     (PTE_SPECIAL) are not counted.
 * P2. Adding precedes pte_set, removing follows pte_clear and its flush or
 *     queueing; both under the lock of the table the entry stands in.
 * P3. PG_anon_exclusive: exactly one entry maps the page and only it may get
 *     write permission without a copy.  Fork clears it.  So a writable entry
 *     of a private mapping names an exclusive page (audited).
 * P4. A walk may visit vmas that do not map the page (any more): the callback
 *     looks at the entry itself, under the table's lock, also when it looks
 *     empty - so that whoever clears it has finished when we go on.
 *
 * Finding an anonymous page's anon_vma without a lock:
 *	walker				last unmapper / freer
 *	(1) rcu_read_lock		(A) mapcount to -1
 *	(2) m = page->mapping		(B) unlink_anon_vmas, put_anon_vma
 *	(3) mapped? else give up	(C) free page; free anon_vma (type-stable)
 *	(4) refcount inc_not_zero
 *	(5) still mapped, same m?
 * (4) after (C) takes another family's anon_vma or fails; (5) sees (A).
 *
 * Locks: page lock (file pages), i_mmap_rwsem or anon_vma root read, then the
 * notifier section, then the table.  Tests: tests/kt/kt_rmap.c
 */
#include "kernel/lockdep.h"
#include "kernel/racepoint.h"
#include "mm/internal.h"
#include "mm/filemap.h"
#include "mm/ksm.h"
#include "mm/lru.h"
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"

/* p's first mapping, and the only one there can be for now. */
static void first_and_only(struct page *p, struct vm_area_struct *vma,
			   vaddr_t va)
{
	KASSERT(vma->anon_vma && va >= vma->vm_start && va < vma->vm_end);
	KASSERT(!page_mapped(p));
	p->index = linear_page_index(vma, va);
	WRITE_ONCE(p->mapping, (void *)((u64)vma->anon_vma |
					PAGE_MAPPING_ANON));
	page_set(p, PG_anon_exclusive);
	if (CONFIG_LAB && !page_test(p, PG_anon))
		page_become(p, PG_anon);
	atomic_set(&p->_mapcount, 0);
}

void page_add_new_anon_rmap(struct page *p, struct vm_area_struct *vma,
			    vaddr_t va)
{
	first_and_only(p, vma, va);
	atomic64_inc(&vma->vm_mm->rss_anon);
	page_set(p, PG_swapbacked);
	lru_add(p);
}

/*
 * The page lock keeps others from mapping it as the first at the same time.
 * A page of the swap cache is on a list already, or isolated from one: it is
 * not ours to add.
 */
void page_add_swapped_rmap(struct page *p, struct vm_area_struct *vma,
			   vaddr_t va, enum swapped_as as)
{
	KASSERT(page_test(p, PG_locked) && vma->anon_vma);
	atomic64_inc(&vma->vm_mm->rss_anon);
	if (as == SWAPPED_EXCLUSIVE) {
		first_and_only(p, vma, va);
		return;
	}
	if (!page_mapped(p)) {
		p->index = linear_page_index(vma, va);
		WRITE_ONCE(p->mapping, (void *)((u64)vma->anon_vma->root |
						PAGE_MAPPING_ANON));
	}
	atomic_inc(&p->_mapcount);
}

void page_add_anon_rmap(struct page *p, struct vm_area_struct *vma)
{
	KASSERT(page_is_anon(p) && page_mapped(p));
	atomic_inc(&p->_mapcount);
	atomic64_inc(&vma->vm_mm->rss_anon);
}

void page_restore_anon_rmap(struct page *p, struct vm_area_struct *vma)
{
	KASSERT(page_is_anon(p) && page_test(p, PG_locked));
	atomic_inc(&p->_mapcount);
	atomic64_inc(&vma->vm_mm->rss_anon);
}

void page_add_file_rmap(struct page *p, struct vm_area_struct *vma)
{
	KASSERT(!page_is_anon(p));
	atomic_inc(&p->_mapcount);
	atomic64_inc(&vma->vm_mm->rss_file);
}

void page_remove_rmap(struct page *p, struct vm_area_struct *vma)
{
	KASSERT(page_mapped(p));
	if (page_is_anon(p))
		atomic64_dec(&vma->vm_mm->rss_anon);
	else
		atomic64_dec(&vma->vm_mm->rss_file);
	atomic_dec(&p->_mapcount);
}

/* The steps (1)-(5) of the table above. */
struct anon_vma *page_get_anon_vma(struct page *p)
{
	struct anon_vma *av = NULL;
	u64 m;

	rcu_read_lock();				/* (1) */
	m = (u64)READ_ONCE(p->mapping);			/* (2) */
	if ((m & PAGE_MAPPING_FLAGS) == PAGE_MAPPING_ANON &&
	    page_mapped(p))				/* (3) */
		av = (struct anon_vma *)(m & ~PAGE_MAPPING_ANON);
	if (av)
		RACE_POINT("rmap:before_get");
	if (av && !atomic_inc_not_zero(&av->refcount))	/* (4) */
		av = NULL;
	rcu_read_unlock();
	if (!av)
		return NULL;
	if ((u64)READ_ONCE(p->mapping) != m || !page_mapped(p)) {	/* (5) */
		put_anon_vma(av);
		return NULL;
	}
	return av;
}

static vaddr_t vma_address(const struct vm_area_struct *vma, u64 index)
{
	return vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT);
}

int rmap_walk_place(struct page *p, struct anon_vma *av, u64 index, rmap_fn *fn,
		    void *arg)
{
	struct interval_tree_node *n;
	int ret = 0;

	down_read(&av->root->rwsem);
	interval_tree_for_each(n, &av->rb_root, index, index) {
		struct anon_vma_chain *avc =
			container_of(n, struct anon_vma_chain, node);

		ret = fn(p, avc->vma, vma_address(avc->vma, index), arg);
		if (ret)
			break;
	}
	up_read(&av->root->rwsem);
	return ret;
}

int rmap_walk_anon_vma(struct page *p, struct anon_vma *av, rmap_fn *fn,
		       void *arg)
{
	return rmap_walk_place(p, av, p->index, fn, arg);
}

static int walk_anon(struct page *p, rmap_fn *fn, void *arg)
{
	struct anon_vma *av = page_get_anon_vma(p);
	int ret;

	if (!av)
		return 0;
	ret = rmap_walk_anon_vma(p, av, fn, arg);
	put_anon_vma(av);
	return ret;
}

static int walk_file(struct page *p, rmap_fn *fn, void *arg)
{
	struct address_space *m = READ_ONCE(p->mapping);
	struct interval_tree_node *n;
	u64 index = p->index;
	int ret = 0;

	KASSERT(page_test(p, PG_locked));
	if (!m)
		return 0;
	down_read(&m->i_mmap_rwsem);
	interval_tree_for_each(n, &m->i_mmap, index, index) {
		struct vm_area_struct *vma =
			container_of(n, struct vm_area_struct, shared);

		ret = fn(p, vma, vma_address(vma, index), arg);
		if (ret)
			break;
	}
	up_read(&m->i_mmap_rwsem);
	return ret;
}

int rmap_walk(struct page *p, rmap_fn *fn, void *arg)
{
	might_sleep();
	KASSERT(page_count(p) > 0);
	if (page_is_ksm(p))
		return ksm_rmap_walk(p, fn, arg);
	return page_is_anon(p) ? walk_anon(p, fn, arg) : walk_file(p, fn, arg);
}

/* A look without the lock (lab): "none" may be a zap that is half way. */
static bool looks_unmapped(struct mm_struct *mm, vaddr_t va)
{
	int level;
	pte_t e;

	rcu_read_lock();
	e = pgtable_read(&mm->pgt, va, &level, NULL);
	rcu_read_unlock();
	return level > 1 || !pte_mapped(e);
}

bool page_vma_mapped(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		     struct pt_pos *pos)
{
	pte_t e;

	if (BUG_SWITCH("walk_no_sync") && looks_unmapped(vma->vm_mm, va))
		return false;

	lock_leaf(&vma->vm_mm->pgt, va, pos);		/* P4 */
	e = pte_read(pos->ptep);
	if (pos->level == 1 && pte_mapped(e) && !pte_special(e) &&
	    pte_page(e) == p)
		return true;
	unlock_table(pos);
	return false;
}

struct reference { int count; u64 vm_flags; };

static int referenced_one(struct page *p, struct vm_area_struct *vma,
			  vaddr_t va, void *arg)
{
	struct mm_struct *mm = vma->vm_mm;
	struct pt_pos pos;
	struct reference *ref = arg;

	if (!page_vma_mapped(p, vma, va, &pos))
		return 0;
	ref->vm_flags |= vma->vm_flags;
	if (vma->vm_flags & VM_LOCKED) {
		unlock_table(&pos);
		return 1;		/* it stays: the rest does not matter */
	}
	/* No flush: an A bit that comes late only delays the next ageing. */
	if (pte_young(pte_read(pos.ptep)) &&
	    pte_young(pte_modify(&pos, PTE_A, 0)))
		ref->count++;
	if (mmu_notifier_clear_flush_young(mm, va, va + PAGE_SIZE))
		ref->count++;				/* G6 */
	unlock_table(&pos);
	return 0;
}

int page_referenced(struct page *p, u64 *vm_flags)
{
	struct reference ref = { 0 };

	if (page_mapped(p))
		rmap_walk(p, referenced_one, &ref);
	if (vm_flags)
		*vm_flags = ref.vm_flags;
	return ref.count;
}

/* S; lock; clear + flush; set read-only and clean; unlock; E. */
static int mkclean_one(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		       void *arg)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	struct pt_pos pos;
	bool *dirty = arg;
	pte_t e;

	if (!(vma->vm_flags & VM_SHARED))
		return 0;
	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, mm, va,
				va + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	if (page_vma_mapped(p, vma, va, &pos)) {
		e = pte_read(pos.ptep);
		if (pte_dirty(e) || pte_write(e)) {
			e = pte_clear(&pos);
			flush_tlb_page(mm, va);
			*dirty |= pte_dirty(e);
			pte_set(&pos, pte_mkclean(pte_wrprotect(e)));
		}
		unlock_table(&pos);
	}
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

bool page_mkclean(struct page *p)
{
	bool dirty = false;

	KASSERT(page_test(p, PG_locked));
	if (!page_is_anon(p) && page_mapped(p))
		rmap_walk(p, mkclean_one, &dirty);
	/* A device's dirty state went to the page in range_start. */
	return dirty;
}
