/* SPDX-License-Identifier: MIT */
/*
 * Processes and their threads.
 *
 * A process is what Linux calls a thread group: one pid, one address space,
 * one table of files, one set of signal handlers, any number of threads.
 * Field keys: I immutable, P proc_lock, S siglock, C current thread only,
 * a atomic, PS changed under both, read under either.
 */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include "kernel/spinlock.h"
#include "kernel/thread.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "sys/abi.h"
#include "sys/alarm.h"

struct files;
struct fs_context;
struct inode;
struct mm_struct;

struct sigpending {
	u64 set;			/* bit n - 1: signal n */
	struct list_head queue;		/* of struct sigqueue */
};

enum proc_state { PROC_RUNNING, PROC_ZOMBIE, PROC_DEAD };

/* CPU time of the process: ns, when it ends, and again. */
struct cpu_itimer {
	struct alarm alarm;
	u64 expires, interval;
};

struct process {
	atomic_t refs;			/* list, threads, temporary */
	u32 pid;			/* I */
	u32 state;			/* P */
	struct hlist_node hash;		/* P */
	struct list_head all_link;	/* P */
	struct process *parent;		/* P: NULL is the kernel */
	struct list_head children;	/* P: through sibling */
	struct list_head sibling;	/* P */
	struct list_head threads;	/* PS: through uthread.link */
	u32 nr_threads;			/* PS */
	u32 pgid, sid;			/* P */
	u32 uid, euid, suid, gid, egid, sgid;	/* a */
	u32 exit_status;		/* P: the word wait4 gives */
	u32 exit_signal;		/* P: to the parent */
	struct mm_struct *mm;		/* P; threads of it may just read */
	u32 vfork_done;			/* a: gave back the parent's mm */
	struct wait_queue_head child_wait;	/* a child changed state */
	struct wait_queue_head event;	/* exit, exec, vfork: about us */

	spinlock_t siglock;
	struct linux_sigaction action[NSIG];	/* S: signal n at n - 1 */
	struct sigpending shared;	/* S */
	u32 nr_queued;			/* S */
	u32 group_exit;			/* S: all threads must go */
	u32 group_status;		/* S: with this status */
	struct uthread *group_exec;	/* S: all threads but this one */
	u32 stopping;			/* S: a stop was taken, no SIGCONT yet */
	u32 stopped;			/* S: the signal that stopped us */
	u32 report;			/* S: PROC_REPORT_* not yet waited for */

	struct files *files;		/* P; threads of it may just read */
	struct fs_context *fs;		/* P; NULL in zombies, as files */
	struct inode *exe;		/* P */
	struct inode *proc_dir;		/* P, fs_names: in /proc, or NULL */
	char comm[16];			/* a: torn reads are harmless */
	struct linux_rlimit rlim[RLIM_NLIMITS];	/* a */
	u32 membarrier;			/* a: registered for it */
	u64 start_ns;			/* I */
	u64 utime, stime;		/* P: ticks of threads gone */
	u64 cutime, cstime;		/* P: ticks of children waited for */
	struct list_head timers;	/* alarm_lock and S: posix_timer.link */
	u32 nr_timers, next_timer;	/* alarm_lock */
	struct alarm real_timer;	/* alarm_lock: ITIMER_REAL */
	u64 real_interval;		/* alarm_lock: ns */
	struct cpu_itimer cpu_timer[2];	/* alarm_lock: VIRTUAL, PROF */
	u64 minflt, cminflt;		/* P: faults of threads gone, of children */
};
#define PROC_REPORT_STOP	BIT(0)
#define PROC_REPORT_CONT	BIT(1)

struct restart_block {
	s64 (*fn)(struct restart_block *rb);
	u64 arg[6];
};

struct uthread {
	struct thread *thread;		/* I */
	struct process *proc;		/* I */
	u32 tid;			/* P: exec makes it the pid */
	struct list_head link;		/* PS */
	u64 blocked;			/* C writes, under S */
	u64 saved_mask;			/* C: to restore after the call */
	u32 restore_mask;		/* C */
	u32 kill_me;			/* S: exec of another thread */
	u64 wait_set;			/* S: sigtimedwait wants these */
	struct sigpending pending;	/* S */
	struct linux_stack altstack;	/* C */
	vaddr_t set_child_tid, clear_child_tid;	/* C */
	vaddr_t rseq;			/* C: 0 is none; rseq.c */
	u32 rseq_len, rseq_sig;		/* C */
	u64 rseq_seen;			/* C: thread.switches when written */
	struct restart_block restart;	/* C */
	u64 trap_nr, trap_err, trap_addr;	/* C */
	u32 policy;			/* P: SCHED_*, kept only */
	s32 nice;			/* P */
};

extern spinlock_t proc_lock;		/* LOCK_PROC */
extern struct list_head all_processes;	/* P */
/* Woken when a process whose parent is the kernel changes state. */
extern struct wait_queue_head kernel_child_wait;

/* NULL for kernel threads. */
static inline struct uthread *cur_uthread(void)
{
	return current()->user;
}
static inline struct process *cur_proc(void)
{
	return cur_uthread()->proc;
}

/* process.c */
/*
 * A process with no threads yet, in no list: pid 0.  Files, fs, mm and exe are
 * NULL; the caller sets them.  NULL: no memory.
 */
struct process *process_alloc(void);
/* Its leader, not started, registers zero.  ERR_PTR.  Sleeps. */
struct uthread *uthread_create(struct process *p);
/* Undoes uthread_create() before uthread_publish(). */
void uthread_discard(struct uthread *ut);
/*
 * Enter the lists (the process too with its first thread) and run.
 * -EAGAIN when p is exiting or current is being killed.  parent NULL: the kernel.
 */
int uthread_publish(struct uthread *ut, struct process *parent);
void process_get(struct process *p);
void process_put(struct process *p);		/* sleeps */
/* Releases what a process that never ran holds, then process_put. */
void process_discard(struct process *p);
void process_release_resources(struct process *p);
/*
 * vmaccess.c: the mm of pid, with a user's reference (mmput), if ptrace would
 * allow it.  ERR_PTR: -ESRCH, -EPERM.
 */
struct mm_struct *process_mm_access(u32 pid);
/* proc_lock held; no reference taken. */
struct process *find_process_locked(u32 pid);
struct uthread *find_uthread_locked(u32 tid);
/* With a reference, or NULL. */
struct process *find_process(u32 pid);
void process_unlink_locked(struct process *p);
/* Drops the lists' reference of one that was unlinked.  Sleeps. */
void process_reap(struct process *p);
/* procfs.c: its directory goes; it was unlinked. */
void procfs_forget(struct process *p);
/* mm/ keeps the limits it enforces in the mm. */
void process_apply_limits(const struct process *p, struct mm_struct *mm);
void process_set_comm(struct process *p, const char *path);
u32 parent_pid(struct process *p);

/* clone.c */
struct clone_args {
	u64 flags;
	vaddr_t stack, parent_tid, child_tid, tls;
};
s64 do_clone(const struct clone_args *ca, struct regs *r);
/* The first code of a user thread. */
void uthread_main(void *arg);

/* exit.c */
_Noreturn void do_exit(u32 status);		/* this thread */
_Noreturn void do_group_exit(u32 status);	/* the whole process */
/* The mm of a vfork parent is free again. */
void vfork_complete(struct process *p);

/* exec.c */
/*
 * Starts a program for the kernel: argv[0] is its path, NULL-terminated.  The
 * process, with a reference; or ERR_PTR, and *why a phrase or NULL.  Sleeps.
 */
struct process *process_spawn(char *const argv[], const char **why);
/* The same, and it has the terminal until the caller's tty_give_back(). */
struct process *process_spawn_foreground(char *const argv[], const char **why);
/* Sleeps until p has ended; its wait status word. */
u32 process_wait_end(struct process *p);

/* rseq.c: interrupts on; the thread has one, and is on its way to r. */
void rseq_update(struct regs *r);
void rseq_copy(struct uthread *child, const struct uthread *ut);

/* times.c: ticks of the process and its threads; proc_lock or siglock held. */
void process_ticks_locked(struct process *p, u64 *utime, u64 *stime);
/* Page faults likewise; proc_lock held. */
u64 process_faults_locked(struct process *p);

#endif
