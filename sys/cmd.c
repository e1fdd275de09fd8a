/* SPDX-License-Identifier: MIT */
/*
 * Shell commands about programs and files: run, bench, ps, kill, ls, cat.
 * Tests: tests/drive/programs.py, shell.py
 */
#include "kernel/ktest.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/mm_types.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/tty.h"

#define INTERRUPTS_TO_KILL	5

static void report_end(u32 status)
{
	if (!tty_at_line_start())
		kprintf("\n");
	if (status & 0x7f)
		kprintf("killed by signal %u (SIG%s)\n", status & 0x7f,
			signal_name(status & 0x7f));
	else
		kprintf("exit status %u\n", status >> 8 & 0xff);
}

/* A program that does not listen to ^C is resumed, and in the end killed. */
static void interrupted(struct process *p, u32 count)
{
	struct linux_siginfo info = { .signo = SIGCONT, .code = SI_KERNEL };

	if (READ_ONCE(p->stopped))
		send_signal(p, &info);
	if (count < INTERRUPTS_TO_KILL)
		return;
	info.signo = SIGKILL;
	send_signal(p, &info);
}

static u32 wait_foreground(struct process *p)
{
	u32 count = 0, now;

	for (;;) {
		wait_event_idle(&kernel_child_wait,
			   READ_ONCE(p->state) != PROC_RUNNING ||
			   tty_needs_service());
		if (READ_ONCE(p->state) != PROC_RUNNING)
			return p->exit_status;
		now = tty_service();
		if (now != count)
			interrupted(p, now);
		count = now;
	}
}

static int run_failed(const char *name, struct process *p, const char *why)
{
	int err = (int)PTR_ERR(p);

	if (why)
		kprintf("run: cannot run %s: %s\n", name, why);
	else if (err == -ENOENT && !initramfs_files())
		kprintf("run: %s: there are no programs: no archive was "
			"loaded\n", name);
	else if (err == -ENOENT)
		kprintf("run: %s: not found\n", name);
	else
		kprintf("run: cannot run %s: %pe\n", name, p);
	return err;
}

static int cmd_run(int argc, char **argv)
{
	bool background = false;
	const char *why, *name = argv[1];
	char *args[64];
	struct process *p;
	char path[NAME_MAX + 8];
	u32 status;

	if (!strcmp(argv[argc - 1], "&") && argc > 2) {
		background = true;
		argc--;
	}
	if (argc > (int)ARRAY_SIZE(args)) {
		kprintf("run: too many arguments\n");
		return -E2BIG;
	}
	for (int i = 1; i < argc; i++)
		args[i - 1] = argv[i];
	args[argc - 1] = NULL;
	snprintf(path, sizeof(path), strchr(name, '/') ? "%s" : "/bin/%s",
		 name);
	args[0] = path;
	p = background ? process_spawn(args, &why) :
	    process_spawn_foreground(args, &why);
	if (IS_ERR(p))
		return run_failed(name, p, why);
	if (background) {
		kprintf("[%u] %s\n", p->pid, name);
		process_put(p);
		return 0;
	}
	status = wait_foreground(p);
	tty_give_back();
	report_end(status);
	process_put(p);
	return 0;
}

/* The benchmarks are a program: what they measure is what a program sees. */
static int cmd_bench(int argc, char **argv)
{
	char *args[] = { "run", "bench", argc > 1 ? argv[1] : NULL, NULL };

	return cmd_run(argc + 1, args);
}

static const char *state_of(const struct process *p)
{
	struct uthread *ut;

	if (p->state != PROC_RUNNING)
		return "zombie";
	if (READ_ONCE(p->stopped))
		return "stopped";
	ut = list_first_entry_or_null(&p->threads, struct uthread, link);
	return ut ? thread_state_name(ut->thread) : "exiting";
}

struct ps_line {
	char text[96];
};

/* As many as fit; how many there are. */
static u32 snapshot(struct ps_line *lines, u32 max)
{
	struct process *p;
	u32 n = 0;

	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		u64 rss = 0, tables = 0;

		if (p->mm) {
			rss = (u64)(atomic64_read(&p->mm->rss_anon) +
				    atomic64_read(&p->mm->rss_file)) * 4;
			tables = (u64)atomic64_read(&p->mm->pgt.nr_tables);
		}
		if (n++ < max)
			snprintf(lines[n - 1].text, sizeof(lines->text),
				 "%6u %6u %7u  %-8s %8lluK %6llu  %s", p->pid,
				 p->parent ? p->parent->pid : 1, p->nr_threads,
				 state_of(p), rss, tables, p->comm);
	}
	spin_unlock(&proc_lock);
	return n;
}

#define PS_MAX	256

static int cmd_ps(int argc, char **argv)
{
	/* One shell; and it is asked when memory is short, too. */
	static struct ps_line lines[PS_MAX];
	u32 n = snapshot(lines, PS_MAX);

	(void)argc;
	(void)argv;
	kprintf("   PID   PPID THREADS  STATE         RSS  TABLES  NAME\n");
	for (u32 i = 0; i < min(n, (u32)PS_MAX); i++)
		kprintf("%s\n", lines[i].text);
	if (n > PS_MAX)
		kprintf("and %u more\n", n - PS_MAX);
	return 0;
}

static int cmd_kill(int argc, char **argv)
{
	int sig = argc > 2 ? signal_number(argv[2]) : SIGTERM;
	struct linux_siginfo info;
	struct process *p;
	u64 pid;

	if (shell_parse_u64("PID", argv[1], &pid))
		return -EINVAL;
	if (sig <= 0) {
		kprintf("kill: %s is no signal\n", argv[2]);
		return -EINVAL;
	}
	p = pid <= U32_MAX ? find_process((u32)pid) : NULL;
	if (!p) {
		kprintf("kill: no process %s\n", argv[1]);
		return -ESRCH;
	}
	siginfo_user(&info, (u32)sig, SI_USER);
	send_signal(p, &info);
	process_put(p);
	return 0;
}

static char type_char(u32 mode)
{
	if (S_ISDIR(mode))
		return 'd';
	if (S_ISLNK(mode))
		return 'l';
	if (S_ISBLK(mode))
		return 'b';
	return S_ISCHR(mode) ? 'c' : '-';
}

static void list_one(const struct inode *inode, const char *name)
{
	u64 size = S_ISREG(inode->mode) ? READ_ONCE(inode->mapping.size) : 0;

	kprintf("%c %04o %9llu  %s%s%s\n", type_char(inode->mode),
		inode->mode & 07777, size, name,
		S_ISLNK(inode->mode) && inode->target ? " -> " : "",
		S_ISLNK(inode->mode) && inode->target ? inode->target : "");
}

static int cmd_ls(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/";
	struct inode *inode = fs_lookup(NULL, path, WALK_FOLLOW);
	struct dirent *de;

	if (IS_ERR(inode)) {
		kprintf("ls: %s: %pe\n", path, inode);
		return (int)PTR_ERR(inode);
	}
	down_read(&fs_names);
	if (!S_ISDIR(inode->mode))
		list_one(inode, path);
	list_for_each_entry(de, &inode->entries, link)
		list_one(de->inode, de->name);
	up_read(&fs_names);
	inode_put(inode);
	return 0;
}

static int cat(struct inode *inode)
{
	char *buf = kmalloc(PAGE_SIZE);
	u64 pos = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	do {
		n = filemap_read(&inode->mapping, buf, pos, PAGE_SIZE);
		if (n > 0)
			console_write(buf, (size_t)n);
		pos += n > 0 ? (u64)n : 0;
	} while (n > 0 && !shell_interrupted());
	kfree(buf);
	return n < 0 ? (int)n : 0;
}

static int cmd_cat(int argc, char **argv)
{
	struct inode *inode = fs_lookup(NULL, argv[1], WALK_FOLLOW);
	int err = PTR_ERR_OR_ZERO(inode);

	(void)argc;
	if (!err) {
		err = S_ISDIR(inode->mode) ? -EISDIR :
		      inode->fops == &regular_fops ? cat(inode) : -ENODEV;
		inode_put(inode);
	}
	if (err == -ENODEV)
		kprintf("cat: %s: for programs only: try run busybox cat\n",
			argv[1]);
	else if (err)
		kprintf("cat: %s: %pe\n", argv[1], ERR_PTR(err));
	return err;
}

/* Names in `dir` that begin with the part of prefix behind its last slash. */
static void complete_in(const char *dir, const char *prefix,
			void (*emit)(const char *))
{
	const char *slash = strrchr(prefix, '/');
	u64 head = slash ? (u64)(slash - prefix) + 1 : 0;
	char word[2 * NAME_MAX];
	struct inode *inode;
	struct dirent *de;

	if (head >= NAME_MAX)
		return;
	if (head) {
		memcpy(word, prefix, head);
		word[head] = 0;
		dir = word;
	}
	inode = fs_lookup(NULL, dir, WALK_FOLLOW);
	if (IS_ERR(inode))
		return;
	down_read(&fs_names);
	list_for_each_entry(de, &inode->entries, link) {
		if (strncmp(de->name, prefix + head, strlen(prefix + head)))
			continue;
		strlcpy(word + head, de->name, sizeof(word) - head);
		emit(word);
	}
	up_read(&fs_names);
	inode_put(inode);
}

static void complete_program(int arg, const char *prefix,
			     void (*emit)(const char *))
{
	complete_in(arg == 1 ? "/bin" : "/", prefix, emit);
}

static void complete_path(int arg, const char *prefix,
			  void (*emit)(const char *))
{
	(void)arg;
	complete_in("/", prefix, emit);
}

SHELL_CMD_FULL(run, "PROG [ARGS...] [&]", "run a program, in the background with &",
	       1, -1, 0, cmd_run, complete_program);
SHELL_CMD(bench, "[NAME]", "what each operation costs a program", 0, 1,
	  cmd_bench);
SHELL_CMD(ps, "", "list processes", 0, 0, cmd_ps);
SHELL_CMD(kill, "PID [SIGNAL]", "send a signal to a process (default TERM)",
	  1, 2, cmd_kill);
SHELL_CMD_FULL(ls, "[PATH]", "list a directory", 0, 1, 0, cmd_ls,
	       complete_path);
SHELL_CMD_FULL(cat, "PATH", "print a file", 1, 1, 0, cmd_cat, complete_path);

/* For the leak gates: what has ended is gone, what can be read again too. */
static void settle(void)
{
	thread_reap_wait();
	filemap_drop_clean();
}
KT_SETTLE(sys, settle);
