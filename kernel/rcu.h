/* SPDX-License-Identifier: MIT */
/*
 * RCU, classic and non-preemptible: a read section is a stretch with
 * preemption off, so holding a spinlock or having interrupts off is one too.
 * A grace period ends when every online CPU has passed through schedule(),
 * idle or user mode.  Callbacks run in one kernel thread, preemption on, and
 * may not sleep for long.
 *
 * SRCU: read sections may sleep; each domain counts readers in two banks.
 */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include "lib/types.h"
#include "lib/atomic.h"
#include "lib/schedpoint.h"
#include "kernel/preempt.h"
#include "kernel/config.h"
#include "kernel/lockdep.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"

/* Lab: the books of kernel/rcu_check.c. */
void rcu_section_open(void);
void rcu_section_close(void);
void rcu_bad_dereference(const char *what, const char *why);
/* Where this CPU's outermost read section was opened; NULL: none is. */
const struct place *rcu_section_place(void);

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

static inline void rcu_read_lock(void)
{
	sched_point(SP_RCU);
	preempt_disable();
	if (CONFIG_LAB)
		rcu_section_open();
}

static inline void rcu_read_unlock(void)
{
	sched_point(SP_RCU);
	if (CONFIG_LAB)
		rcu_section_close();
	preempt_enable();
}

/*
 * lib/ has rcu_dereference() without checks.  Here lab builds report one
 * outside a read section; readers of another kind say what protects them.
 */
#undef rcu_dereference
#undef rcu_dereference_check
#define rcu_dereference(p) rcu_dereference_check(p, rcu_read_lock_held())
#define rcu_dereference_check(p, c) ({					\
	if (CONFIG_LAB && unlikely(!(c)))				\
		rcu_bad_dereference(#p, #c);				\
	__atomic_load_n(&(p), __ATOMIC_ACQUIRE); })
/* c: why no writer can change p meanwhile. */
#define rcu_dereference_protected(p, c) ({				\
	if (CONFIG_LAB && unlikely(!(c)))				\
		rcu_bad_dereference(#p, #c);				\
	READ_ONCE(p); })
#define srcu_dereference(p, ss) rcu_dereference_check(p, srcu_read_lock_held(ss))

/* In a read section (preemption off, or irqs off)? */
bool rcu_read_lock_held(void);
/* Any context.  func runs in thread context after a grace period. */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void synchronize_rcu(void);		/* sleeps */
/* All callbacks queued before have run.  Sleeps. */
void rcu_barrier(void);
void rcu_init(void);
void rcu_start_threads(void);
/*
 * This CPU is outside every read section now.  IRQs off.  From the scheduler,
 * the idle loop, and interrupts of preemptible code.
 */
void rcu_note_qs(void);
/* Around HLT, IRQs off: the CPU stays quiescent until rcu_idle_exit(). */
void rcu_idle_enter(void);
void rcu_idle_exit(void);
/* From upcall_irq_enter(); was_preemptible: the interrupted code was. */
enum rcu_irq_from { RCU_IRQ_ATOMIC, RCU_IRQ_PREEMPTIBLE };
void rcu_irq_enter(enum rcu_irq_from from);
/* Boot CPU: before the CPU runs (its per-CPU area is not to be trusted). */
void rcu_init_cpu(u32 cpu);
/* Grace periods completed, and begun, since boot. */
u64 rcu_completed(void);
u64 rcu_started(void);
/*
 * Lab.  A grace period's end: no section of before it may be open; a callback
 * is queued (false: it is already, which was reported), and runs.
 */
void rcu_check_gp_end(u64 gp);
bool rcu_check_queue(const struct rcu_head *head);
void rcu_check_run(const struct rcu_head *head);
/*
 * From the tick: reports, once, a grace period that has not ended for so many
 * of this CPU's ticks (0: never): which CPUs have not answered, and what they
 * do.
 */
void rcu_check_stall(u32 limit);
bool rcu_cpu_waited_for(u32 cpu);

/* Static, or freed an RCU grace period after the last synchronize_srcu(). */
struct srcu_struct {
	u32 idx;			/* new readers use bank idx % 2 */
	u64 begun;			/* a: grace periods begun */
	atomic64_t lock_count[2], unlock_count[2];
	struct mutex gp_mutex;
	u32 waiting;			/* a grace period waits on wq */
	struct wait_queue_head wq;
};

void srcu_init(struct srcu_struct *ss);
int __must_check srcu_read_lock(struct srcu_struct *ss);
void srcu_read_unlock(struct srcu_struct *ss, int idx);
void synchronize_srcu(struct srcu_struct *ss);	/* sleeps */
/* Is this thread in a section of ss?  In a release build always true. */
bool srcu_read_lock_held(const struct srcu_struct *ss);
/* Lab, from srcu.c: kernel/srcu_check.c. */
void srcu_check_open(struct srcu_struct *ss, u32 idx, u32 before);
void srcu_check_close(struct srcu_struct *ss, int idx);
void srcu_check_gp_begin(struct srcu_struct *ss);
void srcu_check_gp_end(struct srcu_struct *ss, u64 gp);

#endif
