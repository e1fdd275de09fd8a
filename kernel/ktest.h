/* SPDX-License-Identifier: MIT */
/*
 * In-kernel tests.  KTEST(group, name) defines one; `selftest [NAME|GROUP]`
 * runs them and prints KTAP 1.  After each: the leak gates must read as before
 * and every registered check must hold, else the test fails.
 */
#ifndef KERNEL_KTEST_H
#define KERNEL_KTEST_H

#include "lib/types.h"
#include "lib/compiler.h"

struct kt {
	const char *group, *name;
	u32 failures;
	const char *skipped;		/* reason, or NULL */
};

struct ktest {
	const char *group, *name;
	void (*fn)(struct kt *t);
	u32 flags;
};
#define KTF_LAB_ONLY	BIT(0)		/* needs race points or checkers */
#define KTF_SLOW	BIT(1)		/* not with `selftest quick` */
#define KTF_LAST	BIT(2)		/* after all others of the same run */

#define KTEST_FLAGS(g, n, f)						\
	static void kt_##g##_##n(struct kt *t);				\
	static const struct ktest ktest_##g##_##n			\
	__attribute__((section(".ktests"), used, aligned(8))) =			\
		{ #g, #n, kt_##g##_##n, (f) };				\
	static void kt_##g##_##n(struct kt *t)
#define KTEST(g, n)	KTEST_FLAGS(g, n, 0)

void kt_fail(struct kt *t, const char *file, int line, const char *fmt, ...) __printf(4, 5);
#define KT_EXPECT(t, c) ({						\
	bool __kt_ok = !!(c);						\
	if (!__kt_ok)							\
		kt_fail(t, __FILE__, __LINE__, "expected %s", #c);	\
	__kt_ok; })
#define KT_EQ(t, a, b) ({						\
	s64 __kt_a = (s64)(a), __kt_b = (s64)(b);			\
	if (__kt_a != __kt_b)						\
		kt_fail(t, __FILE__, __LINE__,				\
			"%s is %lld (0x%llx), expected %s = %lld",	\
			#a, __kt_a, __kt_a, #b, __kt_b);		\
	__kt_a == __kt_b; })
/* Leaves the test function when it fails. */
#define KT_ASSERT(t, c) do { if (!KT_EXPECT(t, c)) return; } while (0)
#define KT_SKIP(t, why) do { (t)->skipped = (why); return; } while (0)

/* A quantity that must be the same before and after each test. */
struct kt_gate {
	const char *name;
	u64 (*sample)(void);
};
#define KT_GATE(n, fn_)	static const struct kt_gate kt_gate_##n		\
	__attribute__((section(".ktgates"), used, aligned(8))) = { #n, fn_ }
/* A whole-system check after each test; returns problems found, prints them. */
struct kt_check {
	const char *name;
	u32 (*run)(void);
};
#define KT_CHECK(n, fn_) static const struct kt_check kt_check_##n	\
	__attribute__((section(".ktchecks"), used, aligned(8))) = { #n, fn_ }
/* Called before gates are sampled: settle caches, run rcu_barrier... */
#define KT_SETTLE(n, fn_) static void (*const kt_settle_##n)(void)	\
	__attribute__((section(".ktsettles"), used, aligned(8))) = fn_

/*
 * Runs the tests that match: NULL all, "quick" all but slow ones, else a GROUP,
 * a NAME or GROUP.NAME.  Sleeps.  Returns the number that failed, or -ENOENT.
 */
s32 ktest_run(const char *pattern);
bool ktest_running(void);

#endif
