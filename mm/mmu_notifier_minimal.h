/* SPDX-License-Identifier: MIT */
/*
 * Level 0: the smallest notifier that was proposed (April 2008), to see what it
 * cannot do.  `notifier=minimal` selects it at boot.
 */
#ifndef MM_MMU_NOTIFIER_MINIMAL_H
#define MM_MMU_NOTIFIER_MINIMAL_H

#include "mm/mmu_notifier.h"

/* All three, none may sleep.  There is no range_start and no release. */
struct mm_notifier_ops {
	int (*clear_flush_young)(struct mm_struct *mm, vaddr_t va);
	/* The CPUs' entry is cleared and flushed; its table may be locked. */
	void (*invalidate_page)(struct mm_struct *mm, vaddr_t va);
	/* Somewhere in the range entries were changed, pages were freed. */
	void (*invalidate_range_end)(struct mm_struct *mm, vaddr_t start,
				     vaddr_t end);
};

/*
 * From now on, sooner or later, ops hear of changes to mm, until it is gone:
 * there is no way back.  0; -EBUSY: somebody else has it; -EINVAL: a callback
 * is missing; -EOPNOTSUPP: level 0 was not selected.
 */
int mm_add_notifier_ops(struct mm_struct *mm, const struct mm_notifier_ops *ops);

/* From the chain's calls, when mm has MN_MINIMAL. */
int mm_minimal_young(struct mm_struct *mm, vaddr_t start, vaddr_t end);
void mm_minimal_flushed(struct mm_struct *mm, vaddr_t start, vaddr_t end);
void mm_minimal_range_end(const struct mmu_notifier_range *r);

#endif
