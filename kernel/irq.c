/* SPDX-License-Identifier: MIT */
/*
 * Around hardware interrupts.
 *
 * The preemption count tells whether the interrupted code could be preempted:
 * interrupts were on, or it would not have come, so a count of 0 is enough.
 * That makes every interrupt of such code a quiescent state of RCU, and the
 * way out a point of preemption.
 */
#include "arch/upcall.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/rcu.h"
#include "kernel/sched.h"

void upcall_irq_enter(void)
{
	u32 count = this_cpu_read(preempt_count);

	this_cpu_add(preempt_count, PREEMPT_IRQ);
	if (CONFIG_LAB)
		lockdep_irq_enter();
	rcu_irq_enter(count ? RCU_IRQ_ATOMIC : RCU_IRQ_PREEMPTIBLE);
}

void upcall_irq_exit(struct regs *r)
{
	(void)r;
	KASSERT(this_cpu_read(preempt_count) >= PREEMPT_IRQ);
	this_cpu_add(preempt_count, -PREEMPT_IRQ);
	if (!this_cpu_read(preempt_count))
		sched_preempt_irq();
}
