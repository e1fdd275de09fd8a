/* SPDX-License-Identifier: MIT */
/*
 * Lock-order checking of lab builds.  Each thread records the locks it holds;
 * taking one checks its rank against all of them.  In a release build every
 * function returns at once.
 */
#ifndef KERNEL_LOCKDEP_H
#define KERNEL_LOCKDEP_H

#include "lib/types.h"
#include "kernel/lockorder.h"

#define LOCKDEP_MAX_HELD 48
struct held_lock { const void *lock; u16 rank; u16 read; };
struct lockdep_state {
	u32 nr;
	u32 overflow;		/* nested locks that found no slot */
	u32 expecting;		/* a test wants violations counted, no panic */
	u32 violations;
	struct held_lock held[LOCKDEP_MAX_HELD];
};

enum { LOCKDEP_WRITE, LOCKDEP_READ };

void lockdep_acquire(const void *lock, enum lock_rank rank, int mode);
/* Same rank allowed: all of them are ordered by `outer`, which must be held. */
void lockdep_acquire_nest(const void *lock, enum lock_rank rank, const void *outer);
void lockdep_release(const void *lock);
bool lockdep_is_held(const void *lock);
/* Recorded without a check: a trylock cannot deadlock. */
void lockdep_acquire_try(const void *lock, enum lock_rank rank, int mode);
/* Number of locks the current thread holds; prints them, one line each. */
u32 lockdep_held_count(void);
void lockdep_print_held(void);
/* For tests: between the two, violations of the current thread are counted. */
void lockdep_expect_begin(void);
u32 lockdep_expect_end(void);
/* From panic: no checks any more. */
void lockdep_off(void);
/* Panics in lab builds when called with a spinlock held, irqs or preemption off */
void might_sleep(void);

#endif
