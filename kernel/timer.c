/* SPDX-License-Identifier: MIT */
/*
 * The tick, timers, and sleeps with a deadline.
 *
 * N1  Each CPU has a list of timers sorted by time; a timer is on the list of
 *     t->cpu exactly while t->queued, under that list's lock.
 * N2  base->running names the timer whose function runs; it is set in the
 *     same critical section that takes the timer off the list.  So whoever
 *     finds a timer neither queued nor running knows it is over.
 * N3  Functions run without the lock, in irq context.
 *
 * Tests: tests/kt/kt_wait.c
 */
#include "kernel/timer.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"
#include "kernel/schedpoint.h"
#include "kernel/watchdog.h"

struct timer_base {
	spinlock_t lock;		/* LOCK_TIMER, irqsave */
	struct list_head list;
	struct timer *running;		/* N2 */
};

static DEFINE_PER_CPU(struct timer_base, timer_base);

void timer_init_cpu(u32 cpu)
{
	struct timer_base *b = per_cpu_ptr(&timer_base, cpu);

	spin_lock_init(&b->lock, LOCK_TIMER);
	INIT_LIST_HEAD(&b->list);
}

static void insert(struct timer_base *b, struct timer *t)
{
	struct timer *pos;

	/* Later deadlines tend to come later: search from the end. */
	list_for_each_entry_reverse(pos, &b->list, link)
		if (pos->when <= t->when)
			break;
	list_add(&t->link, &pos->link);
}

void timer_start(struct timer *t, u64 when_ns, void (*fn)(void *), void *arg)
{
	struct timer_base *b;
	u64 flags;

	preempt_disable();
	b = this_cpu_ptr(&timer_base);
	flags = spin_lock_irqsave(&b->lock);
	KASSERT(!t->queued);
	t->when = when_ns;
	t->fn = fn;
	t->arg = arg;
	WRITE_ONCE(t->cpu, smp_processor_id());
	t->queued = true;
	insert(b, t);
	spin_unlock_irqrestore(&b->lock, flags);
	preempt_enable();
}

/* Takes t off its list; *running: its function is running just now. */
static bool try_cancel(struct timer *t, bool *running)
{
	u32 cpu = READ_ONCE(t->cpu);
	struct timer_base *b = per_cpu_ptr(&timer_base, cpu);
	u64 flags = spin_lock_irqsave(&b->lock);
	bool queued = t->queued && READ_ONCE(t->cpu) == cpu;

	if (queued) {
		list_del(&t->link);
		t->queued = false;
	}
	/* A function that started its own timer again may still run. */
	*running = b->running == t || READ_ONCE(t->cpu) != cpu;
	spin_unlock_irqrestore(&b->lock, flags);
	return queued;
}

bool timer_cancel(struct timer *t)
{
	bool running, queued = false;

	for (;;) {
		queued |= try_cancel(t, &running);
		if (!running)
			return queued;
		cpu_relax();
	}
}

void timer_run_expired(void)
{
	struct timer_base *b = this_cpu_ptr(&timer_base);
	u64 now = ktime_get();

	for (;;) {
		struct timer *t;
		u64 flags = spin_lock_irqsave(&b->lock);

		b->running = NULL;
		t = list_first_entry_or_null(&b->list, struct timer, link);
		if (t && t->when <= now) {
			list_del(&t->link);
			t->queued = false;
			b->running = t;				/* N2 */
		} else {
			t = NULL;
		}
		spin_unlock_irqrestore(&b->lock, flags);
		if (!t)
			return;
		t->fn(t->arg);					/* N3 */
	}
}

void upcall_timer_tick(struct regs *r)
{
	sched_explore_tick();
	if (CONFIG_LAB)
		watchdog_tick(r);
	timer_run_expired();
	sched_tick(user_mode(r) ? TICK_USER : TICK_KERNEL);
}

static void wake_sleeper(void *arg)
{
	wake_up_thread(arg);
}

bool schedule_until(u64 deadline_ns)
{
	struct timer t = { .queued = false };

	if (deadline_ns == U64_MAX) {
		schedule();
		return true;
	}
	if (ktime_get() >= deadline_ns) {
		WRITE_ONCE(current()->state, THREAD_RUNNABLE);
		return false;
	}
	timer_start(&t, deadline_ns, wake_sleeper, current());
	schedule();
	timer_cancel(&t);
	return ktime_get() < deadline_ns;
}

void sleep_ns(u64 ns)
{
	u64 end = ktime_get() + ns;

	might_sleep();
	do {
		smp_store_mb(&current()->state, THREAD_SLEEPING);
	} while (schedule_until(end));
}
