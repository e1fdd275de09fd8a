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
#include "kernel/preempt.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

static inline void rcu_read_lock(void)
{
	preempt_disable();
}

static inline void rcu_read_unlock(void)
{
	preempt_enable();
}

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
/* Grace periods completed since boot. */
u64 rcu_completed(void);

/* Static, or freed an RCU grace period after the last synchronize_srcu(). */
struct srcu_struct {
	u32 idx;			/* bank new readers use, 0 or 1 */
	atomic64_t lock_count[2], unlock_count[2];
	struct mutex gp_mutex;
	u32 waiting;			/* a grace period waits on wq */
	struct wait_queue_head wq;
};

void srcu_init(struct srcu_struct *ss);
int __must_check srcu_read_lock(struct srcu_struct *ss);
void srcu_read_unlock(struct srcu_struct *ss, int idx);
void synchronize_srcu(struct srcu_struct *ss);	/* sleeps */

#endif
