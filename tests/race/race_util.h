/* SPDX-License-Identifier: MIT */
/* What several staged interleavings begin with. */
#ifndef TESTS_RACE_RACE_UTIL_H
#define TESTS_RACE_RACE_UTIL_H

#include "kernel/ktest.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"

/* A thread that runs fn(arg) up to `point`.  cpu < 0: anywhere. */
static inline struct thread *race_park(struct kt *t, const char *point, int cpu,
				       void (*fn)(void *), void *arg)
{
	struct thread *th;

	race_arm(point, 1);
	th = kthread_run(point, cpu, fn, arg);
	KT_EXPECT(t, !IS_ERR(th));
	KT_EQ(t, race_wait_parked(point), 0);
	return th;
}

/* It goes on, and ends. */
static inline void race_let_go(const char *point, struct thread *th)
{
	race_release(point);
	thread_join(th);
}

#endif
