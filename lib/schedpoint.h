/* SPDX-License-Identifier: MIT */
/*
 * sched_point(id): a place where another CPU may come between.  Nothing in a
 * release build, and on the host.  In a lab build a test of a variable until
 * the kernel parameter race_seed=N arms the points; then each may hand over to
 * another CPU, and preempt a thread that can be preempted
 * (kernel/schedpoint.c).  Any context.
 */
#ifndef LIB_SCHEDPOINT_H
#define LIB_SCHEDPOINT_H

#include "lib/types.h"
#include "lib/compiler.h"

enum sched_point_id {
	SP_LOCK,		/* before a lock is tried, after it is had */
	SP_UNLOCK,		/* after it is released */
	SP_ATOMIC,		/* before an atomic read-modify-write */
	SP_PTE,			/* around a write of an entry */
	SP_FLUSH,
	SP_NOTIFIER,		/* around the start and end of a section */
	SP_RCU,			/* around a read section */
	SP_RACE,		/* at each RACE_POINT */
	SP_USER,		/* before an access to user memory */
	NR_SCHED_POINTS
};

#ifdef CONFIG_LAB_BUILD
extern u32 sched_points_armed;

void sched_point_hit(enum sched_point_id id);

static __always_inline void sched_point(enum sched_point_id id)
{
	if (unlikely(READ_ONCE(sched_points_armed)))
		sched_point_hit(id);
}
#else
static __always_inline void sched_point(enum sched_point_id id)
{
	(void)id;
}
#endif

#endif
