/* SPDX-License-Identifier: MIT */
/*
 * MADV_COLD, MADV_PAGEOUT, MADV_FREE: advice about single mappings, so pages
 * that others map too are left alone.
 *
 * MADV_FREE of one page:
 *	(1) section start; table lock
 *	(2) out of the swap cache, PG_dirty clear (page lock)
 *	(3) clear A and D in the entry, note the flush
 *	(4) PG_swapbacked clear: lazyfree, to the old lists
 *	(5) unlock; section end; flush before we return
 * A write after (5) sets D again, because no CPU has the entry with D cached,
 * and reclaim keeps the page (U4 of unmap.c).  A write before that may be lost:
 * that is what was asked for.
 *
 * Locks: the caller's mmap_lock, table, trylock of the page; lru_lock.
 * Tests: tests/kt/kt_vmscan.c, tests/abi/t_reclaim
 */
#include "mm/internal.h"
#include "mm/lru.h"
#include "mm/mmu_notifier.h"
#include "mm/reclaim_hint.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/tlb_batch.h"
#include "mm/vmscan.h"
#include "mm/vmstat.h"

#define BATCH 32

/* The page of a leaf that only this entry maps, or NULL. */
static struct page *sole_page(const struct pt_pos *pos)
{
	pte_t e = pte_read(pos->ptep);
	struct page *p;

	if (pos->level > 1 || !pte_mapped(e) || pte_special(e))
		return NULL;
	p = pte_page(e);
	return page_mapcount(p) == 1 ? p : NULL;
}

/* Isolates up to BATCH pages from *va on, within one table. */
static u32 isolate_some(struct vm_area_struct *vma, vaddr_t *va, vaddr_t end,
			struct list_head *pages)
{
	struct pt_pos pos;
	bool more = true;
	u32 n = 0;

	lock_leaf(&vma->vm_mm->pgt, *va, &pos);
	for (; more && pos.va < end && n < BATCH; more = pos_next(&pos)) {
		struct page *p = sole_page(&pos);

		*va = pos_end(&pos);
		if (p && lru_isolate_page(p)) {
			list_add_tail(&p->lru, pages);
			n++;
		}
	}
	unlock_table(&pos);
	return n;
}

u64 madvise_pageout_range(struct vm_area_struct *vma, vaddr_t start,
			  vaddr_t end)
{
	struct scan_control sc = {
		.by = RECLAIM_DIRECT, .flags = SCAN_IGNORE_REFERENCES,
	};
	LIST_HEAD(pages);

	might_reclaim();
	while (start < end)
		if (isolate_some(vma, &start, end, &pages))
			shrink_page_list(&pages, &sc);
	return sc.reclaimed;
}

void madvise_cold_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	struct pt_pos pos;
	bool more;

	while (start < end) {
		lock_leaf(&vma->vm_mm->pgt, start, &pos);
		for (more = true; more && pos.va < end; more = pos_next(&pos)) {
			struct page *p = sole_page(&pos);

			start = pos_end(&pos);
			if (!p)
				continue;
			/* No flush: as in page_referenced. */
			pte_modify(&pos, PTE_A, 0);
			page_clear(p, PG_referenced);
			lru_deactivate(p);
		}
		unlock_table(&pos);
	}
}

/* (2).  False: in use in a way we do not see through. */
static bool forget_contents(struct page *p)
{
	bool ok = true;

	if (!page_test(p, PG_swapcache) && !page_test(p, PG_dirty))
		return true;
	if (!trylock_page(p))
		return false;
	if (page_mapcount(p) != 1 ||
	    (page_test(p, PG_swapcache) && !try_to_free_swap(p)))
		ok = false;
	else
		page_clear(p, PG_dirty);
	unlock_page(p);
	return ok;
}

static void free_entry(struct mmu_gather *tlb, struct vm_area_struct *vma,
		       struct pt_pos *pos)
{
	struct page *p = sole_page(pos);

	if (pos->level == 1 && pte_is_swap(pte_read(pos->ptep))) {
		nonpresent_drop(pos, vma);
		return;
	}
	/* A KSM page may be found, and get another mapper, at any time. */
	if (!p || !page_is_anon(p) || page_is_ksm(p) || !forget_contents(p))
		return;
	pte_modify(pos, PTE_AD, 0);				/* (3) */
	tlb_note(tlb, pos->va, pos->level);
	lru_lazyfree(p);					/* (4) */
	count_vm_event(PGLAZYFREE);
}

void madvise_free_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	struct mmu_notifier_range range;
	struct mmu_gather tlb;
	struct pt_pos pos;
	bool more;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, vma->vm_mm, start,
				end);
	tlb_gather_mmu(&tlb, vma->vm_mm);
	mmu_notifier_invalidate_range_start(&range);		/* (1) */
	while (start < end) {
		lock_leaf(&vma->vm_mm->pgt, start, &pos);
		flush_tlb_batched_pending(vma->vm_mm);
		for (more = true; more && pos.va < end; more = pos_next(&pos)) {
			start = pos_end(&pos);
			free_entry(&tlb, vma, &pos);
		}
		unlock_table(&pos);
	}
	mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);					/* (5) */
}

void munlock_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	struct pt_pos pos;
	bool more;

	while (start < end) {
		lock_leaf(&vma->vm_mm->pgt, start, &pos);
		for (more = true; more && pos.va < end; more = pos_next(&pos)) {
			pte_t e = pte_read(pos.ptep);

			start = pos_end(&pos);
			if (pos.level == 1 && pte_mapped(e) && !pte_special(e))
				lru_munlock(pte_page(e));
		}
		unlock_table(&pos);
	}
}
