/* SPDX-License-Identifier: MIT */
/* Between sched.c, thread.c, timer.c and irq.c; nobody else includes it. */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/thread.h"

#define SCHED_SLICE	2	/* ticks */

/* From the tick, irqs off.  in_user: the tick interrupted user mode. */
enum sched_tick_from { TICK_KERNEL, TICK_USER };
void sched_tick(enum sched_tick_from from);
/* From upcall_irq_exit(): preempt, irqs off, preemption count 0. */
void sched_preempt_irq(void);
/* A thread that is dead and off its stack, from the switch: irqs off. */
void thread_queue_reap(struct thread *t);
/* The fields of a thread that has no creator (idle threads). */
void thread_init_idle(struct thread *t, u32 cpu);
/* Expired timers of this CPU; irq context. */
void timer_run_expired(void);

#endif
