/* SPDX-License-Identifier: MIT */
/* Calls that stand alone: clone3, close_range, getcpu, membarrier. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdint.h>

#include "tests/abi/t.h"

#ifndef SYS_clone3
#define SYS_clone3	435
#endif
#ifndef SYS_close_range
#define SYS_close_range	436
#endif
#ifndef SYS_membarrier
#define SYS_membarrier	324
#endif

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
		 stack_size, tls, set_tid, set_tid_size, cgroup, future[2];
};

static long clone3_raw(struct args *a, unsigned long size)
{
	return syscall(SYS_clone3, a, size);
}

static void handler(int sig)
{
	(void)sig;
}

static void clone3_calls(void)
{
	struct args a = { .exit_signal = SIGCHLD };
	struct sigaction sa;
	int status, tid = 0;
	long pid;

	T_ERR("small structure", clone3_raw(&a, 56), EINVAL);
	T_ERR("large structure", clone3_raw(&a, 5000), E2BIG);
	a.future[0] = 1;
	T_ERR("of the future", clone3_raw(&a, sizeof(a)), E2BIG);
	a.future[0] = 0;
	a.exit_signal = 65;
	T_ERR("signal 65", clone3_raw(&a, 64), EINVAL);
	a.exit_signal = SIGCHLD;
	a.flags = SIGCHLD;
	T_ERR("a signal among the flags", clone3_raw(&a, 64), EINVAL);
	a.flags = 0;
	a.stack_size = 4096;
	T_ERR("a size without a stack", clone3_raw(&a, 64), EINVAL);
	a.stack_size = 0;
	T_ERR("nowhere", clone3_raw((void *)8, 64), EFAULT);
	a.flags = CLONE_PARENT_SETTID | 0x100000000ULL;	/* CLEAR_SIGHAND */
	a.parent_tid = (uintptr_t)&tid;
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	pid = clone3_raw(&a, sizeof(a));
	if (!pid) {
		sigaction(SIGUSR1, NULL, &sa);
		status = sa.sa_handler != SIG_DFL;
		sigaction(SIGUSR2, NULL, &sa);
		_exit(40 + status + 2 * (sa.sa_handler != SIG_IGN));
	}
	T_OK("a child", pid > 0);
	T_EQ("its number was stored", tid, pid);
	T_EQ("it ends", waitpid((pid_t)pid, &status, 0), pid);
	T_EQ("its handlers were reset", WEXITSTATUS(status), 40);
}

static void close_ranges(void)
{
	int a = open("/dev/null", O_RDONLY), b = dup(a), c = dup(a);

	T_ERR("backwards", syscall(SYS_close_range, 5, 4, 0), EINVAL);
	T_ERR("flags", syscall(SYS_close_range, 100, 200, 1), EINVAL);
	T_EQ("close-on-exec", syscall(SYS_close_range, b, b, 4), 0);
	T_EQ("is set", fcntl(b, F_GETFD), FD_CLOEXEC);
	T_EQ("for that one", fcntl(c, F_GETFD), 0);
	T_EQ("two", syscall(SYS_close_range, b, c, 0), 0);
	T_ERR("closed", fcntl(b, F_GETFD), EBADF);
	T_ERR("closed", fcntl(c, F_GETFD), EBADF);
	T_EQ("not the first", fcntl(a, F_GETFD), 0);
	T_EQ("from there on", syscall(SYS_close_range, a, ~0U, 0), 0);
	T_ERR("closed", fcntl(a, F_GETFD), EBADF);
}

static void others(void)
{
	unsigned int cpu = 99999, node = 99999;

	T_EQ("getcpu", syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	T_OK("a CPU, a node", cpu < 4096 && node < 4096);
	T_EQ("neither is wanted", syscall(SYS_getcpu, NULL, NULL, NULL), 0);
	T_ERR("nowhere", syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
	T_OK("membarrier: what there is",
	     (syscall(SYS_membarrier, 0, 0, 0) & 25) == 25);
	T_ERR("not registered", syscall(SYS_membarrier, 8, 0, 0), EPERM);
	T_EQ("registered", syscall(SYS_membarrier, 16, 0, 0), 0);
	T_EQ("now", syscall(SYS_membarrier, 8, 0, 0), 0);
	T_EQ("everywhere", syscall(SYS_membarrier, 1, 0, 0), 0);
	T_ERR("flags", syscall(SYS_membarrier, 8, 1 << 20, 0), EINVAL);
	T_ERR("no such command", syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
}

int main(void)
{
	clone3_calls();
	close_ranges();
	others();
	return t_done();
}
