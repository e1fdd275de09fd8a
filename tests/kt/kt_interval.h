/* SPDX-License-Identifier: MIT */
/* A subscriber of one interval that counts, for tests of mm/mmu_interval.c. */
#ifndef TESTS_KT_KT_INTERVAL_H
#define TESTS_KT_KT_INTERVAL_H

#include "mm/mmu_notifier.h"
#include "tests/kt/kt_mm.h"

struct kt_interval {
	struct mmu_interval_notifier sub;
	struct mutex lock;		/* the driver's: LOCK_SHADOW_DEV */
	u32 calls, releases;
	bool refuse;			/* what cannot sleep */
	vaddr_t start, end;		/* of the last call */
	u64 seq;
};

static inline bool kt_interval_call(struct mmu_interval_notifier *sub,
				    const struct mmu_notifier_range *r, u64 seq)
{
	struct kt_interval *k = container_of(sub, struct kt_interval, sub);

	if (k->refuse && !mmu_notifier_range_blockable(r))
		return false;
	mutex_lock(&k->lock);
	mmu_interval_set_seq(sub, seq);
	k->calls++;
	k->releases += r->event == MMU_NOTIFY_RELEASE;
	k->start = r->start;
	k->end = r->end;
	k->seq = seq;
	mutex_unlock(&k->lock);
	return true;
}

static inline int kt_interval_insert(struct kt_interval *k,
				     struct mm_struct *mm, vaddr_t start,
				     u64 len)
{
	static const struct mmu_interval_notifier_ops ops = {
		.invalidate = kt_interval_call,
	};

	*k = (struct kt_interval){ .refuse = false };
	mutex_init(&k->lock, LOCK_SHADOW_DEV);
	return mmu_interval_notifier_insert(&k->sub, mm, start, len, &ops);
}

static inline bool kt_interval_retry(struct kt_interval *k, u64 seq)
{
	bool again;

	mutex_lock(&k->lock);
	again = mmu_interval_read_retry(&k->sub, seq);
	mutex_unlock(&k->lock);
	return again;
}

#endif
