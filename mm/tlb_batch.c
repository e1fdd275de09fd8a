/* SPDX-License-Identifier: MIT */
/*
 * Batched flushing for reclaim: many pages are unmapped, then each mm that
 * mapped some is flushed once.
 *
 * H1. The batch is flushed before any of its pages is freed, or written to its
 *     backing store if an entry of it was dirty: until then a CPU may still
 *     write through a stale entry that was writable and dirty.  (One that was
 *     clean cannot be written through: setting D walks to the entry, which is
 *     gone [SDM 3A 4.8].)
 * H2. Its pages stay isolated and are not found again by another reclaimer
 *     until it is flushed.
 * H3. Whoever finds an entry changed by a batch and returns to a program
 *     (mprotect, munmap, madvise, mremap) flushes first: the program must not
 *     be able to use the old right any more.
 *
 *	reclaim, table locked		mprotect, same table locked
 *	(1) clear the entry		(A) entry is not present: skip
 *	(2) tlb_batch_pending++		(B) pending != flushed: flush the mm
 *	(3) unlock ... flush
 * The lock orders (1)-(2) and (A)-(B): either (A) sees the entry, or (B) sees
 * that a flush is owed.
 *
 * tlb_batch_pending counts (2); tlb_batch_flushed is the value of it for which
 * somebody flushed in (B).  It may lag, which costs a flush.
 *
 * The batch lives on its reclaimer's stack and holds mm_count of its mms.
 * Bug switch no_batched_pending leaves (B) out.  Tests: tests/kt/kt_swapfile.c,
 * tests/race/race_reclaim.c
 */
#include "kernel/racepoint.h"
#include "mm/tlb.h"
#include "mm/tlb_batch.h"
#include "mm/vma.h"

static bool batch_note(struct tlb_batch *b, struct mm_struct *mm, vaddr_t va)
{
	u32 i = 0;

	while (i < b->nr && b->owed[i].mm != mm)
		i++;
	if (i == TLB_BATCH_MMS)
		return false;
	if (i == b->nr) {
		mmgrab(mm);
		b->nr++;
		b->owed[i].mm = mm;
		b->owed[i].start = va;
		b->owed[i].end = va + PAGE_SIZE;
	}
	b->owed[i].start = min(b->owed[i].start, va);
	b->owed[i].end = max(b->owed[i].end, va + PAGE_SIZE);
	return true;
}

void tlb_batch_add(struct tlb_batch *b, struct mm_struct *mm, vaddr_t va)
{
	if (!b || !batch_note(b, mm, va)) {
		flush_tlb_page(mm, va);
		return;
	}
	atomic_inc(&mm->tlb_batch_pending);			/* (2) */
}

void tlb_batch_flush(struct tlb_batch *b)
{
	if (b->nr)
		RACE_POINT("reclaim:before_flush");
	for (u32 i = 0; i < b->nr; i++) {
		flush_tlb_mm_range(b->owed[i].mm, b->owed[i].start,
				   b->owed[i].end, TLB_LEAVES);
		mmdrop(b->owed[i].mm);
	}
	b->nr = 0;
}

void flush_tlb_batched_pending(struct mm_struct *mm)
{
	u32 pending = (u32)atomic_read(&mm->tlb_batch_pending);

	if (likely(pending == READ_ONCE(mm->tlb_batch_flushed)) ||
	    BUG_SWITCH("no_batched_pending"))
		return;
	flush_tlb_mm(mm);					/* (B) */
	WRITE_ONCE(mm->tlb_batch_flushed, pending);
}
