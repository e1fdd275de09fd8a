/* SPDX-License-Identifier: MIT */
/* What the files of the notifier chain share. */
#ifndef MM_MMU_NOTIFIER_IMPL_H
#define MM_MMU_NOTIFIER_IMPL_H

#include "mm/mmu_notifier.h"

/* mm->notifier_flags */
#define MN_COUNTED	BIT(0)	/* every section is in notifier_srcu */
#define MN_LEVEL0	BIT(1)	/* minimal_ops is set; nothing else is */

#define MN_IN_LEVEL0	(-1)	/* range->srcu: minimal_ops is told */

enum mmu_notifier_method mmu_notifier_method(void);

/* Of one mm: from its first registration to its end. */
struct mmu_notifier_subscriptions {
	struct hlist_head list;		/* notifier_srcu; changed under lock */
	spinlock_t lock;		/* LOCK_NOTIFIER */
	u64 gen;			/* lock; newcomers so far */
	/* mmu_interval.c */
	u64 intervals_since;		/* lock; 0: there never was one */
	u64 invalidate_seq;		/* lock: odd: one is invalidated */
	u64 active;			/* lock: open sections */
	struct rb_root intervals;	/* lock; still while the seq is odd */
	struct hlist_head deferred;	/* lock */
	struct wait_queue_head wait;	/* the seq moved on */
};

/* NULL: nobody ever subscribed.  Partner: the cmpxchg in subs_alloc(). */
static inline struct mmu_notifier_subscriptions *
mmu_notifier_subs(struct mm_struct *mm)
{
	return smp_load_acquire(&mm->notifier_subscriptions);
}

/* In a section of mm's domain. */
#define for_each_mn(mn, mm, subs)					\
	hlist_for_each_entry_srcu(mn, &(subs)->list, hlist,		\
				  srcu_read_lock_held(&(mm)->notifier_srcu))

/*
 * From now on sections of mm tell mn (NULL: intervals); none is open that does
 * not.  Sleeps; mmap_lock not held.  0, -ENOMEM, -EINTR.
 */
int mmu_notifier_enter(struct mm_struct *mm, struct mmu_notifier *mn);

/* mmu_interval.c */
void mmu_interval_init(struct mmu_notifier_subscriptions *subs);
/* Does section r take part in the books of intervals? */
static inline bool
mmu_interval_told(const struct mmu_notifier_subscriptions *subs,
		  const struct mmu_notifier_range *r)
{
	u64 since = READ_ONCE(((struct mmu_notifier_subscriptions *)subs)
			      ->intervals_since);

	return unlikely(since) && since <= r->gen;
}
/* 0, or -EAGAIN: one refused, and nothing is open. */
int mmu_interval_inv_start(struct mmu_notifier_subscriptions *subs,
			   const struct mmu_notifier_range *r);
void mmu_interval_inv_end(struct mmu_notifier_subscriptions *subs);
/* exit_mmap: every interval is invalidated, with event RELEASE. */
void mmu_interval_release(struct mmu_notifier_subscriptions *subs,
			  struct mm_struct *mm);

#endif
