/* SPDX-License-Identifier: MIT */
/*
 * What the programs here share.  Each prints one line a check, which never
 * varies: NAME.expected is what Linux printed, byte for byte.
 */
#ifndef TESTS_ABI_T_H
#define TESTS_ABI_T_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL

static int t_failures;

/* One write(): lines of parent and child do not mix. */
static inline void t_say(const char *verdict, const char *what, long got, int err)
{
	char line[256];
	int len;

	if (*verdict == 'o')
		len = snprintf(line, sizeof(line), "ok %s\n", what);
	else
		len = snprintf(line, sizeof(line), "%s %s: got %ld, errno %d\n",
			       verdict, what, got, err);
	if (write(1, line, (size_t)len) != len)
		t_failures++;
}

static inline int t_check(int good, const char *what, long got)
{
	t_failures += !good;
	t_say(good ? "ok" : "FAILED", what, got, errno);
	return good;
}

#define T_OK(what, cond)	t_check(!!(cond), what, 0)
#define T_EQ(what, got, want) ({					\
	long t_got = (long)(got);					\
	t_check(t_got == (long)(want), what, t_got); })
/* -1 with this errno */
#define T_ERR(what, call, want) ({					\
	errno = 0;							\
	long t_ret = (long)(call);					\
	t_check(t_ret == -1 && errno == (want), what, t_ret); })

static inline int t_done(void)
{
	return t_failures ? 1 : 0;
}

/* The status of a child that ran fn; -1 when there was none. */
static inline int t_in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		fn();
		_exit(t_failures ? 99 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static inline void t_sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline void *t_map(unsigned long len, int prot)
{
	return mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

#endif
