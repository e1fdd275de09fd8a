/* SPDX-License-Identifier: MIT */
/*
 * The queue of alarms and the thread that works on it.
 *
 *	setter				the thread
 *	(1) into the tree		(A) changed = 0; mb
 *	(2) changed = 1, wake		(B) run what is due; the next time
 *	(3)				(C) sleep until then or `changed`
 * (1) before (B): it is seen.  After: (2) comes after (A), so (C) ends at once.
 *
 * Locks: alarm_lock, held over the functions; so whoever holds it to stop an
 * alarm finds its function not running.  Tests: tests/abi/t_timer, t_time
 */
#include "kernel/init.h"
#include "kernel/thread.h"
#include "kernel/wait.h"
#include "lib/err.h"
#include "sys/alarm.h"
#include "sys/times.h"

#define NEVER	(~0ULL)

DEFINE_SPINLOCK(alarm_lock, LOCK_ALARM);

static struct rb_root queue = { NULL };	/* alarm_lock: by `at` */
static struct wait_queue_head alarm_wq = WAIT_QUEUE_HEAD_INIT(alarm_wq);
static u32 changed;			/* a: look at the queue again */

#define alarm_of(n)	rb_entry_safe(n, struct alarm, node)

static void insert(struct alarm *a)
{
	struct rb_node **link = &queue.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = a->at < alarm_of(parent)->at ? &parent->rb_left :
						      &parent->rb_right;
	}
	rb_link_node(&a->node, parent, link);
	rb_insert_color(&a->node, &queue);
}

void alarm_prepare(struct alarm *a, u64 (*fn)(struct alarm *a))
{
	*a = (struct alarm){ .fn = fn };
}

void alarm_set_locked(struct alarm *a, u64 at)
{
	assert_spin_held(&alarm_lock);
	if (a->at)
		rb_erase(&a->node, &queue);
	a->at = at;
	if (!at)
		return;
	insert(a);						/* (1) */
	WRITE_ONCE(changed, 1);					/* (2) */
	wake_up_all(&alarm_wq);
}

u64 alarm_next(const struct alarm *a, u64 interval, u64 *missed)
{
	u64 until = ktime_get();

	if (interval < NSEC_PER_TICK)
		until += NSEC_PER_TICK;
	*missed = until > a->due ? (until - a->due) / interval : 0;
	return a->due + (*missed + 1) * interval;
}

/* (B) */
static u64 run_due(void)
{
	u64 now = ktime_get(), next = NEVER;
	struct alarm *a;

	spin_lock(&alarm_lock);
	while ((a = alarm_of(rb_first(&queue)))) {
		if (a->at > now) {
			next = a->at;
			break;
		}
		rb_erase(&a->node, &queue);
		a->due = a->at;
		a->at = 0;
		a->at = a->fn(a);
		if (a->at)
			insert(a);
	}
	spin_unlock(&alarm_lock);
	return next;
}

void alarm_catch_up(void)
{
	(void)run_due();
}

static void alarm_main(void *arg)
{
	u64 next;

	(void)arg;
	for (;;) {
		WRITE_ONCE(changed, 0);				/* (A) */
		smp_mb();	/* partner: alarm_set_locked()'s wake-up */
		next = run_due();				/* (B) */
		(void)wait_event_until(&alarm_wq, READ_ONCE(changed),
				       next);			/* (C) */
	}
}

static int alarm_init(void)
{
	struct thread *t = kthread_run("alarm", -1, alarm_main, NULL);

	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	thread_put(t);
	return 0;
}
INITCALL_LEVEL(3, alarm_init);
