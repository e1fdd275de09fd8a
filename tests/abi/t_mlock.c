/* SPDX-License-Identifier: MIT */
/* mlock and its relatives, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_DATA. */
#include <sys/resource.h>

#include "tests/abi/t.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT	1
#endif

static long mlock2_raw(void *p, unsigned long len, int flags)
{
	return syscall(SYS_mlock2, p, len, flags);
}

static void limit(int which, unsigned long cur)
{
	struct rlimit rl;

	getrlimit(which, &rl);
	rl.rlim_cur = cur;
	T_EQ("setrlimit", setrlimit(which, &rl), 0);
}

static void ranges(void)
{
	char *p = t_map(8 * PAGE, PROT_READ | PROT_WRITE);

	T_EQ("mlock", mlock(p, PAGE), 0);
	T_EQ("mlock in the middle of a page", mlock(p + 2 * PAGE + 5, 10), 0);
	T_EQ("munlock", munlock(p, 8 * PAGE), 0);
	T_EQ("munlock what is not locked", munlock(p, 8 * PAGE), 0);
	T_EQ("mlock of nothing", mlock(p, 0), 0);
	T_ERR("mlock wraps", mlock(p, -PAGE), ENOMEM);
	T_ERR("munlock wraps", munlock(p, -PAGE), EINVAL);
	T_EQ("mlock2", mlock2_raw(p, PAGE, 0), 0);
	T_EQ("mlock2 as they come", mlock2_raw(p, PAGE, MLOCK_ONFAULT), 0);
	T_ERR("mlock2 flags", mlock2_raw(p, PAGE, 2), EINVAL);
	munmap(p + 4 * PAGE, PAGE);
	T_ERR("mlock over a hole", mlock(p, 8 * PAGE), ENOMEM);
	T_ERR("munlock over a hole", munlock(p, 8 * PAGE), ENOMEM);
	T_ERR("mlock of a hole", mlock(p + 4 * PAGE, PAGE), ENOMEM);
	mprotect(p + 6 * PAGE, PAGE, PROT_NONE);
	T_ERR("mlock of what cannot be read", mlock(p + 6 * PAGE, PAGE), ENOMEM);
	munmap(p, 8 * PAGE);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	T_OK("MAP_LOCKED", p != MAP_FAILED);
	munmap(p, PAGE);
}

static void everything(void)
{
	T_ERR("mlockall of what?", mlockall(0), EINVAL);
	T_ERR("mlockall flags", mlockall(8), EINVAL);
	T_ERR("only MCL_ONFAULT", mlockall(4), EINVAL);
	T_EQ("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	T_OK("a new mapping", t_map(4 * PAGE, PROT_READ) != MAP_FAILED);
	T_EQ("munlockall", munlockall(), 0);
	T_EQ("munlockall again", munlockall(), 0);
}

static void lock_limit(void)
{
	char *p = t_map(8 * PAGE, PROT_READ | PROT_WRITE);

	limit(RLIMIT_MEMLOCK, 4 * PAGE);
	T_EQ("four pages", mlock(p, 4 * PAGE), 0);
	T_EQ("the same four", mlock(p, 4 * PAGE), 0);
	T_ERR("a fifth", mlock(p + 4 * PAGE, PAGE), ENOMEM);
	T_ERR("MAP_LOCKED", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE |
				       MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EAGAIN);
	T_ERR("everything", mlockall(MCL_CURRENT), ENOMEM);
	munlock(p, PAGE);
	T_EQ("one for another", mlock(p + 4 * PAGE, PAGE), 0);
	limit(RLIMIT_MEMLOCK, 0);
	T_ERR("limit 0", mlock(p, PAGE), EPERM);
	T_ERR("limit 0, all", mlockall(MCL_CURRENT), EPERM);
	T_EQ("munlock", munlock(p, 8 * PAGE), 0);
	munmap(p, 8 * PAGE);
}

static void size_limits(void)
{
	struct rlimit rl;
	void *brk0 = sbrk(0);

	limit(RLIMIT_DATA, 0);
	T_ERR("brk over RLIMIT_DATA",
	      syscall(SYS_brk, (char *)brk0 + 64 * PAGE) ==
	      (long)((char *)brk0 + 64 * PAGE) ? 0 : (errno = ENOMEM, -1), ENOMEM);
	limit(RLIMIT_AS, 16UL << 20);
	T_ERR("64 MiB", (long)t_map(64UL << 20, PROT_READ), ENOMEM);
	T_ERR("64 MiB in place of others",
	      (long)mmap((void *)0x10000000, 64UL << 20, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
	getrlimit(RLIMIT_AS, &rl);
	rl.rlim_max = rl.rlim_cur;
	T_EQ("a lower maximum", setrlimit(RLIMIT_AS, &rl), 0);
	rl.rlim_max = 32UL << 20;
	T_ERR("is for good", setrlimit(RLIMIT_AS, &rl), EPERM);
	rl.rlim_cur = 64UL << 20;
	T_ERR("more than the maximum", setrlimit(RLIMIT_AS, &rl), EINVAL);
}

int main(void)
{
	ranges();
	everything();
	lock_limit();
	size_limits();
	return t_done();
}
