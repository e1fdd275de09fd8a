/* SPDX-License-Identifier: MIT */
/*
 * The SVA-like device: it walks the CPU's own page tables, as an IOMMU does
 * for shared virtual addresses.  What is its own are caches: a TLB of leaves, a
 * paging-structure cache (PSC) of the addresses of tables, and the root in its
 * context entry.  It sets accessed and dirty bits in the process's entries.
 *
 *	access (hardware, tlb_lock held)	change (whoever)
 *	(1) TLB hit, or a walk that begins	(A) the entry changes; CPUs flush
 *	    at the deepest cached table		(B) flush code: leaves of the
 *	(2) A (and D) set in the entry		    range go
 *	(3) load or store			(C) pages are freed
 *						(D) a table leaves the tree: moved
 *						    or freed; CPUs flush
 *						(E) tables_moved: cached tables
 *						    of the range go
 *						(F) harvest; free after RCU
 *
 * S1  An access before (B) may use the old leaf: its page is freed in (C) only.
 *     Afterwards the TLB misses, and the walk finds what (A) left.  So nobody
 *     calls range_start: the flush that CPUs need serves the device too.
 * S2  An access before (E) may walk the old table, and sets its bits there;
 *     (F) collects them.  Afterwards no walk gets there.  The grace period is
 *     no help: a cached table is kept from access to access.
 * S3  A flush of leaves keeps the PSC: leaves change often, tables rarely, and
 *     only tables_moved says that they did.
 * S4  release takes the root away before the tables are freed.
 *
 * A fault is answered as a page request: the process's entry is made, and the
 * device walks again.  As with a CPU, it also drops the PSC's entries for the
 * address [SDM 3A 4.10.4.1].
 *
 * A walk that meets a table of nobody, of somebody else, or one filled with
 * LIMBO is a stale access; two in a row end it with -EIO.  The model counts
 * cached tables as names of their frames, and reports one that is freed.
 *
 * Locks: tlb_lock for everything.  Bug switches: sva_keeps_tables (E),
 * sva_keeps_leaves (B).
 * Tests: tests/kt/kt_shadow_class.c, tests/kt/kt_sva.c, tests/race/race_sva.c
 */
#include "drivers/shadow/internal.h"
#include "kernel/config.h"
#include "kernel/racepoint.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/gup.h"
#include "mm/mmu_model.h"

#define PSC_SLOTS	8
#define PSC_LEVELS	(PT_LEVELS - 1)	/* tables of levels 1 to 3 */

struct psc_entry {
	vaddr_t base;			/* of what the table covers */
	pte_t *table;			/* NULL: empty */
};

struct sva {
	struct shadow_dev dev;
	/* tlb_lock */
	struct psc_entry root;		/* the context entry */
	struct psc_entry psc[PSC_LEVELS][PSC_SLOTS]; /* by level - 1 */
	u32 astray;			/* stale walks since the last good one */
};

static struct sva *sva_of(struct shadow_dev *d)
{
	return container_of(d, struct sva, dev);
}

/*
 * The caches.
 */
static void psc_set(struct sva *s, struct psc_entry *c, vaddr_t base,
		    pte_t *table)
{
	if (CONFIG_LAB && c->table)
		mmu_model_secondary_del(s->dev.id, c->base,
					page_to_pfn(virt_to_page(c->table)));
	*c = (struct psc_entry){ base, table };
	if (CONFIG_LAB && table)
		mmu_model_secondary_add(s->dev.id, base,
					page_to_pfn(virt_to_page(table)));
}

/* What a table of this level covers begins there. */
static vaddr_t table_base(vaddr_t va, int level)
{
	return va & ~(pt_size(level + 1) - 1);
}

static struct psc_entry *psc_slot(struct sva *s, vaddr_t va, int level)
{
	return &s->psc[level - 1][(va >> pt_shift(level + 1)) % PSC_SLOTS];
}

/* The deepest table cached for va, and its level; NULL: not even a root. */
static pte_t *psc_find(struct sva *s, vaddr_t va, int *level)
{
	for (*level = 1; *level <= PSC_LEVELS; ++*level) {
		struct psc_entry *c = psc_slot(s, va, *level);

		if (c->table && c->base == table_base(va, *level))
			return c->table;
	}
	return s->root.table;
}

static void psc_drop(struct sva *s, vaddr_t start, vaddr_t end, int level)
{
	for (u32 i = 0; i < PSC_SLOTS; i++) {
		struct psc_entry *c = &s->psc[level - 1][i];

		if (c->table && c->base < end &&
		    c->base + pt_size(level + 1) > start)
			psc_set(s, c, 0, NULL);
	}
}

static void psc_drop_all(struct sva *s, vaddr_t start, vaddr_t end)
{
	for (int level = 1; level <= PSC_LEVELS; level++)
		psc_drop(s, start, end, level);
}

/*
 * The walk.
 */
static bool table_is_stale(struct sva *s, pte_t *table, int level)
{
	const struct page *p = virt_to_page(table);

	return !page_test(p, PG_table) || p->pt_level != level ||
		p->pt != &s->dev.mm->pgt;
}

static bool go_astray(struct sva *s)
{
	shadow_count(&s->dev, SHADOW_STALE, 1);
	s->astray++;
	return false;
}

static bool walk_from(struct sva *s, pte_t *table, int level, vaddr_t va,
		      pte_t **leaf)
{
	for (;; level--) {
		pte_t *p = &table[pt_index(va, level)], e;

		if (table_is_stale(s, table, level))
			return go_astray(s);
		e = pte_read(p);
		if (pte_limbo(e))
			return go_astray(s);
		*leaf = p;
		if (level == 1)
			return true;
		if (!pte_table(e, level))
			return false;
		table = phys_to_virt(pte_phys(e));
		psc_set(s, psc_slot(s, va, level - 1),
			table_base(va, level - 1), table);
	}
}

/* (1) */
static bool sva_walk(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		     pte_t *found)
{
	struct sva *s = sva_of(d);
	pte_t *table, *leaf;
	int level;

	table = psc_find(s, va, &level);
	if (table && walk_from(s, table, level, va, &leaf) &&
	    shadow_use_leaf(leaf, how, found)) {	/* (2) */
		s->astray = 0;
		shadow_count(d, SHADOW_INSTALLS, 1);
		shadow_count(d, SHADOW_ENTRIES, 1);
		return true;
	}
	psc_drop_all(s, va, va + 1);
	return false;
}

static void sva_dropped(struct shadow_dev *d, vaddr_t va, pte_t e)
{
	(void)va;
	(void)e;
	shadow_count(d, SHADOW_ENTRIES, -1);
}

static int sva_fault(struct shadow_dev *d, vaddr_t va, enum shadow_access how)
{
	struct page *page;
	bool writable;
	int err;

	if (READ_ONCE(d->dead))
		return -ESRCH;
	if (READ_ONCE(sva_of(d)->astray) > 1)
		return -EIO;		/* the root itself leads nowhere */
	err = get_user_page(d->mm, va, how == SHADOW_ACCESS_WRITE ?
			    FOLL_WRITE : 0, &page, &writable);
	if (!err)
		put_page(page);
	return err;
}

/*
 * Callbacks.
 */

/* (B) */
static void sva_invalidate(struct mmu_notifier *mn, struct mm_struct *mm,
			   vaddr_t start, vaddr_t end)
{
	struct shadow_dev *d = dev_of(mn);
	u32 n;

	(void)mm;
	if (BUG_SWITCH("sva_keeps_leaves"))
		return;
	spin_lock(&d->tlb_lock);
	n = shadow_tlb_drop(d, start, end);
	spin_unlock(&d->tlb_lock);
	shadow_count(d, SHADOW_ZAPS, n);
	TRACE4(SHADOW_ZAP, d->id, start, end, n);
}

/* The process's entry lost its A, without a flush: the next use sets it. */
static int sva_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				 vaddr_t start, vaddr_t end)
{
	(void)mm;
	shadow_tlb_flush(dev_of(mn), start, end);
	return 0;
}

/* (E) */
static void sva_tables_moved(struct mmu_notifier *mn, struct mm_struct *mm,
			     vaddr_t start, vaddr_t end, int level)
{
	struct shadow_dev *d = dev_of(mn);
	struct sva *s = sva_of(d);

	if (BUG_SWITCH("sva_keeps_tables"))
		return;
	spin_lock(&d->tlb_lock);
	if (level < PT_LEVELS)
		psc_drop(s, start, end, level);
	else if (!d->dead)
		psc_set(s, &s->root, 0, READ_ONCE(mm->pgt.pgd));
	spin_unlock(&d->tlb_lock);
}

/* S4 */
static void sva_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct shadow_dev *d = dev_of(mn);
	struct sva *s = sva_of(d);

	(void)mm;
	spin_lock(&d->tlb_lock);
	WRITE_ONCE(d->dead, true);
	psc_set(s, &s->root, 0, NULL);
	psc_drop_all(s, 0, USER_END);
	shadow_tlb_drop(d, 0, USER_END);
	spin_unlock(&d->tlb_lock);
}

static const struct mmu_notifier_ops sva_mn_ops = {
	.release			= sva_release,
	.clear_flush_young		= sva_clear_flush_young,
	.arch_invalidate_secondary_tlbs	= sva_invalidate,
	.tables_moved			= sva_tables_moved,
};

static u64 sva_tables(struct shadow_dev *d)
{
	struct sva *s = sva_of(d);
	u64 n;

	spin_lock(&d->tlb_lock);
	n = s->root.table != NULL;
	for (u32 i = 0; i < PSC_LEVELS * PSC_SLOTS; i++)
		n += s->psc[i / PSC_SLOTS][i % PSC_SLOTS].table != NULL;
	spin_unlock(&d->tlb_lock);
	return n;
}

/* Registered: the first root that counts is read when changes are told. */
static void sva_start(struct shadow_dev *d)
{
	spin_lock(&d->tlb_lock);
	if (!d->dead)
		psc_set(sva_of(d), &sva_of(d)->root, 0,
			READ_ONCE(d->mm->pgt.pgd));
	spin_unlock(&d->tlb_lock);
}

const struct shadow_class shadow_sva = {
	.name = "sva",
	.node = "shadow-sva",
	.size = sizeof(struct sva),
	.mn_ops = &sva_mn_ops,
	.start = sva_start,
	.walk = sva_walk,
	.resolve = sva_fault,
	.dropped = sva_dropped,
	.check = shadow_check_settled,
	.tables = sva_tables,
};
