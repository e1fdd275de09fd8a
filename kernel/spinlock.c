/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: test, then test-and-set, with a bounded backoff.
 *
 * S1  Only the winner of the exchange writes owner.
 * S2  Preemption is off from before the exchange until after the release, so
 *     the holder runs, and a holder is a read section of RCU.
 * S3  A waiter spins with interrupts as its caller had them: also the irqsave
 *     form lets interrupts in while it waits, so that a CPU never keeps
 *     others from finishing a cross-call.
 *
 *	waiter				holder
 *	(1) read val while HELD		(A) stores under the lock
 *	(2) cmpxchg val, FREE to HELD	(B) release-store val = FREE, or DEAD
 * (2) after (B) sees (A): the exchange is a full barrier.
 *
 * S4  DEAD stays: (2) replaces FREE only.  A waiter finds it at (1), so that
 *     whoever gets the lock at once has nothing more to ask.
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
	l->val = SPIN_FREE;
	l->rank = (u16)rank;
	l->owner = 0;
}

static bool try_once(spinlock_t *l)
{
	u32 val = READ_ONCE(l->val);

	if (val != SPIN_FREE || !try_cmpxchg(&l->val, &val, SPIN_HELD))
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

/* Until the lock looks free; S3.  False: dead. */
static noinline bool wait_free(const spinlock_t *l)
{
	u64 start = CONFIG_LAB ? ktime_get() : 0;
	u32 pause = 1, val;

	while ((val = READ_ONCE(l->val)) == SPIN_HELD) {
		for (u32 i = 0; i < pause; i++)
			cpu_relax();
		if (pause < BACKOFF_MAX)
			pause *= 2;
		else if (CONFIG_LAB)
			check_stuck(l, start);
	}
	return val != SPIN_DEAD;
}

static bool lock_slow(spinlock_t *l)
{
	do {
		if (!wait_free(l))
			return false;
	} while (!try_once(l));
	return true;
}

static void __noreturn panic_dead(const spinlock_t *l)
{
	panic("spinlock %s at %p is dead", lock_rank_name[l->rank],
	      (const void *)l);
}

static void lock_sure(spinlock_t *l)
{
	if (!lock_slow(l))
		panic_dead(l);
}

void spin_lock(spinlock_t *l)
{
	sched_point(SP_LOCK);
	preempt_disable();
	if (CONFIG_LAB)
		lockdep_acquire(l, l->rank, LOCKDEP_WRITE);
	if (unlikely(!try_once(l)))
		lock_sure(l);
	sched_point(SP_LOCK);
}

void spin_lock_nest_lock(spinlock_t *l, const void *outer)
{
	sched_point(SP_LOCK);
	preempt_disable();
	if (CONFIG_LAB)
		lockdep_acquire_nest(l, l->rank, outer);
	if (unlikely(!try_once(l)))
		lock_sure(l);
}

/* After lockdep has heard of it. */
static bool lock_or_leave(spinlock_t *l)
{
	if (likely(try_once(l)) || lock_slow(l))
		return true;
	if (CONFIG_LAB)
		lockdep_release(l);
	preempt_enable();
	return false;
}

bool spin_lock_live(spinlock_t *l)
{
	sched_point(SP_LOCK);
	preempt_disable();
	if (CONFIG_LAB)
		lockdep_acquire(l, l->rank, LOCKDEP_WRITE);
	return lock_or_leave(l);
}

bool spin_lock_live_nest_lock(spinlock_t *l, const void *outer)
{
	sched_point(SP_LOCK);
	preempt_disable();
	if (CONFIG_LAB)
		lockdep_acquire_nest(l, l->rank, outer);
	return lock_or_leave(l);
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

static void release(spinlock_t *l, enum spin_state state)
{
	if (CONFIG_LAB) {
		assert_spin_held(l);
		lockdep_release(l);
	}
	l->owner = 0;
	smp_store_release(&l->val, (u32)state);		/* (B) */
}

void spin_unlock(spinlock_t *l)
{
	release(l, SPIN_FREE);
	preempt_enable();
	sched_point(SP_UNLOCK);
}

void spin_unlock_dead(spinlock_t *l)
{
	release(l, SPIN_DEAD);
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
		if (!wait_free(l))
			panic_dead(l);
		local_irq_disable();
		if (CONFIG_LAB)
			lockdep_acquire(l, l->rank, LOCKDEP_WRITE);
	}
	return flags;
}

void spin_unlock_irqrestore(spinlock_t *l, u64 flags)
{
	release(l, SPIN_FREE);
	local_irq_restore(flags);
	preempt_enable();
	sched_point(SP_UNLOCK);
}

bool spin_is_locked(const spinlock_t *l)
{
	return READ_ONCE(l->val) == SPIN_HELD;
}

void assert_spin_held(const spinlock_t *l)
{
	if (!CONFIG_LAB || panic_in_progress())
		return;
	if (unlikely(READ_ONCE(l->val) != SPIN_HELD ||
		     READ_ONCE(l->owner) != smp_processor_id() + 1))
		report_bug("lock %s at %p is not held by this CPU",
			   lock_rank_name[l->rank], (const void *)l);
}
