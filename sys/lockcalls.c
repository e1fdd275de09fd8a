/* SPDX-License-Identifier: MIT */
/*
 * mlock, mlock2, munlock, mlockall, munlockall.
 * Tests: tests/abi/t_mlock
 */
#include "lib/err.h"
#include "mm/mmap.h"
#include "sys/process.h"
#include "sys/syscall.h"

#define MLOCK_ONFAULT	1
#define MCL_CURRENT	1
#define MCL_FUTURE	2
#define MCL_ONFAULT	4

static s64 lock_range(const struct sysargs *s, u64 lock)
{
	if (!READ_ONCE(cur_proc()->rlim[RLIMIT_MEMLOCK].cur))
		return -EPERM;
	return do_mlock(cur_proc()->mm, s->a[0], s->a[1], lock);
}

SYSCALL_FN(mlock)
{
	return lock_range(s, VM_LOCKED);
}

SYSCALL_FN(mlock2)
{
	u32 flags = (u32)s->a[2];

	if (flags & ~(u32)MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(s, flags ? VM_LOCK_FLAGS : VM_LOCKED);
}

SYSCALL_FN(munlock)
{
	return do_mlock(cur_proc()->mm, s->a[0], s->a[1], 0);
}

SYSCALL_FN(mlockall)
{
	u32 flags = (u32)s->a[0];
	enum lock_which which = 0;

	if (!flags || flags == MCL_ONFAULT ||
	    (flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return -EINVAL;
	if (!READ_ONCE(cur_proc()->rlim[RLIMIT_MEMLOCK].cur))
		return -EPERM;
	which |= flags & MCL_CURRENT ? LOCK_CURRENT : 0;
	which |= flags & MCL_FUTURE ? LOCK_FUTURE : 0;
	return do_mlockall(cur_proc()->mm, which,
			   flags & MCL_ONFAULT ? VM_LOCK_FLAGS : VM_LOCKED);
}

SYSCALL_NOARG(munlockall)
{
	do_munlockall(cur_proc()->mm);
	return 0;
}
