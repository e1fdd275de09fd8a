/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of an operation fails once, and then each with all that
 * follow it: the operation says so, or the program is killed, and nothing is
 * changed.
 *
 *	allocfail [GROUP|NAME]		prints for each operation how many
 *					allocations it made fail
 *
 * For each operation and N = 1, 2, ... a child arms the knob (/proc/self/
 * fail-nth), does the operation, and checks its result, its own memory map and
 * its descriptors; then it does it once more with the knob off, which must
 * succeed.  That goes on until an operation ends before its N-th allocation.
 * A child may be killed by SIGKILL (out of memory), never by anything else.
 * Leaks are seen by who runs this: tests/kt/kt_alloc_fail.c.
 *
 * Status 0: all well; 1: something is wrong; 2: there is no knob.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/allocfail.h"
#include "user/allocfail_ops.h"

#define MAX_ALLOCATIONS	5000
#define STACK_TOUCHED	(8 * PAGE)
#define TIME_LIMIT	20	/* seconds: a fault that never ends, ends */
#define NAME_LEN	64

static struct {
	int knob, fired, armed;
	char text[16];			/* "N" or "N+"; "": never armed */
	struct state before;
	const struct op *op;
	char maps[32768];
} t;

void wrong(const char *what, long got)
{
	dprintf(1, "WRONG %s, failing %s: %s (%ld)\n", t.op->name, t.text, what,
		got);
	_exit(WRONG);
}

static unsigned long hash(unsigned long h, const void *from, size_t n)
{
	const unsigned char *p = from;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3UL;
	return h;
}

static void read_maps(void)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n, len = 0;

	while ((n = read(fd, t.maps + len, sizeof(t.maps) - 1 -
			 (size_t)len)) > 0)
		len += n;
	close(fd);
	t.maps[len] = 0;
}

/* Where which rights and files are mapped, however it is split. */
static unsigned long hash_maps(void)
{
	unsigned long h = 0xcbf29ce484222325UL, start, end, last = 0;
	char rights[8], now[8 + NAME_LEN], before[8 + NAME_LEN] = "";
	char *line, *next;
	int name;

	read_maps();
	for (line = t.maps; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s%n", &start, &end,
			   rights, &name) < 3)
			wrong("a line of maps", line - t.maps);
		snprintf(now, sizeof(now), "%s %s", rights, line + name);
		if (start != last || strcmp(now, before)) {
			h = hash(h, &last, sizeof(last));
			h = hash(h, &start, sizeof(start));
			h = hash(h, now, strlen(now));
		}
		strcpy(before, now);
		last = end;
	}
	return hash(h, &last, sizeof(last));
}

static struct state state_now(void)
{
	struct state s = { .maps = hash_maps(), .fd = dup(t.knob) };

	close(s.fd);
	return s;
}

void part_begin(void)
{
	t.armed = 1;
	if (*t.text && pwrite(t.knob, t.text, strlen(t.text), 0) < 0)
		wrong("arming", errno);
	errno = 0;
}

long part_end(long ret)
{
	int err = errno;
	char left[16] = "";

	if (*t.text) {
		if (pread(t.knob, left, sizeof(left) - 1, 0) <= 0 ||
		    pwrite(t.knob, "0", 1, 0) != 1)
			wrong("the knob", errno);
		t.fired = !atoi(left);
	}
	errno = err;
	if (ret == -1 && !t.fired)
		wrong("failed, but no allocation did", err);
	return ret == -1 ? -err : ret;
}

void try_begin(void)
{
	t.before = state_now();
	part_begin();
}

long try_end(long ret)
{
	struct state now;

	ret = part_end(ret);
	if (ret >= 0)
		return ret;
	now = state_now();
	if (now.maps != t.before.maps)
		wrong("it failed and changed the memory map", ret);
	if (now.fd != t.before.fd)
		wrong("it failed and left a descriptor", now.fd);
	return ret;
}

void knob_open(void)
{
	t.knob = open("/proc/self/fail-nth", O_RDWR);
	MUST(t.knob >= 0);
}

int knob_fd(void)
{
	return t.knob;
}

void set_fired(int fired)
{
	t.fired = fired;
}

/* No page of ours is touched for the first time while the knob is armed. */
static void touch_own(void)
{
	volatile char stack[STACK_TOUCHED];

	for (unsigned long i = 0; i < STACK_TOUCHED; i += PAGE)
		stack[i] = 1;
	(void)stack[0];
	memset(t.maps, 1, sizeof(t.maps));
	memset(buffer, 1, sizeof(buffer));
}

static int says_no_memory(long ret)
{
	return ret == -ENOMEM || ret == -EAGAIN || ret == -ENFILE ||
	       ret == -EFAULT || ret == -ENOSPC;
}

static void child(const struct op *op, unsigned long n, const char *suffix)
{
	long ret;

	t.op = op;
	touch_own();
	snprintf(t.text, sizeof(t.text), "%lu%s", n, suffix);
	knob_open();
	alarm(TIME_LIMIT);
	ret = op->run();
	if (!t.armed)
		wrong("never armed", 0);
	if (ret < 0 && !says_no_memory(ret))
		wrong("another error", -ret);
	if (!t.fired)
		_exit(ret ? WRONG : UNTOUCHED);
	*t.text = 0;
	ret = op->run();
	if (ret)
		wrong("once more, with the knob off", ret);
	_exit(FAILED_WELL);
}

/* The status of a child whose n-th allocation failed. */
static int try_one(const struct op *op, unsigned long n, const char *suffix)
{
	int fds[2], status = -1;
	char byte;
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid)
		child(op, n, suffix);
	close(fds[1]);
	if (pid > 0 && waitpid(pid, &status, 0) != pid)
		status = -1;
	while (read(fds[0], &byte, 1) > 0)	/* its children have ended */
		;
	close(fds[0]);
	return status;
}

/* How many allocations failed; 0 and a message when something went wrong. */
static unsigned long sweep(const struct op *op, const char *suffix)
{
	for (unsigned long n = 1; n < MAX_ALLOCATIONS; n++) {
		int status = try_one(op, n, suffix);

		if (status == UNTOUCHED << 8)
			return n;		/* one more than failed */
		if (status && status != SIGKILL) {
			printf("WRONG %s, failing %lu%s: status %x\n", op->name,
			       n, suffix, (unsigned int)status);
			return 0;
		}
	}
	printf("WRONG %s: it never ends\n", op->name);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long once, from, total = 0, bad = 0;
	char byte;

	if (argc > 1 && !strcmp(argv[1], AFTER_EXEC))
		_exit(after_exec());
	t.knob = open("/proc/self/fail-nth", O_RDWR);
	if (t.knob < 0 || read(t.knob, &byte, 1) != 1) {
		printf("allocfail: no knob\n");
		return 2;
	}
	close(t.knob);
	setvbuf(stdout, NULL, _IONBF, 0);
	for (const struct op *op = ops; op->name; op++) {
		if (argc > 1 && strcmp(argv[1], op->group) &&
		    strcmp(argv[1], op->name))
			continue;
		once = sweep(op, "");
		from = sweep(op, "+");
		bad += !once || !from;
		total += once + from;
		printf("%-8s %-24s %4ld %4ld\n", op->group, op->name,
		       (long)once - 1, (long)from - 1);
	}
	printf("allocfail: %lu children, %lu wrong\n", total, bad);
	return bad || !total;
}
