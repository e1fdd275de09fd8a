/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/fail-nth, as Linux has it for testing: a program writes N to its
 * own, and its calling thread's N-th allocation from now fails.  Reading tells
 * how many are left: 0, it has failed.  "N+", which Linux does not have, fails
 * all later ones too; 0 ends it.
 *
 * Nothing here allocates, so that reading and ending count for nothing.  Only
 * lab builds have it: others say EOPNOTSUPP.
 * Tests: tests/kt/kt_alloc_fail.c with user/allocfail.c
 */
#include "arch/uaccess.h"
#include "kernel/config.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "sys/procfs.h"

#define DIGITS	10U			/* u32's, and then "\n" */

static s64 check_access(const struct file *f)
{
	if (!CONFIG_LAB)
		return -EOPNOTSUPP;
	return f->inode->proc_pid == cur_proc()->pid ? 0 : -EPERM;
}

static s64 fail_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	char text[DIGITS + 2];
	s64 err = check_access(f);
	u64 n;

	if (err)
		return err;
	n = (u64)snprintf(text, sizeof(text), "%u\n", alloc_fail_left());
	if (*pos >= n)
		return 0;
	n = min(len, n - *pos);
	if (copy_to_user(to, text + *pos, n))
		return -EFAULT;
	*pos += n;
	return (s64)n;
}

static s64 fail_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	s64 err = check_access(f);
	char after;
	u32 n;

	if (!err)
		err = proc_get_number(from, len, &n, &after);
	if (err)
		return err;
	*pos += len;
	if (after == '+')
		alloc_fail_from(n);
	else
		alloc_fail_nth(n);
	return (s64)len;
}

const struct file_ops proc_fail_fops = {
	.read = fail_read,
	.write = fail_write,
	.flags = FOP_SEEK,
};
