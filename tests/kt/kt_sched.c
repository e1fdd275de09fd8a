/* SPDX-License-Identifier: MIT */
/* Threads and the scheduler. */
#include "kernel/preempt.h"
#include "kernel/wait.h"
#include "tests/kt/kt_util.h"

#define PINGS	500

static struct {
	struct wait_queue_head wq[2];
	u32 turn, seen[NR_CPUS];
	u32 flag[2], go, stop;
	struct cpumask ran_on;
	atomic_t running, bad;
	int ret;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	init_waitqueue_head(&s.wq[0]);
	init_waitqueue_head(&s.wq[1]);
}

static void where_am_i(void *arg)
{
	u32 cpu = (u32)(u64)arg;

	if (smp_processor_id() == cpu)
		WRITE_ONCE(s.seen[cpu], 1);
}

KTEST(sched, pinned)
{
	struct kt_team team = { .nr = 0 };
	u32 cpu;

	reset();
	for_each_cpu(cpu, &cpu_online_mask) {
		kt_spawn(t, &team, (int)cpu, where_am_i, (void *)(u64)cpu);
		kt_join(&team);
		KT_EQ(t, s.seen[cpu], 1);
	}
}

KTEST(sched, migrate_self)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		thread_migrate_self(cpu);
		KT_EQ(t, smp_processor_id(), cpu);
		yield();
		KT_EQ(t, smp_processor_id(), cpu);
	}
	thread_set_affinity(current(), &cpu_online_mask);
}

/* Two threads on one CPU, neither gives it up: each waits for the other. */
static void stubborn(void *arg)
{
	u64 me = (u64)arg;

	WRITE_ONCE(s.flag[me], 1);
	if (!kt_spin_for(READ_ONCE(s.flag[!me])))
		atomic_inc(&s.bad);
}

KTEST(sched, preemption)
{
	struct kt_team team = { .nr = 0 };

	reset();
	kt_spawn(t, &team, (int)kt_cpu(0), stubborn, (void *)0);
	kt_spawn(t, &team, (int)kt_cpu(0), stubborn, (void *)1);
	kt_join(&team);
	KT_EQ(t, atomic_read(&s.bad), 0);
}

static void pinger(void *arg)
{
	u32 me = (u32)(u64)arg;

	for (u32 i = 0; i < PINGS; i++) {
		wait_event(&s.wq[me], READ_ONCE(s.turn) == me);
		WRITE_ONCE(s.turn, !me);
		wake_up(&s.wq[!me]);
	}
}

static void ping_pong(struct kt *t, u32 cpu_a, u32 cpu_b)
{
	struct kt_team team = { .nr = 0 };

	reset();
	kt_spawn(t, &team, (int)cpu_a, pinger, (void *)0);
	kt_spawn(t, &team, (int)cpu_b, pinger, (void *)1);
	kt_join(&team);		/* a lost wake-up hangs here */
	KT_EQ(t, s.turn, 0);
}

KTEST(sched, lost_wakeup)
{
	ping_pong(t, kt_cpu(0), kt_cpu(1));
}

KTEST(sched, lost_wakeup_one_cpu)
{
	ping_pong(t, kt_cpu(1), kt_cpu(1));
}

static void note_cpu(void *arg)
{
	(void)arg;
	atomic_inc(&s.running);
	while (!READ_ONCE(s.stop)) {
		cpumask_set_cpu(smp_processor_id(), &s.ran_on);
		cpu_relax();
	}
}

/* Threads started in one place end up on all CPUs. */
KTEST(sched, spreads)
{
	struct kt_team team = { .nr = 0 };
	u32 n = min_t(u32, kt_cpus(), 4);

	reset();
	for (u32 i = 0; i < n; i++)
		kt_spawn(t, &team, -1, note_cpu, NULL);
	KT_EXPECT(t, kt_wait_for(cpumask_weight(&s.ran_on) >= n));
	WRITE_ONCE(s.stop, 1);
	kt_join(&team);
}

/* A thread queued behind one that never sleeps is taken by an idle CPU. */
KTEST(sched, idle_steals)
{
	struct kt_team team = { .nr = 0 };
	struct cpumask all;

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	reset();
	cpumask_copy(&all, &cpu_online_mask);
	kt_spawn(t, &team, (int)kt_cpu(1), note_cpu, NULL);
	kt_spawn(t, &team, (int)kt_cpu(1), note_cpu, NULL);
	KT_EXPECT(t, kt_wait_for(atomic_read(&s.running) == 2));
	KT_EQ(t, cpumask_weight(&s.ran_on), 1);
	for (u32 i = 0; i < team.nr; i++)
		thread_set_affinity(team.thread[i], &all);
	KT_EXPECT(t, kt_wait_for(cpumask_weight(&s.ran_on) >= 2));
	WRITE_ONCE(s.stop, 1);
	kt_join(&team);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* The gates see what is not freed. */
KTEST(sched, many_threads)
{
	struct kt_team team = { .nr = 0 };

	for (u32 i = 0; i < 40; i++) {
		kt_spawn(t, &team, -1, nothing, NULL);
		if (team.nr == KT_TEAM_MAX)
			kt_join(&team);
	}
	kt_join(&team);
}

KTEST(sched, never_started)
{
	struct thread *th = thread_create("kt", nothing, NULL);

	KT_ASSERT(t, !IS_ERR(th));
	KT_EXPECT(t, !strcmp(thread_state_name(th), "sleeping"));
	thread_put(th);
	thread_put(th);
}

static void wait_interruptible(void *arg)
{
	(void)arg;
	s.ret = wait_event_interruptible(&s.wq[0], READ_ONCE(s.go));
}

static void wait_stubborn(void *arg)
{
	(void)arg;
	wait_event(&s.wq[0], READ_ONCE(s.go));
	s.ret = 1;
}

KTEST(sched, interrupt)
{
	struct kt_team team = { .nr = 0 };

	reset();
	KT_ASSERT(t, kt_spawn(t, &team, -1, wait_interruptible, NULL));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(team.thread[0]->state) ==
				 THREAD_INTERRUPTIBLE));
	thread_interrupt(team.thread[0]);
	kt_join(&team);
	KT_EQ(t, s.ret, -EINTR);

	reset();
	KT_ASSERT(t, kt_spawn(t, &team, -1, wait_stubborn, NULL));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(team.thread[0]->state) ==
				 THREAD_SLEEPING &&
				 !list_empty(&s.wq[0].head)));
	thread_interrupt(team.thread[0]);
	yield();
	KT_EQ(t, READ_ONCE(s.ret), 0);
	WRITE_ONCE(s.go, 1);
	wake_up(&s.wq[0]);
	kt_join(&team);
	KT_EQ(t, s.ret, 1);
}

static void set_go(void *arg)
{
	(void)arg;
	WRITE_ONCE(s.go, 1);
}

/* With preemption off nobody else runs here, whatever is due. */
KTEST(sched, preempt_disable)
{
	struct kt_team team = { .nr = 0 };
	u32 cpu = kt_cpu(0);
	u64 end;

	reset();
	thread_migrate_self(cpu);
	preempt_disable();
	kt_spawn(t, &team, (int)cpu, set_go, NULL);
	end = ktime_get() + 50000000;
	while (ktime_get() < end)
		cpu_relax();
	KT_EQ(t, READ_ONCE(s.go), 0);
	preempt_enable();
	kt_join(&team);
	KT_EQ(t, s.go, 1);
	thread_set_affinity(current(), &cpu_online_mask);
}

static void churner(void *arg)
{
	u32 n = (u32)(u64)arg;

	for (u32 i = 0; i < 60; i++) {
		thread_migrate_self(kt_cpu(n + i));
		if (smp_processor_id() != kt_cpu(n + i))
			atomic_inc(&s.bad);
		if (i % 7 == 0)
			sleep_ns(1);
	}
}

/* Moves, sleeps and wake-ups at once: nobody runs twice or gets lost. */
KTEST(sched, churn)
{
	struct kt_team team = { .nr = 0 };

	reset();
	for (u64 i = 0; i < 8; i++)
		kt_spawn(t, &team, -1, churner, (void *)i);
	kt_join(&team);
	KT_EQ(t, atomic_read(&s.bad), 0);
}
