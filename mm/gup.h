/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages: the frames behind user addresses, with references.
 *
 * A reference (get) keeps the frame, no more: after a fork or a copy on write
 * the program may have another one there.  A pin keeps frame and address
 * together: an anonymous page is made exclusive before it is pinned, and fork
 * copies a pinned page for the child instead of sharing it.  Who lets a device
 * or itself read or write through the frame later wants a pin.
 */
#ifndef MM_GUP_H
#define MM_GUP_H

#include "mm/fault.h"
#include "mm/page.h"

enum foll_flags {
	FOLL_WRITE	= BIT(0),	/* = FAULT_WRITE */
	FOLL_FORCE	= BIT(16),	/* against the vma's rights: /proc/PID/mem */
	FOLL_PIN	= BIT(17),	/* as pin_user_pages does */
};
static_assert((u32)FOLL_WRITE == (u32)FAULT_WRITE);

/*
 * A pin counts as this many references, so that one word tells both.  A page
 * with that many readers looks pinned: fork then copies it for nothing.
 */
#define GUP_PIN_COUNTING_BIAS	1024
static inline bool page_maybe_dma_pinned(const struct page *p)
{
	return page_count(p) >= GUP_PIN_COUNTING_BIAS;
}

/*
 * Up to nr pages from start on, of any mm whose mm_users is pinned.  Takes
 * mmap_lock and faults as needed.  The number taken, or, if none was, -EFAULT,
 * -ENOMEM, -EINTR.  Sleeps.
 */
s64 get_user_pages(struct mm_struct *mm, vaddr_t start, u64 nr, u32 foll, struct page **pages);
/* The same of current, by the lockless path as far as that gets. */
s64 get_user_pages_fast(vaddr_t start, u64 nr, u32 foll, struct page **pages);
/* Both with FOLL_PIN; to be given back by unpin_user_page(s). */
s64 pin_user_pages(struct mm_struct *mm, vaddr_t start, u64 nr, u32 foll, struct page **pages);
s64 pin_user_pages_fast(vaddr_t start, u64 nr, u32 foll, struct page **pages);
void unpin_user_page(struct page *p);
void unpin_user_pages(struct page **pages, u64 nr);

/*
 * Lockless: interrupts off, no faults, the current or another mm that is
 * pinned AND whose tables cannot be freed without waiting for us (R-section).
 * 0 and *page with a reference, or -EAGAIN (take the slow way).
 */
int gup_fast(struct mm_struct *mm, vaddr_t va, u32 foll, struct page **page, pte_t *pte);
/*
 * One page.  Takes mmap_lock, faults as needed.  0, -EFAULT, -ENOMEM, -EINTR.
 * *writable: the PTE allowed writing when the page was taken.
 */
int get_user_page(struct mm_struct *mm, vaddr_t va, u32 foll, struct page **page, bool *writable);
/* The same, mmap_lock read held; dropped and taken again when a stack grows. */
int get_user_page_locked(struct mm_struct *mm, vaddr_t va, u32 foll,
			 struct page **page, bool *writable);
/* Takes what foll asks for of p: 0, or -ENOMEM when the count is full. */
int gup_grab(struct page *p, u32 foll);

/* remote_vm.c: to and from kernel buffers.  Bytes done.  Sleeps. */
u64 access_remote_vm(struct mm_struct *mm, vaddr_t addr, void *buf, u64 n, u32 foll);
/* Kernel copies to another mm's memory (exec, tests). Bytes not copied */
u64 copy_to_mm(struct mm_struct *mm, vaddr_t to, const void *from, u64 n);
u64 copy_from_mm(struct mm_struct *mm, void *to, vaddr_t from, u64 n);

#endif
