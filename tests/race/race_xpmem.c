/* SPDX-License-Identifier: MIT */
/*
 * An XPMEM-like window's fault against sections of its exporter, and two
 * sections against each other (drivers/shadow/xpmem.c, (1)-(4), (A)-(F)).
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_shadow.h"

#define OLD_WORD 0x0ddUL

struct actor {
	struct kt_shadow *k;
	u64 val;
	u32 done;
};

static void reader(void *arg)
{
	struct actor *a = arg;

	a->val = kt_dev_read(a->k->d, KT_BASE);
	WRITE_ONCE(a->done, 1);
}

static void dropper(void *arg)
{
	struct actor *a = arg;

	do_madvise_dontneed(a->k->mm, KT_BASE, PAGE_SIZE);
	WRITE_ONCE(a->done, 1);
}

static struct thread *park(struct kt *t, void (*fn)(void *), struct actor *a,
			   const char *point)
{
	struct thread *th;

	race_arm(point, 1);
	th = kthread_run("parked", -1, fn, a);
	KT_EQ(t, race_wait_parked(point), 0);
	return th;
}

static bool begin(struct kt *t, struct kt_shadow *k)
{
	if (!kt_shadow_begin(t, k, "xpmem", 1))
		return false;
	kt_poke(k->mm, KT_BASE, OLD_WORD);
	return true;
}

/*
 * The whole section lies between pin and install; the exporter is not waited
 * for, its page is pinned.
 */
static u64 section_between(struct kt *t, u32 bug)
{
	struct kt_shadow k;
	struct actor a = { .k = &k };
	struct shadow_stats s;
	struct thread *th;
	u64 val;

	if (!begin(t, &k))
		return 0;
	bug_set("xpmem_no_seq", bug);
	th = park(t, reader, &a, "xpmem:after_pin");
	do_madvise_dontneed(k.mm, KT_BASE, PAGE_SIZE);
	KT_EQ(t, kt_poke(k.mm, KT_BASE, 1), 0);
	race_release("xpmem:after_pin");
	thread_join(th);
	bug_clear_all();
	val = kt_dev_read(k.d, KT_BASE);
	KT_EQ(t, a.val, val);
	shadow_get_stats(k.d, &s);
	KT_EQ(t, s.installs, 1);
	kt_shadow_end(t, &k);
	return val;
}

KTEST_FLAGS(race, xpmem_section_between, KTF_LAB_ONLY)
{
	KT_EQ(t, section_between(t, 0), 1);
	KT_EQ(t, section_between(t, 1), OLD_WORD);
}

/* (F): a second section finds the pin taken, and the entry not flushed yet. */
static u32 second_returns(struct kt *t, u32 bug)
{
	struct kt_shadow k;
	struct actor a = { .k = &k }, b = { .k = &k };
	struct thread *ta, *tb;
	u32 early;

	if (!begin(t, &k))
		return 0;
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), OLD_WORD);
	bug_set("xpmem_no_wait", bug);
	ta = park(t, dropper, &a, "xpmem:before_flush");
	tb = kthread_run("second", -1, dropper, &b);
	for (u32 i = 0; i < 5 && !READ_ONCE(b.done); i++)
		sleep_ms(1);
	early = READ_ONCE(b.done);
	KT_EXPECT(t, !READ_ONCE(a.done));
	race_release("xpmem:before_flush");
	thread_join(ta);
	thread_join(tb);
	bug_clear_all();
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 0);
	kt_shadow_end(t, &k);
	return early;
}

KTEST_FLAGS(race, xpmem_second_section_waits, KTF_LAB_ONLY)
{
	KT_EQ(t, second_returns(t, 0), 0);
	KT_EQ(t, second_returns(t, 1), 1);
}

static void put_mm(void *arg)
{
	struct actor *a = arg;

	mmput(a->k->mm);
	WRITE_ONCE(a->done, 1);
}

/* The exporter exits between pin and install. */
KTEST_FLAGS(race, xpmem_vs_exit, KTF_LAB_ONLY)
{
	struct kt_shadow k;
	struct actor a = { .k = &k }, b = { .k = &k };
	struct thread *ta, *tb;
	struct shadow_stats s;

	if (!begin(t, &k))
		return;
	ta = park(t, reader, &a, "xpmem:after_pin");
	tb = kthread_run("exit", -1, put_mm, &b);
	race_release("xpmem:after_pin");
	thread_join(ta);
	thread_join(tb);
	KT_EXPECT(t, a.val == OLD_WORD || a.val == KT_NONE);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), KT_NONE);
	shadow_get_stats(k.d, &s);
	KT_EQ(t, s.entries, 0);
	shadow_detach(k.d);
}
