/* SPDX-License-Identifier: MIT */
/* What several in-kernel tests need: teams of threads. */
#ifndef TESTS_KT_KT_UTIL_H
#define TESTS_KT_KT_UTIL_H

#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/ktest.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"

#define KT_TEAM_MAX	16
#define KT_DEADLINE_NS	10000000000ULL	/* far above the usual */

struct kt_team {
	struct thread *thread[KT_TEAM_MAX];
	u32 nr;
};

static inline u32 kt_cpus(void)
{
	return cpumask_weight(&cpu_online_mask);
}

/* The n-th online CPU, modulo their number. */
static inline u32 kt_cpu(u32 n)
{
	u32 cpu = cpumask_first(&cpu_online_mask);

	for (n %= kt_cpus(); n; n--)
		cpu = cpumask_next(cpu, &cpu_online_mask);
	return cpu;
}

/* cpu < 0: anywhere.  False, and a failure noted, without memory. */
static inline bool kt_spawn(struct kt *t, struct kt_team *team, int cpu,
			    void (*fn)(void *), void *arg)
{
	struct thread *th = kthread_run("kt", cpu, fn, arg);

	if (!KT_EXPECT(t, !IS_ERR(th)))
		return false;
	team->thread[team->nr++] = th;
	return true;
}

static inline void kt_join(struct kt_team *team)
{
	while (team->nr)
		thread_join(team->thread[--team->nr]);
}

/* Spins politely until cond or the deadline; value: cond held. */
#define kt_wait_for(cond) ({						\
	u64 __end = ktime_get() + KT_DEADLINE_NS;			\
	bool __is;							\
	for (u32 __i = 0;						\
	     !(__is = !!(cond)) && ktime_get() < __end; __i++) {	\
		if (__i < 100)						\
			yield();					\
		else							\
			sleep_ms(1);					\
	}								\
	__is; })
/* The same without giving up the CPU. */
#define kt_spin_for(cond) ({						\
	u64 __end = ktime_get() + KT_DEADLINE_NS;			\
	bool __is;							\
	while (!(__is = !!(cond)) && ktime_get() < __end)		\
		cpu_relax();						\
	__is; })

/*
 * Does it get done, or wait for what the test holds?  With a bug it must get
 * done, however long that takes; else it must not, as long as we look.
 */
static inline bool kt_gets_done(const u32 *done, u32 bug)
{
	if (bug)
		return kt_wait_for(READ_ONCE(*done));
	sleep_ms(30);
	return READ_ONCE(*done);
}

#endif
