/* SPDX-License-Identifier: MIT */
/*
 * bench: what the operations of memory management cost a program.
 *
 *	bench [NAME]	all, or those whose name begins with NAME
 *
 * Each line: time stamp counter ticks and nanoseconds per operation, the least
 * of ROUNDS rounds. On a machine that counts instructions as time (QEMU with
 * -icount shift=0) the ticks are the instructions that were executed, kernel
 * and program together, and the same in every run. The same program runs on
 * Linux.
 *
 * A benchmark prepares, calls start(), does the operation many times, calls
 * stop() (as often as it likes) and returns how many operations that were.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/bench.h"

/* musl's headers have no <linux/futex.h>. */
#define FUTEX_WAIT_PRIVATE	128
#define FUTEX_WAKE_PRIVATE	129

#define ROUNDS	5
#define FILE_PAGES	256UL

static const char *self;	/* path of this program */
static int file_fd;

/* Ends at once, or at a byte from the pipe. */
static pid_t child_that_ends(int wait_fd)
{
	pid_t pid = fork();
	char c;

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	_exit(wait_fd >= 0 && read(wait_fd, &c, 1) < 0);
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("a child");
}

static unsigned long b_getppid(void)
{
	const unsigned long n = 1000;

	start();
	for (unsigned long i = 0; i < n; i++)
		syscall(SYS_getppid);
	stop();
	return n;
}

static unsigned long b_read(void)
{
	static char buf[PAGE];

	start();
	for (unsigned long i = 0; i < FILE_PAGES; i++)
		if (pread(file_fd, buf, PAGE, (off_t)(i * PAGE)) != PAGE)
			die("pread");
	stop();
	return FILE_PAGES;
}

static unsigned long b_write(void)
{
	static char buf[PAGE];

	start();
	for (unsigned long i = 0; i < FILE_PAGES; i++)
		if (pwrite(file_fd, buf, PAGE, (off_t)(i * PAGE)) != PAGE)
			die("pwrite");
	stop();
	return FILE_PAGES;
}

static unsigned long b_anon_read(void)
{
	char *p = map_anon(256);

	start();
	read_pages(p, 256);
	stop();
	unmap(p, 256);
	return 256;
}

static unsigned long b_anon_write(void)
{
	char *p = map_anon(256);

	start();
	write_pages(p, 256);
	stop();
	unmap(p, 256);
	return 256;
}

/* A child that still has the pages makes each write a copy. */
static unsigned long b_cow(void)
{
	char *p = map_anon(256);
	int fds[2];
	pid_t pid;

	write_pages(p, 256);
	if (pipe(fds))
		die("pipe");
	pid = child_that_ends(fds[0]);
	start();
	write_pages(p, 256);
	stop();
	if (write(fds[1], "", 1) != 1)
		die("write");
	wait_for(pid);
	close(fds[0]);
	close(fds[1]);
	unmap(p, 256);
	return 256;
}

/* The child is gone: the page is ours alone again. */
static unsigned long b_cow_reuse(void)
{
	char *p = map_anon(256);

	write_pages(p, 256);
	wait_for(child_that_ends(-1));
	start();
	write_pages(p, 256);
	stop();
	unmap(p, 256);
	return 256;
}

/* One page of each vma: what is mapped around it helps nobody. */
static unsigned long b_file_one(void)
{
	char *p[64];

	for (int i = 0; i < 64; i++)
		p[i] = map(1, PROT_READ, MAP_SHARED, file_fd);
	start();
	for (int i = 0; i < 64; i++)
		read_pages(p[i], 1);
	stop();
	for (int i = 0; i < 64; i++)
		unmap(p[i], 1);
	return 64;
}

static unsigned long b_file_many(void)
{
	char *p = map(FILE_PAGES, PROT_READ, MAP_SHARED, file_fd);

	start();
	read_pages(p, FILE_PAGES);
	stop();
	unmap(p, FILE_PAGES);
	return FILE_PAGES;
}

static unsigned long b_file_write(void)
{
	char *p = map(FILE_PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd);

	start();
	write_pages(p, FILE_PAGES);
	stop();
	unmap(p, FILE_PAGES);
	return FILE_PAGES;
}

static unsigned long b_mmap(void)
{
	const unsigned long n = 200;

	start();
	for (unsigned long i = 0; i < n; i++)
		unmap(map_anon(1), 1);
	stop();
	return n;
}

static unsigned long b_mmap_touch(void)
{
	const unsigned long n = 200;
	char *p;

	start();
	for (unsigned long i = 0; i < n; i++) {
		p = map_anon(1);
		write_pages(p, 1);
		unmap(p, 1);
	}
	stop();
	return n;
}

/* pages written before; there and back again `times` times. */
static void protect(size_t pages, unsigned long times)
{
	char *p = map_anon(pages);

	write_pages(p, pages);
	start();
	for (unsigned long i = 0; i < times; i++)
		if (mprotect(p, pages * PAGE, PROT_READ) ||
		    mprotect(p, pages * PAGE, PROT_READ | PROT_WRITE))
			die("mprotect");
	stop();
	unmap(p, pages);
}

static unsigned long b_mprotect(void)
{
	protect(1, 100);
	return 200;
}

static unsigned long b_mprotect_many(void)
{
	protect(256, 10);
	return 20UL * 256;
}

static unsigned long b_mremap(void)
{
	char *p = map_anon(256), *room = map_anon(1024), *q;
	const unsigned long n = 10;

	write_pages(p, 256);
	start();
	for (unsigned long i = 0; i < n; i++) {
		q = room + (i % 2 ? 0 : 512 * PAGE);
		p = mremap(p, 256 * PAGE, 256 * PAGE,
			   MREMAP_MAYMOVE | MREMAP_FIXED, q);
		if (p == MAP_FAILED)
			die("mremap");
	}
	stop();
	unmap(room, 1024);
	return n;
}

static unsigned long b_dontneed(void)
{
	char *p = map_anon(256);

	for (int i = 0; i < 4; i++) {
		write_pages(p, 256);
		start();
		if (madvise(p, 256 * PAGE, MADV_DONTNEED))
			die("madvise");
		stop();
	}
	unmap(p, 256);
	return 4;
}

static unsigned long b_munmap(void)
{
	char *p = map_anon(1024);

	write_pages(p, 1024);
	start();
	unmap(p, 1024);
	stop();
	return 1024;
}

static unsigned long forks(size_t pages, unsigned long n)
{
	char *p = map_anon(pages);

	write_pages(p, pages);
	start();
	for (unsigned long i = 0; i < n; i++)
		wait_for(child_that_ends(-1));
	stop();
	unmap(p, pages);
	return n;
}

static unsigned long b_fork16(void)
{
	return forks(16, 10);
}

static unsigned long b_fork1k(void)
{
	return forks(1024, 4);
}

static unsigned long b_fork16k(void)
{
	return forks(16384, 1);
}

static unsigned long b_exec(void)
{
	const unsigned long n = 5;
	pid_t pid;

	start();
	for (unsigned long i = 0; i < n; i++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			execl(self, self, "exit", (char *)NULL);
			_exit(1);
		}
		wait_for(pid);
	}
	stop();
	return n;
}

static unsigned long b_pipe(void)
{
	const unsigned long n = 100;
	int to[2], from[2];
	pid_t pid;
	char c = 0;

	if (pipe(to) || pipe(from))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		for (unsigned long i = 0; i < n; i++)
			if (read(to[0], &c, 1) != 1 || write(from[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	start();
	for (unsigned long i = 0; i < n; i++)
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1)
			die("pipe");
	stop();
	wait_for(pid);
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
	return n;
}

static int turn;	/* whose: 0 or 1 */

static void hand_over(int me)
{
	__atomic_store_n(&turn, !me, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_turn(int me)
{
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != me)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !me, NULL, NULL,
			0);
}

static void *futex_partner(void *arg)
{
	for (unsigned long n = *(const unsigned long *)arg; n; n--) {
		wait_turn(1);
		hand_over(1);
	}
	return NULL;
}

static unsigned long b_futex(void)
{
	unsigned long n = 100;
	pthread_t t;

	turn = 0;
	if (pthread_create(&t, NULL, futex_partner, &n))
		die("pthread_create");
	start();
	for (unsigned long i = 0; i < n; i++) {
		hand_over(0);
		wait_turn(0);
	}
	stop();
	pthread_join(t, NULL);
	return n;
}

static const struct {
	const char *name;
	unsigned long (*run)(void);
} benchmarks[] = {
	{ "getppid", b_getppid },
	{ "read 4 KiB, cached", b_read },
	{ "write 4 KiB, cached", b_write },
	{ "anonymous read fault", b_anon_read },
	{ "anonymous write fault", b_anon_write },
	{ "copy-on-write fault", b_cow },
	{ "copy-on-write fault, reuse", b_cow_reuse },
	{ "file read fault, cached, one page", b_file_one },
	{ "file read faults, cached, per page", b_file_many },
	{ "shared file write fault", b_file_write },
	{ "mmap+munmap, untouched", b_mmap },
	{ "mmap+munmap of one touched page", b_mmap_touch },
	{ "mprotect 1 page, one way", b_mprotect },
	{ "mprotect 256 pages, per page, one way", b_mprotect_many },
	{ "mremap move of 256 pages", b_mremap },
	{ "MADV_DONTNEED of 256 pages", b_dontneed },
	{ "munmap, per touched page", b_munmap },
	{ "fork+exit+wait, 16 pages", b_fork16 },
	{ "fork+exit+wait, 1024 pages", b_fork1k },
	{ "fork+exit+wait, 16384 pages", b_fork16k },
	{ "fork+exec+exit+wait", b_exec },
	{ "pipe round trip, 2 processes", b_pipe },
	{ "futex round trip, 2 threads", b_futex },
};
#define NR_BENCHMARKS	(sizeof(benchmarks) / sizeof(benchmarks[0]))

static struct cost least(unsigned long (*run)(void))
{
	struct cost best = { -1UL, -1UL };
	unsigned long n;

	for (int i = 0; i < ROUNDS; i++) {
		spent = (struct cost){ 0, 0 };
		n = run();
		if (spent.ticks / n < best.ticks)
			best.ticks = spent.ticks / n;
		if (spent.ns / n < best.ns)
			best.ns = spent.ns / n;
	}
	return best;
}

static void open_file(void)
{
	static char buf[PAGE];
	const char *name = "/tmp/bench.file";

	file_fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file_fd < 0)
		die(name);
	unlink(name);
	for (unsigned long i = 0; i < FILE_PAGES; i++)
		if (write(file_fd, buf, PAGE) != PAGE)
			die("write");
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";
	unsigned int done = 0;

	if (argc == 2 && !strcmp(only, "exit"))
		return 0;
	self = argv[0];
	open_file();
	printf("%-40s %12s %12s\n", "operation", "ticks", "ns");
	fflush(stdout);
	for (unsigned long i = 0; i < NR_BENCHMARKS; i++) {
		struct cost c;

		if (strncmp(benchmarks[i].name, only, strlen(only)))
			continue;
		c = least(benchmarks[i].run);
		printf("%-40s %12lu %12lu\n", benchmarks[i].name, c.ticks,
		       c.ns);
		fflush(stdout);
		done++;
	}
	if (!done) {
		fprintf(stderr, "bench: no benchmark begins with '%s'\n", only);
		return 2;
	}
	return 0;
}
