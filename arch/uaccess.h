/* SPDX-License-Identifier: MIT */
/*
 * Copies between kernel and user memory.  Any user address may be passed:
 * the range is checked against USER_END, faults are taken with STAC set and
 * resolved by the exception table.
 * Context: may sleep (faults), so not under a spinlock or with irqs off.
 */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "arch/layout.h"

static inline bool access_ok(vaddr_t va, u64 len)
{
	return len <= USER_END && va <= USER_END - len;
}

/* Returns the number of bytes NOT copied: 0 is success, as in Linux. */
u64 __must_check copy_from_user(void *to, vaddr_t from, u64 n);
/* The same, but bytes of `to` that were not copied stay as they were. */
u64 __must_check copy_from_user_keep(void *to, vaddr_t from, u64 n);
u64 __must_check copy_to_user(vaddr_t to, const void *from, u64 n);
u64 __must_check clear_user(vaddr_t to, u64 n);
/* Length copied without the NUL, -EFAULT, or -ENAMETOOLONG if no NUL in max. */
ssize_t strncpy_from_user(char *to, vaddr_t from, u64 max);
/* Atomic user word ops.  0 or -EFAULT; *old gets the previous value. */
int user_load_u32(vaddr_t p, u32 *val);
int user_cmpxchg_u32(vaddr_t p, u32 *old, u32 new);
/* Copy without taking faults (panic, backtraces): any kernel/user address. */
u64 copy_nofault(void *to, const void *from, u64 n);

#define get_user_val(dst, uaddr) \
	(copy_from_user(&(dst), (uaddr), sizeof(dst)) ? -EFAULT : 0)
#define put_user_val(uaddr, src) \
	(copy_to_user((uaddr), &(src), sizeof(src)) ? -EFAULT : 0)

#endif
