/* SPDX-License-Identifier: MIT */
/*
 * What tests/drive/disk.py does to a disk from ring 3.
 *
 *	disk fill FILE OFFSET PAGES SEED	through a shared mapping, msync
 *	disk sum FILE OFFSET PAGES SEED		through a private mapping: is it?
 *	disk errors FILE OFFSET			two open files, a write, fsyncs
 *	disk size FILE
 *
 * One line a result; the program is the same on Linux.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096UL
#define BLKGETSIZE64	0x80081272UL

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static unsigned char byte_of(unsigned long at, unsigned long seed)
{
	return (unsigned char)((at * 2654435761UL + seed * 97) >> 7);
}

static unsigned char *map(const char *path, unsigned long off,
			  unsigned long len, int flags)
{
	int fd = open(path, flags == MAP_SHARED ? O_RDWR : O_RDONLY);
	void *p;

	if (fd < 0)
		return MAP_FAILED;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, (off_t)off);
	close(fd);
	return p;
}

static int fill(const char *path, unsigned long off, unsigned long len,
		unsigned long seed)
{
	unsigned char *p = map(path, off, len, MAP_SHARED);

	if (p == MAP_FAILED)
		return fail("map");
	for (unsigned long i = 0; i < len; i++)
		p[i] = byte_of(off + i, seed);
	if (msync(p, len, MS_SYNC))
		return fail("msync");
	printf("filled %lu bytes, on the disk\n", len);
	return 0;
}

static int sum(const char *path, unsigned long off, unsigned long len,
	       unsigned long seed)
{
	unsigned char *p = map(path, off, len, MAP_PRIVATE);

	if (p == MAP_FAILED)
		return fail("map");
	for (unsigned long i = 0; i < len; i++) {
		if (p[i] != byte_of(off + i, seed)) {
			printf("byte %lu is %u\n", off + i, p[i]);
			return 1;
		}
	}
	printf("%lu bytes are right\n", len);
	return 0;
}

static void try_fsync(const char *name, int fd)
{
	printf("fsync %s: %s\n", name, fsync(fd) ? strerror(errno) : "fine");
}

static int errors(const char *path, unsigned long off)
{
	int a = open(path, O_RDWR), b = open(path, O_RDWR);
	char page[PAGE];

	if (a < 0 || b < 0)
		return fail("open");
	memset(page, 'e', sizeof(page));
	if (pwrite(a, page, sizeof(page), (off_t)off) != (ssize_t)PAGE)
		return fail("write");
	try_fsync("a", a);
	try_fsync("a", a);
	try_fsync("b", b);
	try_fsync("b", b);
	if (pwrite(a, page, sizeof(page), (off_t)off) != (ssize_t)PAGE)
		return fail("write");
	try_fsync("a after another write", a);
	return 0;
}

static int size(const char *path)
{
	unsigned long long bytes = 0;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes))
		return fail("size");
	printf("%llu bytes, end at %lld\n", bytes,
	       (long long)lseek(fd, 0, SEEK_END));
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long off = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	unsigned long len = argc > 4 ? strtoul(argv[4], NULL, 0) * PAGE : 0;
	unsigned long seed = argc > 5 ? strtoul(argv[5], NULL, 0) : 0;

	if (argc == 6 && !strcmp(argv[1], "fill"))
		return fill(argv[2], off, len, seed);
	if (argc == 6 && !strcmp(argv[1], "sum"))
		return sum(argv[2], off, len, seed);
	if (argc == 4 && !strcmp(argv[1], "errors"))
		return errors(argv[2], off);
	if (argc == 3 && !strcmp(argv[1], "size"))
		return size(argv[2]);
	puts("usage: disk fill|sum FILE OFFSET PAGES SEED, "
	     "disk errors FILE OFFSET, disk size FILE");
	return 2;
}
