/* SPDX-License-Identifier: MIT */
/*
 * The smallest secondary MMU: it maps one page, as the primary maps it when it
 * asks, holds no reference, and drops it when a section covers it.  Tests look
 * at what it maps; nothing translates through it.
 */
#ifndef TESTS_KT_KT_DEVICE_H
#define TESTS_KT_KT_DEVICE_H

#include "kernel/thread.h"
#include "mm/mmu_notifier.h"
#include "tests/kt/kt_mm.h"

struct kt_device {
	struct mmu_notifier mn;
	struct mm_struct *mm;
	vaddr_t va;
	pfn_t maps;			/* 0: nothing */
	u32 starts, ends, releases;
	u32 fenced;			/* open sections that cover va */
	int err;			/* of the registration */
	u32 done;			/* it has returned */
};

static inline struct kt_device *kt_device_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct kt_device, mn);
}

static inline bool kt_device_hit(const struct kt_device *d,
				 const struct mmu_notifier_range *r)
{
	return d->va >= r->start && d->va < r->end;
}

static inline int kt_device_start(struct mmu_notifier *mn,
				  const struct mmu_notifier_range *r)
{
	struct kt_device *d = kt_device_of(mn);

	d->starts++;
	if (kt_device_hit(d, r)) {
		d->fenced++;
		d->maps = 0;
	}
	return 0;
}

static inline void kt_device_end(struct mmu_notifier *mn,
				 const struct mmu_notifier_range *r)
{
	struct kt_device *d = kt_device_of(mn);

	d->ends++;
	if (kt_device_hit(d, r))
		d->fenced--;
}

static inline void kt_device_release(struct mmu_notifier *mn,
				     struct mm_struct *mm)
{
	struct kt_device *d = kt_device_of(mn);

	(void)mm;
	d->releases++;
	d->maps = 0;
}

static inline const struct mmu_notifier_ops *kt_device_ops(void)
{
	static const struct mmu_notifier_ops ops = {
		.release = kt_device_release,
		.invalidate_range_start = kt_device_start,
		.invalidate_range_end = kt_device_end,
	};

	return &ops;
}

static inline void kt_device_init(struct kt_device *d, struct mm_struct *mm,
				  vaddr_t va)
{
	*d = (struct kt_device){ .mm = mm, .va = va };
	d->mn.ops = kt_device_ops();
	d->mn.name = "test device";
}

/* Its fault: nothing while a section covers the page. */
static inline void kt_device_map(struct kt_device *d)
{
	pte_t e = kt_pte(d->mm, d->va);

	if (!d->fenced && pte_present(e))
		d->maps = pte_pfn(e);
}

/* It maps what the primary does not (I3). */
static inline bool kt_device_stale(const struct kt_device *d)
{
	pte_t e = kt_pte(d->mm, d->va);

	return d->maps && (!pte_present(e) || pte_pfn(e) != d->maps);
}

/* A thread's main: registers, and faults at once. */
static inline void kt_device_register_thread(void *arg)
{
	struct kt_device *d = arg;

	d->err = mmu_notifier_register(&d->mn, d->mm);
	if (!d->err)
		kt_device_map(d);
	WRITE_ONCE(d->done, 1);
}

#endif
