/* SPDX-License-Identifier: MIT */
/*
 * Lock checking of lab builds.  Each thread records the locks it holds and
 * where it took them; taking one checks its rank against all of them.  In a
 * release build every function returns at once, and the records have no room.
 */
#ifndef KERNEL_LOCKDEP_H
#define KERNEL_LOCKDEP_H

#include "lib/types.h"
#include "kernel/config.h"
#include "kernel/lockorder.h"

struct thread;

/*
 * A place in the code: return addresses, innermost first, as the low halves
 * of addresses in the kernel image; 0: no more.
 */
#define PLACE_DEPTH	3
struct place { u32 ip[PLACE_DEPTH]; };
#define PLACE_LEN	160
enum place_from {
	PLACE_CALL,		/* where the function was called */
	PLACE_CALLER,		/* where the function that called it was */
};
/* frame: __builtin_frame_address(0) of a function that is not inlined. */
void place_note(struct place *p, const void *frame, enum place_from from);
/* "f+0x12 < g+0x34 < h+0x56" into buf; returns buf. */
const char *place_format(const struct place *p, char *buf, size_t len);

#define LOCKDEP_MAX_HELD (CONFIG_LAB ? 48 : 1)
#define LOCKDEP_MAX_SRCU (CONFIG_LAB ? 8 : 1)
struct held_lock {
	const void *lock;
	struct place at;
	u16 rank;
	u16 read;
};

struct held_srcu {
	const void *domain;		/* a: NULL: free slot */
	u64 since;			/* grace periods begun before */
	struct place at;
	u32 idx;
};

struct lockdep_state {
	u32 nr;
	u32 overflow;		/* nested locks that found no slot */
	const void *waiting;	/* a: it waits for this one, the last it lists */
	u64 seen_switches, seen_at;	/* watchdog: asleep since, */
	bool told;			/* and reported */
	struct held_lock held[LOCKDEP_MAX_HELD];
	struct held_srcu srcu[LOCKDEP_MAX_SRCU];
};

enum { LOCKDEP_WRITE, LOCKDEP_READ };

void lockdep_acquire(const void *lock, enum lock_rank rank, int mode);
/* Same rank allowed: all of them are ordered by `outer`, which must be held. */
void lockdep_acquire_nest(const void *lock, enum lock_rank rank, const void *outer);
void lockdep_release(const void *lock);
/* A path that may take `lock` and need not always: checked as if it did. */
void might_lock(const void *lock, enum lock_rank rank);
bool lockdep_is_held(const void *lock);
/* Recorded without a check: a trylock cannot deadlock. */
void lockdep_acquire_try(const void *lock, enum lock_rank rank, int mode);
/* The current thread sleeps until it gets the lock; NULL: it does not. */
void lockdep_waits(const void *lock);
/* A chokepoint: reported unless the current thread holds the lock. */
void lockdep_assert_held(const void *lock, enum lock_rank rank);
/* A sleeping lock is released by a thread that does not own it: reported. */
void lockdep_bad_unlock(const void *lock, enum lock_rank rank, const struct thread *owner);
/* [p, p + len) is freed: reported when a lock held lies in it. */
void lockdep_check_free(const void *p, u64 len);
/* From upcall_irq_enter(): what is held now is held with interrupts on. */
void lockdep_irq_enter(void);
/* Number of locks the current thread holds; prints them, one line each. */
u32 lockdep_held_count(void);
void lockdep_print_held(void);
/*
 * The locks of another thread, its wait and its SRCU sections.  It may run:
 * what is printed may be torn, never wrong memory.
 */
void lockdep_print_thread(const struct thread *t);
/* Does t hold the lock (and not wait for it)?  As racy. */
bool lockdep_thread_holds(const struct thread *t, const void *lock);
/* Reports expected by a test: report.h; kept for one line tests. */
void lockdep_expect_begin(void);
u32 lockdep_expect_end(void);
/* Tests: nothing is known of that rank's uses. */
void lockdep_forget(u32 rank);
/* From panic: no checks any more. */
void lockdep_off(void);
bool lockdep_active(void);

/*
 * kernel/atomic_check.c.
 *
 * might_sleep() reports (lab) when called with a spinlock held, in an
 * interrupt or an RCU read section, with interrupts or preemption off.
 */
void might_sleep(void);
/*
 * Nothing of the kernel may be left behind: locks, read sections, preemption,
 * interrupts.  From thread_exit(), the way back to user mode, and the end of
 * each test; `what` names it.  base: that many locks are in order.  Lab.
 */
void check_nothing_held(const char *what, u32 base);
/* From schedule(), with preemption off: reports the read section, if any. */
void sched_check_atomic(void);

#endif
