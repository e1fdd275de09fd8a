/* SPDX-License-Identifier: MIT */
/*
 * Scheduling as programs see it: affinity, policies, nice values.
 *
 * Q1. The scheduler has one class. Policy and nice value are kept for each
 *     thread, given to its children, and change nothing.
 * Q2. Real-time policies are refused with EPERM, as Linux refuses them to
 *     whoever has no privilege for them: a program that gets one may count on
 *     what we do not have.
 *
 * Tests: tests/abi/t_sched, t_threads
 */
#include "arch/smp.h"
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/process.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define SCHED_OTHER	0U
#define SCHED_FIFO	1U
#define SCHED_RR	2U
#define SCHED_BATCH	3U
#define SCHED_IDLE	5U
#define SCHED_DEADLINE	6U
#define RT_PRIO_MAX	99U
#define SLICE_NS	20000000ULL	/* SCHED_SLICE ticks */

#define PRIO_PROCESS	0U
#define PRIO_PGRP	1U
#define PRIO_USER	2U

SYSCALL_NOARG(sched_yield)
{
	yield();
	return 0;
}

/* The thread's tid must be one of the caller's process; 0 is itself. */
static struct thread *affinity_target(u32 tid)
{
	struct uthread *ut;
	struct thread *t = NULL;

	spin_lock(&proc_lock);
	ut = tid ? find_uthread_locked(tid) : cur_uthread();
	if (ut && ut->proc == cur_proc()) {
		t = ut->thread;
		thread_get(t);
	}
	spin_unlock(&proc_lock);
	return t;
}

SYSCALL_FN(sched_getaffinity)
{
	struct thread *t;
	struct cpumask mask;

	if ((s->a[1] & 7) || s->a[1] * 8 < nr_cpus_present)
		return -EINVAL;
	t = affinity_target((u32)s->a[0]);
	if (!t)
		return -ESRCH;
	cpumask_and(&mask, &t->affinity, &cpu_online_mask);
	thread_put(t);
	if (copy_to_user(s->a[2], &mask, min(s->a[1], sizeof(mask))))
		return -EFAULT;
	return (s64)min(s->a[1], sizeof(mask));
}

SYSCALL_FN(sched_setaffinity)
{
	struct cpumask mask, allowed;
	struct thread *t;

	memset(&mask, 0, sizeof(mask));
	if (copy_from_user(&mask, s->a[2], min(s->a[1], sizeof(mask))))
		return -EFAULT;
	cpumask_and(&allowed, &mask, &cpu_online_mask);
	t = affinity_target((u32)s->a[0]);
	if (!t)
		return -ESRCH;
	if (!cpumask_empty(&allowed))
		thread_set_affinity(t, &allowed);
	thread_put(t);
	return cpumask_empty(&allowed) ? -EINVAL : 0;
}

static bool policy_is_rt(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_known(u32 policy)
{
	return policy <= SCHED_BATCH || policy == SCHED_IDLE;
}

/* tid 0: current.  Its policy, flags included; -ESRCH, -EINVAL. */
static s64 policy_of(s32 tid)
{
	struct uthread *ut;
	s64 ret = -ESRCH;

	if (tid < 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	ut = tid ? find_uthread_locked((u32)tid) : cur_uthread();
	if (ut)
		ret = ut->policy;
	spin_unlock(&proc_lock);
	return ret;
}

static s64 set_policy(s32 tid, u32 policy, vaddr_t uparam)
{
	u32 plain = policy & ~SCHED_RESET_ON_FORK, prio;
	struct uthread *ut;
	s64 err = -ESRCH;

	if (!uparam || tid < 0)
		return -EINVAL;
	if (get_user_val(prio, uparam))
		return -EFAULT;
	if (policy_of(tid) < 0)
		return -ESRCH;
	if (!policy_known(plain) || prio > RT_PRIO_MAX ||
	    policy_is_rt(plain) != (prio != 0))
		return -EINVAL;
	if (policy_is_rt(plain))
		return -EPERM;					/* Q2 */
	spin_lock(&proc_lock);
	ut = tid ? find_uthread_locked((u32)tid) : cur_uthread();
	if (ut) {
		ut->policy = policy;
		err = 0;
	}
	spin_unlock(&proc_lock);
	return err;
}

SYSCALL_FN(sched_setscheduler)
{
	if ((s32)s->a[1] < 0)
		return -EINVAL;
	return set_policy((s32)s->a[0], (u32)s->a[1], s->a[2]);
}

SYSCALL_FN(sched_setparam)
{
	s64 policy = policy_of((s32)s->a[0]);

	if (!s->a[1])
		return -EINVAL;
	return policy < 0 ? policy :
	       set_policy((s32)s->a[0], (u32)policy, s->a[1]);
}

SYSCALL_FN(sched_getscheduler)
{
	return policy_of((s32)s->a[0]);
}

SYSCALL_FN(sched_getparam)
{
	s64 policy = policy_of((s32)s->a[0]);
	u32 prio = 0;

	if (!s->a[1])
		return -EINVAL;
	return policy < 0 ? policy : put_user_val(s->a[1], prio);
}

SYSCALL_FN(sched_get_priority_max)
{
	u32 policy = (u32)s->a[0];

	if (policy_is_rt(policy))
		return RT_PRIO_MAX;
	return policy_known(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

SYSCALL_FN(sched_get_priority_min)
{
	u32 policy = (u32)s->a[0];

	if (policy_is_rt(policy))
		return 1;
	return policy_known(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

SYSCALL_FN(sched_rr_get_interval)
{
	s64 policy = policy_of((s32)s->a[0]);
	struct linux_timespec ts = ns_timespec(SLICE_NS);

	return policy < 0 ? policy : put_user_val(s->a[1], ts);
}

static bool prio_matches(const struct uthread *ut, u32 which, u32 who)
{
	const struct process *p = ut->proc;

	switch (which) {
	case PRIO_PROCESS:
		return who ? ut->tid == who : ut == cur_uthread();
	case PRIO_PGRP:
		return p->pgid == (who ? who : cur_proc()->pgid);
	default:
		return p->uid == (who ? who : cur_proc()->uid);
	}
}

/* fn for each thread that is meant; how many, and -EINVAL. */
static s64 for_each_meant(u32 which, u32 who,
			  void (*fn)(struct uthread *ut, s32 *val), s32 *val)
{
	struct process *p;
	struct uthread *ut;
	s64 n = 0;

	if (which > PRIO_USER)
		return -EINVAL;
	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		list_for_each_entry(ut, &p->threads, link) {
			if (!prio_matches(ut, which, who))
				continue;
			fn(ut, val);
			n++;
		}
	}
	spin_unlock(&proc_lock);
	return n;
}

static void lowest_nice(struct uthread *ut, s32 *val)
{
	*val = min(*val, ut->nice);
}

static void set_nice(struct uthread *ut, s32 *val)
{
	ut->nice = *val;
}

/* 20 - nice, so that no answer looks like an error. */
SYSCALL_FN(getpriority)
{
	s32 nice = 20;
	s64 n = for_each_meant((u32)s->a[0], (u32)s->a[1], lowest_nice, &nice);

	return n < 0 ? n : n ? 20 - nice : -ESRCH;
}

SYSCALL_FN(setpriority)
{
	s32 nice = max(min((s32)s->a[2], 19), -20), old = 20;
	s64 n = for_each_meant((u32)s->a[0], (u32)s->a[1], lowest_nice, &old);

	if (n > 0 && nice < old)
		return -EACCES;					/* Q2 */
	if (n > 0)
		for_each_meant((u32)s->a[0], (u32)s->a[1], set_nice, &nice);
	return n < 0 ? n : n ? 0 : -ESRCH;
}

/* One node. */
SYSCALL_FN(getcpu)
{
	u32 cpu = smp_processor_id(), node = 0;

	if (s->a[0] && put_user_val(s->a[0], cpu))
		return -EFAULT;
	return s->a[1] ? put_user_val(s->a[1], node) : 0;
}
