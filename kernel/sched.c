/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: a queue per CPU, round robin, idle CPUs take work.
 *
 * C1  A thread that is runnable (on_rq) is in exactly one place: on the queue
 *     of t->cpu, running there, or in the hands of whoever moves it.  t->cpu
 *     changes under the lock of the queue it names.
 * C2  A wake-up changes state under the lock of t->cpu's queue; only a thread
 *     with !on_rq is put on a queue by it.  So no thread is queued twice.
 * C3  on_cpu is set when a CPU picks a thread and cleared when that CPU is off
 *     its stack.  Meanwhile a wake-up queues it on that same CPU, and nobody
 *     steals it: it never runs on two CPUs.
 * C4  A CPU's bit in idle_mask is set when it picks its idle thread and
 *     cleared by whoever gives it work, both while holding or after having
 *     held its queue's lock with the work on it.  Whoever clears it kicks the
 *     CPU.  So no work waits for a CPU that halts.
 * C5  schedule() is a quiescent state of RCU; preemption count is 0 at every
 *     switch.
 *
 *	sleeper (its own CPU)		waker
 *	(1) state = SLEEPING; mb	(A) condition; mb
 *	(2) condition false		(B) rq lock; state SLEEPING ->
 *	(3) schedule: rq lock;		    RUNNABLE; on_rq? done
 *	    state SLEEPING? off rq	(C) else on_rq, queue it
 * (B) before (3): the sleeper sees RUNNABLE and stays.  (3) before (B): the
 * waker sees !on_rq and queues.  Test: sched.lost_wakeup
 *
 * Tests: tests/kt/kt_sched.c; tests/race/race_sched.c parks a CPU that has
 * picked another thread but is on the old one's stack still (C3)
 */
#include "kernel/sched.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/racepoint.h"
#include "kernel/rcu.h"
#include "kernel/timer.h"
#include "kernel/trace.h"
#include "kernel/upcall.h"
#include "kernel/watchdog.h"
#include "lib/err.h"

struct rq {
	spinlock_t lock;
	struct list_head queue;	/* runnable, not running */
	u32 nr;			/* length of queue */
	struct thread *idle;	/* I */
	struct thread *prev;	/* own CPU: who was switched from */
	u64 idle_ticks;
};

enum sched_mode { SCHED_VOLUNTARY, SCHED_PREEMPT };

DEFINE_PER_CPU(struct thread *, current_thread);
DEFINE_PER_CPU(u32, preempt_count);
DEFINE_PER_CPU(u32, need_resched);
static DEFINE_PER_CPU(struct rq, run_queue);

static struct cpumask active_mask;	/* CPUs that take threads */
static struct cpumask idle_mask;	/* C4 */
static struct thread *idle_threads[NR_CPUS];
static struct thread boot_thread;

static struct rq *cpu_rq(u32 cpu)
{
	return per_cpu_ptr(&run_queue, cpu);
}

/* The queue t belongs to, locked. */
static struct rq *lock_thread_rq(const struct thread *t, u64 *flags)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		struct rq *rq = cpu_rq(cpu);

		*flags = spin_lock_irqsave(&rq->lock);
		if (likely(cpu == READ_ONCE(t->cpu)))
			return rq;
		spin_unlock_irqrestore(&rq->lock, *flags);
	}
}

static bool may_run_on(const struct thread *t, u32 cpu)
{
	return cpumask_test_cpu(cpu, &t->affinity) &&
	       cpumask_test_cpu(cpu, &active_mask);
}

/* The last CPU if idle, else an idle one, else the last, else any allowed. */
static u32 select_cpu(const struct thread *t)
{
	struct cpumask m;
	u32 cpu = READ_ONCE(t->cpu), other;

	if (may_run_on(t, cpu) && cpumask_test_cpu(cpu, &idle_mask))
		return cpu;
	cpumask_and(&m, &t->affinity, &idle_mask);
	other = cpumask_first(&m);
	if (other < NR_CPUS)
		return other;
	if (may_run_on(t, cpu))
		return cpu;
	cpumask_and(&m, &t->affinity, &active_mask);
	other = cpumask_first(&m);
	return other < NR_CPUS ? other : cpu;
}

/*
 * rq locked; t->cpu names it and t->on_rq is set.  Who went to sleep before
 * its slice was over has the rest of it first.
 */
static void enqueue_locked(struct rq *rq, struct thread *t)
{
	if (t->urgent || t->slice)
		list_add(&t->rq_link, &rq->queue);
	else
		list_add_tail(&t->rq_link, &rq->queue);
	WRITE_ONCE(rq->nr, rq->nr + 1);
}

static void dequeue_locked(struct rq *rq, struct thread *t)
{
	list_del(&t->rq_link);
	WRITE_ONCE(rq->nr, rq->nr - 1);
}

/* After t was queued on cpu: C4. */
static void kick(u32 cpu, const struct thread *t)
{
	bool was_idle = cpumask_test_and_clear_cpu(cpu, &idle_mask);

	if (!was_idle && !t->urgent)
		return;
	WRITE_ONCE(per_cpu(need_resched, cpu), 1);
	if (cpu != smp_processor_id())
		smp_send_reschedule(cpu);
}

/* t is in our hands (C1), its cpu field names the target. */
static void enqueue_on(struct thread *t, u32 cpu)
{
	struct rq *rq = cpu_rq(cpu);
	u64 flags = spin_lock_irqsave(&rq->lock);

	enqueue_locked(rq, t);
	kick(cpu, t);
	spin_unlock_irqrestore(&rq->lock, flags);
}

static bool wakes(const struct thread *t, u32 only)
{
	u32 state = READ_ONCE(t->state);

	if (only != THREAD_SLEEPING)
		return state == only;
	return state == THREAD_SLEEPING || state == THREAD_INTERRUPTIBLE;
}

/* only: THREAD_INTERRUPTIBLE, or THREAD_SLEEPING for both kinds of sleep. */
static bool wake_thread(struct thread *t, u32 only)
{
	struct rq *rq;
	u64 flags;
	u32 cpu;

	smp_mb();				/* (A); partner: (1) */
	rq = lock_thread_rq(t, &flags);
	if (!wakes(t, only)) {
		spin_unlock_irqrestore(&rq->lock, flags);
		return false;
	}
	WRITE_ONCE(t->state, THREAD_RUNNABLE);		/* (B) */
	if (t->on_rq) {
		spin_unlock_irqrestore(&rq->lock, flags);
		return true;
	}
	t->on_rq = true;				/* (C) */
	/* C3; partner: the release in finish_switch(). */
	cpu = smp_load_acquire(&t->on_cpu) ? t->cpu : select_cpu(t);
	if (cpu == t->cpu) {
		enqueue_locked(rq, t);
		kick(cpu, t);
		spin_unlock_irqrestore(&rq->lock, flags);
		return true;
	}
	WRITE_ONCE(t->cpu, cpu);
	/* The flags stay: interrupts are off until t is queued. */
	spin_unlock(&rq->lock);
	enqueue_on(t, cpu);
	local_irq_restore(flags);
	return true;
}

bool wake_up_thread(struct thread *t)
{
	return wake_thread(t, THREAD_SLEEPING);
}

void thread_interrupt(struct thread *t)
{
	WRITE_ONCE(t->interrupted, 1);
	/* wake_thread()'s barrier pairs with the sleeper's (1). */
	wake_thread(t, THREAD_INTERRUPTIBLE);
}

/*
 * Whom the CPU was running before: off its stack now (C3).  Interrupts off.
 */
static void finish_switch(void)
{
	struct rq *rq = this_cpu_ptr(&run_queue);
	struct thread *prev = rq->prev;
	/* A wake-up may change the state meanwhile, though never of the dead. */
	bool dead = READ_ONCE(prev->state) == THREAD_DEAD;
	bool migrating = prev->migrating;
	u32 cpu;

	prev->migrating = false;
	if (!migrating) {
		/* Partner: the acquire in wake_thread() and steal(). */
		smp_store_release(&prev->on_cpu, false);
		/* prev may be gone from here on unless it is dead. */
		if (dead)
			thread_queue_reap(prev);
		return;
	}
	spin_lock(&rq->lock);
	smp_store_release(&prev->on_cpu, false);
	cpu = select_cpu(prev);
	WRITE_ONCE(prev->cpu, cpu);
	spin_unlock(&rq->lock);
	enqueue_on(prev, cpu);
}

static void switch_to(struct rq *rq, struct thread *prev, struct thread *next)
{
	TRACE2(SCHED, prev->tid, next->tid);
	RACE_POINT("sched:before_switch");
	next->switches++;
	rq->prev = prev;
	upcall_switch_mm(prev, next);
	this_cpu_write(current_thread, next);
	arch_switch(&prev->arch, &next->arch);
	finish_switch();	/* perhaps on another CPU, after another prev */
}

/* What becomes of the thread that gives up the CPU.  rq locked. */
static void put_prev(struct rq *rq, struct thread *prev, enum sched_mode mode)
{
	if (prev == rq->idle)
		return;
	if (mode == SCHED_VOLUNTARY && prev->state != THREAD_RUNNABLE) {
		prev->on_rq = false;				/* (3) */
	} else if (!may_run_on(prev, prev->cpu)) {
		prev->migrating = true;
	} else {
		list_add_tail(&prev->rq_link, &rq->queue);
		WRITE_ONCE(rq->nr, rq->nr + 1);
	}
}

static struct thread *pick_next(struct rq *rq, u32 cpu)
{
	struct thread *t = list_first_entry_or_null(&rq->queue, struct thread,
						    rq_link);

	if (t) {
		dequeue_locked(rq, t);
		cpumask_clear_cpu(cpu, &idle_mask);
	} else {
		t = rq->idle;
		cpumask_set_cpu(cpu, &idle_mask);		/* C4 */
	}
	if (!t->slice)
		t->slice = SCHED_SLICE;
	if (CONFIG_LAB && t->on_cpu && t != current())		/* C3 */
		panic("thread %u (%s) is picked by CPU %u, but another CPU is still on its stack",
		      t->tid, t->name, cpu);
	t->on_cpu = true;
	return t;
}

/* IRQs off, preemption count 0. */
static void __schedule(enum sched_mode mode)
{
	struct thread *prev = current(), *next;
	struct rq *rq = this_cpu_ptr(&run_queue);

	rcu_note_qs();						/* C5 */
	if (CONFIG_LAB)
		watchdog_scheduled();
	spin_lock(&rq->lock);
	this_cpu_write(need_resched, 0);
	put_prev(rq, prev, mode);
	next = pick_next(rq, smp_processor_id());
	spin_unlock(&rq->lock);
	if (next != prev)
		switch_to(rq, prev, next);
}

void schedule(void)
{
	u64 flags;

	if (unlikely(this_cpu_read(preempt_count))) {
		sched_check_atomic();
		panic("schedule() with preemption off (count %x)",
		      this_cpu_read(preempt_count));
	}
	if (unlikely(current()->idle && current()->state != THREAD_RUNNABLE))
		panic("the idle thread of CPU %u sleeps", smp_processor_id());
	flags = local_irq_save();
	__schedule(SCHED_VOLUNTARY);
	local_irq_restore(flags);
}

void yield(void)
{
	might_sleep();
	/* The tick counts it down, on this CPU. */
	WRITE_ONCE(current()->slice, 0);
	cpu_relax();	/* other CPUs may have what it waits for */
	schedule();
}

void preempt_schedule(void)
{
	if (irqs_disabled() || panic_in_progress())
		return;
	do {
		local_irq_disable();
		__schedule(SCHED_PREEMPT);
		local_irq_enable();
	} while (this_cpu_read(need_resched));
}

void sched_preempt_irq(void)
{
	if (this_cpu_read(need_resched) && !panic_in_progress())
		__schedule(SCHED_PREEMPT);
}

void sched_tick(enum sched_tick_from from)
{
	struct rq *rq = this_cpu_ptr(&run_queue);
	struct thread *t = current();

	if (t->idle) {
		rq->idle_ticks++;
		return;
	}
	if (from == TICK_USER)
		t->utime_ticks++;
	else
		t->stime_ticks++;
	if (t->slice)
		t->slice--;
	if ((!t->slice && READ_ONCE(rq->nr)) || !may_run_on(t, t->cpu))
		this_cpu_write(need_resched, 1);
}

/* The first thread of rq's queue that may run here, in our hands; or NULL. */
static struct thread *steal(struct rq *rq, u32 cpu)
{
	struct thread *t;
	u64 flags = spin_lock_irqsave(&rq->lock);

	list_for_each_entry(t, &rq->queue, rq_link) {
		/* C3; partner: the release in finish_switch(). */
		if (smp_load_acquire(&t->on_cpu) || !may_run_on(t, cpu))
			continue;
		dequeue_locked(rq, t);
		WRITE_ONCE(t->cpu, cpu);
		spin_unlock_irqrestore(&rq->lock, flags);
		return t;
	}
	spin_unlock_irqrestore(&rq->lock, flags);
	return NULL;
}

/* For an idle CPU: takes a thread from the longest queue. */
static bool pull(u32 cpu)
{
	struct rq *busiest = NULL;
	struct thread *t;
	u32 other, most = 0;

	for_each_cpu(other, &active_mask) {
		u32 nr = READ_ONCE(cpu_rq(other)->nr);

		if (other != cpu && nr > most) {
			most = nr;
			busiest = cpu_rq(other);
		}
	}
	t = busiest ? steal(busiest, cpu) : NULL;
	if (t)
		enqueue_on(t, cpu);
	return t;
}

void sched_idle_loop(void)
{
	struct rq *rq = this_cpu_ptr(&run_queue);
	u32 cpu = smp_processor_id();

	KASSERT(current()->idle);
	for (;;) {
		local_irq_disable();
		if (this_cpu_read(need_resched) || READ_ONCE(rq->nr) ||
		    pull(cpu)) {
			__schedule(SCHED_VOLUNTARY);
		} else {
			cpumask_set_cpu(cpu, &idle_mask);
			rcu_idle_enter();
			/* A kick since then is an interrupt that ends it. */
			if (READ_ONCE(rq->nr))
				local_irq_enable();
			else
				cpu_idle_halt();
			local_irq_disable();
			rcu_idle_exit();
		}
		local_irq_enable();
	}
}

/* First code of a new thread. */
void upcall_thread_start(void)
{
	struct thread *t;

	finish_switch();
	local_irq_enable();
	t = current();
	t->fn(t->arg);
	thread_exit();
}

static void rq_init_cpu(u32 cpu, struct thread *idle)
{
	struct rq *rq = cpu_rq(cpu);

	spin_lock_init(&rq->lock, LOCK_RQ);
	INIT_LIST_HEAD(&rq->queue);
	rq->idle = idle;
	idle->on_cpu = true;
	per_cpu(current_thread, cpu) = idle;
	cpumask_set_cpu(cpu, &active_mask);
}

void sched_init(void)
{
	thread_init_idle(&boot_thread, 0);
	timer_init_cpu(0);
	rq_init_cpu(0, &boot_thread);
}

void sched_prepare_cpus(u32 nr)
{
	for (u32 cpu = 1; cpu < nr && cpu < NR_CPUS; cpu++) {
		idle_threads[cpu] = kzalloc(sizeof(struct thread));
		if (!idle_threads[cpu])
			panic("no memory for the idle thread of CPU %u", cpu);
		thread_init_idle(idle_threads[cpu], cpu);
	}
}

void sched_init_secondary(u32 cpu)
{
	timer_init_cpu(cpu);
	rcu_init_cpu(cpu);
	rq_init_cpu(cpu, idle_threads[cpu]);
}

u64 sched_idle_ticks(u32 cpu)
{
	return READ_ONCE(cpu_rq(cpu)->idle_ticks);
}

void thread_set_affinity(struct thread *t, const struct cpumask *m)
{
	u64 flags;
	struct rq *rq = lock_thread_rq(t, &flags);

	/* Running or queued where it may not: the tick moves it. */
	cpumask_copy(&t->affinity, m);
	spin_unlock_irqrestore(&rq->lock, flags);
	if (t == current() && !may_run_on(t, READ_ONCE(t->cpu)))
		schedule();
}
