/* SPDX-License-Identifier: MIT */
/* Cross-calls. */
#include "kernel/ipi.h"
#include "kernel/preempt.h"
#include "kernel/spinlock.h"
#include "kernel/stop.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

static struct {
	struct cpumask called;
	atomic_t calls, irq_calls;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
}

static void note(void *arg)
{
	(void)arg;
	cpumask_set_cpu(smp_processor_id(), &s.called);
	atomic_inc(&s.calls);
	if (in_irq())
		atomic_inc(&s.irq_calls);
}

KTEST(ipi, everyone)
{
	reset();
	on_each_cpu(note, NULL);
	KT_EQ(t, cpumask_weight(&s.called), kt_cpus());
	KT_EQ(t, atomic_read(&s.calls), kt_cpus());
	KT_EQ(t, atomic_read(&s.irq_calls), kt_cpus() - 1);
}

KTEST(ipi, one)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		reset();
		smp_call_one(cpu, note, NULL);
		KT_EQ(t, atomic_read(&s.calls), 1);
		KT_EXPECT(t, cpumask_test_cpu(cpu, &s.called));
	}
}

/* Neither this CPU nor one that is not online is called. */
KTEST(ipi, mask)
{
	struct cpumask m;
	u64 sent;

	reset();
	cpumask_setall(&m);
	preempt_disable();
	sent = ipi_calls_sent();
	smp_call_mask(&m, note, NULL);
	KT_EXPECT(t, !cpumask_test_cpu(smp_processor_id(), &s.called));
	preempt_enable();
	KT_EQ(t, atomic_read(&s.calls), kt_cpus() - 1);
	KT_EXPECT(t, ipi_calls_sent() - sent >= kt_cpus() - 1);
	cpumask_clear(&m);
	smp_call_mask(&m, note, NULL);
	KT_EQ(t, atomic_read(&s.calls), kt_cpus() - 1);
}

static void crossfire(void *arg)
{
	(void)arg;
	for (int i = 0; i < 25; i++)
		smp_call_mask(&cpu_online_mask, note, NULL);
}

/* All call all at the same time: whoever waits must serve. */
KTEST(ipi, crossfire)
{
	struct kt_team team = { .nr = 0 };
	u32 n = min_t(u32, kt_cpus(), 4);

	reset();
	for (u32 i = 0; i < n; i++)
		kt_spawn(t, &team, (int)kt_cpu(i), crossfire, NULL);
	kt_join(&team);
	KT_EQ(t, atomic_read(&s.calls), n * 25 * (kt_cpus() - 1));
}

static DEFINE_SPINLOCK(held, LOCK_PTE);

static void contender(void *arg)
{
	(void)arg;
	for (int i = 0; i < 15; i++) {
		spin_lock(&held);
		smp_call_mask(&cpu_online_mask, note, NULL);
		spin_unlock(&held);
	}
}

/* A CPU that spins on a lock with interrupts on still answers. */
KTEST(ipi, under_spinlock)
{
	struct kt_team team = { .nr = 0 };
	u32 n = min_t(u32, kt_cpus(), 4);

	reset();
	for (u32 i = 0; i < n; i++)
		kt_spawn(t, &team, (int)kt_cpu(i), contender, NULL);
	kt_join(&team);
	KT_EQ(t, atomic_read(&s.calls), n * 15 * (kt_cpus() - 1));
}

struct runner { u64 rounds; u32 stop, busy; };

static void runner_thread(void *arg)
{
	struct runner *r = arg;

	if (READ_ONCE(r->busy))
		preempt_disable();
	while (!READ_ONCE(r->stop)) {
		WRITE_ONCE(r->rounds, r->rounds + 1);
		cpu_relax();
	}
	if (READ_ONCE(r->busy))
		preempt_enable();
}

static void join_runner(struct runner *r, struct thread *th)
{
	WRITE_ONCE(r->stop, 1);
	thread_join(th);
	kt_unpin();
}

/* A thread on another CPU gets nowhere until the others may go on. */
KTEST(ipi, stop_others)
{
	struct runner r = { 0 };
	struct thread *th;
	u64 rounds;
	bool moved = false;

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	kt_pin(0);
	th = kthread_run("runner", (int)kt_other_cpu(), runner_thread, &r);
	while (!READ_ONCE(r.rounds))
		yield();
	while (!stop_others())
		yield();
	rounds = READ_ONCE(r.rounds);
	for (u32 i = 0; i < 100000; i++)
		moved |= READ_ONCE(r.rounds) != rounds;
	start_others();
	KT_EXPECT(t, !moved);
	while (READ_ONCE(r.rounds) == rounds)
		yield();
	join_runner(&r, th);
}

/* P2: not while somebody may hold a spinlock. */
KTEST(ipi, stop_is_refused)
{
	struct runner r = { .busy = 1 };
	struct thread *th;

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	kt_pin(0);
	th = kthread_run("runner", (int)kt_other_cpu(), runner_thread, &r);
	while (!READ_ONCE(r.rounds))
		yield();
	KT_EXPECT(t, !stop_others());
	join_runner(&r, th);
	while (!stop_others())
		yield();
	start_others();
}
