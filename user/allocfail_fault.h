/* SPDX-License-Identifier: MIT */
/*
 * Faults, and what the kernel does in their place.  A fault that finds no
 * memory kills.  Part of allocfail.c's one translation unit.
 */
#ifndef USER_ALLOCFAIL_FAULT_H
#define USER_ALLOCFAIL_FAULT_H

#include "user/allocfail.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define FAR_AWAY	((void *)0x512300000000UL)	/* tables of its own */

/* Reads or writes p[at] and checks what was there. */
static void touch_read(volatile char *p, char want)
{
	char seen;

	part_begin();
	seen = *p;
	part_end(0);
	if (seen != want)
		wrong("the byte that was read", seen);
}

static void touch_write(volatile char *p, char want)
{
	char seen;

	part_begin();
	seen = *p;
	*p = 'w';
	part_end(0);
	if (seen != want || *p != 'w')
		wrong("the byte that was written over", seen);
}

static long op_read_zero(void)
{
	char *p = map(1, RW);

	touch_read(p, 0);
	unmap(p, 1);
	return 0;
}

static long op_write_zero(void)
{
	volatile char *p = map(1, RW);

	(void)*p;
	touch_write(p, 0);
	unmap((void *)p, 1);
	return 0;
}

static long op_write_far(void)
{
	char *p = mmap(FAR_AWAY, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_FIXED, -1, 0);

	MUST(p == FAR_AWAY);
	part_begin();
	*(volatile char *)p = 'w';
	part_end(0);
	MUST(*p == 'w');
	unmap(p, 1);
	return 0;
}

/* A child that only holds what was shared by fork; it ends with us. */
static pid_t holder(int *fd)
{
	int fds[2];
	pid_t pid;
	char byte;

	MUST(!pipe(fds));
	pid = fork();
	if (!pid) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) > 0);
	}
	MUST(pid > 0);
	close(fds[0]);
	*fd = fds[1];
	return pid;
}

static long op_cow(void)
{
	char *p = map(2, RW);
	pid_t pid;
	int fd;

	p[0] = p[PAGE] = 'p';
	pid = holder(&fd);
	touch_write(p, 'p');
	close(fd);
	wait_for(pid, 0);
	MUST(p[PAGE] == 'p');
	unmap(p, 2);
	return 0;
}

/* Forced through /proc/self/mem: gup breaks copy-on-write. */
static long op_mem_write(void)
{
	int fd = open("/proc/self/mem", O_RDWR);
	char *p = map(2, RW);
	int hold;
	pid_t pid;
	long ret;

	MUST(fd >= 0);
	p[0] = p[PAGE] = 'p';
	mprotect(p, PAGE, PROT_READ);
	pid = holder(&hold);
	part_begin();
	ret = pwrite(fd, "12", 2, (off_t)(unsigned long)p + 4095);
	if (ret < 0 && errno == EIO)
		errno = ENOMEM;		/* what Linux says, too */
	ret = part_end(ret);
	if (ret >= 0)
		MUST(ret == 2 ? p[4095] == '1' && p[PAGE] == '2' : ret == 1);
	close(hold);
	wait_for(pid, 0);
	close(fd);
	unmap(p, 2);
	return ret < 0 ? ret : 0;
}

static long op_process_vm(void)
{
	char *p = map(3, RW);
	struct iovec to = { p + PAGE - 1, 2 }, from = { "ab", 2 };
	long ret;

	ret = TRY_PART(process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	MUST(ret < 0 || (ret == 2 && p[PAGE - 1] == 'a' && p[PAGE] == 'b') ||
	     (ret == 1 && p[PAGE - 1] == 'a'));
	unmap(p, 3);
	return ret < 0 ? ret : 0;
}

static long file_fault(int flags, void (*touch)(volatile char *, char))
{
	int fd = new_file();
	char *p = map_file(fd, RW, flags), byte;

	touch(p + PAGE, 2);
	MUST(p[0] == 1 && p[2 * PAGE] == 3);
	MUST(pread(fd, &byte, 1, PAGE) == 1);
	MUST(byte == (touch == touch_write && flags == MAP_SHARED ? 'w' : 2));
	unmap(p, FILE_PAGES);
	drop_file(fd);
	return 0;
}

static long op_file_read(void)
{
	return file_fault(MAP_PRIVATE, touch_read);
}

static long op_file_cow(void)
{
	return file_fault(MAP_PRIVATE, touch_write);
}

static long op_file_write(void)
{
	return file_fault(MAP_SHARED, touch_write);
}

/* A page of a file that nobody has read yet. */
static long op_file_hole(void)
{
	int fd = new_file();
	char *p;

	MUST(!ftruncate(fd, 0) && !ftruncate(fd, FILE_PAGES * PAGE));
	p = map_file(fd, RW, MAP_SHARED);
	touch_write(p + 2 * PAGE, 0);
	unmap(p, FILE_PAGES);
	drop_file(fd);
	return 0;
}

/* The program itself, from the archive: read-ahead and fault-around. */
static long op_text(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	MUST(fd >= 0 && p != MAP_FAILED);
	touch_read(p, 0x7f);
	unmap(p, 4);
	close(fd);
	return 0;
}

static long op_stack(void)
{
	char *p = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	char *s = mmap(p + 62 * PAGE, 2 * PAGE, RW, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);

	MUST(s == p + 62 * PAGE);
	unmap(p, 62);
	part_begin();
	*(volatile char *)(s - 20 * PAGE) = 'w';
	part_end(0);
	MUST(s[-20L * (long)PAGE] == 'w');
	MUST(!munmap(s - 20 * PAGE, 22 * PAGE));
	return 0;
}

static long swap_fault(void (*touch)(volatile char *, char))
{
	char *p = map(3, RW);

	p[0] = p[PAGE] = p[2 * PAGE] = 's';
	madvise(p, 3 * PAGE, MADV_PAGEOUT);
	touch(p + PAGE, 's');
	MUST(p[0] == 's' && p[2 * PAGE] == 's');
	unmap(p, 3);
	return 0;
}

static long op_swap_read(void)
{
	return swap_fault(touch_read);
}

static long op_swap_write(void)
{
	return swap_fault(touch_write);
}

static long op_pageout(void)
{
	char *p = map(3, RW);
	long ret;

	p[0] = p[PAGE] = p[2 * PAGE] = 'o';
	ret = TRY_PART(madvise(p, 3 * PAGE, MADV_PAGEOUT));
	MUST(p[0] == 'o' && p[PAGE] == 'o' && p[2 * PAGE] == 'o');
	unmap(p, 3);
	return ret;
}

static long op_populate_write(void)
{
	char *p = map(3, RW);
	long ret = TRY(madvise(p, 3 * PAGE, MADV_POPULATE_WRITE));

	unmap(p, 3);
	return ret;
}

#define FAULT_OPS							\
	{ "fault", "read zero page", op_read_zero },			\
	{ "fault", "write zero page", op_write_zero },			\
	{ "fault", "write far away", op_write_far },			\
	{ "fault", "copy on write", op_cow },				\
	{ "fault", "/proc/self/mem", op_mem_write },			\
	{ "fault", "process_vm_writev", op_process_vm },		\
	{ "fault", "file read", op_file_read },				\
	{ "fault", "file copy", op_file_cow },				\
	{ "fault", "file write", op_file_write },			\
	{ "fault", "file hole", op_file_hole },				\
	{ "fault", "text", op_text },					\
	{ "fault", "stack growth", op_stack },				\
	{ "fault", "swapped read", op_swap_read },			\
	{ "fault", "swapped write", op_swap_write },			\
	{ "fault", "MADV_PAGEOUT", op_pageout },			\
	{ "fault", "MADV_POPULATE_WRITE", op_populate_write },

#endif
