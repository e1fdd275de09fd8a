/* SPDX-License-Identifier: MIT */
/* Page faults of user addresses. */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "lib/err.h"
#include "mm/vma.h"

enum fault_flags {
	FAULT_WRITE	= BIT(0),
	FAULT_USER	= BIT(1),
	FAULT_EXEC	= BIT(2),
	FAULT_REMOTE	= BIT(3),	/* not current's mm: a device, gup */
	FAULT_VMA_LOCK	= BIT(4),	/* the vma's lock is held, not mmap_lock */
	FAULT_FORCE	= BIT(5),	/* gup has checked the vma's rights */
	FAULT_UNSHARE	= BIT(6),	/* an anonymous page must be exclusive */
};
enum fault_result {
	FAULT_DONE	= 0,
	FAULT_SIGSEGV_MAPERR,		/* no vma there */
	FAULT_SIGSEGV_ACCERR,		/* vma forbids it */
	FAULT_SIGBUS,			/* beyond the end of the file, I/O error */
	FAULT_OOM,
	FAULT_RETRY,
};
/* 0, -EAGAIN, -ENOMEM; anything else is SIGBUS. */
static inline enum fault_result fault_result_of(int err)
{
	switch (err) {
	case 0:
		return FAULT_DONE;
	case -EAGAIN:
		return FAULT_RETRY;
	case -ENOMEM:
		return FAULT_OOM;
	default:
		return FAULT_SIGBUS;
	}
}
/* mmap_lock read, or vma's own lock, held by the caller and kept.  Sleeps. */
enum fault_result __must_check handle_mm_fault(struct vm_area_struct *vma, vaddr_t va, u32 flags);

/*
 * As a program's access: by vma lock or mmap_lock, grows stacks.  mm_users is
 * pinned, no lock held.  Never FAULT_RETRY.  Sleeps.
 */
enum fault_result fault_user_address(struct mm_struct *mm, vaddr_t addr, u32 flags);

/* vma_lock, mmap_lock: who held the vma.  around: pages mapped beside a faulting one. */
struct fault_stats {
	u64 total, anon, zero, file, cow, cow_reuse, spurious, failed, around;
	u64 vma_lock, mmap_lock;
};
void fault_stats(struct fault_stats *s);

#endif
