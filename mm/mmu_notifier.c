/* SPDX-License-Identifier: MIT */
/*
 * Coming to the notifier chain and leaving it (guarantees G1-G9 in
 * mmu_notifier.h; how subscribers are called: mmu_notifier_call.c).
 *
 * Each mm that ever had a subscriber has a struct of subscriptions, published
 * once and freed with the mm's structure (mm_count 0).  The list is walked
 * inside read sections of the mm's own SRCU domain: callbacks may sleep, and
 * whoever takes a subscriber off waits for them.
 *
 * Why coming is hard (G8): a truncate may be past the place where it would
 * have told us, and not yet have freed its pages.  Two ways, the first one
 * wherever sections are counted:
 *
 *	section				register (drain)
 *	(1) counts itself in the SRCU	(A) link mn, since = gen + 1
 *	    domain; full barrier	(B) gen = since, release
 *	(2) g = gen, acquire		(C) synchronize_srcu: waits for those
 *	(3) range_start: all with	    that counted themselves before
 *	    since <= g
 *	(4) change entries, free
 *	(5) range_end: the same ones; leaves the domain
 * (B) before (2): (3) and (5) find mn on the list.
 * (2) before (B): neither calls mn, so there is no end without its start; and
 * what (C) does not wait for sees everything from before it, (B) too: so (C)
 * waits for (5), and when register returns the section is over.
 * No lock of the mm, of its files or of its vmas is taken: the cost does not
 * grow with them, and two registrations meet only on one mm.
 *
 *	section				register (all locks)
 *	(1) mmap, vma, i_mmap or anon	(A) mmap_lock and all the others
 *	    lock
 *	(2) counted? tell subscribers	(B) link mn; from now on: counted
 *	(3) change entries, free	(C) drop all locks
 *	(4) range_end
 * (1) before (A): the section is over before (B).  (A) before (1): (2) sees
 * that the mm counts, so (3)-(5) of the other table hold.
 *
 * Which mms count: no mm does, until the first registration in this system;
 * so where no device is used a section costs a test.  From then on every new
 * mm does, from its first section on; one from before does from its own first
 * registration on, which takes all locks.  `notifier=drain` counts from the
 * start, `notifier=locks` never at birth, and always takes all locks.
 *
 *	callback			unregister, put
 *	(1) srcu_read_lock		(A) release() unless it ran (not put)
 *	(2) find mn, call it		(B) unlink under subs->lock
 *	(3) srcu_read_unlock		(C) synchronize_srcu, then mn may go
 * (2) before (B): (C) waits for (3).  A section is one callback from its start
 * to its end.  put leaves (C) to a thread of its own.
 *
 * The domain lies in the mm: whoever is inside it holds mm_users, mm_count, or
 * a lock without which exit_mmap does not get past the vma concerned.
 *
 * Locks: subs->lock (LOCK_NOTIFIER) for list changes.  A subscription pins
 * mm_count, not mm_users.  Tests: tests/kt/kt_notifier.c, kt_notifier_get.c,
 * tests/race/race_notifier.c
 */
#include "kernel/cmdline.h"
#include "kernel/init.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/internal.h"
#include "mm/mmu_notifier_impl.h"
#include "mm/slab.h"
#include "mm/take_all_locks.h"

static u32 method = MN_DRAIN;		/* a: enum mmu_notifier_method */
static u32 new_mm_flags;		/* a: notifier_flags of new mms */

u32 mmu_notifier_set_method(enum mmu_notifier_method m)
{
	u32 was = READ_ONCE(method);

	WRITE_ONCE(method, m);
	WRITE_ONCE(new_mm_flags, m == MN_DRAIN ? MN_COUNTED : 0);
	return was;
}

enum mmu_notifier_method mmu_notifier_method(void)
{
	return READ_ONCE(method);
}

static int notifier_param(const char *value)
{
	if (value && !strcmp(value, "drain"))
		mmu_notifier_set_method(MN_DRAIN);
	else if (value && !strcmp(value, "locks"))
		mmu_notifier_set_method(MN_LOCKS);
	else if (value && !strcmp(value, "minimal"))
		mmu_notifier_set_method(MN_MINIMAL);
	else
		return -EINVAL;
	return 0;
}
PARAM(notifier, notifier_param, "drain|locks|minimal: secondary MMUs");

void mmu_notifier_mm_init(struct mm_struct *mm)
{
	srcu_init(&mm->notifier_srcu);
	mm->notifier_flags = READ_ONCE(new_mm_flags);
}

/*
 * Registration.
 */
static int check_ops(const struct mmu_notifier_ops *ops)
{
	bool sections = ops->invalidate_range_start || ops->invalidate_range_end;

	if (sections && ops->arch_invalidate_secondary_tlbs)
		return -EINVAL;
	return 0;
}

/* mm's subscriptions; published by whoever comes first.  NULL: no memory. */
static struct mmu_notifier_subscriptions *subs_alloc(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *fresh, *subs;

	subs = mmu_notifier_subs(mm);
	if (subs)
		return subs;
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return NULL;
	spin_lock_init(&fresh->lock, LOCK_NOTIFIER);
	mmu_interval_init(fresh);
	subs = cmpxchg(&mm->notifier_subscriptions, NULL, fresh);
	if (!subs)
		return fresh;
	kfree(fresh);
	return subs;
}

/* (A), (B).  mn NULL: intervals. */
static void publish(struct mm_struct *mm, struct mmu_notifier *mn)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(mm);
	u64 since;

	spin_lock(&subs->lock);
	since = subs->gen + 1;
	if (mn) {
		mmgrab(mm);
		mn->mm = mm;
		mn->since = since;
		hlist_add_head_rcu(&mn->hlist, &subs->list);
	} else if (!subs->intervals_since) {
		WRITE_ONCE(subs->intervals_since, since);
	}
	smp_store_release(&subs->gen, since);
	spin_unlock(&subs->lock);
}

/* mmap_lock held for write. */
static int enter_all_locks(struct mm_struct *mm, struct mmu_notifier *mn)
{
	bool all = !BUG_SWITCH("no_all_locks");
	int err = all ? mm_take_all_locks(mm) : 0;

	if (err)
		return err;
	/* commit */
	publish(mm, mn);
	WRITE_ONCE(mm->notifier_flags, mm->notifier_flags | MN_COUNTED);
	if (all)
		mm_drop_all_locks(mm);
	return 0;
}

static int enter_drain(struct mm_struct *mm, struct mmu_notifier *mn)
{
	if (signal_pending())
		return -EINTR;
	/* commit */
	publish(mm, mn);
	RACE_POINT("register:published");
	if (!BUG_SWITCH("no_drain"))
		synchronize_srcu(&mm->notifier_srcu);		/* (C) */
	return 0;
}

/* The way for mm; the flag is only ever set. */
static enum mmu_notifier_method way_of(const struct mm_struct *mm)
{
	return READ_ONCE(method) == MN_DRAIN &&
	       mm_notifier_flags(mm) & MN_COUNTED ? MN_DRAIN : MN_LOCKS;
}

/* For MN_LOCKS mmap_lock is held for write. */
static int enter(struct mm_struct *mm, struct mmu_notifier *mn,
		 enum mmu_notifier_method way)
{
	int err;

	might_sleep();
	KASSERT(atomic_read(&mm->mm_users) > 0);
	if (READ_ONCE(method) == MN_MINIMAL)
		return -EOPNOTSUPP;
	if (!subs_alloc(mm))
		return -ENOMEM;
	err = way == MN_DRAIN ? enter_drain(mm, mn) : enter_all_locks(mm, mn);
	if (!err && READ_ONCE(method) == MN_DRAIN)
		WRITE_ONCE(new_mm_flags, MN_COUNTED);
	return err;
}

int mmu_notifier_enter(struct mm_struct *mm, struct mmu_notifier *mn)
{
	enum mmu_notifier_method way = way_of(mm);
	int err;

	if (way == MN_LOCKS)
		mmap_write_lock(mm);
	err = enter(mm, mn, way);
	if (way == MN_LOCKS)
		mmap_write_unlock(mm);
	return err;
}

int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	int err = check_ops(mn->ops);

	return err ?: mmu_notifier_enter(mm, mn);
}

int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	int err = check_ops(mn->ops);

	rwsem_assert_held_write(&mm->mmap_lock);
	return err ?: enter(mm, mn, way_of(mm));
}

static void unlink_notifier(struct mmu_notifier_subscriptions *subs,
			    struct mmu_notifier *mn)
{
	spin_lock(&subs->lock);
	hlist_del_init_rcu(&mn->hlist);		/* nothing if unhashed */
	spin_unlock(&subs->lock);
}

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(mm);
	int idx;

	might_sleep();
	KASSERT(mn->mm == mm && subs);
	if (!hlist_unhashed(&mn->hlist)) {
		/* exit may call release at the same time: it is idempotent */
		idx = srcu_read_lock(&mm->notifier_srcu);
		if (mn->ops->release)
			mn->ops->release(mn, mm);
		srcu_read_unlock(&mm->notifier_srcu, idx);
		unlink_notifier(subs, mn);
	}
	RACE_POINT("unregister:unlinked");
	if (!BUG_SWITCH("no_srcu_sync"))
		synchronize_srcu(&mm->notifier_srcu);		/* (C) */
	mn->mm = NULL;
	mmdrop(mm);
}

static void unlink_all(struct mmu_notifier_subscriptions *subs)
{
	spin_lock(&subs->lock);
	while (subs->list.first)
		hlist_del_init_rcu(subs->list.first);
	spin_unlock(&subs->lock);
}

/*
 * G7: while one subscriber's release runs, the others still hear of pages that
 * are reclaimed; only then is the list emptied.
 */
void mmu_notifier_release(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(mm);
	bool early = BUG_SWITCH("release_unlinks_first");
	struct mmu_notifier *mn;
	struct hlist_node *n;
	int idx;

	if (!subs)
		return;
	TRACE1(MN_RELEASE, mm->id);
	idx = srcu_read_lock(&mm->notifier_srcu);
	if (subs->intervals_since)
		mmu_interval_release(subs, mm);
	hlist_for_each_entry_safe(mn, n, &subs->list, hlist) {
		if (early)
			unlink_notifier(subs, mn);
		RACE_POINT("release:before_call");
		if (mn->ops->release)
			mn->ops->release(mn, mm);
	}
	unlink_all(subs);
	srcu_read_unlock(&mm->notifier_srcu, idx);
	synchronize_srcu(&mm->notifier_srcu);
}

void mmu_notifier_subscriptions_destroy(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(mm);

	if (!subs)
		return;
	KASSERT(hlist_empty(&subs->list) && RB_EMPTY_ROOT(&subs->intervals));
	mm->notifier_subscriptions = NULL;
	kfree(subs);
}

/*
 * get and put.
 */

/* The one with these ops, with one more user; or NULL. */
static struct mmu_notifier *find_get(struct mm_struct *mm,
				     const struct mmu_notifier_ops *ops)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(mm);
	struct mmu_notifier *mn, *found = NULL;

	if (!subs)
		return NULL;
	spin_lock(&subs->lock);
	hlist_for_each_entry(mn, &subs->list, hlist) {
		if (mn->ops != ops || !mn->users)
			continue;
		mn->users++;
		found = mn;
		break;
	}
	spin_unlock(&subs->lock);
	return found;
}

static struct mmu_notifier *get_new(struct mm_struct *mm,
				    const struct mmu_notifier_ops *ops)
{
	struct mmu_notifier *mn = ops->alloc_notifier(mm);
	int err;

	if (IS_ERR(mn))
		return mn;
	mn->ops = ops;
	mn->users = 1;
	err = __mmu_notifier_register(mn, mm);
	if (!err)
		return mn;
	mn->mm = mm;
	ops->free_notifier(mn);
	return ERR_PTR(err);
}

struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops,
				      struct mm_struct *mm)
{
	struct mmu_notifier *mn;

	mmap_write_lock(mm);		/* two that ask get the same one */
	mn = find_get(mm, ops);
	if (!mn)
		mn = get_new(mm, ops);
	mmap_write_unlock(mm);
	return mn;
}

static struct mmu_notifier *dead;	/* a: put, to be freed */
static atomic64_t nr_put, nr_freed;
static struct wait_queue_head put_wait, freed_wait;

void mmu_notifier_put(struct mmu_notifier *mn)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(mn->mm);
	bool last;

	spin_lock(&subs->lock);
	KASSERT(mn->users);
	last = !--mn->users;
	if (last)
		hlist_del_init_rcu(&mn->hlist);		/* (B) */
	spin_unlock(&subs->lock);
	if (!last)
		return;
	atomic64_inc(&nr_put);
	do
		mn->next_dead = READ_ONCE(dead);
	while (cmpxchg(&dead, mn->next_dead, mn) != mn->next_dead);
	wake_up_all(&put_wait);
}

static void free_put(struct mmu_notifier *mn)
{
	struct mm_struct *mm = mn->mm;

	if (!BUG_SWITCH("put_frees_now"))
		synchronize_srcu(&mm->notifier_srcu);		/* (C) */
	mn->ops->free_notifier(mn);
	mmdrop(mm);
	atomic64_inc(&nr_freed);
	wake_up_all(&freed_wait);
}

static void free_main(void *arg)
{
	struct mmu_notifier *mn, *next;

	(void)arg;
	for (;;) {
		wait_event_idle(&put_wait, READ_ONCE(dead));
		for (mn = xchg(&dead, NULL); mn; mn = next) {
			next = mn->next_dead;
			free_put(mn);
		}
	}
}

void mmu_notifier_synchronize(void)
{
	s64 all = atomic64_read(&nr_put);

	wait_event(&freed_wait, atomic64_read(&nr_freed) >= all);
}

static int mmu_notifier_init(void)
{
	struct thread *t;

	init_waitqueue_head(&put_wait);
	init_waitqueue_head(&freed_wait);
	t = kthread_run("notifier", -1, free_main, NULL);
	return IS_ERR(t) ? (int)PTR_ERR(t) : 0;
}
INITCALL_LEVEL(1, mmu_notifier_init);
