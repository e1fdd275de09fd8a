/* SPDX-License-Identifier: MIT */
/*
 * Interval subscriptions: a device that maps one range of an mm, and repeats
 * its fault when the range was invalidated meanwhile.
 *
 * Per mm: invalidate_seq (starts at 2), active (open sections), a tree of
 * intervals, a list of what is put off.
 *
 * V1. invalidate_seq is odd exactly while some interval is being invalidated:
 *     from the first section that hits one until no section is open.
 * V2. While it is odd the tree does not change, so it is walked without lock;
 *     insert and remove put themselves on the list instead.
 * V3. sub->invalidate_seq is the odd number of its last invalidation.  So sub
 *     is being invalidated iff sub's number equals the mm's.
 * V4. The number has 64 bits and moves by two an invalidation: no wrap.
 *
 *	section				reader (mirrors r into a device)
 *	(1) active++; hits: seq |= 1	(A) s = sub.seq; wait while mm.seq == s
 *	(2) driver lock; sub.seq = seq;	(B) read the page table, may sleep
 *	    device entries dropped	(C) driver lock
 *	(3) change entries, free	(D) sub.seq != s: unlock, (A) again
 *	(4) active--; 0: seq++ if odd,	(E) program the device, unlock
 *	    list worked off, wake all
 * (2) before (C): (D) sees another number.  (E) before (2): (2) drops what (E)
 * made.  (2) before (A): (A) waits for (4), so (B) reads what (3) left.
 *
 *	insert				remove
 *	no section open: into the tree, sub.seq = seq - 1 (a past one)
 *	open, even: into the tree,	seq even: out of the tree
 *	    seq |= 1, sub.seq = seq	odd, still on the list: off the list
 *	odd: on the list, sub.seq = seq	odd: on the list; wait for (4)
 * A section that runs while sub comes never tells it: so sub counts as being
 * invalidated until (4), whatever the section's range.  Remove waits for (4)
 * under the lock: seq has moved on before the list is worked off, and whoever
 * saw only the number would free what the list still holds.
 *
 * Only the first interval of an mm waits for sections (mmu_notifier_enter).
 *
 * Locks: subs->lock; callbacks run outside it.  A subscription pins mm_count.
 * Tests: tests/kt/kt_interval.c, tests/race/race_interval.c
 */
#include "kernel/racepoint.h"
#include "lib/limits.h"
#include "mm/internal.h"
#include "mm/mmu_notifier_impl.h"

void mmu_interval_init(struct mmu_notifier_subscriptions *subs)
{
	subs->invalidate_seq = 2;
	subs->intervals = RB_ROOT;
	INIT_HLIST_HEAD(&subs->deferred);
	init_waitqueue_head(&subs->wait);
}

static struct mmu_interval_notifier *sub_of(struct interval_tree_node *n)
{
	return container_of(n, struct mmu_interval_notifier, tree);
}

static bool invalidating(const struct mmu_notifier_subscriptions *subs)
{
	return subs->invalidate_seq & 1;
}

static void link(struct mmu_notifier_subscriptions *subs,
		 struct mmu_interval_notifier *sub)
{
	interval_tree_insert(&sub->tree, &subs->intervals);
	sub->linked = true;
}

static void unlink(struct mmu_notifier_subscriptions *subs,
		   struct mmu_interval_notifier *sub)
{
	interval_tree_remove(&sub->tree, &subs->intervals);
	sub->linked = false;
}

/*
 * Sections.
 */

/* (1): the first interval that r hits, and the number for all that it hits. */
static struct interval_tree_node *
begin(struct mmu_notifier_subscriptions *subs,
      const struct mmu_notifier_range *r, u64 *seq)
{
	struct interval_tree_node *n;

	spin_lock(&subs->lock);
	subs->active++;
	n = interval_tree_iter_first(&subs->intervals, r->start, r->end - 1);
	if (n)
		WRITE_ONCE(subs->invalidate_seq, subs->invalidate_seq | 1);
	*seq = subs->invalidate_seq;
	spin_unlock(&subs->lock);
	return n;
}

static bool call(struct mmu_interval_notifier *sub,
		 const struct mmu_notifier_range *r, u64 seq)
{
	bool done;

	RACE_POINT("interval:before_call");
	done = sub->ops->invalidate(sub, r, seq);		/* (2) */
	if (CONFIG_LAB && done)
		WARN_ON_ONCE(READ_ONCE(sub->invalidate_seq) != seq);
	return done;
}

int mmu_interval_inv_start(struct mmu_notifier_subscriptions *subs,
			   const struct mmu_notifier_range *r)
{
	struct interval_tree_node *n;
	u64 seq;

	for (n = begin(subs, r, &seq); n;			/* V2 */
	     n = interval_tree_iter_next(n, r->start, r->end - 1)) {
		if (call(sub_of(n), r, seq))
			continue;
		if (WARN_ON_ONCE(mmu_notifier_range_blockable(r)))
			continue;
		mmu_interval_inv_end(subs);
		return -EAGAIN;
	}
	return 0;
}

/* What was put off while the tree had to stay as it was. */
static void work_off(struct mmu_notifier_subscriptions *subs)
{
	struct mmu_interval_notifier *sub;
	struct hlist_node *n;

	hlist_for_each_entry_safe(sub, n, &subs->deferred, deferred) {
		hlist_del_init(&sub->deferred);
		if (sub->linked)
			unlink(subs, sub);
		else
			link(subs, sub);
	}
}

void mmu_interval_inv_end(struct mmu_notifier_subscriptions *subs)
{
	bool moved;

	spin_lock(&subs->lock);
	KASSERT(subs->active);
	moved = !--subs->active && invalidating(subs);		/* (4) */
	if (moved) {
		WRITE_ONCE(subs->invalidate_seq,
			   subs->invalidate_seq + 1);
		RACE_POINT("interval:seq_moved");
		work_off(subs);
	}
	spin_unlock(&subs->lock);
	if (moved)
		wake_up_all(&subs->wait);
}

void mmu_interval_release(struct mmu_notifier_subscriptions *subs,
			  struct mm_struct *mm)
{
	struct mmu_notifier_range r;

	mmu_notifier_range_init(&r, MMU_NOTIFY_RELEASE, mm, 0, ~0UL);
	mmu_interval_inv_start(subs, &r);
	mmu_interval_inv_end(subs);
}

/*
 * Readers.
 */
static bool moved_on(struct mmu_notifier_subscriptions *subs, u64 seq)
{
	bool moved;

	spin_lock(&subs->lock);
	moved = subs->invalidate_seq != seq;
	spin_unlock(&subs->lock);
	return moved;
}

u64 mmu_interval_read_begin(struct mmu_interval_notifier *sub)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(sub->mm);
	u64 seq;

	might_sleep();
	/* Under the lock: else sub's could be newer than the mm's. */
	spin_lock(&subs->lock);
	seq = READ_ONCE(sub->invalidate_seq);
	if (seq != subs->invalidate_seq) {
		spin_unlock(&subs->lock);
		return seq;
	}
	spin_unlock(&subs->lock);
	RACE_POINT("interval:reader_waits");
	wait_event(&subs->wait, moved_on(subs, seq));		/* (A) */
	return seq;
}

/* F29: what a number of 8 bits would take for the same. */
static bool same_seq(u64 a, u64 b)
{
	return BUG_SWITCH("interval_seq8") ? (u8)a == (u8)b : a == b;
}

bool mmu_interval_read_retry(const struct mmu_interval_notifier *sub, u64 seq)
{
	return !same_seq(sub->invalidate_seq, seq);		/* (D) */
}

bool mmu_interval_check_retry(const struct mmu_interval_notifier *sub, u64 seq)
{
	struct mmu_interval_notifier *s = (struct mmu_interval_notifier *)sub;

	return !same_seq(READ_ONCE(s->invalidate_seq), seq);
}

/*
 * Coming and going.
 */
static void insert(struct mmu_notifier_subscriptions *subs,
		   struct mmu_interval_notifier *sub)
{
	spin_lock(&subs->lock);
	if (!subs->active) {
		link(subs, sub);
		sub->invalidate_seq = subs->invalidate_seq - 1;
	} else {
		if (invalidating(subs)) {
			hlist_add_head(&sub->deferred, &subs->deferred);
		} else {
			WRITE_ONCE(subs->invalidate_seq,
				   subs->invalidate_seq | 1);
			link(subs, sub);
		}
		sub->invalidate_seq = subs->invalidate_seq;
	}
	spin_unlock(&subs->lock);
}

int mmu_interval_notifier_insert(struct mmu_interval_notifier *sub,
				 struct mm_struct *mm, vaddr_t start,
				 u64 length,
				 const struct mmu_interval_notifier_ops *ops)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(mm);
	int err;

	might_sleep();
	if (!length || start + length - 1 < start)
		return -EOVERFLOW;
	if (!subs || !READ_ONCE(subs->intervals_since)) {
		err = mmu_notifier_enter(mm, NULL);
		if (err)
			return err;
		subs = mmu_notifier_subs(mm);
	}
	/* commit */
	sub->tree.start = start;
	sub->tree.last = start + length - 1;
	sub->ops = ops;
	sub->mm = mm;
	sub->linked = false;
	INIT_HLIST_NODE(&sub->deferred);
	mmgrab(mm);
	insert(subs, sub);
	return 0;
}

/* True: sub is gone.  False: it is when the number is not *seq any more. */
static bool remove(struct mmu_notifier_subscriptions *subs,
		   struct mmu_interval_notifier *sub, u64 *seq)
{
	bool gone = true;

	spin_lock(&subs->lock);
	*seq = subs->invalidate_seq;
	if (!invalidating(subs)) {
		unlink(subs, sub);
	} else if (!sub->linked) {
		hlist_del_init(&sub->deferred);
	} else {
		hlist_add_head(&sub->deferred, &subs->deferred);
		gone = false;
	}
	spin_unlock(&subs->lock);
	return gone;
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(sub->mm);
	bool unlocked = BUG_SWITCH("interval_wait_unlocked");
	u64 seq;

	might_sleep();
	if (!remove(subs, sub, &seq)) {
		RACE_POINT("interval:remove_waits");
		wait_event(&subs->wait, unlocked ?
			   READ_ONCE(subs->invalidate_seq) != seq :
			   moved_on(subs, seq));
	}
	mmdrop(sub->mm);
}
