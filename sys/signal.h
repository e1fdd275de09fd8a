/* SPDX-License-Identifier: MIT */
/* Signals: sending, delivery, and the frames handlers run on. */
#ifndef SYS_SIGNAL_H
#define SYS_SIGNAL_H

#include "arch/trap.h"
#include "sys/process.h"

struct sigqueue {
	struct list_head link;
	struct linux_siginfo info;
};

#define SIGBIT(n)	(1ULL << ((n) - 1))
#define SIG_UNBLOCKABLE	(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))

/* "SIGSEGV" for 11; "SIGRT" for 32 and up, "?" beyond. */
const char *signal_name(u32 sig);
/* 15 for "15", "TERM" and "SIGTERM"; -EINVAL. */
int signal_number(const char *text);

/*
 * Send to a process (any thread takes it) or to one thread.  The target is
 * pinned: proc_lock held, a reference, or it is current.  Locks: siglock.
 * 0, or -EAGAIN when its queue of real-time signals is full.
 */
int send_signal(struct process *p, const struct linux_siginfo *info);
int send_signal_thread(struct uthread *ut, const struct linux_siginfo *info);
/*
 * A timer of p expired: to its process, or to its thread tid if that is still
 * there.  One that waits already is not sent again but counts (ptimer.c).
 */
void send_timer_signal(struct process *p, u32 tid,
		       const struct linux_siginfo *info);
/* To every process of the group.  0 or -ESRCH. */
int send_signal_pgrp(u32 pgid, const struct linux_siginfo *info);
/* An info that says who sends: current, or the kernel. */
void siginfo_user(struct linux_siginfo *info, u32 sig, s32 code);
/* To current, and it takes it: neither blocked nor ignored from now on. */
void force_signal(const struct linux_siginfo *info);
/* Tell parent of a change; proc_lock held. */
void notify_parent_locked(struct process *p, s32 code, u32 status);

/* siglock held: thread->interrupted says whether there is something to do. */
void recalc_interrupted_locked(struct uthread *ut);
/*
 * siglock held: current does not take the process's signals of the mask any
 * more; others that can are woken for them.
 */
void retarget_signals_locked(struct process *p, u64 mask);
/* Replace current's mask. */
void set_blocked(u64 mask);
/* All but SIGKILL wait until the old mask is back: killable sleeps. */
u64 block_all_signals(void);
/*
 * Takes the next signal of `from` (a mask) for current; siglock held.  0: none
 */
u32 dequeue_signal_locked(u64 from, struct linux_siginfo *info);
void sigpending_flush(struct process *p, struct sigpending *pend);
/* Drops pending signals of the mask; siglock held. */
void discard_signals_locked(struct process *p, u64 mask);
/* After exec: handlers to default, the ignored stay ignored. */
void signal_reset_exec(struct process *p);
/* The handler of the signal is ignored or does nothing by default; S. */
bool signal_ignored_locked(const struct process *p, u32 sig);
enum sig_default { SIGDEF_TERM, SIGDEF_IGNORE, SIGDEF_STOP, SIGDEF_CONT };
enum sig_default signal_default(u32 sig);
/* A fatal signal or an exec of another thread wants current gone. */
bool fatal_signal_pending(void);

/* sigframe.c: 0, or -EFAULT when the stack cannot take the frame. */
int signal_push_frame(struct regs *r, u32 sig, const struct linux_sigaction *act,
		      const struct linux_siginfo *info, u64 mask);
bool on_altstack(const struct uthread *ut, u64 sp);

#endif
