/* SPDX-License-Identifier: MIT */
/*
 * The system call table and its dispatch.
 *
 * D1  The result is in rax before upcall_return_to_user() runs; the number
 *     stays in regs->error, so that a restarted call finds it.
 * D2  An unknown number is -ENOSYS and is reported once for each number.
 *
 * Tests: tests/abi/, each call's in syscall.tbl
 */
#include "arch/upcall.h"
#include "kernel/printk.h"
#include "lib/bitmap.h"
#include "lib/err.h"
#include "sys/process.h"
#include "sys/syscall.h"

#define NR_SYSCALLS	512

static s64 (*const table[NR_SYSCALLS])(const struct sysargs *s) = {
#define SYSCALL(nr, name, test)	[nr] = sys_##name,
#include "sys/syscall.tbl"
#undef SYSCALL
};

/* The last bit stands for every number beyond the table. */
static DECLARE_BITMAP(reported, NR_SYSCALLS + 1);

static s64 unknown(u64 nr)
{
	if (!test_and_set_bit(min(nr, (u64)NR_SYSCALLS), reported))
		pr_warn("%s[%u]: system call %llu is not implemented\n",
			cur_proc()->comm, cur_proc()->pid, nr);
	return -ENOSYS;
}

void upcall_syscall(struct regs *r)
{
	struct sysargs s = {
		{ r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 }, r,
	};
	u64 nr = (u64)(s64)(s32)r->error;	/* a number is an int */

	if (unlikely(nr >= NR_SYSCALLS || !table[nr]))
		r->rax = (u64)unknown(nr);
	else
		r->rax = (u64)table[nr](&s);
}

