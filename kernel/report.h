/* SPDX-License-Identifier: MIT */
/*
 * Reports of the checkers.
 *
 * A checker of lab builds that finds a bug says so by report_bug(): a panic,
 * unless a test expects reports.  Then the text is kept, nothing stops, and
 * the test looks at what was said:
 *
 *	report_expect_begin();
 *	... what must be reported ...
 *	KT_EQ(t, report_expect_end(), 1);
 *	KT_EXPECT(t, report_has("taken at spin_lock"));
 *
 * What is no proof of a bug (a thread that sleeps too long) is printed between
 * report_warn_begin() and report_warn_end(): a warning, which fails the test
 * that runs, or, when it is expected, kept like the others.
 */
#ifndef KERNEL_REPORT_H
#define KERNEL_REPORT_H

#include "arch/percpu.h"
#include "kernel/config.h"
#include "lib/compiler.h"
#include "lib/types.h"

#define REPORT_LEN	640

/* Any context but NMI.  Returns only when the report was expected. */
void report_bug(const char *fmt, ...) __printf(1, 2);
/* Preemption is off in between, and what this CPU prints is the report's. */
void report_warn_begin(const char *fmt, ...) __printf(1, 2);
void report_warn_end(void);

/* Tests, one at a time.  Until the end reports of all CPUs are kept. */
void report_expect_begin(void);
u32 report_expect_end(void);		/* how many there were */
bool report_expecting(void);
u32 report_count(void);			/* since report_expect_begin() */
/* Does the text of the last expectation contain this? */
bool report_has(const char *what);
void report_print(void);		/* that text, for a test that fails */

/*
 * For printk.c: output of a CPU that makes an expected report is kept.  In a
 * release build the compiler drops it.
 */
DECLARE_PER_CPU(u32, report_keeps);
void report_keep(const char *s, size_t len);
static inline bool report_takes_output(void)
{
	return CONFIG_LAB && unlikely(this_cpu_read(report_keeps));
}

#endif
