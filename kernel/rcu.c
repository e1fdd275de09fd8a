/* SPDX-License-Identifier: MIT */
/*
 * RCU: grace periods and callbacks.
 *
 * U1  A read section runs with preemption or interrupts off, so a CPU that
 *     switches threads, is interrupted in preemptible code, runs user mode or
 *     halts in the idle loop is outside every section that began before.
 * U2  A grace period asks each online CPU once (qs_pending) and ends when all
 *     have answered; a CPU that halts is answered for by the grace period.
 * U3  Callbacks are collected from all CPUs when a grace period starts and
 *     handed to the callback thread when it ends, batch after batch in order.
 *     cb_done is the number of the last batch that has run completely.
 *
 *	updater, grace period		CPU with a reader
 *	(1) unlink			(A) section begins, may see the object
 *	(2) mb; qs_pending = 1		(B) section ends
 *	(3) mb; idle counter even?	(C) xchg(qs_pending, 0) was 1: left -= 1
 *	    answer for the CPU		(D) idle: counter becomes even; then (C)
 *	(4) left == 0; free
 * (C) is a full barrier: sections before it are over for (4); those after it
 * see (1).  (3) against (D), each a store, full barrier, load: either (3) sees
 * the even counter or (D) sees the request; both may, the xchg decides.
 * A CPU that leaves idle (counter odd: full barrier) after (3) sees (1).
 * Tests: rcu.reader_blocks, rcu.idle_cpus, rcu.updates
 *
 * synchronize_rcu() and rcu_barrier() hurry: the grace period sends reschedule
 * interrupts to the CPUs that have not answered; one that is in a section is
 * told to switch at its end.  Callbacks alone wait for the ticks.
 *
 * Locks: gp_lock (LOCK_RCU) for the numbers; each CPU's callback list has one
 * of the same rank, and no two are held at once.
 * Tests: tests/kt/kt_rcu.c
 */
#include "kernel/rcu.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/err.h"

struct cb_list {
	struct rcu_head *head, **tail;
};

struct rcu_cpu {
	u32 qs_pending;			/* a: U2 */
	atomic_t dynticks;		/* odd: the CPU runs; even: it halts */
	spinlock_t lock;		/* LOCK_RCU, irqsave: cbs */
	struct cb_list cbs;
};

static DEFINE_PER_CPU(struct rcu_cpu, rcu_cpu) = {
	.lock = SPINLOCK_INIT(LOCK_RCU),
};

static DEFINE_SPINLOCK(gp_lock, LOCK_RCU);
static u64 gp_started, gp_completed;	/* gp_lock to write */
static u64 gp_wanted;			/* gp_lock: someone waits for this */
static u64 cb_done;			/* U3 */
static u64 cb_handed;			/* gp_lock: last batch in `done` */
static struct cb_list done;		/* gp_lock */
static u32 cb_kick;			/* a: callbacks wait for a grace period */
static atomic_t qs_left;		/* CPUs that have not answered */

static struct wait_queue_head gp_wq = WAIT_QUEUE_HEAD_INIT(gp_wq);
static struct wait_queue_head qs_wq = WAIT_QUEUE_HEAD_INIT(qs_wq);
static struct wait_queue_head cb_wq = WAIT_QUEUE_HEAD_INIT(cb_wq);
static struct wait_queue_head done_wq = WAIT_QUEUE_HEAD_INIT(done_wq);

static void cb_append(struct cb_list *l, struct rcu_head *head,
		      struct rcu_head **tail)
{
	if (l->head)
		*l->tail = head;
	else
		l->head = head;
	l->tail = tail;
}

/* Moves all of from behind to. */
static void cb_splice(struct cb_list *from, struct cb_list *to)
{
	if (from->head)
		cb_append(to, from->head, from->tail);
	from->head = NULL;
}

bool rcu_read_lock_held(void)
{
	return this_cpu_read(preempt_count) || irqs_disabled();
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct rcu_cpu *rc;
	u64 flags;

	if (CONFIG_LAB && !rcu_check_queue(head))
		return;
	head->func = func;
	head->next = NULL;
	preempt_disable();
	rc = this_cpu_ptr(&rcu_cpu);
	flags = spin_lock_irqsave(&rc->lock);
	cb_append(&rc->cbs, head, &head->next);
	spin_unlock_irqrestore(&rc->lock, flags);
	smp_mb();	/* list, then kick; partner: the xchg in collect() */
	if (!READ_ONCE(cb_kick) && !xchg(&cb_kick, 1))
		wake_up(&gp_wq);
	preempt_enable();
}

/* (C) for a CPU.  True if this was the answer. */
static bool answer(struct rcu_cpu *rc)
{
	if (!xchg(&rc->qs_pending, 0))
		return false;
	if (atomic_dec_and_test(&qs_left))
		wake_up(&qs_wq);
	return true;
}

void rcu_note_qs(void)
{
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);

	if (unlikely(READ_ONCE(rc->qs_pending)))
		answer(rc);
}

void rcu_idle_enter(void)
{
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);

	KASSERT(atomic_read(&rc->dynticks) & 1);
	(void)atomic_inc_return(&rc->dynticks);		/* (D) */
	rcu_note_qs();
}

void rcu_idle_exit(void)
{
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);

	if (!(atomic_read(&rc->dynticks) & 1))
		(void)atomic_inc_return(&rc->dynticks);
}

void rcu_irq_enter(enum rcu_irq_from from)
{
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);

	if (unlikely(!(atomic_read(&rc->dynticks) & 1)))
		(void)atomic_inc_return(&rc->dynticks);
	if (likely(!READ_ONCE(rc->qs_pending)))
		return;
	if (from == RCU_IRQ_PREEMPTIBLE)
		answer(rc);
	else
		this_cpu_write(need_resched, 1);
}

/* (2), (3).  The caller is in no section: its own CPU answers at once. */
static void ask_all(void)
{
	struct cpumask asked;
	u64 flags;
	u32 cpu;

	cpumask_copy(&asked, &cpu_online_mask);
	/* One more, so that it cannot reach 0 before all are asked. */
	atomic_set(&qs_left, (int)cpumask_weight(&asked) + 1);
	smp_mb();
	for_each_cpu(cpu, &asked) {
		struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);

		(void)xchg(&rc->qs_pending, 1);
		if (!(atomic_read(&rc->dynticks) & 1))
			answer(rc);
	}
	flags = local_irq_save();
	rcu_note_qs();
	local_irq_restore(flags);
	(void)atomic_dec_return(&qs_left);
}

static void hurry(void)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);

		if (!READ_ONCE(rc->qs_pending))
			continue;
		WRITE_ONCE(per_cpu(need_resched, cpu), 1);
		smp_send_reschedule(cpu);
	}
}

static bool wanted(u64 gp)
{
	return READ_ONCE(gp_wanted) >= gp;
}

static void wait_answers(u64 gp)
{
	bool hurried = wanted(gp);

	if (hurried)
		hurry();
	while (atomic_read(&qs_left)) {
		wait_event(&qs_wq, !atomic_read(&qs_left) ||
			   (!hurried && wanted(gp)));
		if (atomic_read(&qs_left) && !hurried) {
			hurried = true;
			hurry();
		}
	}
	smp_mb();	/* (4); partner: the full barrier of (C) */
	if (CONFIG_LAB)
		rcu_check_gp_end(gp);
}

static void collect(struct cb_list *batch)
{
	u32 cpu;

	(void)xchg(&cb_kick, 0);	/* partner: call_rcu() */
	for_each_cpu(cpu, &cpu_online_mask) {
		struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);
		u64 flags = spin_lock_irqsave(&rc->lock);

		cb_splice(&rc->cbs, batch);
		spin_unlock_irqrestore(&rc->lock, flags);
	}
}

static void one_grace_period(void)
{
	struct cb_list batch = { NULL, NULL };
	u64 gp, flags;

	flags = spin_lock_irqsave(&gp_lock);
	gp = gp_started + 1;
	WRITE_ONCE(gp_started, gp);
	spin_unlock_irqrestore(&gp_lock, flags);

	collect(&batch);
	ask_all();
	wait_answers(gp);

	flags = spin_lock_irqsave(&gp_lock);
	WRITE_ONCE(gp_completed, gp);
	cb_splice(&batch, &done);
	WRITE_ONCE(cb_handed, gp);
	spin_unlock_irqrestore(&gp_lock, flags);
	TRACE1(RCU_GP, gp);
	wake_up_all(&done_wq);
	wake_up(&cb_wq);
}

static void gp_main(void *arg)
{
	(void)arg;
	for (;;) {
		wait_event_idle(&gp_wq, READ_ONCE(cb_kick) ||
			   wanted(READ_ONCE(gp_started) + 1));
		one_grace_period();
	}
}

static void cb_main(void *arg)
{
	struct rcu_head *head, *next;
	u64 batch, flags;

	(void)arg;
	for (;;) {
		wait_event_idle(&cb_wq, READ_ONCE(cb_handed) != cb_done);
		flags = spin_lock_irqsave(&gp_lock);
		batch = cb_handed;
		head = done.head;
		done.head = NULL;
		spin_unlock_irqrestore(&gp_lock, flags);
		for (; head; head = next) {
			next = head->next;
			if (CONFIG_LAB)
				rcu_check_run(head);
			head->func(head);
		}
		smp_store_release(&cb_done, batch);
		wake_up_all(&done_wq);
	}
}

/* A grace period that starts from now on, wanted soon.  Its number. */
static u64 want_gp(void)
{
	u64 flags, gp;

	smp_mb();	/* (1) before the grace period starts */
	flags = spin_lock_irqsave(&gp_lock);
	gp = gp_started + 1;
	if (gp_wanted < gp)
		WRITE_ONCE(gp_wanted, gp);
	spin_unlock_irqrestore(&gp_lock, flags);
	wake_up(&gp_wq);
	wake_up(&qs_wq);	/* the one under way must end first */
	return gp;
}

void synchronize_rcu(void)
{
	u64 gp;

	might_sleep();
	gp = want_gp();
	wait_event(&done_wq, READ_ONCE(gp_completed) >= gp);
	smp_mb();	/* partner: wait_answers() */
}

void rcu_barrier(void)
{
	u64 gp;

	might_sleep();
	gp = want_gp();
	wait_event(&done_wq, smp_load_acquire(&cb_done) >= gp);
}

u64 rcu_started(void)
{
	return READ_ONCE(gp_started);
}

bool rcu_cpu_waited_for(u32 cpu)
{
	return READ_ONCE(per_cpu(rcu_cpu, cpu).qs_pending);
}

u64 rcu_completed(void)
{
	return READ_ONCE(gp_completed);
}

void rcu_init_cpu(u32 cpu)
{
	struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);

	if (!(atomic_read(&rc->dynticks) & 1))
		(void)atomic_inc_return(&rc->dynticks);
}

void rcu_init(void)
{
	rcu_init_cpu(0);
}

static void start(const char *name, void (*fn)(void *))
{
	struct thread *t = thread_create(name, fn, NULL);

	if (IS_ERR(t))
		panic("no memory for thread %s", name);
	t->urgent = true;
	thread_start(t);
	thread_put(t);
}

void rcu_start_threads(void)
{
	start("rcu_gp", gp_main);
	start("rcu_cb", cb_main);
}
