/* SPDX-License-Identifier: MIT */
/*
 * The way back to user mode: reschedule, die, stop, or run a handler.
 *
 * V1. A system call that was interrupted returned -ERESTARTxxx.  That becomes
 *     EINTR or a second execution of the same call before ring 3 sees it;
 *     regs->vector tells that the registers are those of a call.
 * V2. Only the thread itself takes its signals, one after the other, each with
 *     its own frame: the last one pushed runs first.
 * V3. A fault that its process does not handle kills that process, with one
 *     line on the console, and nothing else.
 * V4. A stop that was taken but not carried out ends with a SIGCONT or
 *     SIGKILL that comes in between: who waits in a stop is not being killed.
 *
 * Tests: tests/abi/t_signal, t_segv
 */
#include "arch/cpu.h"
#include "arch/layout.h"
#include "arch/upcall.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "lib/err.h"
#include "sys/signal.h"

#define NR_RESTART_SYSCALL	219
#define SYSCALL_INSN_SIZE	2

static bool wants_restart(const struct regs *r)
{
	s64 ret = (s64)r->rax;

	return r->vector == VEC_SYSCALL && ret <= -ERR_FIRST_INTERNAL &&
	       ret >= -ERESTART_RESTARTBLOCK;
}

/* V1.  act: the handler that is about to run, or NULL. */
static void settle_restart(struct regs *r, const struct linux_sigaction *act)
{
	s64 ret = (s64)r->rax;

	if (!wants_restart(r))
		return;
	if (act && (ret == -ERESTARTNOHAND || ret == -ERESTART_RESTARTBLOCK ||
		    (ret == -ERESTARTSYS && !(act->flags & SA_RESTART)))) {
		r->rax = (u64)-EINTR;
		return;
	}
	r->rax = ret == -ERESTART_RESTARTBLOCK ? NR_RESTART_SYSCALL : r->error;
	r->rip -= SYSCALL_INSN_SIZE;
}

/* Stop signals of a terminal mean nothing where no shell would resume us. */
static bool stop_makes_sense(struct process *p, u32 sig)
{
	assert_spin_held(&proc_lock);
	return sig == SIGSTOP || (p->parent && p->parent->sid == p->sid);
}

static void wait_while_stopped(struct process *p)
{
	u32 report;

	wait_event_idle(&p->event, !READ_ONCE(p->stopped) || fatal_signal_pending());
	spin_lock(&proc_lock);
	spin_lock(&p->siglock);
	report = p->report;
	spin_unlock(&p->siglock);
	if (report == PROC_REPORT_CONT)
		notify_parent_locked(p, CLD_CONTINUED, SIGCONT);
	spin_unlock(&proc_lock);
}

static void stop_process(u32 sig)
{
	struct process *p = cur_proc();
	struct uthread *ut;

	spin_lock(&proc_lock);
	if (!stop_makes_sense(p, sig)) {
		spin_unlock(&proc_lock);
		return;
	}
	spin_lock(&p->siglock);
	if (!p->stopping || fatal_signal_pending()) {	/* V4 */
		spin_unlock(&p->siglock);
		spin_unlock(&proc_lock);
		return;
	}
	p->stopped = sig;
	p->report = PROC_REPORT_STOP;
	list_for_each_entry(ut, &p->threads, link)
		thread_interrupt(ut->thread);
	spin_unlock(&p->siglock);
	notify_parent_locked(p, CLD_STOPPED, sig);
	spin_unlock(&proc_lock);
	wait_while_stopped(p);
}

/* Takes what is to be done; the action is copied.  0: nothing. */
static u32 next_signal(struct linux_siginfo *info, struct linux_sigaction *act)
{
	struct uthread *ut = cur_uthread();
	struct process *p = ut->proc;
	u32 sig;

	assert_spin_held(&p->siglock);
	sig = dequeue_signal_locked(~ut->blocked, info);
	if (!sig) {
		recalc_interrupted_locked(ut);
		return 0;
	}
	*act = p->action[sig - 1];
	if (act->handler > SIG_IGN && (act->flags & SA_RESETHAND))
		p->action[sig - 1].handler = SIG_DFL;
	return sig;
}

static void run_handler(struct regs *r, const struct linux_siginfo *info,
			const struct linux_sigaction *act)
{
	struct uthread *ut = cur_uthread();
	u32 sig = (u32)info->signo;
	u64 mask = ut->restore_mask ? ut->saved_mask : ut->blocked;
	u64 blocked = ut->blocked | act->mask;

	settle_restart(r, act);
	if (ut->rseq)
		rseq_update(r);		/* where the handler returns to */
	if (!(act->flags & SA_NODEFER))
		blocked |= SIGBIT(sig);
	if (!signal_push_frame(r, sig, act, info, mask)) {
		ut->restore_mask = 0;
		set_blocked(blocked);
		return;
	}
	if (sig == SIGSEGV) {		/* no room to tell of no room */
		spin_lock(&ut->proc->siglock);
		ut->proc->action[SIGSEGV - 1].handler = SIG_DFL;
		spin_unlock(&ut->proc->siglock);
	}
	force_signal(&(struct linux_siginfo){ .signo = SIGSEGV,
					      .code = SI_KERNEL });
}

static void default_action(u32 sig)
{
	switch (signal_default(sig)) {
	case SIGDEF_STOP:
		stop_process(sig);
		break;
	case SIGDEF_TERM:
		do_group_exit(sig);
	default:
		break;
	}
}

/* One step.  False: nothing is left to do. */
static bool handle_one(struct regs *r)
{
	struct uthread *ut = cur_uthread();
	struct process *p = ut->proc;
	struct linux_sigaction act;
	struct linux_siginfo info;
	u32 sig;

	spin_lock(&p->siglock);
	if (p->group_exit || ut->kill_me) {
		spin_unlock(&p->siglock);
		do_exit(0);	/* a group exit has its own status */
	}
	if (p->stopped) {
		spin_unlock(&p->siglock);
		wait_while_stopped(p);
		return true;
	}
	sig = next_signal(&info, &act);
	spin_unlock(&p->siglock);
	if (!sig)
		return false;
	if (act.handler == SIG_DFL || sig == SIGKILL || sig == SIGSTOP)
		default_action(sig);
	else if (act.handler != SIG_IGN)
		run_handler(r, &info, &act);
	return true;
}

static void handle_signals(struct regs *r)
{
	struct uthread *ut = cur_uthread();

	while (handle_one(r))		/* V2 */
		;
	settle_restart(r, NULL);
	if (ut->restore_mask) {
		ut->restore_mask = 0;
		set_blocked(ut->saved_mask);
	}
}

/* Switched to since its words were written. */
static bool wants_rseq(const struct uthread *ut)
{
	return ut && unlikely(ut->rseq) &&
	       ut->rseq_seen != READ_ONCE(current()->switches);
}

void upcall_return_to_user(struct regs *r)
{
	if (CONFIG_LAB)
		check_nothing_held("back to user mode", 0);
	for (;;) {
		if (this_cpu_read(need_resched)) {
			local_irq_enable();
			schedule();
			local_irq_disable();
			continue;
		}
		if (wants_rseq(cur_uthread())) {
			local_irq_enable();
			rseq_update(r);
			local_irq_disable();
			continue;
		}
		if (!cur_uthread() ||
		    (!READ_ONCE(current()->interrupted) &&
		     !cur_uthread()->restore_mask && !wants_restart(r)))
			return;
		local_irq_enable();
		handle_signals(r);
		local_irq_disable();
	}
}

static bool unhandled(struct uthread *ut, u32 sig)
{
	u64 handler = READ_ONCE(ut->proc->action[sig - 1].handler);

	return handler == SIG_DFL || handler == SIG_IGN ||
	       (ut->blocked & SIGBIT(sig));
}

static void report_fault(struct regs *r, struct uthread *ut, u32 sig,
			 vaddr_t addr)
{
	struct process *p = ut->proc;

	if (sig == SIGKILL)
		pr_warn("%s[%u]: killed: out of memory at 0x%llx\n", p->comm,
			p->pid, addr);
	else if (r->vector == TRAP_PF)
		pr_warn("%s[%u]: %s at 0x%llx ip 0x%llx sp 0x%llx error %llx\n",
			p->comm, p->pid,
			sig == SIGBUS ? "bus error" : "segfault",
			addr, r->rip, r->rsp, r->error);
	else
		pr_warn("%s[%u]: %s ip 0x%llx sp 0x%llx error %llx\n", p->comm,
			p->pid, trap_name(r->vector), r->rip, r->rsp, r->error);
}

void upcall_user_trap(struct regs *r, int sig, int code, vaddr_t addr)
{
	struct linux_siginfo info = { .signo = sig, .code = code };
	struct uthread *ut = cur_uthread();

	if (!ut)
		panic_regs(r, "%s in user mode outside of any process",
			   trap_name(r->vector));
	info.f[0] = addr;
	ut->trap_nr = r->vector;
	ut->trap_err = r->error;
	ut->trap_addr = addr;
	if (unhandled(ut, (u32)sig))
		report_fault(r, ut, (u32)sig, addr);	/* V3 */
	force_signal(&info);
}
