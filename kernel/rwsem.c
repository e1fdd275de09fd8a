/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer semaphores: strictly first come, first served, so neither
 * side starves.
 *
 * W1  count is the number of readers, or -1 for a writer; waiters that were
 *     granted the semaphore are counted before they wake.
 * W2  A newcomer queues when anyone waits, even where it could enter.
 * W3  As in mutex.c M2: a waiter's entry is touched under wait_lock only.
 *
 * Whoever makes room calls grant(): the first waiter, or all readers up to
 * the next writer, get the semaphore and wake.
 * Tests: tests/kt/kt_locks.c
 */
#include "kernel/lockdep.h"
#include "kernel/mutex.h"
#include "kernel/panic.h"
#include "kernel/thread.h"

struct rwsem_waiter {
	struct list_head link;
	struct thread *thread;
	int mode;		/* LOCKDEP_READ or LOCKDEP_WRITE */
	bool granted;
};

void rwsem_init(struct rwsem *s, enum lock_rank rank)
{
	spin_lock_init(&s->wait_lock, LOCK_SEM);
	s->rank = (u16)rank;
	s->count = 0;
	s->owner = NULL;
	INIT_LIST_HEAD(&s->waiters);
}

static bool can_enter(const struct rwsem *s, int mode)
{
	return mode == LOCKDEP_READ ? s->count >= 0 : s->count == 0;
}

static void enter(struct rwsem *s, int mode, struct thread *t)
{
	if (mode == LOCKDEP_READ) {
		WRITE_ONCE(s->count, s->count + 1);
	} else {
		WRITE_ONCE(s->count, -1);
		s->owner = t;
	}
}

/* wait_lock held. */
static void grant(struct rwsem *s)
{
	struct rwsem_waiter *w, *n;

	list_for_each_entry_safe(w, n, &s->waiters, link) {
		if (!can_enter(s, w->mode))
			break;
		list_del(&w->link);
		enter(s, w->mode, w->thread);		/* W1 */
		w->granted = true;
		wake_up_thread(w->thread);
	}
}

static void down(struct rwsem *s, int mode)
{
	struct rwsem_waiter w = { .thread = current(), .mode = mode };

	thread_note_lock(s->rank, 1);
	spin_lock(&s->wait_lock);
	if (likely(list_empty(&s->waiters) && can_enter(s, mode))) {
		enter(s, mode, w.thread);
		spin_unlock(&s->wait_lock);
		return;
	}
	list_add_tail(&w.link, &s->waiters);		/* W2 */
	if (CONFIG_LAB)
		lockdep_waits(s);
	while (!w.granted) {
		WRITE_ONCE(w.thread->state, THREAD_SLEEPING);
		spin_unlock(&s->wait_lock);
		schedule();
		spin_lock(&s->wait_lock);
	}
	WRITE_ONCE(w.thread->state, THREAD_RUNNABLE);
	if (CONFIG_LAB)
		lockdep_waits(NULL);
	spin_unlock(&s->wait_lock);
}

static bool down_try(struct rwsem *s, int mode)
{
	bool ok;

	spin_lock(&s->wait_lock);
	ok = list_empty(&s->waiters) && can_enter(s, mode);
	if (ok)
		enter(s, mode, current());
	spin_unlock(&s->wait_lock);
	if (ok)
		thread_note_lock(s->rank, 1);
	if (ok && CONFIG_LAB)
		lockdep_acquire_try(s, s->rank, mode);
	return ok;
}

void down_read(struct rwsem *s)
{
	might_sleep();
	if (CONFIG_LAB)
		lockdep_acquire(s, s->rank, LOCKDEP_READ);
	down(s, LOCKDEP_READ);
}

bool down_read_trylock(struct rwsem *s)
{
	return down_try(s, LOCKDEP_READ);
}

void up_read(struct rwsem *s)
{
	if (CONFIG_LAB)
		lockdep_release(s);
	thread_note_lock(s->rank, -1);
	spin_lock(&s->wait_lock);
	KASSERT(s->count > 0);
	WRITE_ONCE(s->count, s->count - 1);
	if (!s->count && !list_empty(&s->waiters))
		grant(s);
	spin_unlock(&s->wait_lock);
}

void down_write(struct rwsem *s)
{
	might_sleep();
	if (CONFIG_LAB)
		lockdep_acquire(s, s->rank, LOCKDEP_WRITE);
	down(s, LOCKDEP_WRITE);
}

void down_write_nest_lock(struct rwsem *s, const void *outer)
{
	might_sleep();
	if (CONFIG_LAB)
		lockdep_acquire_nest(s, s->rank, outer);
	down(s, LOCKDEP_WRITE);
}

bool down_write_trylock(struct rwsem *s)
{
	return down_try(s, LOCKDEP_WRITE);
}

void up_write(struct rwsem *s)
{
	if (CONFIG_LAB && unlikely(s->owner != current())) {
		lockdep_bad_unlock(s, s->rank, s->owner);
		return;
	}
	KASSERT(s->count == -1);
	if (CONFIG_LAB)
		lockdep_release(s);
	thread_note_lock(s->rank, -1);
	spin_lock(&s->wait_lock);
	WRITE_ONCE(s->count, 0);
	s->owner = NULL;
	if (!list_empty(&s->waiters))
		grant(s);
	spin_unlock(&s->wait_lock);
}

void downgrade_write(struct rwsem *s)
{
	KASSERT(s->count == -1 && s->owner == current());
	if (CONFIG_LAB) {
		lockdep_release(s);
		lockdep_acquire_try(s, s->rank, LOCKDEP_READ);
	}
	spin_lock(&s->wait_lock);
	WRITE_ONCE(s->count, 1);
	s->owner = NULL;
	grant(s);
	spin_unlock(&s->wait_lock);
}

bool rwsem_is_write_locked(const struct rwsem *s)
{
	return READ_ONCE(s->count) == -1;
}

bool rwsem_is_locked(const struct rwsem *s)
{
	return READ_ONCE(s->count) != 0;
}
