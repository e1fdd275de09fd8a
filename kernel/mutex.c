/* SPDX-License-Identifier: MIT */
/*
 * Mutexes: handed over in the order of arrival.
 *
 * M1  owner != NULL while anyone holds the mutex or has just been handed it.
 * M2  A waiter's entry is on its own stack and on the list until it has been
 *     handed the mutex (by mutex_unlock) or has left it; both happen under
 *     wait_lock, and the waiter looks at its entry under wait_lock only.  So
 *     mutex_unlock may use the entry and its thread until it unlocks.
 *
 * wait_lock is never held long and never taken in interrupts.
 * Tests: tests/kt/kt_locks.c
 */
#include "kernel/mutex.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "lib/err.h"

struct mutex_waiter {
	struct list_head link;
	struct thread *thread;
	bool granted;
};

void mutex_init(struct mutex *m, enum lock_rank rank)
{
	spin_lock_init(&m->wait_lock, LOCK_SEM);
	m->rank = (u16)rank;
	m->owner = NULL;
	INIT_LIST_HEAD(&m->waiters);
}

/* M2: the entry is about to go.  wait_lock held. */
static void check_left(const struct mutex *m, const struct mutex_waiter *w)
{
	const struct mutex_waiter *pos;

	list_for_each_entry(pos, &m->waiters, link)
		if (pos == w)
			panic("thread %u leaves the queue of lock %s at %p, but its entry stays",
			      w->thread->tid, lock_rank_name[m->rank],
			      (const void *)m);
}

/* wait_lock held on entry, not on return. */
static int lock_slow(struct mutex *m, u32 state)
{
	struct mutex_waiter w = { .thread = current() };
	int ret = 0;

	list_add_tail(&w.link, &m->waiters);
	if (CONFIG_LAB)
		lockdep_waits(m);
	while (!w.granted) {
		/* Partner: smp_mb() in thread_interrupt(). */
		smp_store_mb(&w.thread->state, state);
		if (state == THREAD_INTERRUPTIBLE && signal_pending()) {
			list_del(&w.link);
			ret = -EINTR;
			break;
		}
		spin_unlock(&m->wait_lock);
		schedule();
		spin_lock(&m->wait_lock);
	}
	WRITE_ONCE(w.thread->state, THREAD_RUNNABLE);
	if (CONFIG_LAB) {
		lockdep_waits(NULL);
		check_left(m, &w);
	}
	spin_unlock(&m->wait_lock);
	return ret;
}

static int lock_common(struct mutex *m, u32 state)
{
	int ret;

	might_sleep();
	if (CONFIG_LAB)
		lockdep_acquire(m, m->rank, LOCKDEP_WRITE);
	spin_lock(&m->wait_lock);
	if (likely(!m->owner)) {
		WRITE_ONCE(m->owner, current());
		spin_unlock(&m->wait_lock);
		thread_note_lock(m->rank, 1);
		return 0;
	}
	ret = lock_slow(m, state);
	if (!ret)
		thread_note_lock(m->rank, 1);
	else if (CONFIG_LAB)
		lockdep_release(m);
	return ret;
}

void mutex_lock(struct mutex *m)
{
	(void)lock_common(m, THREAD_SLEEPING);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return lock_common(m, THREAD_INTERRUPTIBLE);
}

bool mutex_trylock(struct mutex *m)
{
	bool ok;

	spin_lock(&m->wait_lock);
	ok = !m->owner;
	if (ok)
		WRITE_ONCE(m->owner, current());
	spin_unlock(&m->wait_lock);
	if (ok)
		thread_note_lock(m->rank, 1);
	if (ok && CONFIG_LAB)
		lockdep_acquire_try(m, m->rank, LOCKDEP_WRITE);
	return ok;
}

void mutex_unlock(struct mutex *m)
{
	struct mutex_waiter *w;

	if (CONFIG_LAB && unlikely(m->owner != current())) {
		lockdep_bad_unlock(m, m->rank, m->owner);
		return;
	}
	if (CONFIG_LAB)
		lockdep_release(m);
	thread_note_lock(m->rank, -1);
	spin_lock(&m->wait_lock);
	w = list_first_entry_or_null(&m->waiters, struct mutex_waiter, link);
	if (!w) {
		WRITE_ONCE(m->owner, NULL);
	} else {
		list_del(&w->link);
		WRITE_ONCE(m->owner, w->thread);	/* M1 */
		w->granted = true;
		wake_up_thread(w->thread);		/* M2 */
	}
	spin_unlock(&m->wait_lock);
}

bool mutex_is_locked(const struct mutex *m)
{
	return READ_ONCE(m->owner) != NULL;
}
