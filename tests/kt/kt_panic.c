/* SPDX-License-Identifier: MIT */
/* Symbols, and the test runner's own bookkeeping. */
#include "kernel/ktest.h"
#include "kernel/panic.h"
#include "kernel/report.h"
#include "lib/string.h"

KTEST(panic, symbols)
{
	char buf[64];
	u64 addr = ksym_lookup("ksym_format");

	KT_EQ(t, addr, (u64)ksym_format);
	KT_EXPECT(t, !strcmp(ksym_format(addr, buf, sizeof(buf)),
			     "ksym_format+0x0"));
	KT_EXPECT(t, !strcmp(ksym_format(addr + 2, buf, sizeof(buf)),
			     "ksym_format+0x2"));
	KT_EXPECT(t, !strcmp(ksym_format(0x123, buf, sizeof(buf)), "0x123"));
	KT_EQ(t, ksym_lookup("no such function"), 0);
}

static noinline u64 framed(u64 x)
{
	return ksym_lookup("no such function") + x;
}

/* What was interrupted before it had a frame: its caller is not left out. */
KTEST_FLAGS(panic, backtrace_without_frame, KTF_LAB_ONLY)
{
	u64 stack[2] = { (u64)ksym_lookup + 1, (u64)ksym_format + 1 };

	KT_EQ(t, framed(1), 1);
	for (u64 i = 0; i < 3; i++) {
		report_expect_begin();
		report_warn_begin("stopped");
		/* push %rbp is a byte long, mov %rsp, %rbp three */
		backtrace_from((u64)framed + (i == 2 ? 4 : i), 0, (u64)stack);
		report_warn_end();
		KT_EQ(t, report_expect_end(), 1);
		KT_EXPECT(t, report_has("framed+0x"));
		KT_EQ(t, report_has("ksym_lookup+0x0"), i == 0);
		KT_EQ(t, report_has("ksym_format+0x0"), i == 1);
	}
}

KTEST(ktest, counts_failures)
{
	struct kt probe = { .group = "ktest", .name = "probe" };

	/* Two lines of "expected ..." follow; they are meant. */
	KT_EXPECT(&probe, 1 + 1 == 3);
	KT_EQ(&probe, 2, 5);
	KT_EXPECT(&probe, true);
	KT_EQ(t, probe.failures, 2);
	KT_EXPECT(t, ktest_running());
}
