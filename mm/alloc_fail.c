/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail on purpose: the n-th one of a thread, counted over
 * frames and slab objects alike.  For tests; one thread at a time.
 */
#include "arch/percpu.h"
#include "kernel/preempt.h"
#include "kernel/thread.h"
#include "mm/page_alloc.h"

/* One test at a time: thread whose allocations are counted. */
static struct thread *fail_thread;
static u32 fail_in;
static bool fail_fired;

void alloc_fail_nth(u32 n)
{
	WRITE_ONCE(fail_thread, NULL);
	fail_in = n;
	fail_fired = false;
	if (n)
		WRITE_ONCE(fail_thread, current());
}

bool alloc_failed_nth(void)
{
	return READ_ONCE(fail_thread) == current() && fail_fired;
}

bool should_fail_alloc(void)
{
	if (likely(!READ_ONCE(fail_thread)) || fail_thread != current() ||
	    in_irq() || fail_fired || --fail_in)
		return false;
	fail_fired = true;
	return true;
}
