/* SPDX-License-Identifier: MIT */
/* Symbols, and the test runner's own bookkeeping. */
#include "kernel/ktest.h"
#include "kernel/panic.h"
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
