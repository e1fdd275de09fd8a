/* SPDX-License-Identifier: MIT */
/*
 * The runner of in-kernel tests.  Output is KTAP 1:
 *
 *	KTAP version 1
 *	1..N
 *	# file:line: message		(before the test they belong to)
 *	ok 1 group.name
 *	not ok 2 group.name
 *	ok 3 group.name # SKIP reason
 *	# selftest: P passed, F failed, S skipped
 *
 * A test fails when one of its expectations does, when a warning was raised
 * while it ran, when a gate does not read as before it, or when a check of
 * the whole system finds a problem.  Race points and bug switches are off
 * after each test whatever it did.
 */
#include "kernel/ktest.h"
#include "arch/smp.h"
#include "kernel/config.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/racepoint.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "kernel/schedpoint.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"

#define MAX_GATES	32
#define SLOW_NS		200000000ULL

extern const struct ktest __ktests_start[], __ktests_end[];
extern const struct kt_gate __ktgates_start[], __ktgates_end[];
extern const struct kt_check __ktchecks_start[], __ktchecks_end[];
extern void (*const __ktsettles_start[])(void);
extern void (*const __ktsettles_end[])(void);

struct run_state {
	u32 number, passed, failed, skipped;
	u64 gates[MAX_GATES];
};

static u32 running;

bool ktest_running(void)
{
	return READ_ONCE(running);
}

void kt_fail(struct kt *t, const char *file, int line, const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	__atomic_fetch_add(&t->failures, 1, __ATOMIC_RELAXED);
	kprintf("# %s:%d: %s\n", file, line, buf);
	sched_explore_failed();
}

static void settle(void)
{
	thread_reap_wait();
	for (void (*const *fn)(void) = __ktsettles_start;
	     fn < __ktsettles_end; fn++)
		(*fn)();
	rcu_barrier();
	thread_reap_wait();
}

static u32 nr_gates(void)
{
	return min_t(u32, (u32)(__ktgates_end - __ktgates_start), MAX_GATES);
}

static void sample_gates(u64 *out)
{
	settle();
	for (u32 i = 0; i < nr_gates(); i++)
		out[i] = __ktgates_start[i].sample();
}

static void check_gates(struct run_state *rs, struct kt *t)
{
	u64 now[MAX_GATES];

	sample_gates(now);
	for (u32 i = 0; i < nr_gates(); i++) {
		if (now[i] != rs->gates[i])
			kt_fail(t, __FILE__, __LINE__, "gate %s: %llu before, "
				"%llu after", __ktgates_start[i].name,
				rs->gates[i], now[i]);
		rs->gates[i] = now[i];
	}
}

static void check_system(struct kt *t)
{
	const struct kt_check *c;

	for (c = __ktchecks_start; c < __ktchecks_end; c++) {
		u32 problems = c->run();

		if (problems)
			kt_fail(t, __FILE__, __LINE__,
				"check %s: %u problems", c->name, problems);
	}
}

static void run_body(const struct ktest *test, struct run_state *rs,
		     struct kt *t)
{
	u64 warned = warn_count(), start = ktime_get(), took;
	u32 held = lockdep_held_count();

	sched_explore_begin();
	test->fn(t);
	sched_explore_end();
	took = ktime_get() - start;
	race_disarm_all();
	bug_clear_all();
	if (report_expecting())
		kt_fail(t, __FILE__, __LINE__, "%u reports are expected still",
			report_expect_end());
	check_gates(rs, t);
	check_system(t);
	if (warn_count() != warned)
		kt_fail(t, __FILE__, __LINE__, "%llu warnings",
			warn_count() - warned);
	if (lockdep_held_count() != held)
		kt_fail(t, __FILE__, __LINE__, "locks are left held");
	check_nothing_held("a test ends", lockdep_held_count());
	if (took > SLOW_NS && !(test->flags & KTF_SLOW))
		kprintf("# slow: %llu ms\n", took / 1000000);
}

static void run_one(const struct ktest *test, struct run_state *rs)
{
	struct kt t = { .group = test->group, .name = test->name };

	rs->number++;
	if ((test->flags & KTF_LAB_ONLY) && !CONFIG_LAB)
		t.skipped = "needs a lab build";
	else
		run_body(test, rs, &t);
	if (t.failures)
		rs->failed++;
	else if (t.skipped)
		rs->skipped++;
	else
		rs->passed++;
	kprintf("%s %u %s.%s%s%s\n", t.failures ? "not ok" : "ok", rs->number,
		t.group, t.name, t.skipped && !t.failures ? " # SKIP " : "",
		t.skipped && !t.failures ? t.skipped : "");
}

static bool matches(const struct ktest *test, const char *pattern)
{
	char full[96];

	if (!pattern)
		return true;
	if (!strcmp(pattern, "quick"))
		return !(test->flags & KTF_SLOW);
	snprintf(full, sizeof(full), "%s.%s", test->group, test->name);
	return !strcmp(pattern, full) || !strcmp(pattern, test->name) ||
	       (!strcmp(pattern, test->group) && !(test->flags & KTF_SLOW));
}

static u32 count_matches(const char *pattern)
{
	u32 n = 0;

	for (const struct ktest *k = __ktests_start; k < __ktests_end; k++)
		n += matches(k, pattern);
	return n;
}

/* What matches and is of this kind.  False: interrupted. */
static bool run_kind(const char *pattern, u32 last, struct run_state *rs)
{
	for (const struct ktest *k = __ktests_start; k < __ktests_end; k++) {
		if (!matches(k, pattern) || (k->flags & KTF_LAST) != last)
			continue;
		if (shell_interrupted()) {
			kprintf("Bail out! interrupted\n");
			rs->failed++;
			return false;
		}
		run_one(k, rs);
	}
	return true;
}

s32 ktest_run(const char *pattern)
{
	static struct run_state rs;
	u32 plan = count_matches(pattern);

	if (!plan)
		return -ENOENT;
	memset(&rs, 0, sizeof(rs));
	WRITE_ONCE(running, 1);
	kprintf("KTAP version 1\n1..%u\n", plan);
	sample_gates(rs.gates);
	if (run_kind(pattern, 0, &rs))
		run_kind(pattern, KTF_LAST, &rs);
	kprintf("# selftest: %u passed, %u failed, %u skipped\n", rs.passed,
		rs.failed, rs.skipped);
	WRITE_ONCE(running, 0);
	return (s32)rs.failed;
}

static int cmd_selftest(int argc, char **argv)
{
	s32 failed = ktest_run(argc > 1 ? argv[1] : NULL);

	if (failed == -ENOENT)
		kprintf("selftest: no test or group is called \"%s\"\n",
			argc > 1 ? argv[1] : "");
	return failed > 0 ? -EIO : failed;
}

static void complete_test(int arg, const char *prefix,
			  void (*emit)(const char *))
{
	const char *last = "";
	char full[96];

	(void)prefix;
	if (arg != 1)
		return;
	for (const struct ktest *k = __ktests_start; k < __ktests_end; k++) {
		if (strcmp(k->group, last))
			emit(k->group);
		last = k->group;
		snprintf(full, sizeof(full), "%s.%s", k->group, k->name);
		emit(full);
	}
}
SHELL_CMD_FULL(selftest, "[NAME|GROUP|quick]", "run the in-kernel tests", 0, 1,
	       0, cmd_selftest, complete_test);

/* Ends QEMU with the result; for scripts. */
static int cmd_selftest_exit(int argc, char **argv)
{
	int ret = cmd_selftest(argc, argv);

	arch_debug_exit(ret ? 0x11 : 0x10);
	kprintf("selftest-exit: no isa-debug-exit device\n");
	return ret ? ret : -ENODEV;
}
SHELL_CMD_NAMED(selftest_exit, "selftest-exit", "[NAME|GROUP|quick]",
		"run the tests, then end QEMU with the result", 0, 1, 0,
		cmd_selftest_exit, complete_test);
