/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers: timer_create and its relatives.
 *
 * M1. A timer's signal is queued once; an expiry that finds it still waiting
 *     is counted in the entry, and whoever takes the entry makes that count
 *     what timer_getoverrun() tells.
 * M2. A timer is on its process's list until its deletion, which stops its
 *     alarm first.  The list changes under alarm_lock and siglock, and is read
 *     under either.
 * M3. Clocks of CPU time: looked at when that much can have been used at the
 *     earliest (itimer.c, I1).
 *
 * Tests: tests/abi/t_timer
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/timers.h"
#include "sys/times.h"

#define TIMERS_MAX	1024		/* of one process */

struct posix_timer {
	struct alarm alarm;
	struct list_head link;		/* M2 */
	struct process *proc;		/* I: it has us */
	u32 id;				/* I */
	u32 clock;			/* I: CLOCK_* */
	u32 notify, signo, tid;		/* I */
	u64 value;			/* I: the program's word */
	u64 interval;			/* alarm_lock: ns */
	u64 expires;			/* alarm_lock: CPU time (M3) */
	u32 overrun;			/* a: of the last one taken */
};

static bool on_cpu_clock(const struct posix_timer *t)
{
	return t->clock == CLOCK_PROCESS_CPUTIME_ID ||
	       t->clock == CLOCK_THREAD_CPUTIME_ID || (s32)t->clock < 0;
}

static u64 cpu_used(struct process *p)
{
	u64 ns;

	spin_lock(&p->siglock);
	ns = process_cpu_ns_locked(p, CPU_TIME_ALL);
	spin_unlock(&p->siglock);
	return ns;
}

static void notify(struct posix_timer *t, u64 missed)
{
	struct linux_siginfo info = { .signo = (s32)t->signo,
				      .code = SI_TIMER };

	if (t->notify == SIGEV_NONE)
		return;
	info.f[0] = t->id | min(missed, (u64)INT_MAX) << 32;
	info.f[1] = t->value;
	send_timer_signal(t->proc, t->notify & SIGEV_THREAD_ID ? t->tid : 0,
			  &info);
}

static u64 timer_fired(struct alarm *a)
{
	struct posix_timer *t = container_of(a, struct posix_timer, alarm);
	u64 missed = 0, next = 0, used;

	if (on_cpu_clock(t)) {
		used = cpu_used(t->proc);
		if (used < t->expires)				/* M3 */
			return cpu_time_earliest(used, t->expires);
		if (t->interval) {
			missed = (used - t->expires) / t->interval;
			t->expires += (missed + 1) * t->interval;
			next = cpu_time_earliest(used, t->expires);
		}
	} else if (t->interval) {
		next = alarm_next(a, t->interval, &missed);
	}
	notify(t, missed);
	return next;
}

/* alarm_lock or siglock held (M2). */
static struct posix_timer *find_timer(struct process *p, u64 id)
{
	struct posix_timer *t;

	list_for_each_entry(t, &p->timers, link) {
		if (t->id == (u32)id)
			return t;
	}
	return NULL;
}

void posix_timer_taken_locked(struct process *p,
			      const struct linux_siginfo *info)
{
	struct posix_timer *t = find_timer(p, (u32)info->f[0]);

	if (t)
		t->overrun = (u32)(info->f[0] >> 32);		/* M1 */
}

static s64 check_event(const struct linux_sigevent *ev)
{
	struct uthread *ut;
	s64 err = 0;

	switch (ev->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_THREAD_ID:
		spin_lock(&proc_lock);
		ut = find_uthread_locked(ev->tid);
		if (!ut || ut->proc != cur_proc())
			err = -EINVAL;
		spin_unlock(&proc_lock);
		fallthrough;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return ev->signo < 1 || ev->signo > NSIG ? -EINVAL : err;
	default:
		return -EINVAL;
	}
}

static s64 check_clock(u32 clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		return 0;
	default:
		/* By number, as glibc asks for one's own: of nobody else. */
		if ((s32)clock < 0 && (clock & 3) != 3 &&
		    (~(u32)((s32)clock >> 3) == 0 ||
		     ~(u32)((s32)clock >> 3) == cur_proc()->pid))
			return 0;
		return clock <= CLOCK_BOOTTIME ? -EOPNOTSUPP : -EINVAL;
	}
}

/* Into the process's list, with a number of its own.  0 or -EAGAIN. */
static s64 add_timer(struct posix_timer *t)
{
	struct process *p = t->proc;
	s64 err = 0;

	spin_lock(&alarm_lock);
	spin_lock(&p->siglock);
	if (p->nr_timers >= TIMERS_MAX) {
		err = -EAGAIN;
	} else {
		t->id = p->next_timer++;
		p->nr_timers++;
		list_add_tail(&t->link, &p->timers);
	}
	spin_unlock(&p->siglock);
	spin_unlock(&alarm_lock);
	return err;
}

/* alarm_lock held. */
static void remove_timer(struct posix_timer *t)
{
	struct process *p = t->proc;

	alarm_set_locked(&t->alarm, 0);
	spin_lock(&p->siglock);
	list_del(&t->link);
	p->nr_timers--;
	spin_unlock(&p->siglock);
}

SYSCALL_FN(timer_create)
{
	struct linux_sigevent ev = { .signo = SIGALRM };
	struct posix_timer *t;
	s64 err = check_clock((u32)s->a[0]);

	if (err)
		return err;
	if (s->a[1]) {
		if (get_user_val(ev, s->a[1]))
			return -EFAULT;
		err = check_event(&ev);
		if (err)
			return err;
	}
	t = kzalloc(sizeof(*t));
	if (!t)
		return -EAGAIN;
	alarm_prepare(&t->alarm, timer_fired);
	t->proc = cur_proc();
	t->clock = (u32)s->a[0];
	t->notify = ev.notify;
	t->signo = (u32)ev.signo;
	t->tid = ev.tid;
	t->value = ev.value;
	err = add_timer(t);
	if (err) {
		kfree(t);
		return err;
	}
	if (!s->a[1])
		t->value = t->id;
	if (!put_user_val(s->a[2], t->id))
		return 0;
	spin_lock(&alarm_lock);
	remove_timer(t);
	spin_unlock(&alarm_lock);
	kfree(t);
	return -EFAULT;
}

/* alarm_lock held. */
static struct linux_itimerspec time_left(struct posix_timer *t)
{
	struct linux_itimerspec its = { .interval = ns_timespec(t->interval) };
	u64 now, end;

	if (!t->alarm.at)
		return its;
	if (on_cpu_clock(t)) {
		now = cpu_used(t->proc);
		end = t->expires;
	} else {
		now = ktime_get();
		end = t->alarm.at;
	}
	its.value = ns_timespec(end > now ? end - now : 1);
	return its;
}

/* When a time of the program's is, as ktime; or as CPU time (M3). */
static u64 expiry(const struct posix_timer *t, u64 value, u32 flags)
{
	u64 now = on_cpu_clock(t) ? cpu_used(t->proc) : ktime_get();

	if ((flags & TIMER_ABSTIME) && t->clock == CLOCK_REALTIME)
		value = value > realtime_ns() ? value - realtime_ns() : 0;
	else if (flags & TIMER_ABSTIME)
		value = value > now ? value - now : 0;
	return value > ~0ULL - now ? ~0ULL : now + value;
}

/* alarm_lock held. */
static void arm(struct posix_timer *t, const struct linux_itimerspec *its,
		u32 flags)
{
	u64 value = 0, at;

	(void)timespec_ns(&its->interval, &t->interval);
	(void)timespec_ns(&its->value, &value);
	WRITE_ONCE(t->overrun, 0);
	if (!value) {
		alarm_set_locked(&t->alarm, 0);
		return;
	}
	at = expiry(t, value, flags);
	if (on_cpu_clock(t)) {
		t->expires = at;
		at = cpu_time_earliest(cpu_used(t->proc), at);
	}
	alarm_set_locked(&t->alarm, at);
}

SYSCALL_FN(timer_settime)
{
	struct linux_itimerspec new, old;
	struct posix_timer *t;
	u64 ns;

	if (!s->a[2])
		return -EINVAL;
	if (get_user_val(new, s->a[2]))
		return -EFAULT;
	if (timespec_ns(&new.value, &ns) || timespec_ns(&new.interval, &ns))
		return -EINVAL;
	spin_lock(&alarm_lock);
	t = find_timer(cur_proc(), s->a[0]);
	if (t) {
		old = time_left(t);
		arm(t, &new, (u32)s->a[1]);
	}
	spin_unlock(&alarm_lock);
	if (!t)
		return -EINVAL;
	return s->a[3] ? put_user_val(s->a[3], old) : 0;
}

SYSCALL_FN(timer_gettime)
{
	struct linux_itimerspec its;
	struct posix_timer *t;

	spin_lock(&alarm_lock);
	t = find_timer(cur_proc(), s->a[0]);
	if (t)
		its = time_left(t);
	spin_unlock(&alarm_lock);
	return t ? put_user_val(s->a[1], its) : -EINVAL;
}

SYSCALL_FN(timer_getoverrun)
{
	struct process *p = cur_proc();
	struct posix_timer *t;
	s64 ret = -EINVAL;

	spin_lock(&p->siglock);
	t = find_timer(p, s->a[0]);
	if (t)
		ret = t->overrun;
	spin_unlock(&p->siglock);
	return ret;
}

SYSCALL_FN(timer_delete)
{
	struct posix_timer *t;

	spin_lock(&alarm_lock);
	t = find_timer(cur_proc(), s->a[0]);
	if (t)
		remove_timer(t);
	spin_unlock(&alarm_lock);
	kfree(t);
	return t ? 0 : -EINVAL;
}

void posix_timers_delete(struct process *p)
{
	struct posix_timer *t;

	do {
		spin_lock(&alarm_lock);
		t = list_first_entry_or_null(&p->timers, struct posix_timer,
					     link);
		if (t)
			remove_timer(t);
		spin_unlock(&alarm_lock);
		kfree(t);
	} while (t);
}
