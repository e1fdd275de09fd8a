/* SPDX-License-Identifier: MIT */
/*
 * What checkers say, and how tests hear it.
 *
 * O1  An expected report changes nothing but the buffer below and a counter;
 *     it takes no lock, so it may be made anywhere, inside a lock too.
 * O2  A CPU whose report_keeps is not 0 has preemption off (or is in an NMI),
 *     and everything it prints goes to the buffer.
 *
 * The buffer is filled by atomically reserving room; what does not fit is
 * lost.  Tests: tests/kt/kt_report.c
 */
#include "kernel/report.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"

#define KEPT	(CONFIG_LAB ? 32768 : 1)

DEFINE_PER_CPU(u32, report_keeps);

static char kept[KEPT];
static u64 kept_len;			/* a: may be beyond KEPT */
static u32 expecting, reports;		/* a */

bool report_expecting(void)
{
	return CONFIG_LAB && READ_ONCE(expecting);
}

void report_keep(const char *s, size_t len)
{
	u64 at = __atomic_fetch_add(&kept_len, len, __ATOMIC_RELAXED);

	if (at + len < KEPT)
		memcpy(kept + at, s, len);
}

static void keep_begin(void)
{
	preempt_disable();
	this_cpu_add(report_keeps, 1);				/* O2 */
	__atomic_fetch_add(&reports, 1, __ATOMIC_SEQ_CST);
}

static void keep_end(void)
{
	this_cpu_add(report_keeps, -1);
	preempt_enable_no_resched();	/* the caller may hold a queue's lock */
}

void report_bug(const char *fmt, ...)
{
	char text[REPORT_LEN];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!report_expecting())
		panic("%s", text);
	keep_begin();
	kprintf("%s\n", text);
	lockdep_print_held();
	keep_end();
}

void report_warn_begin(const char *fmt, ...)
{
	char text[REPORT_LEN];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	preempt_disable();
	if (report_expecting()) {
		keep_begin();
	} else {
		warn_add();
	}
	pr_warn("%s\n", text);
}

void report_warn_end(void)
{
	if (report_takes_output())
		keep_end();
	preempt_enable_no_resched();
}

void report_expect_begin(void)
{
	memset(kept, 0, sizeof(kept));
	WRITE_ONCE(kept_len, 0);
	WRITE_ONCE(reports, 0);
	smp_store_release(&expecting, 1);
}

u32 report_expect_end(void)
{
	WRITE_ONCE(expecting, 0);
	return READ_ONCE(reports);
}

u32 report_count(void)
{
	return READ_ONCE(reports);
}

/* A kept text may have holes, where another CPU is still writing. */
bool report_has(const char *what)
{
	u64 end = min_t(u64, READ_ONCE(kept_len), KEPT - 1);
	size_t len = strlen(what);

	for (u64 i = 0; i + len <= end; i++)
		if (!memcmp(kept + i, what, len))
			return true;
	return false;
}

void report_print(void)
{
	u64 end = min_t(u64, READ_ONCE(kept_len), KEPT - 1);

	kprintf("# the reports:\n");
	for (u64 i = 0, n; i < end; i += n + 1) {
		for (n = 0; i + n < end && kept[i + n] != '\n'; n++)
			;
		kept[i + n] = 0;
		kprintf("# %s\n", kept + i);
		kept[i + n] = '\n';
	}
}
