/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail on purpose: the n-th one of a thread, or that and all
 * after it, counted over frames and slab objects alike.
 *
 * J1. What a thread arms is its own: nobody else's allocations are counted,
 *     an interrupt's on its stack neither, and its children start without.
 * J2. Failing once shows that each step undoes what was done before it.
 *     Failing from there on shows the same without second chances: whatever
 *     tries again after reclaim (mm/fault_entry.c, sys/clone.c) gives up, and
 *     the way out allocates nothing it cannot do without.
 *
 * Programs reach it through /proc/self/fail-nth (sys/procfail.c).
 * Tests: most of tests/kt; tests/kt/kt_alloc_fail.c with user/allocfail.c
 */
#include "arch/percpu.h"
#include "kernel/preempt.h"
#include "kernel/thread.h"
#include "mm/page_alloc.h"

enum fail_mode { FAIL_OFF, FAIL_ONCE, FAIL_FROM };

static void arm(enum fail_mode mode, u32 n)
{
	struct thread *t = current();

	t->fail_left = n;
	t->fail_mode = n ? mode : FAIL_OFF;
}

void alloc_fail_nth(u32 n)
{
	arm(FAIL_ONCE, n);
}

void alloc_fail_from(u32 n)
{
	arm(FAIL_FROM, n);
}

u32 alloc_fail_left(void)
{
	return current()->fail_left;
}

bool alloc_failed_nth(void)
{
	return current()->fail_mode != FAIL_OFF && !current()->fail_left;
}

bool should_fail_alloc(void)
{
	struct thread *t = current();

	if (likely(!t || t->fail_mode == FAIL_OFF) || in_irq())	/* J1 */
		return false;
	if (!t->fail_left)
		return t->fail_mode == FAIL_FROM;
	return !--t->fail_left;
}
