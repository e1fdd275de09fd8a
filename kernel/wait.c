/* SPDX-License-Identifier: MIT */
/*
 * Wait queues; the protocol is in wait.h.
 *
 * Q1  An entry is on the queue from prepare_to_wait() until a waker takes it
 *     off or finish_wait() does; all under the queue's lock.
 * Q2  A waker takes an entry off only when it really woke its thread.  An
 *     entry whose thread was woken by another (a signal, a timer) stays for
 *     its owner, and the wake-up goes to the next: it is never swallowed.
 * Q3  finish_wait() always takes the lock, so that a waker that still holds
 *     it never touches an entry whose stack frame is gone.
 *
 * Tests: tests/kt/kt_wait.c
 */
#include "kernel/wait.h"
#include "kernel/lockdep.h"
#include "kernel/thread.h"

void init_waitqueue_head(struct wait_queue_head *wq)
{
	spin_lock_init(&wq->lock, LOCK_WAITQ);
	INIT_LIST_HEAD(&wq->head);
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_entry *w,
		     enum wait_mode mode)
{
	struct thread *t = current();
	u64 flags;

	might_sleep();
	flags = spin_lock_irqsave(&wq->lock);
	if (w->thread != t) {
		w->thread = t;
		list_add_tail(&w->link, &wq->head);
	} else if (list_empty(&w->link)) {
		list_add_tail(&w->link, &wq->head);
	}
	/* (1); partner: smp_mb() in wake_up_thread(). */
	smp_store_mb(&t->state, mode == WAIT_INTERRUPTIBLE ?
		     THREAD_INTERRUPTIBLE : THREAD_SLEEPING);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void wait_noload(enum wait_load load)
{
	WRITE_ONCE(current()->noload, load == WAIT_NOLOAD);
}

void finish_wait(struct wait_queue_head *wq, struct wait_entry *w)
{
	u64 flags;

	WRITE_ONCE(current()->state, THREAD_RUNNABLE);
	flags = spin_lock_irqsave(&wq->lock);		/* Q3 */
	if (!list_empty(&w->link))
		list_del_init(&w->link);
	spin_unlock_irqrestore(&wq->lock, flags);
}

enum { WAKE_ONE, WAKE_ALL };

static void wake(struct wait_queue_head *wq, int how)
{
	struct wait_entry *w, *n;
	u64 flags;

	smp_mb();	/* condition, then queue; partner: (1) */
	if (list_empty(&wq->head))
		return;
	flags = spin_lock_irqsave(&wq->lock);
	list_for_each_entry_safe(w, n, &wq->head, link) {
		if (!wake_up_thread(w->thread))
			continue;			/* Q2 */
		list_del_init(&w->link);
		if (how == WAKE_ONE)
			break;
	}
	spin_unlock_irqrestore(&wq->lock, flags);
}

void wake_up_all(struct wait_queue_head *wq)
{
	wake(wq, WAKE_ALL);
}

void wake_up(struct wait_queue_head *wq)
{
	wake(wq, WAKE_ONE);
}

bool signal_pending(void)
{
	return READ_ONCE(current()->interrupted) != 0;
}
