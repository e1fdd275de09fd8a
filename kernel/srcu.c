/* SPDX-License-Identifier: MIT */
/*
 * SRCU: read sections that may sleep, counted in two banks.
 *
 *	reader				synchronize_srcu()
 *	(1) i = idx % 2			(A) mb; wait until bank !i is empty
 *	(2) lock_count[i]++; mb		(B) idx++; mb
 *	(3) section			(C) wait until the other bank, which
 *	(4) mb; unlock_count[i]++	    readers used until (B), is empty; mb
 *
 * Empty: the sum of unlocks, read first, equals the sum of locks, read after
 * an mb.  A reader whose (2) comes after the second read sees everything from
 * before the grace period (its mb pairs with ours), so it need not be waited
 * for.  (A) is for a reader that was slow between (1) and (2) of the last
 * grace period and counted itself in the bank that is about to be used anew.
 *
 * Tests: tests/kt/kt_rcu.c
 */
#include "kernel/panic.h"
#include "kernel/rcu.h"

void srcu_init(struct srcu_struct *ss)
{
	ss->idx = 0;
	ss->begun = 0;
	ss->waiting = 0;
	for (int i = 0; i < 2; i++) {
		atomic64_set(&ss->lock_count[i], 0);
		atomic64_set(&ss->unlock_count[i], 0);
	}
	mutex_init(&ss->gp_mutex, LOCK_SRCU);
	init_waitqueue_head(&ss->wq);
}

int srcu_read_lock(struct srcu_struct *ss)
{
	u32 before = READ_ONCE(ss->idx);		/* (1) */
	u32 i = before & 1;

	(void)atomic64_inc_return(&ss->lock_count[i]);	/* (2), full barrier */
	if (CONFIG_LAB)
		srcu_check_open(ss, i, before);
	return (int)i;
}

void srcu_read_unlock(struct srcu_struct *ss, int idx)
{
	if (CONFIG_LAB)
		srcu_check_close(ss, idx);
	/*
	 * An RCU section: the domain may go a grace period after the last
	 * reader has left, and not while this looks at it.
	 */
	rcu_read_lock();
	/*
	 * (4), full barrier: the section before the count, the count before
	 * `waiting`; partner: smp_mb() in wait_empty().
	 */
	(void)atomic64_inc_return(&ss->unlock_count[idx]);
	if (unlikely(READ_ONCE(ss->waiting)))
		wake_up_all(&ss->wq);
	rcu_read_unlock();
}

static bool bank_empty(struct srcu_struct *ss, u32 i)
{
	s64 unlocks = atomic64_read(&ss->unlock_count[i]);

	smp_mb();	/* partner: (2), (4) */
	return atomic64_read(&ss->lock_count[i]) == unlocks;
}

static void wait_empty(struct srcu_struct *ss, u32 i)
{
	if (bank_empty(ss, i))
		return;
	WRITE_ONCE(ss->waiting, 1);
	smp_mb();	/* partner: srcu_read_unlock() */
	wait_event(&ss->wq, bank_empty(ss, i));
	WRITE_ONCE(ss->waiting, 0);
}

void synchronize_srcu(struct srcu_struct *ss)
{
	u32 idx;
	u64 gp;

	if (CONFIG_LAB)
		srcu_check_gp_begin(ss);
	mutex_lock(&ss->gp_mutex);
	gp = ss->begun + 1;
	WRITE_ONCE(ss->begun, gp);
	smp_mb();	/* the updates before; partner: (2) */
	idx = ss->idx & 1;
	wait_empty(ss, !idx);				/* (A) */
	WRITE_ONCE(ss->idx, ss->idx + 1);		/* (B) */
	smp_mb();	/* partner: (1), (2) */
	wait_empty(ss, idx);				/* (C) */
	smp_mb();	/* sections end before what follows; partner: (4) */
	if (CONFIG_LAB)
		srcu_check_gp_end(ss, gp);
	mutex_unlock(&ss->gp_mutex);
}
