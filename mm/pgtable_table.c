/* SPDX-License-Identifier: MIT */
/*
 * Table pages: made, detached, freed.
 *
 *	table_alloc -> (published in a parent entry) -> RETIRED -> table_free_rcu
 *	      \-> table_free, when it was never published
 *
 * L1  A table page is frozen (count 0) all its life: no speculative getter
 *     can take a reference on it.
 * L2  A detached table is RETIRED under its own lock, after the parent entry
 *     was cleared under the parent's (R3), and stays RETIRED until its frame
 *     is free: struct page keeps ptl and rcu apart for those who still spin.
 * L3  It is freed after every CPU and table-walking device was flushed (the
 *     gather sees to that) and after a grace period.
 * L4  A table is freed by free_pgtables only when it lies wholly in a hole of
 *     the vma layout, [floor, ceiling), so nobody can fault into it.
 * L5  The kernel's 256 top-level entries are filled once, before the first
 *     user root copies them, and never change.
 *
 * Locks: parent, then child.  Tests: tests/kt/kt_pgtable.c
 */
#include "kernel/racepoint.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/internal_low.h"
#include "mm/mmu_model.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/tlb.h"

#define KERNEL_SLOT0	(PT_ENTRIES / 2)

static atomic64_t table_pages;
static bool kernel_sealed;

static const u16 cpu_ranks[PT_LEVELS + 1] = {
	LOCK_PT_ROOT, LOCK_PTE, LOCK_PMD, LOCK_PUD, LOCK_PGD,
};
static const u16 device_ranks[PT_LEVELS + 1] = {
	LOCK_SPT_ROOT, LOCK_SPTE, LOCK_SPMD, LOCK_SPUD, LOCK_SPGD,
};

u64 nr_table_pages(void)
{
	return (u64)atomic64_read(&table_pages);
}

u64 table_flags(const struct pgtable *pt)
{
	return pt == &init_mm.pgt ? TABLE_FLAGS & ~PTE_U : TABLE_FLAGS;
}

void table_ctor(struct page *page, struct pgtable *pt, int level, vaddr_t va)
{
	KASSERT(page_count(page) == 0);			/* L1 */
	spin_lock_init(&page->ptl, pt->rank[level]);
	page->pt_level = (u8)level;
	page->pt_nr = 0;
	page->pt = pt;
	page->pt_base = level == PT_LEVELS ? 0 : va & ~(pt_size(level + 1) - 1);
	page_become(page, PG_table);
	atomic64_inc(&pt->nr_tables);
	atomic64_inc(&table_pages);
}

struct page *table_alloc(struct pgtable *pt, int level, vaddr_t va)
{
	struct page *page = alloc_page(ALLOC_ZERO | ALLOC_FROZEN);

	if (page)
		table_ctor(page, pt, level, va);
	return page;
}

static void table_dtor(struct page *table)
{
	if (CONFIG_LAB)
		mmu_model_table_free(table);
	page_unbecome(table, PG_table);
	page_clear(table, PG_retired);
	atomic64_dec(&table_pages);
	free_page(table);
}

void table_free(struct page *table)
{
	KASSERT(!page_test(table, PG_retired));
	atomic64_dec(&table->pt->nr_tables);
	table_dtor(table);
}

static void free_after_gp(struct rcu_head *head)
{
	struct page *table = container_of(head, struct page, rcu);

	TRACE2(MOVE_FREE, table, table->pt_level);
	table_dtor(table);
}

/* The tree may be gone before the grace period ends: leave it now. */
void table_free_rcu(struct page *table)
{
	KASSERT(page_test(table, PG_retired));			/* L2 */
	atomic64_dec(&table->pt->nr_tables);
	table->pt = NULL;
	if (BUG_SWITCH("table_no_gp"))
		free_after_gp(&table->rcu);
	else
		call_rcu(&table->rcu, free_after_gp);
}

void pgtable_seal_kernel(void)
{
	kernel_sealed = true;
}

/* L5.  Not a relocation of entries: these are the same for ever. */
static void share_kernel_half(struct page *root)
{
	pte_t *to = page_address(root);

	KASSERT(kernel_sealed);
	for (u32 i = KERNEL_SLOT0; i < PT_ENTRIES; i++) {
		to[i] = pte_read(&init_mm.pgt.pgd[i]);
		root->pt_nr++;
	}
}

int pgtable_init(struct pgtable *pt, struct mm_struct *mm,
		 enum pgtable_kind kind)
{
	const u16 *rank = kind == PGT_DEVICE ? device_ranks : cpu_ranks;
	struct page *root;

	for (int i = 0; i <= PT_LEVELS; i++)
		pt->rank[i] = rank[i];
	spin_lock_init(&pt->root_lock, rank[0]);
	atomic64_set(&pt->nr_tables, 0);
	pt->mm = mm;
	root = table_alloc(pt, PT_LEVELS, 0);
	if (!root)
		return -ENOMEM;
	if (kind == PGT_USER)
		share_kernel_half(root);
	pt->pgd = page_address(root);
	return 0;
}

/* Nobody can reach `table` any more, CPUs and devices are flushed. */
static void retire(struct page *table)
{
	table_lock(table);
	page_set(table, PG_retired);
	table_unlock_retired(table);
}

void pgtable_destroy(struct pgtable *pt)
{
	struct page *root = table_page(pt->pgd);
	u32 left = pt->mm ? PT_ENTRIES - KERNEL_SLOT0 : 0;

	KASSERT(pt != &init_mm.pgt);
	if (root->pt_nr != left)
		panic("page tables at %p: %u top-level entries are left", pt,
		      root->pt_nr - left);
	retire(root);
	pt->pgd = NULL;
	table_free_rcu(root);
	KASSERT(atomic64_read(&pt->nr_tables) == 0);
}

/* Does [base, base+span) lie in the hole?  A ceiling of 0 is no ceiling. */
static bool in_hole(vaddr_t base, u64 span, vaddr_t floor, vaddr_t ceiling)
{
	return base >= floor && base + span - 1 <= ceiling - 1;
}

/* pos: the locked parent.  Takes the table below it out of the tree. */
static void detach_child(struct mmu_gather *tlb, struct pt_pos *pos)
{
	pte_t e = pte_read(pos->ptep);
	struct page *child;

	if (!pte_table(e, pos->level)) {
		KASSERT(pte_none(e));
		return;
	}
	child = pte_page(e);
	table_lock(child);
	if (child->pt_nr)
		panic("free_pgtables: %s table of %llx still has %u entries",
		      pt_level_name[child->pt_level], pos->va, child->pt_nr);
	pte_clear_table(pos);
	page_set(child, PG_retired);			/* L2 */
	if (CONFIG_LAB)
		mmu_model_table_detached(pos->pt->mm, child);
	table_unlock_retired(child);
	tlb_remove_table(tlb, child);
}

struct hole { vaddr_t start, end, floor, ceiling; };

static bool next_used_before(struct pt_pos *pos, vaddr_t end)
{
	return pos->table->pt_nr && pos_end(pos) < end && pos_next_used(pos);
}

/* The children of one locked table that lie in the hole. */
static void free_children(struct mmu_gather *tlb, struct pt_pos *pos,
			  const struct hole *h)
{
	u64 span = pt_size(pos->level);
	bool more = !pte_none(pte_read(pos->ptep)) ||
		    next_used_before(pos, h->end);

	for (; more; more = next_used_before(pos, h->end))
		if (in_hole(pos->va & ~(span - 1), span, h->floor, h->ceiling))
			detach_child(tlb, pos);
}

/* All tables of `level` in the hole. */
static void free_level(struct mmu_gather *tlb, int level, const struct hole *h)
{
	struct pgtable *pt = &tlb->mm->pgt;
	u64 parent_span = pt_size(level + 1) * PT_ENTRIES;
	vaddr_t va = h->start;

	while (va < h->end) {
		struct pt_pos pos;

		va = pgtable_next_table(pt, va, h->end, level + 1);
		if (va < h->end && !lock_table(pt, va, level + 1, &pos)) {
			free_children(tlb, &pos, h);
			unlock_table(&pos);
		}
		va = (va & ~(parent_span - 1)) + parent_span;
	}
}

void free_pgtables(struct mmu_gather *tlb, vaddr_t start, vaddr_t end,
		   vaddr_t floor, vaddr_t ceiling)
{
	const struct hole h = { start, end, floor, ceiling };

	for (int level = 1; level < PT_LEVELS; level++)
		free_level(tlb, level, &h);
}

/* Recursion of depth 3: `table` and everything below it. */
static void free_subtree(struct page *table)
{
	pte_t *t = page_address(table);

	retire(table);
	for (u32 i = 0; i < PT_ENTRIES; i++)
		if (pte_table(t[i], table->pt_level))
			free_subtree(pte_page(t[i]));
	table_free_rcu(table);
}

void pgtable_free_all(struct pgtable *pt)
{
	struct page *root = table_page(pt->pgd);
	pte_t *t = pt->pgd;

	KASSERT(!pt->mm);
	for (u32 i = 0; i < PT_ENTRIES; i++) {
		pte_t e = pte_xchg_raw(&t[i], __pte(0));

		if (pte_none(e))
			continue;
		root->pt_nr--;
		free_subtree(pte_page(e));
	}
}
