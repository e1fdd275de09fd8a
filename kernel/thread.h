/* SPDX-License-Identifier: MIT */
/*
 * Threads and the scheduler: preemptive round robin with per-CPU run queues
 * and idle stealing; kernel threads and the kernel half of user threads.
 * kernel/ knows an address space only as an opaque struct mm_struct *, and
 * the Linux personality only as thread->user.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "lib/types.h"
#include "lib/list.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "arch/thread.h"
#include "arch/percpu.h"
#include "kernel/lockdep.h"
#include "kernel/wait.h"

struct mm_struct;

enum thread_state {
	THREAD_RUNNABLE,	/* on a run queue, or running */
	THREAD_SLEEPING,	/* until wake_up_thread() */
	THREAD_INTERRUPTIBLE,	/* the same, and thread_interrupt() wakes */
	THREAD_DEAD,
};

struct thread {
	struct arch_thread arch;
	u32 state;			/* a: enum thread_state */
	u32 tid;			/* I: unique; pids come from here too */
	u32 cpu;			/* rq lock: last or current CPU */
	bool on_rq;			/* rq lock: runnable: queued, running,
					 * or on its way to another queue */
	bool on_cpu;			/* a: a CPU still uses its stack */
	bool migrating;			/* own CPU: leaves its queue */
	bool urgent;			/* I: goes first when woken */
	bool idle;			/* I: a CPU's idle thread */
	bool noload;			/* own: it waits for work, see wait.h */
	bool exiting;			/* own: thread_reap_wait() waits for it */
	bool reaped;			/* a: stack is freed, see thread_join */
	u32 interrupted;		/* a: a signal is pending */
	u32 memalloc;			/* own: reclaims, may use the reserve */
	u32 page_motion;		/* own: sections of mm/motion.c */
	u32 noreclaim;			/* own: what it holds that reclaim takes */
	u32 slice;			/* ticks left */
	u32 fail_mode, fail_left;	/* own: mm/alloc_fail.c's */
	struct cpumask affinity;
	struct list_head rq_link;	/* rq lock */
	struct list_head all_link;	/* all_threads_lock */
	struct mm_struct *mm;		/* NULL for kernel threads */
	struct mm_struct *active_mm;	/* mm/tlb.c's: loaded or borrowed */
	void *user;			/* sys/: struct uthread, or NULL */
	void (*fn)(void *arg);
	void *arg;
	void *stack;			/* lowest address of the kernel stack */
	u64 utime_ticks, stime_ticks, switches;
	u64 faults;			/* own: page faults resolved */
	struct thread *reap_next;
	atomic_t refs;			/* 1 for running + holders */
	struct wait_queue_head exit_wait;
	struct lockdep_state lockdep;	/* lab */
	u32 kcsan_off;			/* own: inside data_race() */
	char name[24];
};

DECLARE_PER_CPU(struct thread *, current_thread);
static inline struct thread *current(void) { return this_cpu_read(current_thread); }
/*
 * A sleeping lock of that rank is had (1) or let go (-1).  Those behind RECLAIM
 * are what reclaim takes, or stand inside it: see mm/alloc_slow.c.
 */
static inline void thread_note_lock(u16 rank, int n)
{
	if (unlikely(rank > LOCK_RECLAIM))
		current()->noreclaim += (u32)n;
}
/* Allocations in between do not reclaim; nests. */
static inline void noreclaim_begin(void) { current()->noreclaim++; }
static inline void noreclaim_end(void) { current()->noreclaim--; }

void sched_init(void);			/* boot CPU: its idle thread = caller */
_Noreturn void sched_idle_loop(void);	/* every CPU ends here */
void sched_init_secondary(u32 cpu);
/* Boot CPU, before smp_boot_cpus(): idle threads for `nr` CPUs. */
void sched_prepare_cpus(u32 nr);
/* The reaper, once the scheduler runs. */
void thread_start_reaper(void);
/* Sleeps until every thread that has exited is freed as far as it can be. */
void thread_reap_wait(void);

/*
 * A new thread, asleep until thread_start().  Returns ERR_PTR(-ENOMEM).
 * The caller owns a reference (thread_put).  affinity: all CPUs.
 */
struct thread *thread_create(const char *name, void (*fn)(void *), void *arg);
/* Pin to one CPU; before thread_start() or on the current thread. */
void thread_bind(struct thread *t, u32 cpu);
void thread_set_affinity(struct thread *t, const struct cpumask *m);
void thread_start(struct thread *t);
/* thread_create + thread_start + optional pin (cpu < 0: anywhere). */
struct thread *kthread_run(const char *name, int cpu, void (*fn)(void *), void *arg);
/*
 * Current is about to end, and about to say so to others: from here on
 * thread_reap_wait() waits for it.
 */
void thread_exiting(void);
_Noreturn void thread_exit(void);
void thread_get(struct thread *t);
/* Sleeps when it was the last reference. */
void thread_put(struct thread *t);
/* Sleeps until t has exited and its stack is freed, then thread_put(t). */
void thread_join(struct thread *t);

void schedule(void);
void yield(void);
/* Any context.  True if it was asleep. */
bool wake_up_thread(struct thread *t);
/* Sets t->interrupted and wakes it when in an interruptible sleep. */
void thread_interrupt(struct thread *t);
/*
 * current's state must be set (sleeping) by the caller, as for schedule().
 * Returns false when the deadline passed, true when woken before.
 */
bool schedule_until(u64 deadline_ns);
void sleep_ns(u64 ns);			/* uninterruptible */
#define sleep_ms(ms) sleep_ns((ms) * 1000000UL)

/* Calls fn for every thread under the list lock (spinning: do not sleep). */
void for_each_thread(void (*fn)(struct thread *t, void *arg), void *arg);
/* Moves the current thread to `cpu` and pins it there until unpinned. */
void thread_migrate_self(u32 cpu);
u64 sched_idle_ticks(u32 cpu);
const char *thread_state_name(const struct thread *t);

#endif
