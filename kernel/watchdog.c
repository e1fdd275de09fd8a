/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs: soft and hard lockups, stalled grace periods, hung threads.
 *
 * Soft lockup: every tick of a CPU found preemption off, and it has not been
 * through the scheduler since.  Half way the CPU is asked to reschedule, so
 * one that only has nothing else to run is not meant.
 *
 * Hard lockup: each CPU watches the next one's count of ticks.  One that does
 * not move has its interrupts off (or is gone): all CPUs show themselves.
 *
 * Hung thread: in an uninterruptible sleep, not waiting for work, and not
 * switched to since the limit.  A thread of lab builds looks every few
 * seconds.  Shown: its backtrace, the lock it waits for, who holds that.
 *
 * Each CPU writes only its own struct; ticks are read by its neighbour.  All
 * is said once: until the CPU or the thread moves again.
 *
 * Tests: tests/kt/kt_watchdog.c
 */
#include "kernel/watchdog.h"
#include "arch/smp.h"
#include "kernel/cmdline.h"
#include "kernel/init.h"
#include "kernel/nmi.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"

#define SECONDS(n)	((n) * CONFIG_HZ)
#define CHECK_MS	5000
#define AT_ONCE		4		/* hung threads, holders: shown in full */

struct watchdog_limits watchdog = {
	.soft = SECONDS(30),
	.hard = SECONDS(20),
	.hung = SECONDS(120),
	.rcu = SECONDS(30),
};

struct wd_cpu {
	u64 ticks;			/* a */
	u32 atomic_ticks;		/* found preemption off, in a row */
	u32 neighbour, silent;		/* its ticks have not moved for */
	u64 neighbour_ticks;
};

static DEFINE_PER_CPU(struct wd_cpu, wd_cpu);

void watchdog_scheduled(void)
{
	this_cpu_write(wd_cpu.atomic_ticks, 0);
}

static void soft_lockup(const struct regs *r, u32 ticks)
{
	report_warn_begin("soft lockup: CPU %u has not scheduled for %u ticks",
			  smp_processor_id(), ticks);
	dump_this_cpu(r);
	report_warn_end();
}

static void check_soft(struct wd_cpu *w, const struct regs *r)
{
	u32 limit = READ_ONCE(watchdog.soft);

	if (user_mode(r) || this_cpu_read(preempt_count) == PREEMPT_IRQ) {
		w->atomic_ticks = 0;
		return;
	}
	w->atomic_ticks++;
	if (w->atomic_ticks == limit / 2)
		this_cpu_write(need_resched, 1);
	if (limit && w->atomic_ticks == limit)
		soft_lockup(r, limit);
}

static u32 next_cpu(void)
{
	u32 cpu = cpumask_next(smp_processor_id(), &cpu_online_mask);

	return cpu < NR_CPUS ? cpu : cpumask_first(&cpu_online_mask);
}

static void check_hard(struct wd_cpu *w)
{
	u32 limit = READ_ONCE(watchdog.hard), cpu = next_cpu();
	u64 ticks = READ_ONCE(per_cpu(wd_cpu, cpu).ticks);

	if (cpu != w->neighbour || ticks != w->neighbour_ticks || !ticks) {
		w->neighbour = cpu;
		w->neighbour_ticks = ticks;
		w->silent = 0;
		return;
	}
	if (++w->silent != limit || cpu == smp_processor_id())
		return;
	report_warn_begin("hard lockup: CPU %u has had no tick for %u of CPU %u",
			  cpu, limit, smp_processor_id());
	nmi_dump_all();
	report_warn_end();
}

void watchdog_tick(const struct regs *r)
{
	struct wd_cpu *w = this_cpu_ptr(&wd_cpu);

	if (panic_in_progress())
		return;
	WRITE_ONCE(w->ticks, w->ticks + 1);
	check_soft(w, r);
	check_hard(w);
	rcu_check_stall(READ_ONCE(watchdog.rcu));
}

/*
 * Hung threads.
 */
struct hunt {
	u64 now;
	u32 limit;
	const void *lock;		/* holders of this; NULL: hung ones */
	u32 nr;
	struct thread *found[AT_ONCE];
};

static u64 ticks_now(void)
{
	return READ_ONCE(per_cpu(wd_cpu, 0).ticks);
}

/* Has t slept since it was last looked at, and long enough to be told? */
static bool is_hung(struct thread *t, const struct hunt *h)
{
	struct lockdep_state *s = &t->lockdep;

	if (READ_ONCE(t->state) != THREAD_SLEEPING || READ_ONCE(t->noload) ||
	    READ_ONCE(t->on_cpu) || !t->switches)
		return false;
	if (s->seen_switches != t->switches) {
		s->seen_switches = t->switches;
		s->seen_at = h->now;
		s->told = false;
	}
	return !s->told && h->now - s->seen_at >= h->limit;
}

static void hunt_one(struct thread *t, void *arg)
{
	struct hunt *h = arg;

	if (h->lock ? !lockdep_thread_holds(t, h->lock) : !is_hung(t, h))
		return;
	if (!h->lock)
		t->lockdep.told = true;
	if (h->nr < AT_ONCE) {
		thread_get(t);
		h->found[h->nr] = t;
	}
	h->nr++;
}

/* t sleeps, or runs: then its CPU is asked. */
static void show_thread(const struct thread *t)
{
	kprintf("thread %u (%s) on CPU %u, %s, switched to %llu times\n",
		t->tid, t->name, t->cpu, thread_state_name(t), t->switches);
	if (READ_ONCE(t->on_cpu)) {
		nmi_dump_cpu(READ_ONCE(t->cpu));
		return;
	}
	backtrace_switched(READ_ONCE(t->arch.rsp));
	lockdep_print_thread(t);
}

static void show_holders(const void *lock)
{
	struct hunt h = { .lock = lock };

	for_each_thread(hunt_one, &h);
	if (!h.nr)
		kprintf("nobody holds %p: has a wake-up been lost?\n", lock);
	for (u32 i = 0; i < min_t(u32, h.nr, AT_ONCE); i++) {
		kprintf("%p is held by ", lock);
		show_thread(h.found[i]);
		thread_put(h.found[i]);
	}
}

static void report_hung(struct thread *t, u32 ticks)
{
	const void *lock = READ_ONCE(t->lockdep.waiting);

	report_warn_begin("hung: thread %u (%s) has slept for %u ticks and more",
			  t->tid, t->name, ticks);
	show_thread(t);
	if (lock)
		show_holders(lock);
	report_warn_end();
}

u32 watchdog_check_hung(u32 ticks)
{
	struct hunt h = { .now = ticks_now(), .limit = ticks };

	for_each_thread(hunt_one, &h);
	for (u32 i = 0; i < min_t(u32, h.nr, AT_ONCE); i++) {
		report_hung(h.found[i], ticks);
		thread_put(h.found[i]);
	}
	return h.nr;
}

static void watchdog_main(void *arg)
{
	(void)arg;
	for (;;) {
		u32 limit = READ_ONCE(watchdog.hung);

		if (limit)
			watchdog_check_hung(limit);
		wait_noload(WAIT_NOLOAD);
		sleep_ms(CHECK_MS);
		wait_noload(WAIT_LOAD);
	}
}

static int watchdog_init(void)
{
	struct thread *t;

	if (!CONFIG_LAB)
		return 0;
	t = kthread_run("watchdog", -1, watchdog_main, NULL);
	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	thread_put(t);
	return 0;
}
INITCALL_LEVEL(0, watchdog_init);

static int set_seconds(const char *value, u32 *limit)
{
	u64 n;

	if (!value || strtou64(value, 10, &n) || n > 100000)
		return -EINVAL;
	*limit = SECONDS((u32)n);
	return 0;
}

static int param_softlockup(const char *value)
{
	return set_seconds(value, &watchdog.soft);
}
PARAM(softlockup, param_softlockup, "seconds without scheduling, 0: off (lab)");

static int param_hardlockup(const char *value)
{
	return set_seconds(value, &watchdog.hard);
}
PARAM(hardlockup, param_hardlockup, "seconds without a tick, 0: off (lab)");

static int param_hung_task(const char *value)
{
	return set_seconds(value, &watchdog.hung);
}
PARAM(hung_task, param_hung_task, "seconds of sleep, 0: off (lab)");

static int param_rcu_stall(const char *value)
{
	return set_seconds(value, &watchdog.rcu);
}
PARAM(rcu_stall, param_rcu_stall, "seconds of a grace period, 0: off (lab)");
