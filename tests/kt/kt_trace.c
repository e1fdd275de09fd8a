/* SPDX-License-Identifier: MIT */
/* The event trace. */
#include "kernel/config.h"
#include "kernel/ipi.h"
#include "kernel/trace.h"
#include "tests/kt/kt_util.h"

#define MAGIC	0x7ace7ace

static struct trace_rec rec[512];
static u32 cpus[512];

static void mark_here(void *arg)
{
	TRACE4(MARK, MAGIC, smp_processor_id(), arg, 3);
}

/* Records of ours since mark. */
static u32 ours(u64 mark)
{
	u32 n = trace_collect(mark, rec, cpus, ARRAY_SIZE(rec)), k = 0;

	for (u32 i = 0; i < n; i++) {
		if (rec[i].event != TE_MARK || rec[i].arg[0] != MAGIC)
			continue;
		rec[k] = rec[i];
		cpus[k++] = cpus[i];
	}
	return k;
}

KTEST(trace, all_cpus)
{
	struct cpumask seen = CPUMASK_NONE;
	u64 mark = trace_mark();
	u32 n;

	on_each_cpu(mark_here, (void *)42);
	n = ours(mark);
	KT_EQ(t, n, kt_cpus());
	for (u32 i = 0; i < n; i++) {
		KT_EQ(t, rec[i].arg[1], cpus[i]);
		KT_EQ(t, rec[i].arg[2], 42);
		cpumask_set_cpu(cpus[i], &seen);
	}
	KT_EQ(t, cpumask_weight(&seen), kt_cpus());
}

KTEST(trace, in_order)
{
	u64 mark = trace_mark();
	u32 n;

	for (u64 i = 0; i < 50; i++)
		mark_here((void *)i);
	n = ours(mark);
	KT_EQ(t, n, 50);
	for (u32 i = 0; i < n; i++)
		KT_EQ(t, rec[i].arg[2], i);
	for (u32 i = 1; i < n; i++)
		KT_EXPECT(t, rec[i].time >= rec[i - 1].time);
	KT_EQ(t, ours(trace_mark()), 0);
}

/* Older events give way; the newest are there. */
KTEST(trace, wraps)
{
	u64 mark = trace_mark();
	u32 n;

	thread_migrate_self(kt_cpu(0));
	for (u64 i = 0; i < CONFIG_TRACE_EVENTS + 100; i++)
		mark_here((void *)i);
	n = trace_collect(mark, rec, cpus, 1);
	KT_EQ(t, n, 1);
	n = ours(rec[0].time);
	KT_EXPECT(t, n > 0);
	thread_set_affinity(current(), &cpu_online_mask);
}

KTEST(trace, format)
{
	struct trace_rec r = { .event = TE_MOVE_FLUSH, .arg = { 0xab, 3, 9 } };
	char buf[96];

	trace_format(&r, buf, sizeof(buf));
	KT_EXPECT(t, !strcmp(buf, "MOVE_FLUSH    mm ab tables 3 gen 9"));
	r.event = NR_TRACE_EVENTS;
	trace_format(&r, buf, sizeof(buf));
	KT_EXPECT(t, buf[0] != 0);
}
