/* SPDX-License-Identifier: MIT */
/*
 * Telling the subscribers (mmu_notifier.h says what each callback may expect).
 *
 * N1. A section tells at its end exactly those whom it told at its start: who
 *     was on the list before the generation that it read (mmu_notifier.c).
 *     Whoever leaves meanwhile gets no end, and waits until the section is
 *     over (G9).
 * N2. A non-blockable section that one subscriber refuses is ended at once for
 *     those who had accepted it, intervals included, and for nobody else (A3).
 * N3. Intervals first, as they may be many; then the list.
 * N4. Nobody sees MMU_NOTIFIER_USE_CHANGE_PTE who has no change_pte.
 *
 * Cost: an mm that nobody subscribed to, in a system where nobody ever did,
 * has notifier_flags 0: one test at the start, one of the caller's own range
 * at the end.  Else a section counts itself (two atomic additions).
 *
 * Tests: tests/kt/kt_notifier.c, tests/race/race_notifier.c
 */
#include "kernel/config.h"
#include "kernel/racepoint.h"
#include "lib/schedpoint.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmu_notifier.h"
#include "mm/mmu_notifier_impl.h"
#include "mm/mmu_notifier_minimal.h"

/*
 * Sections.
 */
static void range_for(struct mmu_notifier_range *copy, struct mmu_notifier *mn,
		      const struct mmu_notifier_range *r)
{
	*copy = *r;
	if (!mn->ops->change_pte)
		copy->flags &= ~(u32)MMU_NOTIFIER_USE_CHANGE_PTE;	/* N4 */
}

static int call_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct mmu_notifier_range copy;

	range_for(&copy, mn, r);
	RACE_POINT("notifier:before_call");
	return mn->ops->invalidate_range_start(mn, &copy);
}

static void call_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct mmu_notifier_range copy;

	if (!mn->ops->invalidate_range_end)
		return;
	range_for(&copy, mn, r);
	mn->ops->invalidate_range_end(mn, &copy);
}

static bool told(const struct mmu_notifier *mn,
		 const struct mmu_notifier_range *r)
{
	return mn->since <= r->gen;
}

/* Ends for those before `failed`, whose starts succeeded. */
static void undo_starts(struct mmu_notifier_subscriptions *subs,
			struct mmu_notifier *failed,
			const struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;

	for_each_mn(mn, r->mm, subs) {
		if (mn == failed)
			break;
		if (told(mn, r) && mn->ops->invalidate_range_start)
			call_end(mn, r);
	}
	if (mmu_interval_told(subs, r))
		mmu_interval_inv_end(subs);
}

static int start_all(struct mmu_notifier_subscriptions *subs,
		     const struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;
	int err;

	if (mmu_interval_told(subs, r)) {			/* N3 */
		err = mmu_interval_inv_start(subs, r);
		if (err)
			return err;
	}
	for_each_mn(mn, r->mm, subs) {
		if (!told(mn, r) || !mn->ops->invalidate_range_start)
			continue;
		err = call_start(mn, r);
		if (!err)
			continue;
		if (WARN_ON_ONCE(mmu_notifier_range_blockable(r)))
			continue;
		undo_starts(subs, mn, r);			/* N2 */
		return err;
	}
	return 0;
}

/* False: the section tells nobody. */
static bool enter(struct mmu_notifier_range *r)
{
	struct mm_struct *mm = r->mm;
	struct mmu_notifier_subscriptions *subs;

	r->gen = 0;
	r->srcu = 0;
	if (!mm_notifier_flags(mm))
		return false;
	if (mm_notifier_flags(mm) & MN_LEVEL0) {
		r->srcu = MN_IN_LEVEL0;
		return false;
	}
	r->srcu = 1 + srcu_read_lock(&mm->notifier_srcu);	/* (1) */
	subs = mmu_notifier_subs(mm);
	if (subs)
		r->gen = smp_load_acquire(&subs->gen);		/* (2) */
	return r->gen;
}

static void leave(struct mmu_notifier_range *r)
{
	if (r->srcu == MN_IN_LEVEL0)
		mm_minimal_range_end(r);
	else if (r->srcu)
		srcu_read_unlock(&r->mm->notifier_srcu, r->srcu - 1);
	r->srcu = 0;
}

void __mmu_notifier_invalidate_range_start(struct mmu_notifier_range *r)
{
	sched_point(SP_NOTIFIER);
	if (CONFIG_LAB) {
		might_sleep();
		mmu_section_open(r);
	}
	if (!enter(r))
		return;
	TRACE4(MN_START, r->mm->id, r->start, r->end, r->event);
	start_all(mmu_notifier_subs(r->mm), r);
	sched_point(SP_NOTIFIER);
}

int __mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *r)
{
	int err = 0;

	if (CONFIG_LAB)
		mmu_section_open(r);
	if (enter(r)) {
		TRACE4(MN_START, r->mm->id, r->start, r->end, r->event);
		err = start_all(mmu_notifier_subs(r->mm), r);
	}
	if (!err)
		return 0;
	if (CONFIG_LAB)
		mmu_section_close(r);
	leave(r);
	return -EAGAIN;
}

void __mmu_notifier_invalidate_range_end(struct mmu_notifier_range *r)
{
	struct mmu_notifier_subscriptions *subs = mmu_notifier_subs(r->mm);
	struct mmu_notifier *mn;

	sched_point(SP_NOTIFIER);
	if (CONFIG_LAB)
		mmu_section_close(r);
	if (r->gen) {
		TRACE4(MN_END, r->mm->id, r->start, r->end, r->event);
		if (mmu_interval_told(subs, r))
			mmu_interval_inv_end(subs);
		for_each_mn(mn, r->mm, subs)
			if (told(mn, r))			/* N1 */
				call_end(mn, r);
	}
	leave(r);
}

/*
 * Ageing (G6) and the rest that may not sleep.
 */
int mmu_notifier_clear_flush_young(struct mm_struct *mm, vaddr_t start,
				   vaddr_t end)
{
	struct mmu_notifier *mn;
	int idx, young = 0;

	if (!mm_notifier_flags(mm))
		return 0;
	if (mm_notifier_flags(mm) & MN_LEVEL0)
		return mm_minimal_young(mm, start, end);
	if (!mm_has_notifiers(mm))
		return 0;
	idx = srcu_read_lock(&mm->notifier_srcu);
	for_each_mn(mn, mm, mmu_notifier_subs(mm))
		if (mn->ops->clear_flush_young)
			young |= mn->ops->clear_flush_young(mn, mm, start, end);
	srcu_read_unlock(&mm->notifier_srcu, idx);
	TRACE4(MN_YOUNG, mm->id, start, end, young);
	return young;
}

int mmu_notifier_clear_young(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct mmu_notifier *mn;
	int idx, young = 0;

	if (!mm_has_notifiers(mm))
		return 0;
	idx = srcu_read_lock(&mm->notifier_srcu);
	for_each_mn(mn, mm, mmu_notifier_subs(mm))
		if (mn->ops->clear_young)
			young |= mn->ops->clear_young(mn, mm, start, end);
	srcu_read_unlock(&mm->notifier_srcu, idx);
	return young;
}

int mmu_notifier_test_young(struct mm_struct *mm, vaddr_t va)
{
	struct mmu_notifier *mn;
	int idx, young = 0;

	if (!mm_has_notifiers(mm))
		return 0;
	idx = srcu_read_lock(&mm->notifier_srcu);
	for_each_mn(mn, mm, mmu_notifier_subs(mm))
		if (!young && mn->ops->test_young)
			young = mn->ops->test_young(mn, mm, va);
	srcu_read_unlock(&mm->notifier_srcu, idx);
	return young;
}

static void change_pte(struct mm_struct *mm, vaddr_t va, pte_t e)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_has_notifiers(mm))
		return;
	TRACE3(MN_CHANGE, mm->id, va, e.val);
	idx = srcu_read_lock(&mm->notifier_srcu);
	for_each_mn(mn, mm, mmu_notifier_subs(mm))
		if (mn->ops->change_pte)
			mn->ops->change_pte(mn, mm, va, e);
	srcu_read_unlock(&mm->notifier_srcu, idx);
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
	RACE_POINT("change_pte:primary_set");
}

void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
						 vaddr_t start, vaddr_t end)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_notifier_flags(mm))
		return;
	if (mm_notifier_flags(mm) & MN_LEVEL0)
		mm_minimal_flushed(mm, start, end);
	if (!mm_has_notifiers(mm))
		return;
	idx = srcu_read_lock(&mm->notifier_srcu);
	for_each_mn(mn, mm, mmu_notifier_subs(mm))
		if (mn->ops->arch_invalidate_secondary_tlbs)
			mn->ops->arch_invalidate_secondary_tlbs(mn, mm, start,
								end);
	srcu_read_unlock(&mm->notifier_srcu, idx);
}

void mmu_notifier_tables_moved(struct mm_struct *mm, vaddr_t start, vaddr_t end,
			       int level)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_has_notifiers(mm))
		return;
	idx = srcu_read_lock(&mm->notifier_srcu);
	for_each_mn(mn, mm, mmu_notifier_subs(mm))
		if (mn->ops->tables_moved)
			mn->ops->tables_moved(mn, mm, start, end, level);
	srcu_read_unlock(&mm->notifier_srcu, idx);
}

void mmu_notifier_for_each(struct mm_struct *mm,
			   void (*fn)(struct mmu_notifier *mn, void *arg),
			   void *arg)
{
	struct mmu_notifier *mn;
	int idx;

	if (!mm_has_notifiers(mm))
		return;
	idx = srcu_read_lock(&mm->notifier_srcu);
	for_each_mn(mn, mm, mmu_notifier_subs(mm))
		fn(mn, arg);
	srcu_read_unlock(&mm->notifier_srcu, idx);
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
