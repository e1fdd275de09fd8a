/* SPDX-License-Identifier: MIT */
/*
 * Cross-calls.  Every CPU has one slot for the call it makes, and a mask of
 * the CPUs whose slots it is to serve:
 *
 *	caller (preemption off, irqs on)  target (interrupt)
 *	(1) fill slot, left = n		(A) test_and_clear bit of a caller
 *	(2) set own bit in the target's	(B) call slot->fn
 *	    mask			(C) left -= 1
 *	(3) send IPI
 *	(4) wait until left == 0
 * (A) after (2) sees (1): both are full barriers.  (4) sees what (B) did: (C)
 * is a full barrier, (4) an acquire.  The slot is free again after (4), and
 * no target looks at it later: its bit is cleared.  One IPI may serve several
 * callers; one that finds no bit has been overtaken.
 *
 * I1  A CPU makes one call at a time: preemption is off from (1) to (4), and
 *     interrupt handlers make no calls.
 * I2  While it waits, a CPU serves others: interrupts are on.
 * I3  A caller that has waited a little halts: where host CPUs are few, a
 *     spinning one keeps the very CPU it waits for from running.  Whoever
 *     brings left to 0 wakes it.  halted and left meet Dekker-style: the
 *     caller sets halted, then reads left; (C), then the target reads halted.
 *     Both have a full barrier between.  A late wake-up is harmless.
 *
 * Tests: tests/kt/kt_ipi.c
 */
#include "kernel/ipi.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"

#define MAX_SPINS	64

struct call_slot {
	void (*fn)(void *arg);
	void *arg;
	atomic_t left;
	u32 halted;			/* a: the caller sleeps, I3 */
};

static DEFINE_PER_CPU(struct call_slot, call_slot);
static DEFINE_PER_CPU(struct cpumask, call_from);
static DEFINE_PER_CPU(u64, calls_sent);

static void post(u32 self, u32 cpu)
{
	/* The bit is clear (I1); this form is a full barrier. */
	(void)cpumask_test_and_set_cpu(self, per_cpu_ptr(&call_from, cpu));
	apic_send_ipi(cpu, VEC_CALL);				/* (3) */
	this_cpu_inc(calls_sent);
}

/* I3.  In a panic interrupts are off: then it spins. */
static void wait_done(struct call_slot *slot)
{
	u32 spins = 0;

	while (atomic_read_acquire(&slot->left)) {
		cpu_relax();
		if (++spins < MAX_SPINS || irqs_disabled())
			continue;
		local_irq_disable();
		smp_store_mb(&slot->halted, 1);
		if (atomic_read_acquire(&slot->left))
			cpu_idle_halt();
		else
			local_irq_enable();
		WRITE_ONCE(slot->halted, 0);
	}
}

void smp_call_begin(const struct cpumask *mask, void (*fn)(void *arg),
		    void *arg)
{
	struct call_slot *slot;
	struct cpumask m;
	u32 cpu, self;

	preempt_disable();
	if (unlikely(irqs_disabled() || in_irq()) && !panic_in_progress())
		panic("cross-call with interrupts off");
	self = smp_processor_id();
	cpumask_and(&m, mask, &cpu_online_mask);
	cpumask_clear_cpu(self, &m);
	slot = this_cpu_ptr(&call_slot);
	slot->fn = fn;
	slot->arg = arg;
	atomic_set(&slot->left, (int)cpumask_weight(&m));	/* (1) */
	for_each_cpu(cpu, &m)
		post(self, cpu);				/* (2) */
}

void smp_call_end(void)
{
	wait_done(this_cpu_ptr(&call_slot));			/* (4) */
	preempt_enable();
}

void smp_call_mask(const struct cpumask *mask, void (*fn)(void *arg), void *arg)
{
	smp_call_begin(mask, fn, arg);
	smp_call_end();
}

static void call_here(void (*fn)(void *arg), void *arg)
{
	u64 flags = local_irq_save();

	fn(arg);
	local_irq_restore(flags);
}

void on_each_cpu(void (*fn)(void *arg), void *arg)
{
	preempt_disable();
	smp_call_mask(&cpu_online_mask, fn, arg);
	call_here(fn, arg);
	preempt_enable();
}

void smp_call_one(u32 cpu, void (*fn)(void *arg), void *arg)
{
	struct cpumask m = CPUMASK_NONE;

	preempt_disable();
	if (cpu == smp_processor_id()) {
		call_here(fn, arg);
	} else {
		cpumask_set_cpu(cpu, &m);
		smp_call_mask(&m, fn, arg);
	}
	preempt_enable();
}

void upcall_ipi_call(void)
{
	struct cpumask *from = this_cpu_ptr(&call_from);
	u32 cpu;

	for_each_cpu(cpu, from) {
		struct call_slot *slot = per_cpu_ptr(&call_slot, cpu);

		if (!cpumask_test_and_clear_cpu(cpu, from))	/* (A) */
			continue;
		slot->fn(slot->arg);				/* (B) */
		/* (C), a full barrier; partner: wait_done() */
		if (!atomic_dec_return(&slot->left) &&
		    READ_ONCE(slot->halted))
			smp_send_reschedule(cpu);
	}
}

void smp_send_reschedule(u32 cpu)
{
	apic_send_ipi(cpu, VEC_RESCHED);
}

u64 ipi_calls_sent(void)
{
	u64 sum = 0;
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask)
		sum += READ_ONCE(per_cpu(calls_sent, cpu));
	return sum;
}
