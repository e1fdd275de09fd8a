/* SPDX-License-Identifier: MIT */
/*
 * Level 0, and why it was not enough.
 *
 * One pointer to ops for each mm, set once, never taken back; a device is told
 * after the fact.  What each choice breaks, each shown by a scenario
 * (tests/race/scenario):
 *
 *	no range_start		pages are freed while the device still maps
 *				them, unless it holds references (F1)
 *	nothing waits in add	a section that looked before, and found nobody,
 *				goes on, and the device maps what it frees (F2)
 *	no unregister		the callbacks must never go (F3)
 *	one ops			the second device gets -EBUSY
 *
 * A section reads mm->minimal_ops where it begins.  In the patch it read the
 * pointer wherever it called; but as nothing orders that load, the CPU may do
 * it as early as this.
 *
 * Locks: add_lock, for all mms, around the set.  Tests: tests/kt/kt_minimal.c
 */
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmu_notifier_impl.h"
#include "mm/mmu_notifier_minimal.h"

static DEFINE_SPINLOCK(add_lock, LOCK_NOTIFIER);

int mm_add_notifier_ops(struct mm_struct *mm, const struct mm_notifier_ops *ops)
{
	int err = 0;

	if (!ops->clear_flush_young || !ops->invalidate_page ||
	    !ops->invalidate_range_end)
		return -EINVAL;
	if (mmu_notifier_method() != MN_MINIMAL)
		return -EOPNOTSUPP;
	spin_lock(&add_lock);
	if (mm->minimal_ops || mm_has_notifiers(mm)) {
		err = -EBUSY;
	} else {
		WRITE_ONCE(mm->minimal_ops, ops);
		WRITE_ONCE(mm->notifier_flags, MN_LEVEL0);
	}
	spin_unlock(&add_lock);
	return err;
}

int mm_minimal_young(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	const struct mm_notifier_ops *ops = READ_ONCE(mm->minimal_ops);
	int young = 0;

	for (vaddr_t va = start; va < end; va += PAGE_SIZE)
		young |= ops->clear_flush_young(mm, va);
	return young;
}

/* ptep_clear_flush_notify: where one page was flushed, the device hears of it. */
void mm_minimal_flushed(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	if (end - start == PAGE_SIZE)
		READ_ONCE(mm->minimal_ops)->invalidate_page(mm, start);
}

void mm_minimal_range_end(const struct mmu_notifier_range *r)
{
	READ_ONCE(r->mm->minimal_ops)->invalidate_range_end(r->mm, r->start,
							    r->end);
}
