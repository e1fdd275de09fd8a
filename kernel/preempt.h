/* SPDX-License-Identifier: MIT */
/*
 * Preemption count of this CPU: > 0 forbids schedule().  Hard interrupts add
 * PREEMPT_IRQ.  preempt_enable() reschedules when it reaches 0 and a
 * reschedule is due and interrupts are on.
 */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include "arch/percpu.h"
#include "lib/compiler.h"

#define PREEMPT_IRQ	0x10000

DECLARE_PER_CPU(u32, preempt_count);
DECLARE_PER_CPU(u32, need_resched);

void preempt_schedule(void);		/* kernel/sched.c */

static inline void preempt_disable(void)
{
	this_cpu_add(preempt_count, 1);
	barrier();
}

static inline void preempt_enable_no_resched(void)
{
	barrier();
	this_cpu_add(preempt_count, -1);
}

static inline void preempt_enable(void)
{
	preempt_enable_no_resched();
	if (unlikely(this_cpu_read(need_resched)) &&
	    !this_cpu_read(preempt_count))
		preempt_schedule();
}

static inline bool in_irq(void)
{
	return this_cpu_read(preempt_count) >= PREEMPT_IRQ;
}

#endif
