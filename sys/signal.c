/* SPDX-License-Identifier: MIT */
/*
 * Signals: who has which pending, and waking those who should look.
 *
 * S1. A pending signal is a bit in `set` and, memory permitting, an entry in
 *     `queue`; signals below 32 are queued once, real-time ones each time.
 * S2. thread->interrupted is set whenever the thread has something to take
 *     (an unblocked pending signal, a group exit, a stop, kill_me), and is
 *     cleared only by the thread itself, under siglock, when it has not.
 * S3. A signal that the process ignores and that nobody blocks is dropped at
 *     once.
 *
 * Locks: siglock; proc_lock outside it where the parent is told.
 * Tests: tests/abi/t_signal
 */
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/signal.h"
#include "sys/timers.h"

#define MAX_QUEUED	1024		/* entries for one process */

static const char *const names[] = {
	"?", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL",
	"USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD",
	"CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
	"VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
};

const char *signal_name(u32 sig)
{
	if (sig < ARRAY_SIZE(names))
		return names[sig];
	return sig <= NSIG ? "RT" : "?";
}

int signal_number(const char *text)
{
	u64 n;

	if (!strtou64(text, 10, &n))
		return n <= NSIG ? (int)n : -EINVAL;
	if (!strncmp(text, "SIG", 3))
		text += 3;
	for (u32 i = 1; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(text, names[i]))
			return (int)i;
	}
	return -EINVAL;
}

enum sig_default signal_default(u32 sig)
{
	switch (sig) {
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return SIGDEF_IGNORE;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return SIGDEF_STOP;
	case SIGCONT:
		return SIGDEF_CONT;
	default:
		return SIGDEF_TERM;
	}
}

bool signal_ignored_locked(const struct process *p, u32 sig)
{
	u64 handler = p->action[sig - 1].handler;

	if (handler == SIG_IGN)
		return true;
	return handler == SIG_DFL && (signal_default(sig) == SIGDEF_IGNORE ||
				      signal_default(sig) == SIGDEF_CONT);
}

static u64 takeable(const struct uthread *ut)
{
	return (ut->pending.set | ut->proc->shared.set) & ~ut->blocked;
}

void recalc_interrupted_locked(struct uthread *ut)
{
	struct process *p = ut->proc;
	u32 want;

	assert_spin_held(&p->siglock);
	want = takeable(ut) || p->group_exit || ut->kill_me || p->stopped;
	WRITE_ONCE(ut->thread->interrupted, want);
}

bool fatal_signal_pending(void)
{
	struct uthread *ut = cur_uthread();

	return ut && (READ_ONCE(ut->proc->group_exit) || READ_ONCE(ut->kill_me) ||
		      (READ_ONCE(ut->pending.set) |
		       READ_ONCE(ut->proc->shared.set)) & SIGBIT(SIGKILL));
}

/* Make it look: out of its sleep, or into the kernel. */
static void kick(struct uthread *ut)
{
	struct thread *t = ut->thread;

	thread_interrupt(t);
	if (READ_ONCE(t->on_cpu) && t != current())
		smp_send_reschedule(READ_ONCE(t->cpu));
}

void retarget_signals_locked(struct process *p, u64 mask)
{
	struct uthread *ut;

	list_for_each_entry(ut, &p->threads, link) {
		if (p->shared.set & mask & ~ut->blocked)
			kick(ut);
	}
}

void set_blocked(u64 mask)
{
	struct uthread *ut = cur_uthread();
	u64 old = ut->blocked;

	spin_lock(&ut->proc->siglock);
	ut->blocked = mask & ~SIG_UNBLOCKABLE;
	recalc_interrupted_locked(ut);
	retarget_signals_locked(ut->proc, ut->blocked & ~old);
	spin_unlock(&ut->proc->siglock);
}

u64 block_all_signals(void)
{
	u64 old = cur_uthread()->blocked;

	set_blocked(~0ULL);
	return old;
}

static void kick_all(struct process *p)
{
	struct uthread *ut;

	list_for_each_entry(ut, &p->threads, link)
		kick(ut);
}

/* What a program has queued, and may count on, is not lost: 0 or -EAGAIN. */
static int queue_locked(struct process *p, struct sigpending *pend,
			const struct linux_siginfo *info)
{
	struct sigqueue *q = NULL;

	if (p->nr_queued < MAX_QUEUED)
		q = kmalloc(sizeof(*q));
	if (!q && info->signo >= SIGRTMIN && info->code != SI_USER &&
	    info->code != SI_KERNEL)
		return -EAGAIN;
	if (q) {
		q->info = *info;
		list_add_tail(&q->link, &pend->queue);
		p->nr_queued++;
	}
	pend->set |= SIGBIT(info->signo);		/* S1 */
	return 0;
}

static void drop_locked(struct process *p, struct sigpending *pend, u64 mask)
{
	struct sigqueue *q, *n;

	pend->set &= ~mask;
	list_for_each_entry_safe(q, n, &pend->queue, link) {
		if (!(SIGBIT(q->info.signo) & mask))
			continue;
		list_del(&q->link);
		p->nr_queued--;
		kfree(q);
	}
}

void sigpending_flush(struct process *p, struct sigpending *pend)
{
	spin_lock(&p->siglock);
	drop_locked(p, pend, ~0ULL);
	spin_unlock(&p->siglock);
}

void discard_signals_locked(struct process *p, u64 mask)
{
	struct uthread *ut;

	drop_locked(p, &p->shared, mask);
	list_for_each_entry(ut, &p->threads, link)
		drop_locked(p, &ut->pending, mask);
}

/* What a signal does at once, before anybody takes it. */
static void immediate_effects(struct process *p, u32 sig)
{
	if (sig == SIGCONT || sig == SIGKILL) {
		discard_signals_locked(p, SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) |
				       SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU));
		p->stopping = 0;
		if (p->stopped) {
			p->stopped = 0;
			p->report = PROC_REPORT_CONT;
			wake_up_all(&p->event);
		}
	} else if (signal_default(sig) == SIGDEF_STOP) {
		discard_signals_locked(p, SIGBIT(SIGCONT));
	}
}

static struct uthread *choose_thread(struct process *p, u32 sig)
{
	struct uthread *ut;

	list_for_each_entry(ut, &p->threads, link) {
		if (!(ut->blocked & SIGBIT(sig)))
			return ut;
	}
	return NULL;
}

/* ut NULL: to the process. */
static int send_locked(struct process *p, struct uthread *ut,
		       const struct linux_siginfo *info)
{
	struct sigpending *pend = ut ? &ut->pending : &p->shared;
	u32 sig = (u32)info->signo;
	struct uthread *target;

	immediate_effects(p, sig);
	target = ut && !(ut->blocked & SIGBIT(sig)) ? ut : NULL;
	if (!ut)
		target = choose_thread(p, sig);
	if (target && !(target->wait_set & SIGBIT(sig)) &&
	    signal_ignored_locked(p, sig))
		return 0;					/* S3 */
	if (sig < SIGRTMIN && (pend->set & SIGBIT(sig)))
		return 0;
	if (queue_locked(p, pend, info))
		return -EAGAIN;
	if (sig == SIGKILL)
		kick_all(p);
	else if (target)
		kick(target);					/* S2 */
	return 0;
}

int send_signal(struct process *p, const struct linux_siginfo *info)
{
	int err;

	spin_lock(&p->siglock);
	err = send_locked(p, NULL, info);
	spin_unlock(&p->siglock);
	return err;
}

int send_signal_thread(struct uthread *ut, const struct linux_siginfo *info)
{
	struct process *p = ut->proc;
	int err;

	spin_lock(&p->siglock);
	err = send_locked(p, ut, info);
	spin_unlock(&p->siglock);
	return err;
}

static struct sigqueue *find_timer_entry(struct sigpending *pend,
					 const struct linux_siginfo *info)
{
	struct sigqueue *q;

	list_for_each_entry(q, &pend->queue, link) {
		if (q->info.signo == info->signo && q->info.code == SI_TIMER &&
		    (u32)q->info.f[0] == (u32)info->f[0])
			return q;
	}
	return NULL;
}

void send_timer_signal(struct process *p, u32 tid,
		       const struct linux_siginfo *info)
{
	struct uthread *ut = NULL, *t;
	struct sigqueue *q;
	u64 overrun;

	spin_lock(&p->siglock);
	list_for_each_entry(t, &p->threads, link) {
		if (t->tid == tid)
			ut = t;
	}
	if (!tid || ut) {
		q = find_timer_entry(ut ? &ut->pending : &p->shared, info);
		if (q) {
			overrun = (q->info.f[0] >> 32) +
				  (info->f[0] >> 32) + 1;
			q->info.f[0] = (u32)info->f[0] |
				       min(overrun, (u64)INT_MAX) << 32;
		} else {
			send_locked(p, ut, info);
		}
	}
	spin_unlock(&p->siglock);
}

int send_signal_pgrp(u32 pgid, const struct linux_siginfo *info)
{
	struct process *p;
	int err = -ESRCH;

	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		if (p->pgid != pgid)
			continue;
		err = 0;
		if (info->signo)
			send_signal(p, info);
	}
	spin_unlock(&proc_lock);
	return err;
}

void siginfo_user(struct linux_siginfo *info, u32 sig, s32 code)
{
	memset(info, 0, sizeof(*info));
	info->signo = (s32)sig;
	info->code = code;
	if (cur_uthread())
		info->f[0] = cur_proc()->pid | (u64)cur_proc()->uid << 32;
}

void force_signal(const struct linux_siginfo *info)
{
	struct uthread *ut = cur_uthread();
	struct process *p = ut->proc;
	struct linux_sigaction *act = &p->action[info->signo - 1];
	u64 bit = SIGBIT(info->signo);

	spin_lock(&p->siglock);
	if ((ut->blocked & bit) || act->handler == SIG_IGN)
		act->handler = SIG_DFL;
	ut->blocked &= ~bit;
	ut->restore_mask = 0;
	send_locked(p, ut, info);
	recalc_interrupted_locked(ut);	/* it may have been pending already */
	spin_unlock(&p->siglock);
}

u32 dequeue_signal_locked(u64 from, struct linux_siginfo *info)
{
	struct uthread *ut = cur_uthread();
	struct process *p = ut->proc;
	struct sigpending *pend = &ut->pending;
	struct sigqueue *q, *found = NULL;
	bool more = false;
	u32 sig;

	if (!(pend->set & from) || (p->shared.set & from & SIGBIT(SIGKILL)))
		pend = &p->shared;
	if (!(pend->set & from))
		return 0;
	sig = (u32)__builtin_ctzll(pend->set & from) + 1;
	if (pend->set & from & SIGBIT(SIGSEGV) && pend == &ut->pending)
		sig = SIGSEGV;		/* a fault's own signal goes first */
	memset(info, 0, sizeof(*info));
	info->signo = (s32)sig;
	list_for_each_entry(q, &pend->queue, link) {
		if ((u32)q->info.signo != sig)
			continue;
		more = found != NULL;
		if (more)
			break;
		found = q;
	}
	if (found) {
		*info = found->info;
		list_del(&found->link);
		p->nr_queued--;
		kfree(found);
	}
	if (!more)
		pend->set &= ~SIGBIT(sig);
	if (info->code == SI_TIMER)
		posix_timer_taken_locked(p, info);
	if (signal_default(sig) == SIGDEF_STOP)
		p->stopping = 1;
	return sig;
}

void signal_reset_exec(struct process *p)
{
	spin_lock(&p->siglock);
	for (u32 i = 0; i < NSIG; i++) {
		struct linux_sigaction *act = &p->action[i];

		if (act->handler != SIG_IGN)
			act->handler = SIG_DFL;
		act->flags = act->restorer = act->mask = 0;
	}
	spin_unlock(&p->siglock);
}

void notify_parent_locked(struct process *p, s32 code, u32 status)
{
	struct linux_siginfo info = { .signo = SIGCHLD, .code = code };
	struct process *parent = p->parent;

	assert_spin_held(&proc_lock);
	if (!parent) {
		wake_up_all(&kernel_child_wait);
		return;
	}
	if (code == CLD_EXITED || code == CLD_KILLED)
		info.signo = (s32)p->exit_signal;
	else if (READ_ONCE(parent->action[SIGCHLD - 1].flags) & SA_NOCLDSTOP)
		info.signo = 0;
	info.f[0] = p->pid | (u64)p->uid << 32;
	info.f[1] = status;
	if (info.signo)
		send_signal(parent, &info);
	wake_up_all(&parent->child_wait);
}
