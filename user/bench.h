/* SPDX-License-Identifier: MIT */
/* What bench.c measures with: a clock, and memory. */
#ifndef USER_BENCH_H
#define USER_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE	4096UL

struct cost {
	unsigned long ticks, ns;
};

static struct cost spent, began;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct cost now(void)
{
	struct timespec t;
	struct cost c;

	clock_gettime(CLOCK_MONOTONIC, &t);
	c.ns = (unsigned long)t.tv_sec * 1000000000UL +
	       (unsigned long)t.tv_nsec;
	c.ticks = __builtin_ia32_rdtsc();
	return c;
}

static void start(void)
{
	began = now();
}

static void stop(void)
{
	unsigned long ticks = __builtin_ia32_rdtsc();
	struct cost end = now();

	spent.ticks += ticks - began.ticks;
	spent.ns += end.ns - began.ns;
}

static char *map(size_t pages, int prot, int flags, int fd)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static char *map_anon(size_t pages)
{
	return map(pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1);
}

static void unmap(char *p, size_t pages)
{
	if (munmap(p, pages * PAGE))
		die("munmap");
}

static void write_pages(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		*(volatile char *)(p + i * PAGE) = 1;
}

static void read_pages(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		(void)*(volatile char *)(p + i * PAGE);
}

#endif
