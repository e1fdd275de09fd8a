/* SPDX-License-Identifier: MIT */
/* Two threads about one interval: mm/mmu_interval.c's steps. */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_interval.h"

struct actor {
	struct mm_struct *mm;
	struct kt_interval *k;
	u64 seq;
	u32 done;
};

static void section_thread(void *arg)
{
	struct actor *a = arg;

	do_madvise_dontneed(a->mm, KT_BASE, 0x1000);
	WRITE_ONCE(a->done, 1);
}

static void reader_thread(void *arg)
{
	struct actor *a = arg;

	a->seq = mmu_interval_read_begin(&a->k->sub);
	WRITE_ONCE(a->done, 1);
}

static void remove_thread(void *arg)
{
	struct actor *a = arg;

	mmu_interval_notifier_remove(&a->k->sub);
	WRITE_ONCE(a->done, 1);
}

static struct mm_struct *mm_with(struct kt *t, struct kt_interval *k)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm))
		return NULL;
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, kt_interval_insert(k, mm, KT_BASE, 0x1000), 0);
	return mm;
}

/* (B) of the reader, then a whole section, then (C), (D): it begins again. */
KTEST_FLAGS(race, interval_section_between, KTF_LAB_ONLY)
{
	struct kt_interval k;
	struct mm_struct *mm = mm_with(t, &k);
	u64 seq;

	KT_ASSERT(t, mm);
	seq = mmu_interval_read_begin(&k.sub);
	KT_EXPECT(t, pte_present(kt_pte(mm, KT_BASE)));
	do_madvise_dontneed(mm, KT_BASE, 0x1000);
	KT_EXPECT(t, kt_interval_retry(&k, seq));
	mmu_interval_notifier_remove(&k.sub);
	mmput(mm);
}

/* (A) inside the section: the reader waits until that ends. */
KTEST_FLAGS(race, interval_reader_waits, KTF_LAB_ONLY)
{
	struct kt_interval k;
	struct mm_struct *mm = mm_with(t, &k);
	struct actor s = { .mm = mm }, r = { .k = &k };
	struct thread *ts, *tr;

	KT_ASSERT(t, mm);
	race_arm("zap:before_end", 1);
	ts = kthread_run("section", -1, section_thread, &s);
	KT_EQ(t, race_wait_parked("zap:before_end"), 0);
	race_arm("interval:reader_waits", 1);
	tr = kthread_run("reader", -1, reader_thread, &r);
	KT_EQ(t, race_wait_parked("interval:reader_waits"), 0);
	race_release("interval:reader_waits");
	sleep_ms(30);
	KT_EQ(t, READ_ONCE(r.done), 0);
	race_release("zap:before_end");
	thread_join(ts);
	thread_join(tr);
	KT_EQ(t, k.calls, 1);
	KT_EXPECT(t, !kt_interval_retry(&k, r.seq));
	mmu_interval_notifier_remove(&k.sub);
	mmput(mm);
}

/*
 * The section has moved the number on and not yet worked off the list that
 * holds a subscription which is being removed.  May that be freed already?
 */
static u32 removed_early(struct kt *t, u32 bug)
{
	struct kt_interval k;
	struct mm_struct *mm = mm_with(t, &k);
	struct actor s = { .mm = mm }, r = { .k = &k };
	struct thread *ts, *tr;
	u32 early;

	if (!mm)
		return 0;
	kt_pin(0);
	bug_set("interval_wait_unlocked", bug);
	race_arm("zap:before_end", 1);
	ts = kthread_run("section", (int)kt_other_cpu(), section_thread, &s);
	KT_EQ(t, race_wait_parked("zap:before_end"), 0);
	race_arm("interval:remove_waits", 1);
	tr = kthread_run("remove", (int)kt_third_cpu(), remove_thread, &r);
	KT_EQ(t, race_wait_parked("interval:remove_waits"), 0);
	race_arm("interval:seq_moved", 1);
	race_release("zap:before_end");
	KT_EQ(t, race_wait_parked("interval:seq_moved"), 0);
	race_release("interval:remove_waits");
	if (bug)
		thread_join(tr);	/* it does not wait for the lock */
	else
		sleep_ms(30);
	early = READ_ONCE(r.done);
	race_release("interval:seq_moved");
	thread_join(ts);
	if (!bug)
		thread_join(tr);
	bug_set("interval_wait_unlocked", 0);
	kt_unpin();
	KT_EQ(t, r.done, 1);
	mmput(mm);
	return early;
}

KTEST_FLAGS(race, interval_remove_vs_end, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	KT_EQ(t, removed_early(t, 0), 0);
	KT_EQ(t, removed_early(t, 1), 1);
}
