/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: test-and-test-and-set with bounded backoff and PAUSE.  Not a
 * ticket lock on purpose: with more CPUs than host cores a FIFO convoys.
 *
 * spin_lock turns preemption off (and so is an RCU read section).  Use the
 * _irqsave form for every lock an interrupt handler takes.
 * Lab builds check rank, recursion and owner; see lockdep.h.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "kernel/lockorder.h"

typedef struct spinlock {
	u32 val;		/* enum spin_state */
	u16 rank;
	u16 owner;		/* holder's CPU + 1, for messages and asserts */
} spinlock_t;

enum spin_state { SPIN_FREE, SPIN_HELD, SPIN_DEAD };

#define SPINLOCK_INIT(r)	{ 0, (r), 0 }
#define DEFINE_SPINLOCK(name, r) spinlock_t name = SPINLOCK_INIT(r)

void spin_lock_init(spinlock_t *l, enum lock_rank rank);
void spin_lock(spinlock_t *l);
/* l has the rank of a lock already held; `outer` makes their order safe. */
void spin_lock_nest_lock(spinlock_t *l, const void *outer);
bool spin_trylock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
u64 __must_check spin_lock_irqsave(spinlock_t *l);
void spin_unlock_irqrestore(spinlock_t *l, u64 flags);
/*
 * A lock may die with what it protects: its last holder ends it, and nobody
 * gets it again before spin_lock_init().  Who cannot know takes it with
 * spin_lock_live(), which costs what spin_lock() costs.  False: it is dead, and
 * nothing is held.
 */
bool __must_check spin_lock_live(spinlock_t *l);
bool __must_check spin_lock_live_nest_lock(spinlock_t *l, const void *outer);
void spin_unlock_dead(spinlock_t *l);
bool spin_is_locked(const spinlock_t *l);
/* Lab: panics unless this CPU holds l.  Release: nothing. */
void assert_spin_held(const spinlock_t *l);

#endif
