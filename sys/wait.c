/* SPDX-License-Identifier: MIT */
/*
 * wait4 and waitid: a parent learns what became of its children.
 *
 *	waiter				child
 *	(1) on child_wait, state set	(A) state = ZOMBIE under proc_lock
 *	(2) scan under proc_lock	(B) wake child_wait
 *	(3) sleep
 * Tests: tests/abi/t_fork
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/times.h"

struct wait_req {
	u32 type, id;			/* P_ALL, P_PID, P_PGID */
	u32 options;
	/* answer */
	struct process *dead;		/* reaped: the lists' reference */
	u32 pid, uid, status;		/* as wait4's status word */
	s32 code;			/* CLD_* */
	u64 utime, stime;		/* ticks */
	u64 minflt;
};

static bool matches(const struct wait_req *w, const struct process *c)
{
	bool clone = c->exit_signal != SIGCHLD;

	if ((w->type == P_PID && c->pid != w->id) ||
	    (w->type == P_PGID && c->pgid != w->id))
		return false;
	return (w->options & __WALL) ||
	       clone == !!(w->options & __WCLONE);
}

static void take_zombie(struct wait_req *w, struct process *c)
{
	struct process *p = cur_proc();

	w->status = c->exit_status;
	w->code = c->exit_status & 0x7f ? CLD_KILLED : CLD_EXITED;
	w->utime = c->utime + c->cutime;
	w->stime = c->stime + c->cstime;
	w->minflt = c->minflt + c->cminflt;
	if (w->options & WNOWAIT)
		return;
	p->cutime += w->utime;
	p->cstime += w->stime;
	p->cminflt += w->minflt;
	process_unlink_locked(c);
	w->dead = c;
}

/* Has c something to tell?  Then it is in w. */
static bool check_child(struct wait_req *w, struct process *c)
{
	u32 report;

	if (c->state == PROC_ZOMBIE) {
		if (!(w->options & WEXITED))
			return false;
		take_zombie(w, c);
		return true;
	}
	spin_lock(&c->siglock);
	report = c->report;
	if (report == PROC_REPORT_STOP && (w->options & WUNTRACED)) {
		w->status = c->stopped << 8 | 0x7f;
		w->code = CLD_STOPPED;
	} else if (report == PROC_REPORT_CONT && (w->options & WCONTINUED)) {
		w->status = 0xffff;
		w->code = CLD_CONTINUED;
	} else {
		report = 0;
	}
	if (report && !(w->options & WNOWAIT))
		c->report = 0;
	spin_unlock(&c->siglock);
	return report;
}

/* 1: found; 0: none yet; -ECHILD: there can be none. */
static int scan(struct wait_req *w)
{
	struct process *c, *n;
	int ret = -ECHILD;

	spin_lock(&proc_lock);
	list_for_each_entry_safe(c, n, &cur_proc()->children, sibling) {
		if (!matches(w, c))
			continue;
		ret = 0;
		w->pid = c->pid;
		w->uid = c->uid;
		if (check_child(w, c)) {
			ret = 1;
			break;
		}
	}
	spin_unlock(&proc_lock);
	return ret;
}

/* 1: w has the answer; 0: WNOHANG and none; or -Exxx. */
static s64 do_wait(struct wait_req *w)
{
	int found = 0;
	s64 err;

	if (w->options & WNOHANG) {
		found = scan(w);
	} else {
		err = wait_event_interruptible(&cur_proc()->child_wait,
					       (found = scan(w)) != 0);
		if (err)
			return -ERESTARTSYS;
	}
	if (w->dead)
		process_reap(w->dead);
	return found;
}

static s64 put_rusage(vaddr_t to, const struct wait_req *w)
{
	struct linux_rusage ru;

	memset(&ru, 0, sizeof(ru));
	ru.utime = ns_timeval(w->utime * NSEC_PER_TICK);
	ru.stime = ns_timeval(w->stime * NSEC_PER_TICK);
	ru.minflt = (s64)w->minflt;
	return put_user_val(to, ru);
}

SYSCALL_FN(wait4)
{
	s32 pid = (s32)s->a[0];
	struct wait_req w = { .options = (u32)s->a[2] | WEXITED };
	s64 ret;

	if ((u32)s->a[2] & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD |
			     __WALL | __WCLONE))
		return -EINVAL;
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid > 0) {
		w.type = P_PID;
		w.id = (u32)pid;
	} else if (pid != -1) {
		w.type = P_PGID;
		w.id = pid ? (u32)-pid : cur_proc()->pgid;
	}
	ret = do_wait(&w);
	if (ret <= 0)
		return ret;
	if (s->a[1] && put_user_val(s->a[1], w.status))
		return -EFAULT;
	if (s->a[3] && put_rusage(s->a[3], &w))
		return -EFAULT;
	return w.pid;
}

static s64 put_siginfo(vaddr_t to, const struct wait_req *w)
{
	struct linux_siginfo info;

	memset(&info, 0, sizeof(info));
	if (w->code) {
		info.signo = SIGCHLD;
		info.code = w->code;
		info.f[0] = w->pid | (u64)w->uid << 32;
		info.f[1] = w->code == CLD_EXITED ? w->status >> 8 & 0xff :
			    w->code == CLD_STOPPED ? w->status >> 8 :
			    w->code == CLD_CONTINUED ? SIGCONT :
			    w->status & 0x7f;
	}
	/* signo, errno, code; pid, uid, status: the rest stays as it is. */
	if (copy_to_user(to, &info, 12))
		return -EFAULT;
	return copy_to_user(to + offsetof(struct linux_siginfo, f), info.f, 12) ?
	       -EFAULT : 0;
}

static s64 waitid_check(struct wait_req *w)
{
	if (w->options & ~(WNOHANG | WNOWAIT | WEXITED | WUNTRACED |
			   WCONTINUED | __WNOTHREAD | __WALL | __WCLONE))
		return -EINVAL;
	if (!(w->options & (WEXITED | WUNTRACED | WCONTINUED)))
		return -EINVAL;
	if (w->type > P_PGID || (w->type == P_PID && (s32)w->id <= 0) ||
	    (w->type == P_PGID && (s32)w->id < 0))
		return -EINVAL;
	if (w->type == P_PGID && !w->id)
		w->id = cur_proc()->pgid;
	return 0;
}

/* The siginfo is written in any case, with zeros when there is none. */
SYSCALL_FN(waitid)
{
	struct wait_req w = {
		.type = (u32)s->a[0], .id = (u32)s->a[1],
		.options = (u32)s->a[3],
	};
	s64 ret = waitid_check(&w);

	if (!ret)
		ret = do_wait(&w);
	if (s->a[2] && put_siginfo(s->a[2], &w))
		return -EFAULT;
	if (ret >= 0 && s->a[4] && put_rusage(s->a[4], &w))
		return -EFAULT;
	return min(ret, 0LL);
}
