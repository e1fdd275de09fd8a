/* SPDX-License-Identifier: MIT */
/*
 * Clocks and sleeping.
 *
 * CPU time is counted in ticks.  A clock with a negative number is the CPU time
 * of some process or thread, as clock_getcpuclockid() makes them.
 * Tests: tests/abi/t_time
 */
#include "arch/smp.h"
#include "arch/uaccess.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/alarm.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/timers.h"
#include "sys/times.h"

#define NEVER	(~0ULL)
#define CPUCLOCK_PERTHREAD 4U
#define CPUCLOCK_WHICH	3U
#define CPUCLOCK_VIRT	1U
#define CPUCLOCK_FD	3U

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

	*utime = p->utime;
	*stime = p->stime;
	list_for_each_entry(ut, &p->threads, link) {
		*utime += ut->thread->utime_ticks;
		*stime += ut->thread->stime_ticks;
	}
}

u64 process_faults_locked(struct process *p)
{
	u64 n = p->minflt;
	struct uthread *ut;

	assert_spin_held(&proc_lock);
	list_for_each_entry(ut, &p->threads, link)
		n += READ_ONCE(ut->thread->faults);
	return n;
}

static void own_ticks(u64 *utime, u64 *stime)
{
	spin_lock(&proc_lock);
	process_ticks_locked(cur_proc(), utime, stime);
	spin_unlock(&proc_lock);
}

u64 process_cpu_ns_locked(struct process *p, enum cpu_time which)
{
	u64 u, k;

	process_ticks_locked(p, &u, &k);
	return (which == CPU_TIME_USER ? u : u + k) * NSEC_PER_TICK;
}

u64 cpu_time_earliest(u64 used, u64 until)
{
	u64 left = until > used ? until - used : 0;

	return deadline_in(max(left / nr_cpus_present, NSEC_PER_TICK));
}

/* A CPU clock by number: -EINVAL when it is none, or of nobody. */
static s64 read_cpu_clock(u32 clock, u64 *ns)
{
	u32 id = ~(u32)((s32)clock >> 3), which = clock & CPUCLOCK_WHICH;
	struct uthread *ut;
	struct process *p;
	u64 u = 0, k = 0;
	s64 err = -EINVAL;

	if (which == CPUCLOCK_FD)
		return -EINVAL;
	spin_lock(&proc_lock);
	if (clock & CPUCLOCK_PERTHREAD) {
		ut = id ? find_uthread_locked(id) : cur_uthread();
		if (ut && ut->proc == cur_proc()) {
			u = ut->thread->utime_ticks;
			k = ut->thread->stime_ticks;
			err = 0;
		}
	} else {
		p = id ? find_process_locked(id) : cur_proc();
		if (p) {
			process_ticks_locked(p, &u, &k);
			err = 0;
		}
	}
	spin_unlock(&proc_lock);
	*ns = (which == CPUCLOCK_VIRT ? u : u + k) * NSEC_PER_TICK;
	return err;
}

/* The clock's time, or -EINVAL. */
static s64 read_clock(u32 clock, u64 *ns)
{
	u64 u, k;

	if ((s32)clock < 0)
		return read_cpu_clock(clock, ns);
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

/* Nobody here may set the time. */
SYSCALL_FN(clock_settime)
{
	struct linux_timespec ts;
	u64 ns;

	if ((u32)s->a[0] != CLOCK_REALTIME)
		return -EINVAL;
	if (get_user_val(ts, s->a[1]))
		return -EFAULT;
	return timespec_ns(&ts, &ns) ? -EINVAL : -EPERM;
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

	if (who < RUSAGE_CHILDREN || who > RUSAGE_THREAD)
		return -EINVAL;
	memset(&ru, 0, sizeof(ru));
	spin_lock(&proc_lock);
	process_ticks_locked(p, &u, &k);
	ru.minflt = (s64)process_faults_locked(p);
	if (who == RUSAGE_CHILDREN) {
		u = p->cutime;
		k = p->cstime;
		ru.minflt = (s64)p->cminflt;
	} else if (who == RUSAGE_THREAD) {
		u = current()->utime_ticks;
		k = current()->stime_ticks;
		ru.minflt = (s64)current()->faults;
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
	alarm_catch_up();
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

	if (clock >= CLOCK_THREAD_CPUTIME_ID && clock < CLOCK_BOOTTIME)
		return -EOPNOTSUPP;
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
