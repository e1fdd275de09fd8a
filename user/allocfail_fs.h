/* SPDX-License-Identifier: MIT */
/*
 * Files, names, pipes and what else allocates.  Part of allocfail.c's one
 * translation unit.
 */
#ifndef USER_ALLOCFAIL_FS_H
#define USER_ALLOCFAIL_FS_H

#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#include "user/allocfail.h"

static long size_of(int fd)
{
	struct stat st;

	MUST(!fstat(fd, &st));
	return st.st_size;
}

/* Page i of what new_file() made begins with `want`. */
static void file_is(int fd, unsigned long i, char want)
{
	char byte = 0;

	MUST(pread(fd, &byte, 1, (off_t)(i * PAGE)) == 1);
	if (byte != want)
		wrong("a byte of the file", byte);
}

static long op_open(void)
{
	long fd = TRY(open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600));

	MUST(fd >= 0 || access(NAME, F_OK));
	if (fd < 0)
		return fd;
	drop_file((int)fd);
	return 0;
}

/* What a write could not do, it does not count. */
static long op_write(void)
{
	int fd = new_file();
	long ret;

	lseek(fd, 0, SEEK_END);
	ret = TRY_PART(write(fd, buffer, 3 * PAGE));
	MUST(size_of(fd) == (long)(FILE_PAGES * PAGE) + (ret < 0 ? 0 : ret));
	MUST(lseek(fd, 0, SEEK_CUR) == size_of(fd));
	file_is(fd, 1, 2);
	drop_file(fd);
	return ret < 0 ? ret : 0;
}

static long op_writev(void)
{
	struct iovec v[12];
	int fd = new_file();
	long ret;

	for (int i = 0; i < 12; i++)
		v[i] = (struct iovec){ "0123456789ab" + i, 1 };
	lseek(fd, 0, SEEK_SET);
	ret = TRY_PART(writev(fd, v, 12));
	MUST(size_of(fd) == FILE_PAGES * PAGE);
	file_is(fd, 0, ret > 0 ? '0' : 1);
	drop_file(fd);
	return ret < 0 ? ret : 0;
}

static long op_read_hole(void)
{
	int fd = new_file();
	long ret;

	MUST(!ftruncate(fd, 0) && !ftruncate(fd, 3 * PAGE));
	lseek(fd, 0, SEEK_SET);
	ret = TRY_PART(read(fd, buffer, 3 * PAGE));
	MUST(lseek(fd, 0, SEEK_CUR) == (ret < 0 ? 0 : ret));
	drop_file(fd);
	return ret < 0 ? ret : 0;
}

/* Into memory that is not there yet. */
static long op_read_untouched(void)
{
	char *p = map(3, RW);
	int fd = new_file();
	long ret = TRY_PART(pread(fd, p, 3 * PAGE, 0));

	MUST(ret < 0 || ret == 3 * PAGE || ret % PAGE == 0);
	unmap(p, 3);
	drop_file(fd);
	return ret < 0 ? ret : 0;
}

static long truncate_to(long size)
{
	int fd = new_file();
	char *p = map_file(fd, RW, MAP_SHARED);
	long ret;

	p[PAGE] = 2;
	ret = TRY(ftruncate(fd, size));
	MUST(size_of(fd) == (ret ? (long)(FILE_PAGES * PAGE) : size));
	file_is(fd, 1, 2);
	unmap(p, FILE_PAGES);
	drop_file(fd);
	return ret;
}

static long op_truncate(void)
{
	return truncate_to(PAGE + 100);
}

static long op_extend(void)
{
	return truncate_to(20 * PAGE + 1);
}

static long op_punch(void)
{
	int fd = new_file();
	long ret;

	ret = TRY_PART(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				 FALLOC_FL_KEEP_SIZE, PAGE - 1, 2 * PAGE));
	MUST(size_of(fd) == FILE_PAGES * PAGE);
	file_is(fd, 0, 1);
	file_is(fd, 3, 4);
	if (!ret)
		file_is(fd, 1, 0);
	drop_file(fd);
	return ret;
}

static long op_fallocate(void)
{
	int fd = new_file();
	long ret = TRY_PART(fallocate(fd, 0, 0, 20 * PAGE));

	MUST(size_of(fd) == (long)(ret ? FILE_PAGES : 20) * (long)PAGE);
	drop_file(fd);
	return ret;
}

static long op_fsync(void)
{
	int fd = new_file();
	long ret = TRY(fsync(fd));

	drop_file(fd);
	return ret;
}

static long op_memfd(void)
{
	long fd = TRY(memfd_create("allocfail", MFD_CLOEXEC));

	if (fd >= 0)
		close((int)fd);
	return fd < 0 ? fd : 0;
}

static long op_names(void)
{
	long ret = TRY(mkdir(NAME ".d", 0700));

	MUST(!ret == !access(NAME ".d", F_OK));
	rmdir(NAME ".d");
	if (ret)
		return ret;
	ret = TRY(symlink("nowhere", NAME ".l"));
	unlink(NAME ".l");
	return ret;
}

static long op_rename(void)
{
	int fd = new_file();
	long ret = TRY(rename(NAME, NAME ".to"));

	MUST(!access(NAME, F_OK) == (ret < 0));
	MUST(!access(NAME ".to", F_OK) == !ret);
	unlink(NAME ".to");
	drop_file(fd);
	return ret;
}

static long op_getcwd(void)
{
	char was[64];

	MUST(getcwd(was, sizeof(was)) && !chdir("/tmp"));
	long ret = TRY(getcwd(buffer, PAGE) ? 0 : -1);

	MUST(ret || !strcmp(buffer, "/tmp"));
	MUST(!chdir(was));
	return ret;
}

static long op_proc(void)
{
	int fd = open("/proc/self/smaps", O_RDONLY);
	long ret;

	MUST(fd >= 0);
	ret = TRY(read(fd, buffer, PAGE));
	close(fd);
	return ret < 0 ? ret : 0;
}

/* ENOENT: a directory of /proc that cannot be made is not there. */
static long op_proc_open(void)
{
	char path[32];
	long fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", getppid());
	part_begin();
	fd = open(path, O_RDONLY);
	if (fd < 0 && errno == ENOENT)
		errno = ENOMEM;
	fd = part_end(fd);
	if (fd >= 0)
		close((int)fd);
	return fd < 0 ? fd : 0;
}

static long op_getdents(void)
{
	int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	long ret;

	MUST(fd >= 0);
	ret = TRY(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)));
	close(fd);
	return ret < 0 ? ret : 0;
}

static long op_pipe(void)
{
	int fds[2];
	long ret = TRY(pipe(fds));

	if (ret)
		return ret;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static long op_pipe_write(void)
{
	long ret;
	int fds[2];

	MUST(!pipe(fds));
	ret = TRY_PART(write(fds[1], buffer, sizeof(buffer)));
	if (ret >= 0)
		MUST(read(fds[0], buffer, sizeof(buffer)) == ret);
	close(fds[0]);
	close(fds[1]);
	return ret < 0 ? ret : 0;
}

/* The table of descriptors grows. */
static long op_dup(void)
{
	long ret = TRY(fcntl(knob_fd(), F_DUPFD, 300));

	if (ret >= 0)
		close((int)ret);
	return ret < 0 ? ret : 0;
}

static long op_poll(void)
{
	struct pollfd p[40];
	int fds[2];
	long ret;

	MUST(!pipe(fds));
	for (int i = 0; i < 40; i++)
		p[i] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	ret = TRY(poll(p, 40, 1));
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static volatile sig_atomic_t signals, told;

static void count_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	told = info->si_value.sival_int;
	signals++;
}

static long op_signal(void)
{
	struct sigaction sa = {
		.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO,
	};
	union sigval value = { 77 };
	long ret;

	sigaction(SIGRTMIN, &sa, NULL);
	signals = told = 0;
	ret = TRY(sigqueue(getpid(), SIGRTMIN, value));
	MUST(signals == !ret && told == (ret ? 0 : 77));
	return ret;
}

static long op_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	timer_t id;
	long ret = TRY(timer_create(CLOCK_MONOTONIC, &ev, &id));

	if (!ret)
		timer_delete(id);
	return ret;
}

#define FS_OPS								\
	{ "file", "open", op_open }, { "file", "write", op_write },	\
	{ "file", "writev", op_writev },				\
	{ "file", "read a hole", op_read_hole },			\
	{ "file", "read, untouched", op_read_untouched },		\
	{ "file", "truncate", op_truncate },				\
	{ "file", "extend", op_extend },				\
	{ "file", "punch a hole", op_punch },				\
	{ "file", "fallocate", op_fallocate },				\
	{ "file", "fsync", op_fsync }, { "file", "memfd", op_memfd },	\
	{ "file", "mkdir, symlink", op_names },				\
	{ "file", "rename", op_rename }, { "file", "getcwd", op_getcwd }, \
	{ "file", "read smaps", op_proc },				\
	{ "file", "open /proc/PID/stat", op_proc_open },			\
	{ "file", "getdents64", op_getdents },				\
	{ "other", "pipe", op_pipe },					\
	{ "other", "pipe write", op_pipe_write },			\
	{ "other", "F_DUPFD", op_dup }, { "other", "poll", op_poll },	\
	{ "other", "sigqueue", op_signal },				\
	{ "other", "timer_create", op_timer },

#endif
