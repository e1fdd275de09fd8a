/* SPDX-License-Identifier: MIT */
/*
 * execve, and starting programs for the kernel.
 *
 * A new program is loaded completely into an address space of its own before
 * the old one is touched: everything that can fail fails with the caller
 * unharmed.  Then, past the point of no return, the other threads are sent
 * away, the address space is exchanged, and what does not survive an exec
 * (handlers, close-on-exec files, FPU state, alternate stack) is reset.
 *
 * Scripts: "#! INTERPRETER [ARGUMENT]", at most MAX_SCRIPTS deep.
 * Tests: tests/abi/t_fork, tests/drive/programs.py
 */
#include "arch/cpu.h"
#include "arch/layout.h"
#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/tlb.h"
#include "mm/vma.h"
#include "sys/exec.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/timers.h"
#include "sys/tty.h"

#define MAX_SCRIPTS	4
#define SCRIPT_LINE	256

enum spawn_where { SPAWN_BACKGROUND, SPAWN_FOREGROUND };
enum exec_who { EXEC_PROGRAM, EXEC_KERNEL };

/* The file at a path, fit to be run; ERR_PTR.  The kernel runs what it will */
static struct inode *open_program(struct inode *base, const char *path,
				  enum exec_who who)
{
	struct inode *inode = fs_lookup(base, path, WALK_FOLLOW);

	if (IS_ERR(inode))
		return inode;
	if (S_ISREG(inode->mode) && inode->fops == &regular_fops &&
	    (who == EXEC_KERNEL || (inode->mode & 0111)))
		return inode;
	inode_put(inode);
	return ERR_PTR(-EACCES);
}

/* Splits "#! a b" in line: a, and b or NULL.  False: not a script's line. */
static bool parse_script(char *line, char **interp, char **arg)
{
	char *end = strchr(line, '\n'), *p = line + 2;

	if (line[0] != '#' || line[1] != '!')
		return false;
	if (!end)
		end = line + strlen(line);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = 0;
	while (*p == ' ' || *p == '\t')
		p++;
	*interp = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	*arg = NULL;
	if (*p) {
		*p++ = 0;
		while (*p == ' ' || *p == '\t')
			p++;
		*arg = p;
	}
	return **interp;
}

/* 1: x->inode was a script and is its interpreter now; 0: it was none. */
static int follow_script(struct exec *x, const char *path, char *interp_path)
{
	struct exec_args head = { 0 };
	char line[SCRIPT_LINE + 1];
	char *interp, *arg;
	struct inode *inode;
	ssize_t n = filemap_read(&x->inode->mapping, line, 0, SCRIPT_LINE);
	int err;

	if (n < 0)
		return (int)n;
	line[n] = 0;
	if (!parse_script(line, &interp, &arg))
		return 0;
	inode = open_program(NULL, interp, EXEC_PROGRAM);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode_put(x->inode);
	x->inode = inode;
	head.argc = arg ? 3 : 2;
	err = args_add(&head, interp);
	if (!err && arg)
		err = args_add(&head, arg);
	if (!err)
		err = args_add(&head, path);
	if (!err)
		err = args_replace_first(&x->args, &head);
	args_free(&head);
	strlcpy(interp_path, interp, SCRIPT_LINE);
	return err ? err : 1;
}

/* x has its file and its argv and envp: adds the path, and loads. */
static int load(struct exec *x, const char *path)
{
	char interp[2][SCRIPT_LINE];
	int err = args_add(&x->args, path);

	for (u32 i = 0; !err; i++) {
		err = follow_script(x, path, interp[i & 1]);
		if (err != 1)
			break;
		err = i == MAX_SCRIPTS ? -ELOOP : 0;
		path = interp[i & 1];
	}
	return err ? err : elf_load(x);
}

static void exec_free(struct exec *x)
{
	inode_put(x->inode);
	args_free(&x->args);
	if (x->mm)
		mmput(x->mm);
}

/* Sends all other threads of the process away.  -EAGAIN: it is ending. */
static int become_only_thread(void)
{
	struct uthread *me = cur_uthread(), *ut;
	struct process *p = me->proc;
	int err = 0;

	spin_lock(&p->siglock);
	if (p->group_exit || p->group_exec || me->kill_me) {
		err = -EAGAIN;
	} else {
		p->group_exec = me;
		list_for_each_entry(ut, &p->threads, link) {
			if (ut == me)
				continue;
			ut->kill_me = 1;
			thread_interrupt(ut->thread);
		}
	}
	spin_unlock(&p->siglock);
	if (err)
		return err;
	wake_up_all(&p->event);		/* those who are stopped, too */
	wait_event(&p->event, READ_ONCE(p->nr_threads) == 1);
	spin_lock(&proc_lock);
	spin_lock(&p->siglock);
	p->group_exec = NULL;
	me->tid = p->pid;
	spin_unlock(&p->siglock);
	spin_unlock(&proc_lock);
	return 0;
}

static void exchange_mm(struct process *p, struct exec *x)
{
	struct mm_struct *old = p->mm;
	struct inode *old_exe = p->exe;

	spin_lock(&proc_lock);
	p->mm = x->mm;
	p->exe = x->inode;
	p->exit_signal = SIGCHLD;
	spin_unlock(&proc_lock);
	x->mm = NULL;
	x->inode = NULL;
	process_apply_limits(p, p->mm);
	activate_mm(p->mm);
	mmput(old);
	inode_put(old_exe);
	vfork_complete(p);
}

static void reset_thread(struct exec *x, struct regs *r)
{
	struct uthread *ut = cur_uthread();

	ut->altstack = (struct linux_stack){ .flags = SS_DISABLE };
	ut->set_child_tid = ut->clear_child_tid = 0;
	ut->rseq = 0;
	ut->restart.fn = NULL;
	arch_thread_reset_user(&current()->arch);
	memset(r, 0, sizeof(*r));
	r->vector = VEC_SYSCALL;
	r->rip = x->entry;
	r->rsp = x->sp;
	r->rflags = RFLAGS_IF;
	r->cs = USER_CS;
	r->ss = USER_DS;
}

static int commit_exec(struct exec *x, const char *path, struct regs *r)
{
	struct process *p = cur_proc();
	int err = become_only_thread();

	if (!err)
		err = files_unshare(p);
	if (err)
		return err;
	/* commit */
	exchange_mm(p, x);
	posix_timers_delete(p);
	WRITE_ONCE(p->membarrier, 0);
	signal_reset_exec(p);
	files_close_exec(p->files);
	process_set_comm(p, path);
	strlcpy(current()->name, p->comm, sizeof(current()->name));
	reset_thread(x, r);
	return 0;
}

SYSCALL_FN(execve)
{
	char *path = getname(s->a[0]);
	struct exec x = { 0 };
	struct inode *base;
	s64 n, err;

	if (IS_ERR(path))
		return PTR_ERR(path);
	base = fs_base(AT_FDCWD, path);
	x.inode = open_program(base, path, EXEC_PROGRAM);
	inode_put(base);
	err = PTR_ERR_OR_ZERO(x.inode);
	if (err) {
		kfree(path);
		return err;
	}
	n = args_add_user_vector(&x.args, s->a[1]);
	x.args.argc = n > 0 ? (u32)n : 0;
	if (!n)			/* as Linux does since 5.18 */
		n = x.args.argc = !args_add(&x.args, "");
	if (n > 0)
		n = args_add_user_vector(&x.args, s->a[2]);
	x.args.envc = n > 0 ? (u32)n : 0;
	err = n < 0 ? n : load(&x, path);
	if (!err)
		err = commit_exec(&x, path, s->regs);
	exec_free(&x);
	kfree(path);
	return err;
}

static char *const kernel_env[] = {
	"PATH=/bin", "HOME=/", "TERM=linux", "USER=root", "SHELL=/bin/sh",
	NULL,
};

static int add_vector(struct exec_args *a, char *const vec[], u32 *count)
{
	int err = 0;

	for (u32 i = 0; vec[i] && !err; i++) {
		err = args_add(a, vec[i]);
		*count += !err;
	}
	return err;
}

/* Files 0, 1 and 2: the terminal. */
static struct files *terminal_files(void)
{
	struct inode *tty = fs_lookup(NULL, "/dev/tty", WALK_FOLLOW);
	struct files *fs;
	struct file *f;

	if (IS_ERR(tty))
		return NULL;
	f = inode_open(tty, O_RDWR);
	if (IS_ERR(f))
		return NULL;
	fs = files_alloc();
	for (u32 fd = 0; fs && fd < 3; fd++)
		files_set(fs, fd, file_get(f));
	file_put(f);
	return fs;
}

/* x is loaded: a process that runs it.  ERR_PTR. */
static struct process *make_process(struct exec *x, const char *path,
				    enum spawn_where where)
{
	struct process *p = process_alloc();
	struct uthread *ut;

	if (!p)
		return ERR_PTR(-ENOMEM);
	process_set_comm(p, path);
	p->mm = x->mm;
	p->exe = x->inode;
	x->mm = NULL;
	x->inode = NULL;
	process_apply_limits(p, p->mm);
	p->fs = fs_alloc();
	p->files = terminal_files();
	ut = p->fs && p->files ? uthread_create(p) : ERR_PTR(-ENOMEM);
	if (IS_ERR(ut)) {
		process_discard(p);
		return ERR_CAST(ut);
	}
	/* The live registers are the kernel thread's; the area is fresh. */
	*arch_user_regs(&ut->thread->arch) = (struct regs){
		.rip = x->entry, .rsp = x->sp, .rflags = RFLAGS_IF,
		.cs = USER_CS, .ss = USER_DS,
	};
	if (where == SPAWN_FOREGROUND)
		tty_take(ut->tid);	/* it may read at once */
	if (uthread_publish(ut, NULL))
		BUG();			/* nobody can have ended it */
	return p;
}

static struct process *spawn(char *const argv[], enum spawn_where where,
			     const char **why)
{
	struct exec x = { 0 };
	struct process *p;
	int err;

	*why = NULL;
	x.inode = open_program(NULL, argv[0], EXEC_KERNEL);
	if (IS_ERR(x.inode))
		return ERR_CAST(x.inode);
	err = add_vector(&x.args, argv, &x.args.argc);
	if (!err)
		err = add_vector(&x.args, kernel_env, &x.args.envc);
	if (!err)
		err = load(&x, argv[0]);
	p = err ? ERR_PTR(err) : make_process(&x, argv[0], where);
	*why = x.why;
	exec_free(&x);
	return p;
}

struct process *process_spawn(char *const argv[], const char **why)
{
	return spawn(argv, SPAWN_BACKGROUND, why);
}

struct process *process_spawn_foreground(char *const argv[], const char **why)
{
	return spawn(argv, SPAWN_FOREGROUND, why);
}
