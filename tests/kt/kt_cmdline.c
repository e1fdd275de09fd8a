/* SPDX-License-Identifier: MIT */
/* The command line: words, quotes, what is not known. */
#include "kernel/cmdline.h"
#include "kernel/ktest.h"
#include "kernel/printk.h"
#include "lib/err.h"
#include "lib/string.h"

static char got[64];
static u32 calls;
static bool no_value;

static int param_kt(const char *value)
{
	calls++;
	no_value = !value;
	if (!value)
		return 0;
	if (!strcmp(value, "bad"))
		return -EINVAL;
	strlcpy(got, value, sizeof(got));
	return 0;
}
PARAM(kt_test_option, param_kt, "for the self-tests");

static void parse(const char *text)
{
	static char line[128];

	calls = 0;
	no_value = false;
	got[0] = 0;
	strlcpy(line, text, sizeof(line));
	cmdline_parse(line);
}

KTEST(cmdline, words)
{
	parse("kt_test_option=one");
	KT_EXPECT(t, calls == 1 && !strcmp(got, "one"));
	parse("  kt_test_option=a   kt_test_option=b  ");
	KT_EXPECT(t, calls == 2 && !strcmp(got, "b"));
	parse("kt_test_option");
	KT_EXPECT(t, calls == 1 && no_value);
	parse("kt_test_option=");
	KT_EXPECT(t, calls == 1 && !no_value && !got[0]);
	parse("");
	KT_EQ(t, calls, 0);
}

KTEST(cmdline, quotes)
{
	parse("kt_test_option=\"help; cpus\"");
	KT_EXPECT(t, calls == 1 && !strcmp(got, "help; cpus"));
	parse("kt_test_option='it is \"so\"' kt_test_option");
	KT_EXPECT(t, calls == 2 && !strcmp(got, "it is \"so\""));
	parse("\"kt_test_option=x y\"");
	KT_EXPECT(t, calls == 1 && !strcmp(got, "x y"));
	parse("kt_test_option=\"never closed");
	KT_EXPECT(t, calls == 1 && !strcmp(got, "never closed"));
}

KTEST(cmdline, first_word)
{
	parse("build/kernel.elf kt_test_option=1");
	KT_EQ(t, calls, 1);
	parse("kernel.elf kt_test_option=1");
	KT_EQ(t, calls, 1);
	parse("kt_test_option=/a/path.elf");	/* no file name: it has a '=' */
	KT_EQ(t, calls, 1);
}

KTEST(cmdline, not_known)
{
	enum panic_action action = panic_action;
	int level = console_loglevel;
	u32 cpus = boot_max_cpus;

	/* Each gets a warning (seen on the console) and changes nothing. */
	parse("no_such_option no_such=1 loglevel=nine loglevel= smp=0 "
	      "panic=maybe kt_test_option=bad");
	KT_EQ(t, console_loglevel, level);
	KT_EQ(t, boot_max_cpus, cpus);
	KT_EQ(t, panic_action, action);
	KT_EQ(t, calls, 1);
	KT_EXPECT(t, !got[0]);
}
