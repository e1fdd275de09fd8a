/* SPDX-License-Identifier: MIT */
/*
 * try_to_unmap: take a page away from everybody who maps it.
 *
 *	file page		entry becomes none
 *	anonymous, in swap	entry becomes a swap entry, one count of the slot
 *	anonymous, lazyfree	entry becomes none, unless somebody wrote or holds
 *				the page: then it stays, and is ordinary again
 *
 * For each mapping, in this order (A8):
 *	(1) section start
 *	(2) table lock; the entry maps the page?
 *	(3) clear or replace the entry (one exchange)
 *	(4) flush, or note it in the batch (H1)
 *	(5) dirty -> page; counts; unlock
 *	(6) section end; put
 *
 * U1. A vma with VM_LOCKED keeps the page: the walk ends, the page stays
 *     mapped where it still is.
 * U2. A dirty file page's entry is flushed at once, before the page leaves the
 *     rmap: page_mkclean must not find it clean while a CPU still writes to it
 *     (Z2 of zap.c).  Anonymous pages are isolated from every other writer of
 *     their slot until the batch is flushed (H2).
 * U3. PG_anon_exclusive moves into the swap entry: on the way back in the page
 *     is this entry's alone.
 * U4. Lazyfree is decided after the entry is gone and flushed, from the count
 *     and then PG_dirty (S5): a holder that wrote and set dirty shows in one
 *     of the two.
 *
 * U5. A pinned page stays mapped: a fork that met its swap entry would share it.
 *     The exchange (a full barrier), then the count: the mirror of gup_fast.
 *
 * Locks: page lock, i_mmap or anon_vma root read, section, table.
 * Tests: tests/kt/kt_vmscan.c, kt_rmap.c; tests/race/race_reclaim.c
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/internal.h"
#include "mm/lru.h"
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/tlb_batch.h"

enum { UNMAP_GO_ON, UNMAP_ABORT };

struct unmap {
	struct tlb_batch *batch;	/* NULL: flush at once */
	bool locked_too;		/* the page goes, mlocked or not */
};

/* (3)-(5) of an anonymous page that has a slot.  False: it stays mapped. */
static bool replace_by_swap(struct page *p, struct vm_area_struct *vma,
			    struct pt_pos *pos, pte_t *old)
{
	bool exclusive = page_test(p, PG_anon_exclusive);
	swp_entry_t entry = { p->private };
	pte_t e = __pte(swp_to_pte(entry).val |
			(pte_read(pos->ptep).val & PTE_SOFT_DIRTY));

	KASSERT(page_test(p, PG_swapcache));
	if (!swap_duplicate(entry))
		return false;
	*old = pte_replace(pos, exclusive ? pte_swp_mkexclusive(e) : e); /* U3 */
	if (exclusive && page_maybe_dma_pinned(p)) {		/* U5 */
		pte_replace(pos, *old);
		flush_tlb_page(vma->vm_mm, pos->va);
		swap_free(entry);
		return false;
	}
	page_clear(p, PG_anon_exclusive);
	atomic64_inc(&vma->vm_mm->swap_ents);
	return true;
}

/* U4.  The entry is cleared and flushed.  False: it was put back. */
static bool discard_lazyfree(struct page *p, struct pt_pos *pos, pte_t old)
{
	/* Ours, one an entry.  The exchange was a full barrier; partner: gup. */
	if (page_count(p) == 1 + page_mapcount(p) && !pte_dirty(old) &&
	    !page_test(p, PG_dirty))
		return true;
	pte_set(pos, old);
	page_set(p, PG_swapbacked);		/* isolated: see L1 of lru.c */
	return false;
}

static bool clear_entry(struct page *p, struct vm_area_struct *vma,
			struct pt_pos *pos, struct unmap *u)
{
	struct mm_struct *mm = vma->vm_mm;
	bool anon = page_is_anon(p);
	bool lazyfree = anon && !page_test(p, PG_swapbacked);
	pte_t old;

	if (!anon || lazyfree)
		old = pte_clear(pos);				/* (3) */
	else if (!replace_by_swap(p, vma, pos, &old))
		return false;
	if (lazyfree || (!anon && pte_dirty(old)))
		flush_tlb_page(mm, pos->va);			/* (4), U2 */
	else
		tlb_batch_add(u->batch, mm, pos->va);
	if (lazyfree && !discard_lazyfree(p, pos, old))
		return false;
	if (pte_dirty(old))
		set_page_dirty(p);				/* (5) */
	page_remove_rmap(p, vma);
	return true;
}

static int unmap_one(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		     void *arg)
{
	struct mmu_notifier_range range;
	struct unmap *u = arg;
	int ret = UNMAP_GO_ON;
	struct pt_pos pos;
	bool unmapped = false, late = BUG_SWITCH("unmap_tells_late");

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, vma->vm_mm, va,
				va + PAGE_SIZE);
	if (!late)
		mmu_notifier_invalidate_range_start(&range);	/* (1) */
	RACE_POINT("unmap:after_start");
	if (page_vma_mapped(p, vma, va, &pos)) {		/* (2) */
		if (u->locked_too || !(vma->vm_flags & VM_LOCKED)) /* U1 */
			unmapped = clear_entry(p, vma, &pos, u);
		ret = unmapped ? UNMAP_GO_ON : UNMAP_ABORT;
		unlock_table(&pos);
	}
	RACE_POINT("unmap:unlocked");
	if (late)
		mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);		/* (6) */
	if (unmapped)
		put_page(p);
	return ret;
}

bool try_to_unmap(struct page *p, struct tlb_batch *batch)
{
	struct unmap u = { .batch = batch };

	KASSERT(page_test(p, PG_locked));
	if (page_mapped(p))
		rmap_walk(p, unmap_one, &u);
	RACE_POINT("unmap:done");
	return !page_mapped(p);
}

void unmap_hole_page(struct page *p)
{
	struct unmap u = { .locked_too = true };

	KASSERT(page_test(p, PG_locked) && !page_is_anon(p));
	while (page_mapped(p)) {
		rmap_walk(p, unmap_one, &u);
		if (page_mapped(p))
			yield();
	}
}
