/* SPDX-License-Identifier: MIT */
/*
 * membarrier: all threads that run pass a full barrier before it returns.
 *
 * B1. A cross-call is one: the target's handler runs between two of its
 *     instructions, with a full barrier in it, and is waited for.  A thread
 *     that does not run has passed the switch's barrier, or will.
 * B2. The private command wants a registration first, as on Linux; it is the
 *     process's, and an exec forgets it.
 *
 * Tests: tests/abi/t_calls
 */
#include "kernel/ipi.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "mm/mm_types.h"
#include "sys/process.h"
#include "sys/syscall.h"

#define CMD_QUERY		0
#define CMD_GLOBAL		1
#define CMD_PRIVATE_EXPEDITED	8
#define CMD_REGISTER_PRIVATE	16

static void barrier_here(void *arg)
{
	(void)arg;
	smp_mb();
}

SYSCALL_FN(membarrier)
{
	struct process *p = cur_proc();

	if (s->a[1])
		return -EINVAL;
	switch ((s32)s->a[0]) {
	case CMD_QUERY:
		return CMD_GLOBAL | CMD_PRIVATE_EXPEDITED |
		       CMD_REGISTER_PRIVATE;
	case CMD_REGISTER_PRIVATE:
		WRITE_ONCE(p->membarrier, 1);
		return 0;
	case CMD_PRIVATE_EXPEDITED:
		if (!READ_ONCE(p->membarrier))
			return -EPERM;
		smp_mb();
		smp_call_mask(&p->mm->cpumask, barrier_here, NULL);
		return 0;
	case CMD_GLOBAL:
		on_each_cpu(barrier_here, NULL);
		return 0;
	default:
		return -EINVAL;
	}
}
