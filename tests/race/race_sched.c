/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's window (C3): a CPU has picked another thread and unlocked
 * its queue, but still runs on the old one's stack.  The old one is woken just
 * then, while other CPUs look for work: it must not run anywhere else.
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

static struct {
	u32 asleep, woken, stop, other_runs;
} s;

static void busy(void *arg)
{
	(void)arg;
	while (!READ_ONCE(s.stop)) {
		WRITE_ONCE(s.other_runs, 1);
		yield();
		cpu_relax();
	}
}

static void sleeper(void *arg)
{
	(void)arg;
	thread_set_affinity(current(), &cpu_online_mask);
	/* Interrupts are off, so that the switch is the one to sleep. */
	local_irq_disable();
	race_arm_thread("sched:before_switch", 1, current()->tid);
	WRITE_ONCE(s.asleep, 1);
	WRITE_ONCE(current()->state, THREAD_SLEEPING);
	schedule();
	local_irq_enable();
	WRITE_ONCE(s.woken, 1);
}

/* Each idle CPU has been through its idle loop, and so looked for work. */
static bool idle_cpus_looked(const u64 *before, u32 parked)
{
	for (u32 i = 0; i < kt_cpus(); i++) {
		u32 cpu = kt_cpu(i);

		if (cpu == 0 || cpu == parked)
			continue;
		if (sched_idle_ticks(cpu) < before[cpu] + 3)
			return false;
	}
	return true;
}

KTEST_FLAGS(race, sched_woken_before_switch, KTF_LAB_ONLY)
{
	u32 cpu = kt_other_cpu();
	u64 ticks[NR_CPUS] = { 0 };
	struct thread *other, *th;

	if (!cpu)
		KT_SKIP(t, "needs two CPUs");
	memset(&s, 0, sizeof(s));
	kt_pin(0);
	other = kthread_run("busy", (int)cpu, busy, NULL);
	th = thread_create("sleeper", sleeper, NULL);
	KT_ASSERT(t, !IS_ERR(other) && !IS_ERR(th));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.other_runs)));
	thread_bind(th, cpu);
	thread_start(th);		/* busy is there, so it is picked next */
	KT_EQ(t, race_wait_parked("sched:before_switch"), 0);
	for (u32 i = 0; i < kt_cpus(); i++)
		ticks[kt_cpu(i)] = sched_idle_ticks(kt_cpu(i));
	if (KT_EXPECT(t, READ_ONCE(s.asleep) && !th->on_rq)) {
		KT_EXPECT(t, wake_up_thread(th));
		KT_EQ(t, READ_ONCE(th->cpu), cpu);
	}
	KT_EXPECT(t, kt_wait_for(idle_cpus_looked(ticks, cpu)));
	KT_EQ(t, READ_ONCE(th->cpu), cpu);
	KT_EXPECT(t, !READ_ONCE(s.woken));
	race_release("sched:before_switch");
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.woken)));
	WRITE_ONCE(s.stop, 1);
	thread_join(th);
	thread_join(other);
	kt_unpin();
}
