/* SPDX-License-Identifier: MIT */
/* get_user_pages: the frame behind a user address, with a reference. */
#ifndef MM_GUP_H
#define MM_GUP_H

#include "mm/fault.h"

/*
 * Lockless: interrupts off, no faults, the current or another mm that is
 * pinned AND whose tables cannot be freed without waiting for us (R-section).
 * 0 and *page with a reference, or -EAGAIN (take the slow way).
 */
int gup_fast(struct mm_struct *mm, vaddr_t va, u32 flags, struct page **page, pte_t *pte);
/*
 * Takes mmap_lock, faults as needed.  0, -EFAULT, -ENOMEM, -EINTR.
 * *writable: the PTE allowed writing when the page was taken.
 */
int get_user_page(struct mm_struct *mm, vaddr_t va, u32 flags, struct page **page, bool *writable);
/* Kernel copies to another mm's memory (exec, tests, /proc). Bytes not copied */
u64 copy_to_mm(struct mm_struct *mm, vaddr_t to, const void *from, u64 n);
u64 copy_from_mm(struct mm_struct *mm, void *to, vaddr_t from, u64 n);

#endif
