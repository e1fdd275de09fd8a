/* SPDX-License-Identifier: MIT */
/*
 * mm/alloc_fail.c, and with it every allocation of whole operations: a program
 * (user/allocfail.c) has them fail one after the other.  It checks what it can
 * see; what leaked, what the auditor finds and what was warned about is seen
 * here, by the runner.
 */
#include "kernel/ktest.h"
#include "lib/err.h"
#include "mm/page_alloc.h"
#include "sys/fs.h"
#include "sys/process.h"

/* The n-th only, or all from there on. */
KTEST(alloc_fail, once_and_from)
{
	struct page *p[4];
	u32 got = 0;

	alloc_fail_nth(2);
	for (u32 i = 0; i < 4; i++) {
		p[i] = alloc_page(ALLOC_PLAIN);
		got |= p[i] ? BIT(i) : 0;
		KT_EQ(t, alloc_fail_left(), i ? 0 : 1);
		KT_EQ(t, alloc_failed_nth(), i > 0);
		if (p[i])
			put_page(p[i]);
	}
	KT_EQ(t, got, BIT(0) | BIT(2) | BIT(3));
	alloc_fail_from(3);
	for (u32 i = 0; i < 4; i++)
		p[i] = alloc_page(ALLOC_PLAIN);
	alloc_fail_nth(0);
	KT_EXPECT(t, p[0] && p[1] && !p[2] && !p[3]);
	KT_EXPECT(t, !alloc_failed_nth());
	put_page(p[0]);
	put_page(p[1]);
}

static void run_group(struct kt *t, char *group)
{
	char *const argv[] = { "/bin/allocfail", group, NULL };
	const char *why;
	struct process *p = process_spawn(argv, &why);

	if (PTR_ERR_OR_ZERO(p) == -ENOENT)
		KT_SKIP(t, "no archive");
	KT_ASSERT(t, !IS_ERR(p));
	KT_EQ(t, process_wait_end(p), 0);
	process_put(p);
}

KTEST_FLAGS(alloc_fail, fork, KTF_LAB_ONLY | KTF_SLOW)
{
	run_group(t, "fork");
}

KTEST_FLAGS(alloc_fail, exec, KTF_LAB_ONLY | KTF_SLOW)
{
	run_group(t, "exec");
}

KTEST_FLAGS(alloc_fail, mmap, KTF_LAB_ONLY | KTF_SLOW)
{
	run_group(t, "mmap");
}

KTEST_FLAGS(alloc_fail, fault, KTF_LAB_ONLY | KTF_SLOW)
{
	run_group(t, "fault");
}

KTEST_FLAGS(alloc_fail, file, KTF_LAB_ONLY | KTF_SLOW)
{
	run_group(t, "file");
}

KTEST_FLAGS(alloc_fail, other, KTF_LAB_ONLY | KTF_SLOW)
{
	run_group(t, "other");
}
