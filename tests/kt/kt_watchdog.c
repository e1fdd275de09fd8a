/* SPDX-License-Identifier: MIT */
/*
 * kernel/watchdog.c, nmi.c and the stall print of rcu_check.c: each kind of
 * standstill, made on purpose under a low limit; the report must name the
 * CPU or thread, the function it hangs in, and who is in the way.
 */
#include "kernel/mutex.h"
#include "kernel/nmi.h"
#include "kernel/preempt.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "kernel/watchdog.h"
#include "lib/printf.h"
#include "mm/page.h"
#include "mm/page_alloc.h"
#include "tests/kt/kt_util.h"

#define LIMIT	8		/* ticks */

static struct {
	struct mutex mutex;
	struct rwsem sem;
	u32 inside, release, returned;
	struct page *page;
} s;

static struct watchdog_limits usual;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	mutex_init(&s.mutex, LOCK_TEST);
	rwsem_init(&s.sem, LOCK_TEST);
	usual = watchdog;
	report_expect_begin();
}

static void finish(struct kt *t)
{
	watchdog = usual;
	KT_EXPECT(t, report_expect_end() >= 1);
	if (t->failures)
		report_print();
}

static bool has_cpu(const char *before, u32 cpu, const char *after)
{
	char text[96];

	snprintf(text, sizeof(text), "%s%u%s", before, cpu, after);
	return report_has(text);
}

static noinline void hang_on_mutex(void *arg)
{
	(void)arg;
	mutex_lock(&s.mutex);
	mutex_unlock(&s.mutex);
}

static noinline void hold_mutex(void *arg)
{
	(void)arg;
	mutex_lock(&s.mutex);
	WRITE_ONCE(s.inside, 1);
	while (!READ_ONCE(s.release))
		sleep_ms(1);
	mutex_unlock(&s.mutex);
}

static bool waits_for(const struct thread *t, const void *lock)
{
	return READ_ONCE(t->lockdep.waiting) == lock &&
	       READ_ONCE(t->state) == THREAD_SLEEPING && !READ_ONCE(t->on_cpu);
}

KTEST_FLAGS(watchdog, hung_thread, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	reset();
	KT_ASSERT(t, kt_spawn(t, &team, -1, hold_mutex, NULL));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.inside)));
	KT_ASSERT(t, kt_spawn(t, &team, -1, hang_on_mutex, NULL));
	KT_EXPECT(t, kt_wait_for(waits_for(team.thread[1], &s.mutex)));
	KT_EXPECT(t, watchdog_check_hung(0) >= 1);
	KT_EXPECT(t, has_cpu("hung: thread ", team.thread[1]->tid, " (kt)"));
	KT_EXPECT(t, report_has("waits for TEST"));
	KT_EXPECT(t, report_has("hang_on_mutex+"));
	KT_EXPECT(t, has_cpu("is held by thread ", team.thread[0]->tid, " ("));
	KT_EXPECT(t, report_has("hold_mutex+"));
	finish(t);
	report_expect_begin();		/* said once */
	watchdog_check_hung(0);
	report_expect_end();
	KT_EXPECT(t, !has_cpu("hung: thread ", team.thread[1]->tid, " (kt)"));
	WRITE_ONCE(s.release, 1);
	kt_join(&team);
}

static noinline void hang_on_page(void *arg)
{
	(void)arg;
	lock_page(s.page);
	unlock_page(s.page);
}

/* A lock that nobody holds and somebody waits for: the wake-up is lost. */
KTEST_FLAGS(watchdog, lost_wakeup, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	reset();
	s.page = alloc_page(ALLOC_PLAIN);
	KT_ASSERT(t, s.page);
	lock_page(s.page);
	KT_ASSERT(t, kt_spawn(t, &team, -1, hang_on_page, NULL));
	KT_EXPECT(t, kt_wait_for(waits_for(team.thread[0], s.page)));
	lockdep_release(s.page);	/* as if it were unlocked by now */
	watchdog_check_hung(0);
	KT_EXPECT(t, report_has("hang_on_page+"));
	KT_EXPECT(t, report_has("waits for PAGE"));
	KT_EXPECT(t, report_has("has a wake-up been lost?"));
	finish(t);
	unlock_page(s.page);
	kt_join(&team);
	put_page(s.page);
}

KTEST_FLAGS(watchdog, soft_lockup, KTF_LAB_ONLY)
{
	reset();
	preempt_disable();
	watchdog.soft = LIMIT;
	/* Others may be slow, too: it must be about this CPU. */
	KT_EXPECT(t, kt_spin_for(has_cpu("soft lockup: CPU ",
					 smp_processor_id(), " has not")));
	preempt_enable();
	KT_EXPECT(t, report_has("kt_watchdog_soft_lockup+"));
	finish(t);
}

/* Nobody else wants the CPU, but it could have it: no lockup. */
KTEST_FLAGS(watchdog, busy_is_no_lockup, KTF_LAB_ONLY)
{
	u64 end;

	reset();
	thread_migrate_self(kt_cpu(0));
	watchdog.soft = LIMIT;
	end = ktime_get() + (LIMIT + 4) * (1000000000 / CONFIG_HZ);
	while (ktime_get() < end)
		cpu_relax();
	watchdog = usual;
	report_expect_end();
	KT_EXPECT(t, !has_cpu("soft lockup: CPU ", kt_cpu(0), " has not"));
	thread_set_affinity(current(), &cpu_online_mask);
}

static noinline void deaf(void *arg)
{
	u64 flags = local_irq_save();

	(void)arg;
	WRITE_ONCE(s.inside, 1);
	/* Calls nothing: the backtrace must have this frame. */
	while (!READ_ONCE(s.release))
		cpu_relax();
	local_irq_restore(flags);
}

static bool all_shown(void)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask)
		if (!has_cpu("\nCPU ", cpu, ": thread"))
			return false;
	return true;
}

KTEST_FLAGS(watchdog, hard_lockup, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	reset();
	thread_migrate_self(kt_cpu(0));
	KT_ASSERT(t, kt_spawn(t, &team, (int)kt_cpu(1), deaf, NULL));
	KT_EXPECT(t, kt_spin_for(READ_ONCE(s.inside)));
	watchdog.hard = LIMIT;
	KT_EXPECT(t, kt_wait_for(has_cpu("hard lockup: CPU ", kt_cpu(1),
					 " has had no") && all_shown()));
	WRITE_ONCE(s.release, 1);
	kt_join(&team);
	KT_EXPECT(t, report_has("deaf+"));
	finish(t);
	thread_set_affinity(current(), &cpu_online_mask);
}

static noinline void stall_reader(void *arg)
{
	(void)arg;
	rcu_read_lock();
	WRITE_ONCE(s.inside, 1);
	kt_spin_for(READ_ONCE(s.release));
	rcu_read_unlock();
}

static void synchronizer(void *arg)
{
	(void)arg;
	synchronize_rcu();
	WRITE_ONCE(s.returned, 1);
}

KTEST_FLAGS(watchdog, rcu_stall, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	reset();
	thread_migrate_self(kt_cpu(0));
	KT_ASSERT(t, kt_spawn(t, &team, (int)kt_cpu(1), stall_reader, NULL));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.inside)));
	watchdog.rcu = LIMIT;
	KT_ASSERT(t, kt_spawn(t, &team, (int)kt_cpu(0), synchronizer, NULL));
	KT_EXPECT(t, kt_wait_for(report_has("in the read section opened at")));
	KT_EXPECT(t, !READ_ONCE(s.returned));
	WRITE_ONCE(s.release, 1);
	kt_join(&team);
	KT_EXPECT(t, has_cpu("it waits for CPU ", kt_cpu(1),
			     ", in the read section opened at stall_reader+"));
	KT_EXPECT(t, report_has("has not ended for"));
	finish(t);
	thread_set_affinity(current(), &cpu_online_mask);
}

KTEST_FLAGS(watchdog, dump_all_cpus, KTF_LAB_ONLY)
{
	reset();
	report_warn_begin("a dump");
	nmi_dump_all();
	report_warn_end();
	KT_EXPECT(t, all_shown());
	KT_EXPECT(t, report_has("kt_watchdog_dump_all_cpus+"));
	KT_EXPECT(t, kt_cpus() < 2 || report_has("rip 0008:"));
	finish(t);
}

/* A report no test expects is a warning, and so fails the test. */
KTEST_FLAGS(watchdog, limits_are_high, KTF_LAB_ONLY)
{
	KT_EXPECT(t, watchdog.soft >= 20 * CONFIG_HZ);
	KT_EXPECT(t, watchdog.hard >= 20 * CONFIG_HZ);
	KT_EXPECT(t, watchdog.hung >= 60 * CONFIG_HZ);
	KT_EXPECT(t, watchdog.rcu >= 20 * CONFIG_HZ);
}
