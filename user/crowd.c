/* SPDX-License-Identifier: MIT */
/*
 * crowd: the kernel needs memory while a program has taken all there is.
 *
 *	crowd MIB
 *
 * MIB of memory are written, more than the machine has; then it asks for what
 * the kernel keeps in its own memory: tables (one page every 2 MiB), vmas (every
 * other page of a range with other rights), pipes filled to the brim, children.
 * None of it may fail, and every byte must still be right.  The same program runs
 * on Linux.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096UL
#define TABLES	768UL
#define VMAS	6000UL
#define PIPES	40
#define CHILDREN 16

static uint64_t *mem;
static unsigned long pages;

static void fail(const char *what, unsigned long n)
{
	printf("crowd: %s %lu: ", what, n);
	fflush(stdout);
	perror("");
	exit(1);
}

static char *map(unsigned long len, int prot)
{
	char *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap of", len);
	return p;
}

static void want_tables(void)
{
	char *p = map(TABLES << 21, PROT_READ | PROT_WRITE);

	for (unsigned long i = 0; i < TABLES; i++)
		p[i << 21] = 1;
}

static void want_vmas(void)
{
	char *p = map(VMAS * PAGE, PROT_READ);

	for (unsigned long i = 0; i < VMAS; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_NONE))
			fail("mprotect", i);
}

static void want_pipes(void)
{
	static char buf[65536];
	int fd[2];

	for (unsigned long i = 0; i < PIPES; i++) {
		if (pipe2(fd, O_NONBLOCK))
			fail("pipe", i);
		if (write(fd[1], buf, sizeof(buf)) != (ssize_t)sizeof(buf))
			fail("write to pipe", i);
	}
}

static void want_children(void)
{
	int status;

	for (unsigned long i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork", i);
		if (!pid) {
			mem[i * 512] = 0;
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			fail("child", i);
	}
}

int main(int argc, char **argv)
{
	pages = argc > 1 ? strtoul(argv[1], NULL, 0) * 256 : 0;
	if (!pages) {
		fprintf(stderr, "usage: crowd MIB\n");
		return 2;
	}
	mem = (void *)map(pages * PAGE, PROT_READ | PROT_WRITE);
	for (unsigned long n = 0; n < pages; n++)
		mem[n * 512] = n + 1;
	want_tables();
	want_vmas();
	want_pipes();
	want_children();
	for (unsigned long n = 0; n < pages; n++)
		if (mem[n * 512] != n + 1) {
			printf("crowd: WRONG: page %lu\n", n);
			return 1;
		}
	printf("crowd: nothing failed, %lu MiB are right\n", pages / 256);
	return 0;
}
