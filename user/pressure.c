/* SPDX-License-Identifier: MIT */
/*
 * pressure: uses more memory than there is, and knows every byte of it.
 *
 *	pressure MIB [PASSES [RANDOM [private|shared|memfd|FILE]]]
 *
 * Each page gets bytes that follow from its number and the pass; every RANDOM
 * words (default 64) one is a hash of its place, the others are the page's
 * own word: so a page compresses, but no two are alike.  Each pass checks what
 * the last one wrote, page by page, and writes anew; on odd passes backwards,
 * and a child made by fork checks a tenth of it as it was.  The memory is private,
 * shared without a file, or a file's, mapped shared: then read() is asked too.
 * The same program runs on Linux.
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
#define WORDS	(PAGE / sizeof(uint64_t))

static uint64_t *mem;
static unsigned long pages, every = 64;
static int fd = -1;

static uint64_t hash(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

static uint64_t word_of(unsigned long page, unsigned long i, unsigned pass)
{
	if (i % every == 0)
		return hash(page << 20 ^ i << 8 ^ pass);
	return page * 0x100000001ULL + pass;
}

static void fill(unsigned long page, unsigned pass)
{
	uint64_t *p = mem + page * WORDS;

	for (unsigned long i = 0; i < WORDS; i++)
		p[i] = word_of(page, i, pass);
}

static void check(unsigned long page, unsigned pass)
{
	const uint64_t *p = mem + page * WORDS;

	for (unsigned long i = 0; i < WORDS; i++)
		if (p[i] != word_of(page, i, pass)) {
			printf("pressure: WRONG: page %lu word %lu pass %u: "
			       "%llx, not %llx\n", page, i, pass,
			       (unsigned long long)p[i],
			       (unsigned long long)word_of(page, i, pass));
			exit(1);
		}
}

/* The file says what the memory says. */
static void read_some(void)
{
	static uint64_t buf[WORDS];

	for (unsigned long n = 0; n < pages; n += 16)
		if (pread(fd, buf, PAGE, (off_t)(n * PAGE)) != (ssize_t)PAGE ||
		    memcmp(buf, mem + n * WORDS, PAGE)) {
			printf("pressure: WRONG: page %lu as it is read\n", n);
			exit(1);
		}
}

static void child_checks(unsigned pass)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		perror("pressure: fork");
		exit(1);
	}
	if (!pid) {
		for (unsigned long n = 0; n < pages; n += 10)
			check(n, pass);
		_exit(0);
	}
	for (unsigned long n = 0; n < pages; n += 20)
		fill(n, pass);			/* the same bytes, our copy */
	if (waitpid(pid, &status, 0) != pid || status) {
		printf("pressure: child ended with %x\n", status);
		exit(1);
	}
}

static void one_pass(unsigned pass)
{
	for (unsigned long n = 0; n < pages; n++) {
		unsigned long page = pass & 1 ? pages - 1 - n : n;

		check(page, pass - 1);
		fill(page, pass);
	}
	if (pass & 1)
		child_checks(pass);
	if (fd >= 0)
		read_some();
}

static void *map_kind(const char *kind)
{
	int flags = MAP_NORESERVE;

	if (!strcmp(kind, "private"))
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	else if (!strcmp(kind, "shared"))
		flags |= MAP_SHARED | MAP_ANONYMOUS;
	else {
		flags |= MAP_SHARED;
		fd = !strcmp(kind, "memfd") ? memfd_create("pressure", 0) :
		     open(kind, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || ftruncate(fd, (off_t)(pages * PAGE)))
			return MAP_FAILED;
		if (*kind == '/')
			unlink(kind);
	}
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
}

int main(int argc, char **argv)
{
	unsigned passes = argc > 2 ? (unsigned)atoi(argv[2]) : 2;

	if (argc < 2 || !(pages = strtoul(argv[1], NULL, 0) * 256)) {
		fprintf(stderr, "usage: pressure MIB [PASSES [RANDOM [KIND]]]\n");
		return 2;
	}
	if (argc > 3)
		every = strtoul(argv[3], NULL, 0);
	mem = map_kind(argc > 4 ? argv[4] : "private");
	if (mem == MAP_FAILED || !every) {
		perror("pressure: mmap");
		return 1;
	}
	for (unsigned long n = 0; n < pages; n++)
		fill(n, 0);
	printf("pressure: %lu pages written\n", pages);
	for (unsigned pass = 1; pass <= passes; pass++) {
		one_pass(pass);
		printf("pressure: pass %u\n", pass);
		fflush(stdout);
	}
	for (unsigned long n = 0; n < pages; n++)
		check(n, passes);
	printf("pressure: every byte of %lu MiB is right\n", pages / 256);
	return 0;
}
