/* SPDX-License-Identifier: MIT */
/*
 * What a program says about its pages: MADV_COLD, MADV_PAGEOUT, MADV_FREE.
 * [start, end) lies in vma; mmap_lock read keeps it.  All sleep.
 */
#ifndef MM_RECLAIM_HINT_H
#define MM_RECLAIM_HINT_H

#include "mm/vma.h"

/* The pages are the next to be reclaimed. */
void madvise_cold_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end);
/* Reclaim them now.  Pages freed. */
u64 madvise_pageout_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end);
/*
 * Private anonymous only (the caller checks): until they are written again the
 * pages may be dropped, and read as zeros then.
 */
void madvise_free_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end);
/* VM_LOCKED is off: pages that reclaim has put aside for it come back. */
void munlock_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end);

#endif
