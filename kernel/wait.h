/* SPDX-License-Identifier: MIT */
/*
 * Wait queues.  The state is set before the condition is tested, so a wake-up
 * between test and sleep is never lost:
 *
 *	sleeper				waker
 *	(1) state = SLEEPING; mb	(A) condition = true; mb
 *	(2) test condition		(B) if state SLEEPING: make runnable
 *	(3) schedule()
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "lib/list.h"
#include "kernel/spinlock.h"

struct thread;

struct wait_queue_head {
	spinlock_t lock;		/* LOCK_WAITQ, irqsave */
	struct list_head head;
};

/* Starts with thread == NULL; then it is prepare_to_wait()'s. */
struct wait_entry {
	struct thread *thread;
	struct list_head link;
};

#define WAIT_QUEUE_HEAD_INIT(name) \
	{ SPINLOCK_INIT(LOCK_WAITQ), LIST_HEAD_INIT(name.head) }

void init_waitqueue_head(struct wait_queue_head *wq);
enum wait_mode { WAIT_UNINTERRUPTIBLE, WAIT_INTERRUPTIBLE };
/* Does the current thread wait for work, for ever if need be? */
enum wait_load { WAIT_LOAD, WAIT_NOLOAD };
void wait_noload(enum wait_load load);
void prepare_to_wait(struct wait_queue_head *wq, struct wait_entry *w, enum wait_mode mode);
void finish_wait(struct wait_queue_head *wq, struct wait_entry *w);
/* Any context.  Wakes every waiter / the first nr waiters. */
void wake_up_all(struct wait_queue_head *wq);
void wake_up(struct wait_queue_head *wq);
/* A signal (or the like) is pending for the current thread. */
bool signal_pending(void);
void schedule(void);
/* Sleeps until woken or until the time (ktime ns); see thread.h */
bool schedule_until(u64 deadline_ns);

/* For work that may never come: no hung thread, however long it takes. */
#define wait_event_idle(wq, cond) do {					\
	wait_noload(WAIT_NOLOAD);					\
	wait_event(wq, cond);						\
	wait_noload(WAIT_LOAD);						\
} while (0)

#define wait_event(wq, cond) do {					\
	struct wait_entry __w = { .thread = NULL };			\
	for (;;) {							\
		prepare_to_wait((wq), &__w, WAIT_UNINTERRUPTIBLE);	\
		if (cond)						\
			break;						\
		schedule();						\
	}								\
	finish_wait((wq), &__w);					\
} while (0)

/* 0, or -EINTR when a signal is pending. */
#define wait_event_interruptible(wq, cond) ({				\
	struct wait_entry __w = { .thread = NULL };			\
	int __ret = 0;							\
	for (;;) {							\
		prepare_to_wait((wq), &__w, WAIT_INTERRUPTIBLE);	\
		if (cond)						\
			break;						\
		if (signal_pending()) {					\
			__ret = -EINTR;					\
			break;						\
		}							\
		schedule();						\
	}								\
	finish_wait((wq), &__w);					\
	__ret; })

/* Interruptible; true when cond held before the deadline (ktime ns). */
#define wait_event_until(wq, cond, deadline) ({				\
	struct wait_entry __w = { .thread = NULL };			\
	bool __hit;							\
	for (;;) {							\
		prepare_to_wait((wq), &__w, WAIT_INTERRUPTIBLE);	\
		__hit = (cond);						\
		if (__hit || signal_pending() ||				\
		    !schedule_until(deadline))				\
			break;						\
	}								\
	finish_wait((wq), &__w);					\
	if (!__hit)							\
		__hit = (cond);						\
	__hit; })

#endif
