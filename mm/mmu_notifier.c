/* SPDX-License-Identifier: MIT */
/*
 * The notifier chain (guarantees G1-G9 in mmu_notifier.h).
 *
 * Each mm that ever had a subscriber has a struct of subscriptions, published
 * once and freed with the mm's structure (mm_count 0), so that "no notifiers"
 * is one test of a pointer.  The list is walked inside SRCU read sections:
 * callbacks may sleep, and whoever takes a subscriber off waits for them.
 *
 * Why registration takes all locks (G8): a truncate may be past the place
 * where it would have told us and not yet have freed its pages.
 *
 *	section				register
 *	(1) mmap, vma, i_mmap or anon	(A) mmap_lock and all the others
 *	    lock
 *	(2) subscribers? range_start	(B) publish, link into the list
 *	(3) change entries, free	(C) drop all locks
 *	(4) range_end
 * (1) before (A): the section is over before (B).  (A) before (1): (2) sees
 * the newcomer.  So nobody gets an end without its start.
 *
 *	callback			unregister
 *	(1) srcu_read_lock		(A) release() unless it ran
 *	(2) find mn, call it		(B) unlink under subs->lock
 *	(3) srcu_read_unlock		(C) synchronize_srcu, then mn may go
 * (2) before (B): (C) waits for (3).
 *
 * Locks: subs->lock (LOCK_NOTIFIER) for list changes.  A subscription pins
 * mm_count, not mm_users.  Tests: tests/kt/kt_notifier.c,
 * tests/race/race_notifier.c
 */
#include "kernel/config.h"
#include "kernel/init.h"
#include "kernel/racepoint.h"
#include "lib/schedpoint.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmu_notifier.h"
#include "mm/slab.h"
#include "mm/take_all_locks.h"

struct mmu_notifier_subscriptions {
	struct hlist_head list;		/* r; changed under lock */
	spinlock_t lock;
};

static struct srcu_struct srcu;

/* In a section of srcu. */
#define for_each_mn(mn, subs)						\
	hlist_for_each_entry_srcu(mn, &(subs)->list, hlist,		\
				  srcu_read_lock_held(&srcu))

static int mmu_notifier_init(void)
{
	srcu_init(&srcu);
	return 0;
}
INITCALL_LEVEL(0, mmu_notifier_init);

/* Partner: the store-release in register_locked(). */
static struct mmu_notifier_subscriptions *subs_of(struct mm_struct *mm)
{
	return smp_load_acquire(&mm->notifier_subscriptions);
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

/* All locks are held: no section is open (G8). */
static void register_locked(struct mmu_notifier *mn, struct mm_struct *mm,
			    struct mmu_notifier_subscriptions *subs)
{
	if (mm->notifier_subscriptions != subs)
		smp_store_release(&mm->notifier_subscriptions, subs);
	mmgrab(mm);
	mn->mm = mm;
	spin_lock(&subs->lock);
	hlist_add_head_rcu(&mn->hlist, &subs->list);
	spin_unlock(&subs->lock);
}

int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *fresh, *subs;
	bool all = !BUG_SWITCH("no_all_locks");
	int err = check_ops(mn->ops);

	if (err)
		return err;
	KASSERT(atomic_read(&mm->mm_users) > 0);
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	spin_lock_init(&fresh->lock, LOCK_NOTIFIER);
	mmap_write_lock(mm);
	err = all ? mm_take_all_locks(mm) : 0;
	if (!err) {
		/* commit */
		subs = mm->notifier_subscriptions ?: fresh;
		register_locked(mn, mm, subs);
		if (subs == fresh)
			fresh = NULL;
		if (all)
			mm_drop_all_locks(mm);
	}
	mmap_write_unlock(mm);
	kfree(fresh);
	return err;
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
	struct mmu_notifier_subscriptions *subs = subs_of(mm);
	int idx;

	might_sleep();
	KASSERT(mn->mm == mm && subs);
	if (!hlist_unhashed(&mn->hlist)) {
		/* exit may call release at the same time: it is idempotent */
		idx = srcu_read_lock(&srcu);
		if (mn->ops->release)
			mn->ops->release(mn, mm);
		srcu_read_unlock(&srcu, idx);
		unlink_notifier(subs, mn);
	}
	RACE_POINT("unregister:unlinked");
	if (!BUG_SWITCH("no_srcu_sync"))
		synchronize_srcu(&srcu);		/* (C) */
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
	struct mmu_notifier_subscriptions *subs = subs_of(mm);
	bool early = BUG_SWITCH("release_unlinks_first");
	struct mmu_notifier *mn;
	struct hlist_node *n;
	int idx;

	if (!subs)
		return;
	TRACE1(MN_RELEASE, mm->id);
	idx = srcu_read_lock(&srcu);
	hlist_for_each_entry_safe(mn, n, &subs->list, hlist) {
		if (early)
			unlink_notifier(subs, mn);
		RACE_POINT("release:before_call");
		if (mn->ops->release)
			mn->ops->release(mn, mm);
	}
	unlink_all(subs);
	srcu_read_unlock(&srcu, idx);
	synchronize_srcu(&srcu);
}

void mmu_notifier_subscriptions_destroy(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = subs_of(mm);

	if (!subs)
		return;
	KASSERT(hlist_empty(&subs->list));
	mm->notifier_subscriptions = NULL;
	kfree(subs);
}

/*
 * Sections.
 */
static int call_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct mmu_notifier_range copy = *r;

	if (!mn->ops->change_pte)
		copy.flags &= ~(u32)MMU_NOTIFIER_USE_CHANGE_PTE;
	RACE_POINT("notifier:before_call");
	return mn->ops->invalidate_range_start(mn, &copy);
}

static void call_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct mmu_notifier_range copy = *r;

	if (!mn->ops->change_pte)
		copy.flags &= ~(u32)MMU_NOTIFIER_USE_CHANGE_PTE;
	mn->ops->invalidate_range_end(mn, &copy);
}

/* Ends for those before `failed`, whose starts succeeded. */
static void undo_starts(struct mmu_notifier_subscriptions *subs,
			struct mmu_notifier *failed,
			const struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;

	for_each_mn(mn, subs) {
		if (mn == failed)
			break;
		if (mn->ops->invalidate_range_start &&
		    mn->ops->invalidate_range_end)
			call_end(mn, r);
	}
}

static int start_all(struct mmu_notifier_subscriptions *subs,
		     const struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;
	int idx = srcu_read_lock(&srcu), err = 0;

	for_each_mn(mn, subs) {
		if (!mn->ops->invalidate_range_start)
			continue;
		err = call_start(mn, r);
		if (!err)
			continue;
		if (WARN_ON_ONCE(r->flags & MMU_NOTIFIER_RANGE_BLOCKABLE)) {
			err = 0;
			continue;
		}
		undo_starts(subs, mn, r);
		break;
	}
	srcu_read_unlock(&srcu, idx);
	return err;
}

void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *r)
{
	sched_point(SP_NOTIFIER);
	r->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	if (CONFIG_LAB) {
		might_sleep();
		mmu_section_open(r);
	}
	if (!mm_has_notifiers(r->mm))
		return;
	TRACE4(MN_START, r->mm->id, r->start, r->end, r->event);
	start_all(subs_of(r->mm), r);
	sched_point(SP_NOTIFIER);
}

int mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *r)
{
	int err = 0;

	r->flags &= ~(u32)MMU_NOTIFIER_RANGE_BLOCKABLE;
	if (CONFIG_LAB)
		mmu_section_open(r);
	if (mm_has_notifiers(r->mm)) {
		TRACE4(MN_START, r->mm->id, r->start, r->end, r->event);
		err = start_all(subs_of(r->mm), r);
	}
	if (err && CONFIG_LAB)
		mmu_section_close(r);
	return err ? -EAGAIN : 0;
}

void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;
	int idx;

	sched_point(SP_NOTIFIER);
	if (CONFIG_LAB)
		mmu_section_close(r);
	if (!mm_has_notifiers(r->mm))
		return;
	TRACE4(MN_END, r->mm->id, r->start, r->end, r->event);
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(r->mm)) {
		if (mn->ops->invalidate_range_end)
			call_end(mn, r);
	}
	srcu_read_unlock(&srcu, idx);
}

/*
 * Ageing (G6) and the rest that may not sleep.
 */
int mmu_notifier_clear_flush_young(struct mm_struct *mm, vaddr_t start,
				   vaddr_t end)
{
	struct mmu_notifier *mn;
	int idx, young = 0;

	if (!mm_has_notifiers(mm))
		return 0;
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(mm))
		if (mn->ops->clear_flush_young)
			young |= mn->ops->clear_flush_young(mn, mm, start, end);
	srcu_read_unlock(&srcu, idx);
	TRACE4(MN_YOUNG, mm->id, start, end, young);
	return young;
}

int mmu_notifier_clear_young(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct mmu_notifier *mn;
	int idx, young = 0;

	if (!mm_has_notifiers(mm))
		return 0;
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(mm))
		if (mn->ops->clear_young)
			young |= mn->ops->clear_young(mn, mm, start, end);
	srcu_read_unlock(&srcu, idx);
	return young;
}

int mmu_notifier_test_young(struct mm_struct *mm, vaddr_t va)
{
	struct mmu_notifier *mn;
	int idx, young = 0;

	if (!mm_has_notifiers(mm))
		return 0;
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(mm))
		if (!young && mn->ops->test_young)
			young = mn->ops->test_young(mn, mm, va);
	srcu_read_unlock(&srcu, idx);
	return young;
}

static void change_pte(struct mm_struct *mm, vaddr_t va, pte_t e)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_has_notifiers(mm))
		return;
	TRACE3(MN_CHANGE, mm->id, va, e.val);
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(mm))
		if (mn->ops->change_pte)
			mn->ops->change_pte(mn, mm, va, e);
	srcu_read_unlock(&srcu, idx);
}

/*
 * Secondary first: else another CPU could write the new frame while a device
 * still reads the old one.
 */
void set_pte_at_notify(struct pt_pos *pos, pte_t e)
{
	struct mm_struct *mm = pos->pt->mm;

	KASSERT(pte_none(pte_read(pos->ptep)));
	if (CONFIG_LAB)
		mmu_section_check_change(mm, pos->va, e);
	if (BUG_SWITCH("primary_first")) {
		pte_set(pos, e);
		RACE_POINT("change_pte:primary_set");
		change_pte(mm, pos->va, e);
		return;
	}
	change_pte(mm, pos->va, e);
	pte_set(pos, e);
}

void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
						 vaddr_t start, vaddr_t end)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_has_notifiers(mm))
		return;
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(mm))
		if (mn->ops->arch_invalidate_secondary_tlbs)
			mn->ops->arch_invalidate_secondary_tlbs(mn, mm, start,
								end);
	srcu_read_unlock(&srcu, idx);
}

void mmu_notifier_tables_moved(struct mm_struct *mm, vaddr_t start, vaddr_t end,
			       int level)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_has_notifiers(mm))
		return;
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(mm))
		if (mn->ops->tables_moved)
			mn->ops->tables_moved(mn, mm, start, end, level);
	srcu_read_unlock(&srcu, idx);
}

void mmu_notifier_for_each(struct mm_struct *mm,
			   void (*fn)(struct mmu_notifier *mn, void *arg),
			   void *arg)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_has_notifiers(mm))
		return;
	idx = srcu_read_lock(&srcu);
	for_each_mn(mn, subs_of(mm))
		fn(mn, arg);
	srcu_read_unlock(&srcu, idx);
}

static void count_one(struct mmu_notifier *mn, void *arg)
{
	(void)mn;
	++*(u32 *)arg;
}

u32 mmu_notifier_count(struct mm_struct *mm)
{
	u32 n = 0;

	mmu_notifier_for_each(mm, count_one, &n);
	return n;
}
