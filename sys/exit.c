/* SPDX-License-Identifier: MIT */
/*
 * The end of threads and processes.
 *
 * X1. A process's memory and files are gone before its parent can hear of its
 *     end: who has waited for it finds the machine as it was.
 * X2. Children that outlive their parent belong to the kernel, which reaps
 *     them at once when they end.
 * X3. A group exit has one status, set by whoever began it; every thread gets
 *     it in do_exit(), whatever it came with.
 *
 * Locks: proc_lock, a siglock inside.  Tests: tests/abi/t_fork, t_threads
 */
#include "arch/uaccess.h"
#include "kernel/panic.h"
#include "lib/err.h"
#include "mm/tlb.h"
#include "mm/vma.h"
#include "sys/futex.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/timers.h"

/* What joiners wait for.  The address space is still ours. */
static void clear_child_tid(struct uthread *ut)
{
	u32 zero = 0;

	if (!ut->clear_child_tid)
		return;
	if (!put_user_val(ut->clear_child_tid, zero))
		futex_wake_addr(ut->clear_child_tid, 1);
	ut->clear_child_tid = 0;
}

static bool parent_does_not_care(struct process *p)
{
	const struct linux_sigaction *act = &p->parent->action[SIGCHLD - 1];

	return p->exit_signal == SIGCHLD &&
	       (READ_ONCE(act->handler) == SIG_IGN ||
		(READ_ONCE(act->flags) & SA_NOCLDWAIT));
}

/* Nobody is left who would continue it: as for Linux's orphaned groups. */
static void wake_orphan(struct process *p)
{
	struct linux_siginfo info = { .signo = SIGHUP, .code = SI_KERNEL };

	send_signal(p, &info);
	info.signo = SIGCONT;
	send_signal(p, &info);
}

/* X2.  Dead ones go to the list `dead`, for process_put. */
static void abandon_children(struct process *p, struct list_head *dead)
{
	struct process *c, *n;

	list_for_each_entry_safe(c, n, &p->children, sibling) {
		list_del_init(&c->sibling);
		c->parent = NULL;
		if (READ_ONCE(c->stopped))
			wake_orphan(c);
		if (c->state != PROC_ZOMBIE)
			continue;
		process_unlink_locked(c);
		list_add(&c->all_link, dead);
	}
}

static void become_zombie(struct process *p)
{
	u32 sig = p->exit_status & 0x7f;
	struct process *c, *n;
	LIST_HEAD(dead);

	spin_lock(&proc_lock);
	abandon_children(p, &dead);
	p->state = PROC_ZOMBIE;
	notify_parent_locked(p, sig ? CLD_KILLED : CLD_EXITED,
			     sig ? sig : p->exit_status >> 8);
	if (!p->parent || parent_does_not_care(p)) {
		process_unlink_locked(p);
		list_add(&p->all_link, &dead);
	}
	wake_up_all(&p->event);
	spin_unlock(&proc_lock);
	/* Each had the lists' reference (P1). */
	list_for_each_entry_safe(c, n, &dead, all_link) {
		list_del_init(&c->all_link);
		process_reap(c);
	}
}

/* Leaves the process's list.  True: it was the last one. */
static bool leave_process(struct uthread *ut, u32 status)
{
	struct process *p = ut->proc;
	bool last;

	spin_lock(&proc_lock);
	spin_lock(&p->siglock);
	list_del_init(&ut->link);
	p->nr_threads--;
	last = !p->nr_threads;
	p->utime += ut->thread->utime_ticks;
	p->stime += ut->thread->stime_ticks;
	p->minflt += ut->thread->faults;
	if (last)
		p->exit_status = p->group_exit ? p->group_status : status;
	else if (p->group_exec)
		wake_up_all(&p->event);
	retarget_signals_locked(p, ~0ULL);
	spin_unlock(&p->siglock);
	spin_unlock(&proc_lock);
	return last;
}

void do_exit(u32 status)
{
	struct uthread *ut = cur_uthread();
	struct process *p = ut->proc;

	thread_exiting();
	clear_child_tid(ut);
	deactivate_mm();
	if (leave_process(ut, status)) {
		itimers_stop(p);
		posix_timers_delete(p);
		process_release_resources(p);		/* X1 */
		vfork_complete(p);
		become_zombie(p);
	}
	thread_exit();
}

void do_group_exit(u32 status)
{
	struct process *p = cur_proc();
	struct uthread *ut;

	spin_lock(&p->siglock);
	if (!p->group_exit) {
		p->group_exit = 1;
		p->group_status = status;		/* X3 */
		list_for_each_entry(ut, &p->threads, link)
			thread_interrupt(ut->thread);
	}
	p->stopped = 0;
	spin_unlock(&p->siglock);
	wake_up_all(&p->event);
	do_exit(status);
}

u32 process_wait_end(struct process *p)
{
	wait_event_idle(&p->event, READ_ONCE(p->state) != PROC_RUNNING);
	return p->exit_status;
}

SYSCALL_FN(exit)
{
	do_exit(((u32)s->a[0] & 0xff) << 8);
}

SYSCALL_FN(exit_group)
{
	do_group_exit(((u32)s->a[0] & 0xff) << 8);
}
