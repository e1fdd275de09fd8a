/* SPDX-License-Identifier: MIT */
/* The timers a process may set: three interval timers, any POSIX timers. */
#ifndef SYS_TIMERS_H
#define SYS_TIMERS_H

#include "lib/types.h"
#include "sys/abi.h"

struct process;

/* itimer.c: of a process nobody knows yet. */
void itimers_prepare(struct process *p);
/* Its last thread ends: none fires from now on. */
void itimers_stop(struct process *p);

/* ptimer.c: exec and the end of a process delete them. */
void posix_timers_delete(struct process *p);
/* siglock held: a timer's signal was taken, timer_getoverrun() tells of it. */
void posix_timer_taken_locked(struct process *p,
			      const struct linux_siginfo *info);

/*
 * times.c: CPU time in ns of a process (siglock or proc_lock held) so far;
 * of user mode alone, or all.
 */
enum cpu_time { CPU_TIME_USER, CPU_TIME_ALL };
u64 process_cpu_ns_locked(struct process *p, enum cpu_time which);
/*
 * When a process that has used `used` ns of CPU time can have used `until` at
 * the earliest: ktime.
 */
u64 cpu_time_earliest(u64 used, u64 until);

#endif
