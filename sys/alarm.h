/* SPDX-License-Identifier: MIT */
/*
 * Alarms: a function at a time, in a kernel thread, so that it may send
 * signals.  What has an alarm stops it before it goes away.
 */
#ifndef SYS_ALARM_H
#define SYS_ALARM_H

#include "kernel/spinlock.h"
#include "lib/rbtree.h"

struct alarm {
	struct rb_node node;		/* alarm_lock */
	u64 at;				/* alarm_lock: ktime; 0: not queued */
	u64 due;			/* alarm_lock: what `at` was, in fn */
	/* I.  Under alarm_lock; when to be called again, or 0. */
	u64 (*fn)(struct alarm *a);
};

extern spinlock_t alarm_lock;		/* LOCK_ALARM: outside a siglock */

void alarm_prepare(struct alarm *a, u64 (*fn)(struct alarm *a));
/* alarm_lock held.  at 0 stops it: fn does not run from then on. */
void alarm_set_locked(struct alarm *a, u64 at);
/*
 * For an alarm that comes every `interval` ns and was due at a->due: when it
 * comes next, and *missed how many were due in between; shorter intervals than
 * a tick count those until the next one, before which nobody can come.
 */
u64 alarm_next(const struct alarm *a, u64 interval, u64 *missed);

/*
 * Runs what is due.  Who has slept until a time calls it, so that alarms of
 * before that time have been.
 */
void alarm_catch_up(void);

#endif
