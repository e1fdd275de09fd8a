/* SPDX-License-Identifier: MIT */
/*
 * Clocks, sleeping, and alarms.
 *
 * Alarms: one kernel thread sleeps until the earliest alarm of all processes
 * and sends SIGALRM; setting an earlier one wakes it.  alarm_at is guarded by
 * proc_lock, so a process that ends takes its alarm along.
 * Tests: tests/abi/t_time
 */
#include "arch/uaccess.h"
#include "kernel/init.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define NEVER	(~0ULL)
/* Of alarms that repeat: their thread has to sleep in between. */
#define SHORTEST_INTERVAL 100000ULL

u64 realtime_ns(void)
{
	return boot_epoch_seconds() * NSEC_PER_SEC + ktime_get();
}

s64 timespec_ns(const struct linux_timespec *ts, u64 *ns)
{
	if (ts->sec < 0 || (u64)ts->nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if ((u64)ts->sec >= (u64)S64_MAX / NSEC_PER_SEC)
		*ns = NEVER;
	else
		*ns = (u64)ts->sec * NSEC_PER_SEC + (u64)ts->nsec;
	return 0;
}

s64 timeval_ns(const struct linux_timeval *tv, u64 *ns)
{
	struct linux_timespec ts = { tv->sec, tv->usec * 1000 };

	if ((u64)tv->usec >= 1000000)
		return -EINVAL;
	return timespec_ns(&ts, ns);
}

struct linux_timespec ns_timespec(u64 ns)
{
	return (struct linux_timespec){ (s64)(ns / NSEC_PER_SEC),
					(s64)(ns % NSEC_PER_SEC) };
}

struct linux_timeval ns_timeval(u64 ns)
{
	return (struct linux_timeval){ (s64)(ns / NSEC_PER_SEC),
				       (s64)(ns % NSEC_PER_SEC / 1000) };
}

u64 deadline_in(u64 ns)
{
	u64 now = ktime_get();

	return ns > NEVER - now ? NEVER : now + ns;
}

s64 get_timeout(vaddr_t uaddr, u64 *deadline)
{
	struct linux_timespec ts;
	u64 ns;
	s64 err;

	if (get_user_val(ts, uaddr))
		return -EFAULT;
	err = timespec_ns(&ts, &ns);
	if (!err)
		*deadline = deadline_in(ns);
	return err;
}

void process_ticks_locked(struct process *p, u64 *utime, u64 *stime)
{
	struct uthread *ut;

	assert_spin_held(&proc_lock);
	*utime = p->utime;
	*stime = p->stime;
	list_for_each_entry(ut, &p->threads, link) {
		*utime += ut->thread->utime_ticks;
		*stime += ut->thread->stime_ticks;
	}
}

static void own_ticks(u64 *utime, u64 *stime)
{
	spin_lock(&proc_lock);
	process_ticks_locked(cur_proc(), utime, stime);
	spin_unlock(&proc_lock);
}

/* The clock's time, or -EINVAL. */
static s64 read_clock(u32 clock, u64 *ns)
{
	u64 u, k;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = ktime_get();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		own_ticks(&u, &k);
		*ns = (u + k) * NSEC_PER_TICK;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = (current()->utime_ticks + current()->stime_ticks) *
		      NSEC_PER_TICK;
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL_FN(clock_gettime)
{
	struct linux_timespec ts;
	u64 ns;
	s64 err = read_clock((u32)s->a[0], &ns);

	if (err)
		return err;
	ts = ns_timespec(ns);
	return put_user_val(s->a[1], ts);
}

SYSCALL_FN(clock_getres)
{
	struct linux_timespec ts = { 0, 1 };
	u32 clock = (u32)s->a[0];
	u64 ns;
	s64 err = read_clock(clock, &ns);

	if (err)
		return err;
	if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		ts.nsec = (s64)NSEC_PER_TICK;
	return s->a[1] ? put_user_val(s->a[1], ts) : 0;
}

SYSCALL_FN(gettimeofday)
{
	struct linux_timeval tv = ns_timeval(realtime_ns());
	s32 zone[2] = { 0, 0 };

	if (s->a[0] && put_user_val(s->a[0], tv))
		return -EFAULT;
	return s->a[1] ? put_user_val(s->a[1], zone) : 0;
}

SYSCALL_FN(time)
{
	s64 now = (s64)(realtime_ns() / NSEC_PER_SEC);

	if (s->a[0] && put_user_val(s->a[0], now))
		return -EFAULT;
	return now;
}

SYSCALL_FN(times)
{
	struct process *p = cur_proc();
	struct linux_tms tms;
	u64 u, k;

	spin_lock(&proc_lock);
	process_ticks_locked(p, &u, &k);
	tms = (struct linux_tms){ (s64)u, (s64)k, (s64)p->cutime,
				  (s64)p->cstime };
	spin_unlock(&proc_lock);
	if (s->a[0] && put_user_val(s->a[0], tms))
		return -EFAULT;
	return (s64)(ktime_get() / NSEC_PER_TICK);
}

SYSCALL_FN(getrusage)
{
	struct process *p = cur_proc();
	struct linux_rusage ru;
	u64 u, k;
	s32 who = (s32)s->a[0];

	if (who < -1 || who > 1)
		return -EINVAL;
	memset(&ru, 0, sizeof(ru));
	spin_lock(&proc_lock);
	process_ticks_locked(p, &u, &k);
	if (who == -1) {
		u = p->cutime;
		k = p->cstime;
	}
	spin_unlock(&proc_lock);
	ru.utime = ns_timeval(u * NSEC_PER_TICK);
	ru.stime = ns_timeval(k * NSEC_PER_TICK);
	ru.nvcsw = (s64)current()->switches;
	return put_user_val(s->a[1], ru);
}

/* Sleeps until the deadline.  True: it is reached. */
static bool sleep_until(u64 deadline)
{
	struct wait_queue_head wq;

	init_waitqueue_head(&wq);
	(void)wait_event_until(&wq, ktime_get() >= deadline, deadline);
	return ktime_get() >= deadline;
}

/* arg: deadline, where the rest goes. */
static s64 restart_sleep(struct restart_block *rb)
{
	u64 deadline = rb->arg[0], now;
	struct linux_timespec ts;

	if (sleep_until(deadline))
		return 0;
	now = ktime_get();
	ts = ns_timespec(deadline > now ? deadline - now : 0);
	if (rb->arg[1] && put_user_val(rb->arg[1], ts))
		return -EFAULT;
	return -ERESTART_RESTARTBLOCK;
}

static s64 sleep_for(vaddr_t uaddr, vaddr_t rest)
{
	struct restart_block *rb = &cur_uthread()->restart;
	u64 deadline;
	s64 err = get_timeout(uaddr, &deadline);

	if (err)
		return err;
	rb->fn = restart_sleep;
	rb->arg[0] = deadline;
	rb->arg[1] = rest;
	return restart_sleep(rb);
}

SYSCALL_FN(nanosleep)
{
	return sleep_for(s->a[0], s->a[1]);
}

SYSCALL_FN(clock_nanosleep)
{
	u32 clock = (u32)s->a[0];
	struct linux_timespec ts;
	u64 ns, now;
	s64 err;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME)
		return -EINVAL;
	if (!((u32)s->a[1] & TIMER_ABSTIME))
		return sleep_for(s->a[2], s->a[3]);
	if (get_user_val(ts, s->a[2]))
		return -EFAULT;
	err = timespec_ns(&ts, &ns);
	if (err)
		return err;
	read_clock(clock, &now);
	if (ns <= now)
		return 0;
	return sleep_until(deadline_in(ns - now)) ? 0 : -ERESTARTNOHAND;
}

static struct wait_queue_head alarm_wq = WAIT_QUEUE_HEAD_INIT(alarm_wq);
static u32 alarm_changed;		/* a: look at all alarms again */

/* Sends what is due.  When to look again. */
static u64 fire_alarms(void)
{
	struct linux_siginfo info = { .signo = SIGALRM, .code = SI_KERNEL };
	u64 now = ktime_get(), next = NEVER;
	struct process *p;

	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		if (p->alarm_at && p->alarm_at <= now) {
			send_signal(p, &info);
			p->alarm_at = p->alarm_interval ?
				      now + max(p->alarm_interval,
						SHORTEST_INTERVAL) : 0;
		}
		if (p->alarm_at)
			next = min(next, p->alarm_at);
	}
	spin_unlock(&proc_lock);
	return next;
}

static void alarm_main(void *arg)
{
	u64 next;

	(void)arg;
	for (;;) {
		WRITE_ONCE(alarm_changed, 0);
		smp_mb();	/* flag, then alarms; partner: set_alarm() */
		next = fire_alarms();
		(void)wait_event_until(&alarm_wq, READ_ONCE(alarm_changed),
				       next);
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

/* Times in ns; what was set before. */
static struct linux_itimerval set_alarm(u64 value, u64 interval)
{
	struct process *p = cur_proc();
	struct linux_itimerval old = { 0 };
	u64 now = ktime_get();

	spin_lock(&proc_lock);
	if (p->alarm_at) {
		old.value = ns_timeval(p->alarm_at > now ? p->alarm_at - now :
				       1000);
		old.interval = ns_timeval(p->alarm_interval);
	}
	p->alarm_at = value ? deadline_in(value) : 0;
	p->alarm_interval = value ? interval : 0;
	spin_unlock(&proc_lock);
	if (value) {
		WRITE_ONCE(alarm_changed, 1);
		wake_up_all(&alarm_wq);
	}
	return old;
}

SYSCALL_FN(alarm)
{
	struct linux_itimerval old;

	old = set_alarm((u32)s->a[0] * NSEC_PER_SEC, 0);
	return old.value.sec + (old.value.usec >= 500000 ||
				(!old.value.sec && old.value.usec));
}

SYSCALL_FN(setitimer)
{
	struct linux_itimerval new = { 0 }, old;
	u64 value, interval;
	s64 err;

	if (s->a[1] && get_user_val(new, s->a[1]))
		return -EFAULT;
	if ((u32)s->a[0] != 0)		/* ITIMER_REAL */
		return -EINVAL;
	err = timeval_ns(&new.value, &value);
	if (!err)
		err = timeval_ns(&new.interval, &interval);
	if (err)
		return err;
	old = set_alarm(value, interval);
	return s->a[2] ? put_user_val(s->a[2], old) : 0;
}

SYSCALL_FN(getitimer)
{
	struct process *p = cur_proc();
	struct linux_itimerval cur = { 0 };
	u64 now = ktime_get();

	if ((u32)s->a[0] != 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	if (p->alarm_at > now)
		cur.value = ns_timeval(p->alarm_at - now);
	cur.interval = ns_timeval(p->alarm_interval);
	spin_unlock(&proc_lock);
	return put_user_val(s->a[1], cur);
}
