/* SPDX-License-Identifier: MIT */
/* Flushes of reclaim, put off and made together: see tlb_batch.c. */
#ifndef MM_TLB_BATCH_H
#define MM_TLB_BATCH_H

#include "mm/mm_types.h"

#define TLB_BATCH_MMS 8
struct tlb_batch {
	u32 nr;
	struct { struct mm_struct *mm; vaddr_t start, end; } owed[TLB_BATCH_MMS];
};

static inline void tlb_batch_init(struct tlb_batch *b) { b->nr = 0; }
/*
 * The entry of va was cleared; its table's lock is held.  b NULL, or full:
 * flushes at once.
 */
void tlb_batch_add(struct tlb_batch *b, struct mm_struct *mm, vaddr_t va);
/* No table lock held.  Afterwards nothing of the batch is owed. */
void tlb_batch_flush(struct tlb_batch *b);
/*
 * The caller goes by what entries of mm say, with their table locked: flush if
 * any of them may have been cleared by a batch that has not flushed yet.
 */
void flush_tlb_batched_pending(struct mm_struct *mm);

#endif
