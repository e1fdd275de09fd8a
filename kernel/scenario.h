/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: bugs of history, each staged in one interleaving and run twice,
 * with the line that was missing (nothing happens) and without it (harm).
 * SCENARIO() registers one, and a test scenario.NUMBER that wants both.
 * docs/scenarios/ tells their stories, tools/gdb/scenarios/ stops in them.
 */
#ifndef KERNEL_SCENARIO_H
#define KERNEL_SCENARIO_H

#include "arch/smp.h"
#include "kernel/ktest.h"

struct scenario {
	const char *number;
	u32 year;			/* when it was fixed, or found */
	const char *fix;		/* commit or CVE */
	const char *title;
	const char *bug;		/* what switches it on */
	const char *point;		/* where the victim stands meanwhile */
	u32 cpus;			/* it needs; 0: one */
	/* Stages it; did harm come of it?  bug: without the line. */
	bool (*harm)(struct kt *t, u32 bug);
	/* Is it switched on as the system was booted?  NULL: no. */
	bool (*booted)(void);
};

/*
 * The others stand where they should, the critical step comes next: the
 * scenario command says so, gdb stops here.
 */
void scenario_now(const char *what);

#define SCENARIO(num, ...)						\
	static const struct scenario scenario_##num			\
	__attribute__((section(".scenarios." #num), used, aligned(8))) =	\
		{ .number = #num, __VA_ARGS__ };			\
	KTEST_FLAGS(scenario, num, KTF_LAB_ONLY)			\
	{								\
		if (cpumask_weight(&cpu_online_mask) < scenario_##num.cpus) \
			KT_SKIP(t, "needs more CPUs");			\
		KT_EXPECT(t, !scenario_##num.harm(t, 0));		\
		KT_EXPECT(t, scenario_##num.harm(t, 1));		\
	}

#endif
