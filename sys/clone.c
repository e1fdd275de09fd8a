/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork and clone: new threads and new processes.
 *
 * C1. Everything that can fail is done on objects nobody else sees; the child
 *     is published and started last.
 * C2. A vfork parent sleeps until the child has given its address space back
 *     (exec or exit).  Only a signal that kills the parent ends that sleep
 *     early.
 *
 * What Linux can share and we cannot: signal handlers without being one
 * process (CLONE_SIGHAND without CLONE_THREAD), and namespaces: -EINVAL.
 * Tests: tests/abi/t_fork, t_threads
 */
#include "arch/cpu.h"
#include "arch/layout.h"
#include "arch/uaccess.h"
#include "arch/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/mmap.h"
#include "mm/tlb.h"
#include "mm/vma.h"
#include "mm/vmscan.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"

/* pidfd, and every kind of namespace */
#define CLONE_REFUSED	(0x1000UL | CLONE_NEWNS | 0x7e000000UL)

void uthread_main(void *arg)
{
	struct uthread *ut = arg;
	struct regs *r = arch_user_regs(&ut->thread->arch);
	u32 tid = ut->tid;

	activate_mm(ut->proc->mm);
	/* A bad address is the program's problem, as on Linux. */
	if (ut->set_child_tid)
		(void)put_user_val(ut->set_child_tid, tid);
	local_irq_disable();
	upcall_return_to_user(r);
	arch_enter_user(r);
}

static s64 check_args(const struct clone_args *ca)
{
	u64 flags = ca->flags;

	if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if (flags & CLONE_REFUSED)
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_THREAD))
		return -EINVAL;		/* ours, not Linux's */
	/* Loading one that is not canonical would fault in the switch. */
	if ((flags & CLONE_SETTLS) && ca->tls >= USER_END)
		return -EPERM;
	return 0;
}

static void copy_thread(struct uthread *child, const struct clone_args *ca,
			const struct regs *r)
{
	struct uthread *ut = cur_uthread();
	struct arch_thread *from = &current()->arch, *to = &child->thread->arch;
	struct regs *cr = arch_user_regs(to);

	*cr = *r;
	cr->rax = 0;
	if (ca->stack)
		cr->rsp = ca->stack;
	fpu_area_save(from, to->fpu);
	to->fs_base = ca->flags & CLONE_SETTLS ? ca->tls :
		      arch_get_fs_base(from);
	to->gs_base = arch_get_gs_base(from);
	child->blocked = ut->blocked;
	child->nice = ut->nice;
	if (!(ut->policy & SCHED_RESET_ON_FORK))
		child->policy = ut->policy;
	if ((ca->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
		child->altstack = ut->altstack;
	if (!(ca->flags & CLONE_VM))
		rseq_copy(child, ut);
	if (ca->flags & CLONE_CHILD_SETTID)
		child->set_child_tid = ca->child_tid;
	if (ca->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = ca->child_tid;
}

static int copy_mm(struct process *p, u64 flags)
{
	struct mm_struct *mm, *old = cur_proc()->mm;
	int err;

	if (flags & CLONE_VM) {
		mmget(old);
		p->mm = old;
		return 0;
	}
	mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	err = dup_mmap(mm, old);
	if (err) {
		mmput(mm);
		return err;
	}
	p->mm = mm;
	return 0;
}

static int copy_files(struct process *p, u64 flags)
{
	struct process *old = cur_proc();

	p->files = flags & CLONE_FILES ? files_get(old->files) :
		   files_dup(old->files);
	p->fs = flags & CLONE_FS ? fs_get(old->fs) : fs_dup(old->fs);
	return p->files && p->fs ? 0 : -ENOMEM;
}

/* All of a new process but its thread.  ERR_PTR. */
static struct process *copy_process(u64 flags)
{
	struct process *old = cur_proc(), *p = process_alloc();
	int err;

	if (!p)
		return ERR_PTR(-ENOMEM);
	spin_lock(&old->siglock);
	memcpy(p->action, old->action, sizeof(p->action));
	spin_unlock(&old->siglock);
	if (flags & CLONE_CLEAR_SIGHAND)
		signal_reset_exec(p);
	memcpy(p->comm, old->comm, sizeof(p->comm));
	memcpy(p->rlim, old->rlim, sizeof(p->rlim));
	p->uid = old->uid;
	p->euid = old->euid;
	p->suid = old->suid;
	p->gid = old->gid;
	p->egid = old->egid;
	p->sgid = old->sgid;
	p->exit_signal = flags & CSIGNAL;
	if (p->exit_signal > NSIG)
		p->exit_signal = 0;	/* as Linux: nothing is sent */
	spin_lock(&proc_lock);
	p->pgid = old->pgid;
	p->sid = old->sid;
	p->exe = inode_get(old->exe);
	spin_unlock(&proc_lock);
	err = copy_files(p, flags);
	if (!err)
		err = copy_mm(p, flags);
	if (err) {
		process_discard(p);
		return ERR_PTR(err);
	}
	return p;
}

static void wait_for_vfork(struct process *child)		/* C2 */
{
	u64 old = block_all_signals();

	while (wait_event_interruptible(&child->event,
					READ_ONCE(child->vfork_done))) {
		if (fatal_signal_pending())
			break;
		sleep_ms(10);		/* stopped: no reason to look often */
	}
	set_blocked(old);
}

void vfork_complete(struct process *p)
{
	WRITE_ONCE(p->vfork_done, 1);
	wake_up_all(&p->event);
}

/* With a reference; NULL is the kernel. */
static struct process *new_parent(u64 flags)
{
	struct process *parent = cur_proc();

	spin_lock(&proc_lock);
	if (flags & CLONE_PARENT)
		parent = parent->parent;
	if (parent)
		process_get(parent);
	spin_unlock(&proc_lock);
	return parent;
}

static s64 start_thread(const struct clone_args *ca, struct regs *r)
{
	struct uthread *ut = uthread_create(cur_proc());
	u32 tid;

	if (IS_ERR(ut))
		return PTR_ERR(ut);
	copy_thread(ut, ca, r);
	tid = ut->tid;
	if (ca->flags & CLONE_PARENT_SETTID)
		(void)put_user_val(ca->parent_tid, tid);
	if (uthread_publish(ut, NULL)) {
		uthread_discard(ut);
		return -ERESTARTNOINTR;		/* we are about to die */
	}
	return tid;
}

static s64 start_process(const struct clone_args *ca, struct regs *r)
{
	struct process *p = copy_process(ca->flags), *parent;
	struct uthread *ut;
	u32 pid;
	s64 err;

	if (IS_ERR(p))
		return PTR_ERR(p);
	ut = uthread_create(p);
	if (IS_ERR(ut)) {
		process_discard(p);
		return PTR_ERR(ut);
	}
	copy_thread(ut, ca, r);
	pid = ut->tid;
	if (ca->flags & CLONE_PARENT_SETTID)
		(void)put_user_val(ca->parent_tid, pid);
	/* commit */
	parent = new_parent(ca->flags);
	err = uthread_publish(ut, parent);
	if (parent)
		process_put(parent);
	if (err) {
		uthread_discard(ut);
		process_discard(p);
		return -ERESTARTNOINTR;		/* we are about to die */
	}
	if (ca->flags & CLONE_VFORK)
		wait_for_vfork(p);
	process_put(p);
	return pid;
}

s64 do_clone(const struct clone_args *ca, struct regs *r)
{
	s64 err = check_args(ca);
	u32 attempt = 0;

	if (err)
		return err;
	reclaim_throttle();
	/* What fails has undone itself, so it can be had again. */
	do
		err = ca->flags & CLONE_THREAD ? start_thread(ca, r) :
		      start_process(ca, r);
	while (err == -ENOMEM && reclaim_for_retry(attempt++));
	return err;
}

SYSCALL_FN(clone)
{
	struct clone_args ca = {
		.flags = (u32)s->a[0], .stack = s->a[1],
		.parent_tid = s->a[2], .child_tid = s->a[3], .tls = s->a[4],
	};

	return do_clone(&ca, s->regs);
}

SYSCALL_FN(fork)
{
	struct clone_args ca = { .flags = SIGCHLD };

	return do_clone(&ca, s->regs);
}

SYSCALL_FN(vfork)
{
	struct clone_args ca = { .flags = CLONE_VFORK | CLONE_VM | SIGCHLD };

	return do_clone(&ca, s->regs);
}

/* Linux's struct clone_args, as far as the first version of it goes. */
struct linux_clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size,
	    tls;
};
#define CLONE_ARGS_SIZE_VER0	64

/* What a larger structure of a newer program holds must be 0. */
static s64 check_rest(vaddr_t from, u64 size)
{
	u64 word;

	if (size > PAGE_SIZE)
		return -E2BIG;
	for (u64 at = CLONE_ARGS_SIZE_VER0; at + 8 <= size; at += 8) {
		if (get_user_val(word, from + at))
			return -EFAULT;
		if (word)
			return -E2BIG;
	}
	return 0;
}

SYSCALL_FN(clone3)
{
	struct linux_clone_args u;
	struct clone_args ca;
	s64 err;

	if (s->a[1] < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = check_rest(s->a[0], s->a[1]);
	if (err)
		return err;
	if (get_user_val(u, s->a[0]))
		return -EFAULT;
	if ((u.flags & (CSIGNAL | CLONE_DETACHED)) || u.exit_signal > NSIG ||
	    !u.stack != !u.stack_size)
		return -EINVAL;
	if (u.stack && !access_ok(u.stack, u.stack_size))
		return -EINVAL;
	if ((u.flags & (CLONE_THREAD | CLONE_PARENT)) && u.exit_signal)
		return -EINVAL;
	ca = (struct clone_args){
		.flags = u.flags | u.exit_signal,
		.stack = u.stack + u.stack_size, .parent_tid = u.parent_tid,
		.child_tid = u.child_tid, .tls = u.tls,
	};
	return do_clone(&ca, s->regs);
}
