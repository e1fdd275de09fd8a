/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: test, then test-and-set, with a bounded backoff.
 *
 * S1  val is 0 (free) or 1; only the winner of the exchange writes owner.
 * S2  Preemption is off from before the exchange until after the release, so
 *     the holder runs, and a holder is a read section of RCU.
 * S3  A waiter spins with interrupts as its caller had them: also the irqsave
 *     form lets interrupts in while it waits, so that a CPU never keeps
 *     others from finishing a cross-call.
 *
 *	waiter				holder
 *	(1) read val until 0		(A) stores under the lock
 *	(2) xchg val, 1			(B) release-store val = 0
 * (2) after (B) sees (A): the exchange is a full barrier.
 *
 * Lab builds report a lock that cannot be had for 30 seconds.
 * Tests: tests/kt/kt_locks.c
 */
#include "kernel/spinlock.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/report.h"
#include "lib/atomic.h"
#include "lib/schedpoint.h"

#define BACKOFF_MAX	64
#define STUCK_NS	30000000000ULL

void spin_lock_init(spinlock_t *l, enum lock_rank rank)
{
	l->val = 0;
	l->rank = (u16)rank;
	l->owner = 0;
}

static bool try_once(spinlock_t *l)
{
	if (READ_ONCE(l->val) || xchg(&l->val, 1))
		return false;
	l->owner = (u16)(smp_processor_id() + 1);
	return true;
}

static void check_stuck(const spinlock_t *l, u64 start)
{
	u16 owner = READ_ONCE(l->owner);

	if (ktime_get() - start < STUCK_NS || panic_in_progress())
		return;
	panic("spinlock %s at %p: not to be had, held by CPU %d",
	      lock_rank_name[l->rank], (const void *)l, owner - 1);
}

/* Until the lock looks free; S3. */
static noinline void wait_free(const spinlock_t *l)
{
	u64 start = CONFIG_LAB ? ktime_get() : 0;
	u32 pause = 1;

	while (READ_ONCE(l->val)) {
		for (u32 i = 0; i < pause; i++)
			cpu_relax();
		if (pause < BACKOFF_MAX)
			pause *= 2;
		else if (CONFIG_LAB)
			check_stuck(l, start);
	}
}

static void lock_slow(spinlock_t *l)
{
	do {
		wait_free(l);
	} while (!try_once(l));
}

void spin_lock(spinlock_t *l)
{
	sched_point(SP_LOCK);
	preempt_disable();
	if (CONFIG_LAB)
		lockdep_acquire(l, l->rank, LOCKDEP_WRITE);
	if (unlikely(!try_once(l)))
		lock_slow(l);
	sched_point(SP_LOCK);
}

void spin_lock_nest_lock(spinlock_t *l, const void *outer)
{
	sched_point(SP_LOCK);
	preempt_disable();
	if (CONFIG_LAB)
		lockdep_acquire_nest(l, l->rank, outer);
	if (unlikely(!try_once(l)))
		lock_slow(l);
}

bool spin_trylock(spinlock_t *l)
{
	sched_point(SP_LOCK);
	preempt_disable();
	if (unlikely(!try_once(l))) {
		preempt_enable();
		return false;
	}
	if (CONFIG_LAB)
		lockdep_acquire_try(l, l->rank, LOCKDEP_WRITE);
	return true;
}

static void release(spinlock_t *l)
{
	if (CONFIG_LAB) {
		assert_spin_held(l);
		lockdep_release(l);
	}
	l->owner = 0;
	smp_store_release(&l->val, 0);		/* (B) */
}

void spin_unlock(spinlock_t *l)
{
	release(l);
	preempt_enable();
	sched_point(SP_UNLOCK);
}

u64 spin_lock_irqsave(spinlock_t *l)
{
	u64 flags;

	sched_point(SP_LOCK);
	flags = local_irq_save();
	preempt_disable();
	if (CONFIG_LAB)
		lockdep_acquire(l, l->rank, LOCKDEP_WRITE);
	while (unlikely(!try_once(l))) {
		/* Not held yet: an interrupt meanwhile may take its own. */
		if (CONFIG_LAB)
			lockdep_release(l);
		local_irq_restore(flags);		/* S3 */
		wait_free(l);
		local_irq_disable();
		if (CONFIG_LAB)
			lockdep_acquire(l, l->rank, LOCKDEP_WRITE);
	}
	return flags;
}

void spin_unlock_irqrestore(spinlock_t *l, u64 flags)
{
	release(l);
	local_irq_restore(flags);
	preempt_enable();
	sched_point(SP_UNLOCK);
}

bool spin_is_locked(const spinlock_t *l)
{
	return READ_ONCE(l->val) != 0;
}

void assert_spin_held(const spinlock_t *l)
{
	if (!CONFIG_LAB || panic_in_progress())
		return;
	if (unlikely(!READ_ONCE(l->val) ||
		     READ_ONCE(l->owner) != smp_processor_id() + 1))
		report_bug("lock %s at %p is not held by this CPU",
			   lock_rank_name[l->rank], (const void *)l);
}
