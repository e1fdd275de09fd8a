/* SPDX-License-Identifier: MIT */
/*
 * setitimer, getitimer and alarm: one timer of each kind for a process.
 *
 * I1. ITIMER_REAL is an alarm.  The two that count CPU time are looked at when
 *     the process can have used that much at the earliest, and set again when
 *     it has not; a tick is the finest step.
 * Tests: tests/abi/t_time, t_timer
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/timers.h"
#include "sys/times.h"

#define ITIMER_REAL	0
#define ITIMER_VIRTUAL	1
#define ITIMER_PROF	2

static u64 real_fired(struct alarm *a)
{
	struct process *p = container_of(a, struct process, real_timer);
	struct linux_siginfo info = { .signo = SIGALRM, .code = SI_KERNEL };
	u64 missed;

	send_signal(p, &info);
	return p->real_interval ? alarm_next(a, p->real_interval, &missed) : 0;
}

static u64 cpu_used(struct process *p, u32 which)
{
	u64 ns;

	spin_lock(&p->siglock);
	ns = process_cpu_ns_locked(p, which == ITIMER_VIRTUAL ? CPU_TIME_USER :
							CPU_TIME_ALL);
	spin_unlock(&p->siglock);
	return ns;
}

/* I1 */
static u64 cpu_fired(struct process *p, u32 which)
{
	struct cpu_itimer *t = &p->cpu_timer[which - 1];
	struct linux_siginfo info = {
		.signo = which == ITIMER_VIRTUAL ? SIGVTALRM : SIGPROF,
		.code = SI_KERNEL,
	};
	u64 used = cpu_used(p, which);

	if (used >= t->expires) {
		send_signal(p, &info);
		if (!t->interval)
			return 0;
		t->expires = used + t->interval;
	}
	return cpu_time_earliest(used, t->expires);
}

static u64 virtual_fired(struct alarm *a)
{
	return cpu_fired(container_of(a, struct process, cpu_timer[0].alarm),
			 ITIMER_VIRTUAL);
}

static u64 prof_fired(struct alarm *a)
{
	return cpu_fired(container_of(a, struct process, cpu_timer[1].alarm),
			 ITIMER_PROF);
}

void itimers_prepare(struct process *p)
{
	alarm_prepare(&p->real_timer, real_fired);
	alarm_prepare(&p->cpu_timer[0].alarm, virtual_fired);
	alarm_prepare(&p->cpu_timer[1].alarm, prof_fired);
}

void itimers_stop(struct process *p)
{
	spin_lock(&alarm_lock);
	alarm_set_locked(&p->real_timer, 0);
	alarm_set_locked(&p->cpu_timer[0].alarm, 0);
	alarm_set_locked(&p->cpu_timer[1].alarm, 0);
	spin_unlock(&alarm_lock);
}

/* Times in ns: what is left, and the interval. */
struct itimer_ns { u64 value, interval; };

/* alarm_lock held. */
static struct itimer_ns read_itimer(struct process *p, u32 which)
{
	struct itimer_ns t = { 0, 0 };
	struct cpu_itimer *c;
	u64 now;

	if (which == ITIMER_REAL) {
		now = ktime_get();
		t.interval = p->real_interval;
		if (p->real_timer.at)		/* overdue, but not yet fired */
			t.value = p->real_timer.at > now ?
				  p->real_timer.at - now : 1000;
		return t;
	}
	c = &p->cpu_timer[which - 1];
	t.interval = c->interval;
	now = cpu_used(p, which);
	if (c->alarm.at)
		t.value = c->expires > now ? c->expires - now : 1000;
	return t;
}

/* alarm_lock held. */
static void write_itimer(struct process *p, u32 which,
			 const struct itimer_ns *t)
{
	struct cpu_itimer *c;
	u64 used;

	if (which == ITIMER_REAL) {
		p->real_interval = t->value ? t->interval : 0;
		alarm_set_locked(&p->real_timer,
				 t->value ? deadline_in(t->value) : 0);
		return;
	}
	c = &p->cpu_timer[which - 1];
	used = cpu_used(p, which);
	c->interval = t->value ? t->interval : 0;
	c->expires = used + t->value;
	if (c->expires < used)
		c->expires = ~0ULL;
	alarm_set_locked(&c->alarm, t->value ?
			 cpu_time_earliest(used, c->expires) : 0);
}

/* What was set before. */
static struct linux_itimerval exchange(u32 which, const struct itimer_ns *new)
{
	struct process *p = cur_proc();
	struct itimer_ns old;

	spin_lock(&alarm_lock);
	old = read_itimer(p, which);
	if (new)
		write_itimer(p, which, new);
	spin_unlock(&alarm_lock);
	return (struct linux_itimerval){ ns_timeval(old.interval),
					 ns_timeval(old.value) };
}

SYSCALL_FN(alarm)
{
	struct itimer_ns new = { (u32)s->a[0] * NSEC_PER_SEC, 0 };
	struct linux_itimerval old = exchange(ITIMER_REAL, &new);

	return old.value.sec + (old.value.usec >= 500000 ||
				(!old.value.sec && old.value.usec));
}

SYSCALL_FN(setitimer)
{
	struct linux_itimerval tv = { 0 };
	struct itimer_ns new;
	s64 err;

	if (s->a[1] && get_user_val(tv, s->a[1]))
		return -EFAULT;
	if ((u32)s->a[0] > ITIMER_PROF)
		return -EINVAL;
	err = timeval_ns(&tv.value, &new.value);
	if (!err)
		err = timeval_ns(&tv.interval, &new.interval);
	if (err)
		return err;
	tv = exchange((u32)s->a[0], &new);
	return s->a[2] ? put_user_val(s->a[2], tv) : 0;
}

SYSCALL_FN(getitimer)
{
	struct linux_itimerval cur;

	if ((u32)s->a[0] > ITIMER_PROF)
		return -EINVAL;
	cur = exchange((u32)s->a[0], NULL);
	return put_user_val(s->a[1], cur);
}
