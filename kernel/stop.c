/* SPDX-License-Identifier: MIT */
/*
 * Stopping the other CPUs: a cross-call whose function waits.
 *
 *	caller				each other CPU, in the call
 *	(1) arrived = 0, go = 0		(A) interrupted where it may not be
 *	(2) smp_call_begin()		    preempted? busy++
 *	(3) wait for arrived == n	(B) arrived++
 *	(4) busy? (6), false		(C) wait for go
 *	(5) ... true
 *	(6) go = 1, smp_call_end()
 *
 * P1  (B) is a full barrier and (3) acquires: what a CPU did before it stopped
 *     is seen in (5).  (6) releases and (C) acquires: what (5) did is seen.
 * P2  Who holds a spinlock has preemption off, so with busy == 0 no lock is
 *     held, and the caller may take any without waiting for a CPU that stands.
 *
 * One user at a time: whoever holds the state from (1) to (6).
 * Tests: tests/kt/kt_ipi.c
 */
#include "kernel/stop.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "lib/atomic.h"

static atomic_t arrived, busy;
static u32 go, in_use;

static void stand_still(void *arg)
{
	const struct stop_work *work = arg;

	if (this_cpu_read(preempt_count) != PREEMPT_IRQ)
		atomic_inc(&busy);				/* (A) */
	if (work)
		work->stop(work->arg);
	atomic_fetch_add(1, &arrived);				/* (B) */
	while (!smp_load_acquire(&go))				/* (C) */
		cpu_relax();
	if (work)
		work->start(work->arg);
}

bool stop_others(void)
{
	return stop_others_with(NULL);
}

bool stop_others_with(const struct stop_work *work)
{
	int others = (int)cpumask_weight(&cpu_online_mask) - 1;

	KASSERT(!irqs_disabled() && !this_cpu_read(preempt_count));
	if (xchg(&in_use, 1))
		return false;
	atomic_set(&arrived, 0);				/* (1) */
	atomic_set(&busy, 0);
	WRITE_ONCE(go, 0);
	/* (2): nobody there writes to it */
	smp_call_begin(&cpu_online_mask, stand_still, (void *)work);
	while (atomic_read_acquire(&arrived) != others)		/* (3) */
		cpu_relax();
	if (!atomic_read(&busy))				/* (4) */
		return true;
	start_others();
	return false;
}

void start_others(void)
{
	smp_store_release(&go, 1);				/* (6) */
	smp_call_end();
	smp_store_release(&in_use, 0);
}
