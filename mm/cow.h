/* SPDX-License-Identifier: MIT */
/* Between fault.c and cow.c. */
#ifndef MM_COW_H
#define MM_COW_H

#include "arch/percpu.h"
#include "mm/fault.h"
#include "mm/internal.h"

/* O5 of oom.c: a table's lock is held. */
static inline bool mm_is_reaped(const struct mm_struct *mm)
{
	return unlikely(READ_ONCE(mm->oom_state) == OOM_REAPED);
}

struct fault_ctx {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	vaddr_t va;			/* of the page */
	u32 flags;			/* FAULT_* */
};

enum { MAP_FILE_PAGE, MAP_ANON_PAGE };

DECLARE_PER_CPU(struct fault_stats, fault_counts);

/* The window of fault-around: aligned to its size, so in one leaf table. */
#define FAULT_AROUND_PAGES	16
/*
 * A read of a file page that is not mapped: map it and its neighbours if they
 * are at hand.  prot: a leaf's bits.  True: f->va's page was.  Sleeps not.
 */
bool fault_around(struct fault_ctx *f, u64 prot);

/*
 * A write (or FAULT_UNSHARE) met `seen`, which maps a page but not for writing; the vma allows
 * it.  mmap_lock read.  Sleeps.
 */
enum fault_result wp_fault(struct fault_ctx *f, pte_t seen);
/* mm/swap_fault.c.  The entry is one of swapops.h.  mmap_lock read.  Sleeps. */
enum fault_result nonpresent_fault(struct fault_ctx *f, pte_t seen);
/*
 * The swap entry `seen` at va becomes its page.  mmap_lock read.  Sleeps.
 * 0; -EAGAIN: look again; -ENOMEM; -EIO.
 */
int swap_in_entry(struct vm_area_struct *vma, vaddr_t va, pte_t seen, u32 flags);

#endif
