/* SPDX-License-Identifier: MIT */
/*
 * Every call that takes a pointer, with every kind of pointer that is none:
 * the answer is EFAULT, and the program and the machine go on.
 */
#include "t.h"
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

static int file, pipe_fds[2];
static struct iovec vec;
static char *none, *gone, *edge, *fixed;

/* One call with the pointer p. */
#define CALL(name, ...)							\
	static long name(void *p) { return syscall(__VA_ARGS__); }

static void *iov_to(void *p)
{
	vec = (struct iovec){ p, 64 };
	return &vec;
}

static void *const argv_ok[] = { "x", NULL };

CALL(c_read, SYS_read, file, p, 64)
CALL(c_write, SYS_write, pipe_fds[1], p, 64)
CALL(c_write_file, SYS_write, file, p, 64)
CALL(c_pread, SYS_pread64, file, p, 64, 0)
CALL(c_pwrite, SYS_pwrite64, file, p, 64, 0)
CALL(c_readv, SYS_readv, file, p, 1)
CALL(c_readv_base, SYS_readv, file, iov_to(p), 1)
CALL(c_writev, SYS_writev, pipe_fds[1], p, 1)
CALL(c_writev_base, SYS_writev, pipe_fds[1], iov_to(p), 1)
CALL(c_open, SYS_open, p, O_RDONLY)
CALL(c_openat, SYS_openat, AT_FDCWD, p, O_RDONLY)
CALL(c_stat, SYS_stat, "/tmp", p)
CALL(c_stat_path, SYS_stat, p, &vec)
CALL(c_fstat, SYS_fstat, file, p)
CALL(c_fstatat, SYS_newfstatat, AT_FDCWD, "/tmp", p, 0)
CALL(c_access, SYS_access, p, F_OK)
CALL(c_getcwd, SYS_getcwd, p, 4096)
CALL(c_chdir, SYS_chdir, p)
CALL(c_mkdir, SYS_mkdir, p, 0700)
CALL(c_rmdir, SYS_rmdir, p)
CALL(c_unlink, SYS_unlink, p)
CALL(c_rename, SYS_rename, p, "/tmp/x")
CALL(c_rename_to, SYS_rename, "/tmp/x", p)
CALL(c_readlink, SYS_readlink, "/proc/self/exe", p, 100)
CALL(c_pipe, SYS_pipe, p)
CALL(c_pipe2, SYS_pipe2, p, 0)
CALL(c_getdents, SYS_getdents64, open("/", O_RDONLY), p, 4096)
CALL(c_poll, SYS_poll, p, 1, 0)
CALL(c_select, SYS_select, 3, p, NULL, NULL, NULL)
CALL(c_execve, SYS_execve, p, argv_ok, NULL)
CALL(c_execve_argv, SYS_execve, "/proc/self/exe", p, NULL)
CALL(c_execve_env, SYS_execve, "/proc/self/exe", argv_ok, p)
CALL(c_sigaction, SYS_rt_sigaction, SIGUSR1, p, NULL, 8)
CALL(c_sigaction_old, SYS_rt_sigaction, SIGUSR1, NULL, p, 8)
CALL(c_sigprocmask, SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8)
CALL(c_sigprocmask_old, SYS_rt_sigprocmask, SIG_BLOCK, NULL, p, 8)
CALL(c_sigpending, SYS_rt_sigpending, p, 8)
CALL(c_sigsuspend, SYS_rt_sigsuspend, p, 8)
CALL(c_sigtimedwait, SYS_rt_sigtimedwait, p, NULL, NULL, 8)
CALL(c_sigaltstack, SYS_sigaltstack, p, NULL)
CALL(c_sigaltstack_old, SYS_sigaltstack, NULL, p)
CALL(c_nanosleep, SYS_nanosleep, p, NULL)
CALL(c_clock_nanosleep, SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, p, NULL)
CALL(c_clock_gettime, SYS_clock_gettime, CLOCK_MONOTONIC, p)
CALL(c_clock_getres, SYS_clock_getres, CLOCK_MONOTONIC, p)
CALL(c_gettimeofday, SYS_gettimeofday, p, NULL)
CALL(c_time, SYS_time, p)
CALL(c_times, SYS_times, p)
CALL(c_setitimer, SYS_setitimer, ITIMER_REAL, p, NULL)
CALL(c_getitimer, SYS_getitimer, ITIMER_REAL, p)
CALL(c_uname, SYS_uname, p)
CALL(c_sysinfo, SYS_sysinfo, p)
CALL(c_getrusage, SYS_getrusage, RUSAGE_SELF, p)
CALL(c_getrlimit, SYS_getrlimit, RLIMIT_STACK, p)
CALL(c_setrlimit, SYS_setrlimit, RLIMIT_CORE, p)
CALL(c_getrandom, SYS_getrandom, p, 64, 0)
CALL(c_futex, SYS_futex, p, 0, 0, NULL, NULL, 0)
CALL(c_futex_timeout, SYS_futex, &vec, 0, 0, p, NULL, 0)
CALL(c_arch_prctl, SYS_arch_prctl, 0x1003, p)
CALL(c_getaffinity, SYS_sched_getaffinity, 0, 128, p)
CALL(c_getresuid, SYS_getresuid, p, p, p)

/* The child is gone all the same. */
static long c_wait4(void *p)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return syscall(SYS_wait4, pid, p, 0, NULL);
}

#define NULL_OK		1	/* NULL means "none" */
#define UNALIGNED_OTHER	2	/* unaligned is another error */
#define WRITES		4	/* the kernel writes there */

static const struct { const char *what; long (*fn)(void *); int flags; } calls[] = {
	{ "read", c_read, WRITES }, { "write", c_write, 0 },
	{ "write to a file", c_write_file, 0 }, { "pread64", c_pread, WRITES },
	{ "pwrite64", c_pwrite, 0 }, { "readv", c_readv, 0 },
	{ "readv base", c_readv_base, WRITES }, { "writev", c_writev, 0 },
	{ "writev base", c_writev_base, 0 }, { "open", c_open, 0 },
	{ "openat", c_openat, 0 }, { "stat", c_stat, WRITES },
	{ "stat path", c_stat_path, 0 }, { "fstat", c_fstat, WRITES },
	{ "newfstatat", c_fstatat, WRITES }, { "access", c_access, 0 },
	{ "getcwd", c_getcwd, WRITES }, { "chdir", c_chdir, 0 },
	{ "mkdir", c_mkdir, 0 }, { "rmdir", c_rmdir, 0 },
	{ "unlink", c_unlink, 0 }, { "rename", c_rename, 0 },
	{ "rename to", c_rename_to, 0 }, { "readlink", c_readlink, WRITES },
	{ "pipe", c_pipe, WRITES }, { "pipe2", c_pipe2, WRITES },
	{ "getdents64", c_getdents, WRITES }, { "poll", c_poll, 0 },
	{ "select", c_select, NULL_OK }, { "execve", c_execve, 0 },
	{ "execve argv", c_execve_argv, NULL_OK },
	{ "execve env", c_execve_env, NULL_OK },
	{ "rt_sigaction", c_sigaction, NULL_OK },
	{ "rt_sigaction old", c_sigaction_old, NULL_OK | WRITES },
	{ "rt_sigprocmask", c_sigprocmask, NULL_OK },
	{ "rt_sigprocmask old", c_sigprocmask_old, NULL_OK | WRITES },
	{ "rt_sigpending", c_sigpending, WRITES },
	{ "rt_sigsuspend", c_sigsuspend, 0 },
	{ "rt_sigtimedwait", c_sigtimedwait, 0 },
	{ "sigaltstack", c_sigaltstack, NULL_OK },
	{ "sigaltstack old", c_sigaltstack_old, NULL_OK | WRITES },
	{ "nanosleep", c_nanosleep, 0 },
	{ "clock_nanosleep", c_clock_nanosleep, 0 },
	{ "clock_gettime", c_clock_gettime, WRITES },
	{ "clock_getres", c_clock_getres, NULL_OK | WRITES },
	{ "gettimeofday", c_gettimeofday, NULL_OK | WRITES },
	{ "time", c_time, NULL_OK | WRITES },
	{ "times", c_times, NULL_OK | WRITES },
	{ "setitimer", c_setitimer, NULL_OK },
	{ "getitimer", c_getitimer, WRITES }, { "uname", c_uname, WRITES },
	{ "sysinfo", c_sysinfo, WRITES }, { "getrusage", c_getrusage, WRITES },
	{ "getrlimit", c_getrlimit, WRITES },
	{ "setrlimit", c_setrlimit, 0 },
	{ "getrandom", c_getrandom, WRITES },
	{ "futex", c_futex, UNALIGNED_OTHER },
	{ "futex time-out", c_futex_timeout, NULL_OK },
	{ "ARCH_GET_FS", c_arch_prctl, WRITES },
	{ "sched_getaffinity", c_getaffinity, WRITES },
	{ "getresuid", c_getresuid, WRITES },
	{ "wait4 status", c_wait4, NULL_OK | WRITES },
};

/* How many of the bad pointers gave something else than EFAULT. */
static int try_all(unsigned long c, char *text)
{
	struct { void *p; int skip; } bad[] = {
		{ NULL, NULL_OK },
		{ (void *)1, NULL_OK << 8 | UNALIGNED_OTHER },
		{ (void *)0x7ffffffff000UL, 0 },	/* the last page's end */
		{ (void *)0x800000000000UL, 0 },	/* not canonical */
		{ (void *)0xffff800000000000UL, 0 },	/* the kernel */
		{ (void *)0xffffffff80100000UL, 0 },
		{ (void *)-8UL, 0 },
		{ none, 0 }, { gone, 0 },
	};
	int wrong = 0;

	*text = 0;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bad[i].skip & calls[c].flags)
			continue;
		errno = 0;
		if (calls[c].fn(bad[i].p) == -1 && errno == EFAULT)
			continue;
		wrong++;
		snprintf(text, 60, " (pointer %p)", bad[i].p);
	}
	return wrong;
}

static void read_only(void)
{
	char text[80];

	for (unsigned long c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		if (!(calls[c].flags & WRITES))
			continue;
		errno = 0;
		snprintf(text, sizeof(text), "%s: read-only memory",
			 calls[c].what);
		T_OK(text, calls[c].fn(fixed) == -1 && errno == EFAULT);
	}
}

/* Half of the buffer is there. */
static void partial(void)
{
	char *end = edge + PAGE;

	lseek(file, 0, SEEK_SET);
	T_EQ("read into 8 of 64 bytes gives 8", read(file, end - 8, 64), 8);
	T_EQ("and moves by 8", lseek(file, 0, SEEK_CUR), 8);
	T_ERR("uname into half", syscall(SYS_uname, end - 100), EFAULT);
	T_ERR("stat into half", syscall(SYS_stat, "/tmp", end - 72), EFAULT);
	memcpy(end - 4, "/tmp", 4);
	T_ERR("a path that does not end", open(end - 4, O_RDONLY), EFAULT);
	vec.iov_base = NULL;
}

int main(void)
{
	char text[100], where[64];
	int wrong;

	/* All of it first, so that no hole is filled again. */
	none = t_map(PAGE, PROT_NONE);
	fixed = t_map(PAGE, PROT_READ);
	gone = t_map(3 * PAGE, PROT_READ | PROT_WRITE) + PAGE;
	edge = t_map(2 * PAGE, PROT_READ | PROT_WRITE);
	munmap(gone, PAGE);
	munmap(edge + PAGE, PAGE);
	file = open("/tmp/t_badptr", O_RDWR | O_CREAT | O_TRUNC, 0600);
	unlink("/tmp/t_badptr");
	memset(edge, 'e', PAGE);
	if (write(file, edge, PAGE) != (long)PAGE || pipe(pipe_fds))
		return 2;
	for (unsigned long c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		lseek(file, 0, SEEK_SET);
		wrong = try_all(c, where);
		snprintf(text, sizeof(text), "%s%s", calls[c].what, where);
		T_EQ(text, wrong, 0);
	}
	lseek(file, 0, SEEK_SET);
	read_only();
	partial();
	return t_done();
}
