/* SPDX-License-Identifier: MIT */
/*
 * mm/'s OOM killer knows address spaces; who uses one is known here.
 *
 * Every process that shares the mm is killed (vfork, CLONE_VM): the memory
 * comes back only when all of them have let go of it.
 * Locks: proc_lock, inside it siglock.  Tests: drive/pressure
 */
#include "kernel/init.h"
#include "lib/string.h"
#include "mm/oom.h"
#include "sys/process.h"
#include "sys/signal.h"

static void kill_users(struct mm_struct *mm)
{
	struct linux_siginfo info = { .signo = SIGKILL, .code = SI_KERNEL };
	struct process *p;

	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link)
		if (p->mm == mm)
			send_signal(p, &info);
	spin_unlock(&proc_lock);
}

static u32 describe(struct mm_struct *mm, char *comm, u32 size)
{
	struct process *p;
	u32 pid = 0;

	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		if (p->mm != mm || pid)
			continue;
		pid = p->pid;
		strlcpy(comm, p->comm, size);
	}
	spin_unlock(&proc_lock);
	return pid;
}

static const struct oom_ops ops = { .kill = kill_users, .describe = describe };

static int oom_ops_init(void)
{
	oom_set_ops(&ops);
	return 0;
}
INITCALL_LEVEL(3, oom_ops_init);
