/* SPDX-License-Identifier: MIT */
/* Race points and bug switches themselves. */
#include "kernel/preempt.h"
#include "kernel/racepoint.h"
#include "tests/kt/kt_util.h"

static struct {
	u32 stage, stop;
} s;

static void walker(void *arg)
{
	(void)arg;
	WRITE_ONCE(s.stage, 1);
	RACE_POINT("kt:between");
	WRITE_ONCE(s.stage, 2);
}

static void locked_walker(void *arg)
{
	preempt_disable();
	walker(arg);
	preempt_enable();
}

static void park_once(struct kt *t, int cpu, void (*fn)(void *))
{
	struct kt_team team = { .nr = 0 };

	s.stage = 0;
	KT_EQ(t, race_arm("kt:between", 1), 0);
	kt_spawn(t, &team, cpu, fn, NULL);
	KT_EQ(t, race_wait_parked("kt:between"), 0);
	KT_EQ(t, READ_ONCE(s.stage), 1);
	yield();
	KT_EQ(t, READ_ONCE(s.stage), 1);
	KT_EQ(t, race_release("kt:between"), 0);
	kt_join(&team);
	KT_EQ(t, s.stage, 2);
	KT_EQ(t, race_hits("kt:between"), 1);
}

/* Twice: a point can be armed again at once. */
KTEST_FLAGS(racepoint, park, KTF_LAB_ONLY)
{
	park_once(t, -1, walker);
	park_once(t, -1, walker);
}

/* On the test's own CPU: the parked thread lets others run. */
KTEST_FLAGS(racepoint, same_cpu, KTF_LAB_ONLY)
{
	thread_migrate_self(kt_cpu(0));
	park_once(t, (int)kt_cpu(0), walker);
	thread_set_affinity(current(), &cpu_online_mask);
}

KTEST_FLAGS(racepoint, preemption_off, KTF_LAB_ONLY)
{
	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	thread_migrate_self(kt_cpu(0));
	park_once(t, (int)kt_cpu(1), locked_walker);
	thread_set_affinity(current(), &cpu_online_mask);
}

KTEST_FLAGS(racepoint, nth, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	KT_EQ(t, race_arm("kt:between", 3), 0);
	walker(NULL);
	walker(NULL);
	KT_EQ(t, s.stage, 2);
	kt_spawn(t, &team, -1, walker, NULL);
	KT_EQ(t, race_wait_parked("kt:between"), 0);
	KT_EQ(t, race_release("kt:between"), 0);
	kt_join(&team);
}

KTEST_FLAGS(racepoint, only_thread, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	/* Armed for ourselves: others pass. */
	KT_EQ(t, race_arm_thread("kt:between", 1, current()->tid), 0);
	kt_spawn(t, &team, -1, walker, NULL);
	kt_join(&team);
	KT_EQ(t, s.stage, 2);
	KT_EQ(t, race_hits("kt:between"), 0);
	KT_EQ(t, race_release("kt:between"), 0);
}

KTEST_FLAGS(racepoint, unknown, KTF_LAB_ONLY)
{
	KT_EQ(t, race_arm("kt:no such point", 1), -ENOENT);
	KT_EQ(t, race_wait_parked("kt:no such point"), -ENOENT);
	KT_EQ(t, race_release("kt:no such point"), -ENOENT);
	KT_EQ(t, bug_set("kt_no_such_bug", 1), -ENOENT);
}

static bool buggy(void)
{
	return BUG_SWITCH("kt_bug");
}

KTEST_FLAGS(racepoint, bug_switch, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !buggy());
	KT_EQ(t, bug_set("kt_bug", 1), 0);
	KT_EXPECT(t, buggy());
	bug_clear_all();
	KT_EXPECT(t, !buggy());
}
