/* SPDX-License-Identifier: MIT */
/*
 * The system calls about signals.
 * Tests: tests/abi/t_signal
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/times.h"

SYSCALL_FN(rt_sigaction)
{
	u64 sig = (u32)s->a[0], new = s->a[1], old = s->a[2];
	struct process *p = cur_proc();
	struct linux_sigaction act, before;

	if (s->a[3] != sizeof(u64))
		return -EINVAL;
	if (new && get_user_val(act, new))
		return -EFAULT;
	if (sig < 1 || sig > NSIG ||
	    (new && (SIG_UNBLOCKABLE & SIGBIT(sig))))
		return -EINVAL;
	spin_lock(&p->siglock);
	before = p->action[sig - 1];
	if (new) {
		act.mask &= ~SIG_UNBLOCKABLE;
		p->action[sig - 1] = act;
		if (signal_ignored_locked(p, (u32)sig))
			discard_signals_locked(p, SIGBIT(sig));
	}
	spin_unlock(&p->siglock);
	return old ? put_user_val(old, before) : 0;
}

SYSCALL_FN(rt_sigprocmask)
{
	struct uthread *ut = cur_uthread();
	u64 old = ut->blocked, set;

	if (s->a[3] != sizeof(u64))
		return -EINVAL;
	if (s->a[1]) {
		if (get_user_val(set, s->a[1]))
			return -EFAULT;
		switch ((u32)s->a[0]) {
		case SIG_BLOCK:
			set_blocked(old | set);
			break;
		case SIG_UNBLOCK:
			set_blocked(old & ~set);
			break;
		case SIG_SETMASK:
			set_blocked(set);
			break;
		default:
			return -EINVAL;
		}
	}
	return s->a[2] ? put_user_val(s->a[2], old) : 0;
}

SYSCALL_FN(rt_sigpending)
{
	struct uthread *ut = cur_uthread();
	u64 set;

	if (s->a[1] > sizeof(set))
		return -EINVAL;
	spin_lock(&ut->proc->siglock);
	set = (ut->pending.set | ut->proc->shared.set) & ut->blocked;
	spin_unlock(&ut->proc->siglock);
	return copy_to_user(s->a[0], &set, s->a[1]) ? -EFAULT : 0;
}

static s64 suspend(u64 mask)
{
	struct uthread *ut = cur_uthread();
	struct wait_queue_head wq;

	ut->saved_mask = ut->blocked;
	ut->restore_mask = 1;
	set_blocked(mask);
	init_waitqueue_head(&wq);
	(void)wait_event_interruptible(&wq, false);
	return -ERESTARTNOHAND;
}

SYSCALL_FN(rt_sigsuspend)
{
	u64 mask;

	if (s->a[1] != sizeof(mask))
		return -EINVAL;
	if (get_user_val(mask, s->a[0]))
		return -EFAULT;
	return suspend(mask);
}

SYSCALL_NOARG(pause)
{
	struct wait_queue_head wq;

	init_waitqueue_head(&wq);
	(void)wait_event_interruptible(&wq, false);
	return -ERESTARTNOHAND;
}

/* Takes one of `set`; 0 when there is none. */
static u32 take_one(u64 set, struct linux_siginfo *info)
{
	struct uthread *ut = cur_uthread();
	u32 sig;

	spin_lock(&ut->proc->siglock);
	sig = dequeue_signal_locked(set, info);
	recalc_interrupted_locked(ut);
	spin_unlock(&ut->proc->siglock);
	return sig;
}

/*
 * While it waits, the set is not blocked, so that a sender wakes us; signals
 * outside it interrupt.  Another thread may take what we were woken for: then
 * it goes on waiting.
 */
static s64 wait_for_signal(u64 set, struct linux_siginfo *info, u64 deadline)
{
	struct uthread *ut = cur_uthread();
	struct wait_queue_head wq;
	u64 old = ut->blocked;
	s64 ret;

	init_waitqueue_head(&wq);
	WRITE_ONCE(ut->wait_set, set);
	set_blocked(old & ~set);
	do {
		(void)wait_event_until(&wq, false, deadline);
		ret = take_one(set, info);
		if (!ret && signal_pending())
			ret = -EINTR;
	} while (!ret && ktime_get() < deadline);
	WRITE_ONCE(ut->wait_set, 0);
	set_blocked(old);
	return ret ? ret : -EAGAIN;
}

SYSCALL_FN(rt_sigtimedwait)
{
	u64 set, deadline = ~0ULL;
	struct linux_siginfo info;
	s64 ret;

	if (s->a[3] != sizeof(set))
		return -EINVAL;
	if (get_user_val(set, s->a[0]))
		return -EFAULT;
	ret = s->a[2] ? get_timeout(s->a[2], &deadline) : 0;
	if (ret)
		return ret;
	set &= ~SIG_UNBLOCKABLE;
	ret = take_one(set, &info);
	if (!ret && deadline > ktime_get())
		ret = wait_for_signal(set, &info, deadline);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	if (s->a[1] && put_user_val(s->a[1], info))
		return -EFAULT;
	return ret;
}

SYSCALL_FN(sigaltstack)
{
	struct uthread *ut = cur_uthread();
	struct linux_stack new, old = ut->altstack;
	bool inside = on_altstack(ut, s->regs->rsp);

	if (s->a[0] && get_user_val(new, s->a[0]))
		return -EFAULT;
	old.flags |= inside ? SS_ONSTACK : 0;
	if (s->a[0]) {
		u32 mode = new.flags & ~SS_AUTODISARM;

		if (inside)
			return -EPERM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode)
			return -EINVAL;
		if (mode == SS_DISABLE) {
			new.sp = new.size = 0;
		} else {
			if (new.size < MINSIGSTKSZ)
				return -ENOMEM;
			new.flags &= ~(u32)SS_ONSTACK;
		}
		new.pad = 0;
		ut->altstack = new;
	}
	return s->a[1] ? put_user_val(s->a[1], old) : 0;
}

/* Every process but the caller; -ESRCH when there is none. */
static s64 kill_all(const struct linux_siginfo *info)
{
	struct process *p;
	s64 err = -ESRCH;

	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		if (p == cur_proc())
			continue;
		err = 0;
		if (info->signo)
			send_signal(p, info);
	}
	spin_unlock(&proc_lock);
	return err;
}

SYSCALL_FN(kill)
{
	s32 pid = (s32)s->a[0];
	u32 sig = (u32)s->a[1];
	struct linux_siginfo info;
	struct process *p;
	s64 err = 0;

	if (sig > NSIG)
		return -EINVAL;
	siginfo_user(&info, sig, SI_USER);
	if (pid == -1)
		return kill_all(&info);
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid <= 0)
		return send_signal_pgrp(pid ? (u32)-pid : cur_proc()->pgid,
					&info);
	p = find_process((u32)pid);
	if (!p)
		return -ESRCH;
	if (sig)
		err = send_signal(p, &info);
	process_put(p);
	return err;
}

/* tgid 0: any process. */
static s64 signal_thread(u32 tgid, u32 tid, const struct linux_siginfo *info)
{
	struct uthread *ut;
	s64 err = -ESRCH;

	if ((s32)tid <= 0 || (s32)tgid < 0 || (u32)info->signo > NSIG)
		return -EINVAL;
	spin_lock(&proc_lock);
	ut = find_uthread_locked(tid);
	if (ut && (!tgid || ut->proc->pid == tgid))
		err = info->signo ? send_signal_thread(ut, info) : 0;
	spin_unlock(&proc_lock);
	return err;
}

static s64 kill_thread(u32 tgid, u32 tid, u32 sig)
{
	struct linux_siginfo info;

	siginfo_user(&info, sig, SI_TKILL);
	return signal_thread(tgid, tid, &info);
}

SYSCALL_FN(tkill)
{
	return kill_thread(0, (u32)s->a[0], (u32)s->a[1]);
}

SYSCALL_FN(tgkill)
{
	if ((s32)s->a[0] <= 0)
		return -EINVAL;
	return kill_thread((u32)s->a[0], (u32)s->a[1], (u32)s->a[2]);
}

SYSCALL_NOARG(restart_syscall)
{
	struct restart_block *rb = &cur_uthread()->restart;

	return rb->fn ? rb->fn(rb) : -EINTR;
}

/*
 * An info of the program's own.  To others it must not look like one of the
 * kernel's, nor of kill or tgkill.
 */
static s64 get_siginfo(struct linux_siginfo *info, vaddr_t from, u32 sig,
		       u32 pid)
{
	if (get_user_val(*info, from))
		return -EFAULT;
	info->signo = (s32)sig;
	if ((info->code >= 0 || info->code == SI_TKILL) &&
	    pid != cur_proc()->pid)
		return -EPERM;
	return 0;
}

SYSCALL_FN(rt_sigqueueinfo)
{
	u32 pid = (u32)s->a[0], sig = (u32)s->a[1];
	struct linux_siginfo info;
	struct process *p;
	s64 err = get_siginfo(&info, s->a[2], sig, pid);

	if (err)
		return err;
	if (sig > NSIG)
		return -EINVAL;
	p = find_process(pid);
	if (!p)
		return -ESRCH;
	if (sig)
		err = send_signal(p, &info);
	process_put(p);
	return err;
}

SYSCALL_FN(rt_tgsigqueueinfo)
{
	u32 tgid = (u32)s->a[0], tid = (u32)s->a[1];
	struct linux_siginfo info;
	s64 err;

	if ((s32)tgid <= 0)
		return -EINVAL;
	err = get_siginfo(&info, s->a[3], (u32)s->a[2], tgid);
	return err ? err : signal_thread(tgid, tid, &info);
}
