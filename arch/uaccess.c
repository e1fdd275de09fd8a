/* SPDX-License-Identifier: MIT */
/*
 * User copies: the range check around usercopy.S.
 *
 * V1  No address at or above USER_END is ever touched for a user pointer.
 */
#include "arch/uaccess.h"
#include "arch/internal.h"
#include "arch/kasan.h"
#include "lib/err.h"
#include "lib/schedpoint.h"
#include "lib/string.h"

u64 copy_from_user_keep(void *to, vaddr_t from, u64 n)
{
	if (unlikely(!access_ok(from, n)))
		return n;
	sched_point(SP_USER);
	arch_kasan_check(to, n, KASAN_WRITES);
	return raw_user_copy(to, (const void *)from, n);
}

/* As in Linux, the part that was not copied reads as zero. */
u64 copy_from_user(void *to, vaddr_t from, u64 n)
{
	u64 left = copy_from_user_keep(to, from, n);

	if (unlikely(left))
		memset((char *)to + (n - left), 0, left);
	return left;
}

u64 copy_to_user(vaddr_t to, const void *from, u64 n)
{
	if (unlikely(!access_ok(to, n)))
		return n;
	sched_point(SP_USER);
	arch_kasan_check(from, n, KASAN_READS);
	return raw_user_copy((void *)to, from, n);
}

u64 clear_user(vaddr_t to, u64 n)
{
	if (unlikely(!access_ok(to, n)))
		return n;
	return raw_user_clear(to, n);
}

ssize_t strncpy_from_user(char *to, vaddr_t from, u64 max)
{
	u64 room;
	ssize_t len;

	if (from >= USER_END)
		return -EFAULT;
	room = USER_END - from;
	arch_kasan_check(to, max, KASAN_WRITES);
	len = raw_user_strncpy(to, from, min(max, room));
	/* Without a NUL up to the end of user space: the next byte faults. */
	if (len == -ENAMETOOLONG && room < max)
		return -EFAULT;
	return len;
}

int user_load_u32(vaddr_t p, u32 *val)
{
	if (!access_ok(p, sizeof(*val)))
		return -EFAULT;
	return raw_user_load32(p, val);
}

int user_cmpxchg_u32(vaddr_t p, u32 *old, u32 new)
{
	if (!access_ok(p, sizeof(*old)))
		return -EFAULT;
	return raw_user_cmpxchg32(p, old, new);
}

u64 copy_nofault(void *to, const void *from, u64 n)
{
	return raw_nofault_copy(to, from, n);
}
