/* SPDX-License-Identifier: MIT */
/*
 * Calls with bad arguments, as rows of tables: what each answers, and whether
 * anything is changed by it.  For each row everything is made afresh: an arena
 * of pages of every kind at a fixed address, and descriptors of every kind.
 * What is printed is what Linux answers, changes included where it makes some.
 */
#ifndef TESTS_ABI_BAD_H
#define TESTS_ABI_BAD_H

#include "t.h"
#include <stdint.h>
#include <sys/stat.h>

typedef unsigned long word;

struct row {
	const char *what;
	long nr;
	word a[6];
};

/* The arena, page by page. */
#define ARENA		0x20000000000UL
#define AT(page)	(ARENA + (page) * PAGE)
enum page_kind {
	DATA = 0,			/* 0-3: anonymous, rw, touched */
	HOLE = 4,
	READ_ONLY = 5,
	NONE = 6,
	SHARED = 7,			/* 7-8: the file, shared, rw */
	PRIVATE = 9,			/* the file, private, rw */
	SHARED_RO = 10,			/* of a descriptor that cannot write */
	GAP = 11,			/* 11-13: nothing */
	LAST = 14,			/* 14-15: rw; nothing behind it */
	ARENA_PAGES = 16
};

/* Wild pointers and lengths. */
#define KERNEL		0xffff800000000000UL
#define NOT_CANONICAL	0x800000000000UL
#define TOP		0x7ffffffff000UL	/* where user addresses end */
#define STRADDLE	(AT(HOLE) - 4)
#define ALL_ONES	(~0UL)
#define WRAPS		(~0UL - PAGE + 1)
#define NO_FLAG		0x40000000UL		/* means nothing to any call */

/* Descriptors, by number. */
enum fd_kind {
	FD_FILE = 20, FD_RO, FD_WO, FD_DIR, FD_PIPE_R, FD_PIPE_W, FD_PATH,
	FD_NULL, FD_MEMFD, FD_CLOSED,
};
#define FD_NONE		((word)-1)
#define FD_HUGE		0x7fffffffUL
#define CWD		((word)-100)
#define FILE_NAME	"/tmp/t_bad.file"
#define FILE_SIZE	(3 * PAGE)

struct snapshot {
	word maps, bytes, file, brk, fds, offset, mask, cwd;
};

static char b_text[1 << 16];

static word b_hash(word h, const void *from, size_t n)
{
	const unsigned char *p = from;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3UL;
	return h;
}

/* A string, or anything else, for an argument. */
#define P(x) ((word)(uintptr_t)(x))

static void b_place(int fd, int at)
{
	if (fd < 0 || dup2(fd, at) != at)
		_exit(3);
	close(fd);
}

static void b_make_files(void)
{
	int fds[2];

	memset(b_text, 'f', FILE_SIZE);
	unlink(FILE_NAME);
	b_place(open(FILE_NAME, O_RDWR | O_CREAT, 0600), FD_FILE);
	if (write(FD_FILE, b_text, FILE_SIZE) != (long)FILE_SIZE || pipe(fds))
		_exit(3);
	lseek(FD_FILE, 100, SEEK_SET);
	b_place(open(FILE_NAME, O_RDONLY), FD_RO);
	b_place(open(FILE_NAME, O_WRONLY), FD_WO);
	b_place(open("/tmp", O_RDONLY | O_DIRECTORY), FD_DIR);
	b_place(fds[0], FD_PIPE_R);
	b_place(fds[1], FD_PIPE_W);
	fcntl(FD_PIPE_R, F_SETFL, O_NONBLOCK);
	b_place(open(FILE_NAME, O_PATH), FD_PATH);
	b_place(open("/dev/null", O_RDWR), FD_NULL);
	b_place(memfd_create("bad", MFD_ALLOW_SEALING), FD_MEMFD);
	close(FD_CLOSED);
}

static void b_map(word page, word pages, int prot, int flags, int fd)
{
	void *at = (void *)AT(page);

	if (mmap(at, pages * PAGE, prot, flags | MAP_FIXED, fd, 0) != at)
		_exit(4);
}

static void b_make_arena(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	const int anon = MAP_PRIVATE | MAP_ANONYMOUS;

	munmap((void *)AT(0), ARENA_PAGES * PAGE);
	b_map(DATA, 4, rw, anon, -1);
	memset((void *)AT(DATA), 'd', 4 * PAGE);
	b_map(READ_ONLY, 1, rw, anon, -1);
	memset((void *)AT(READ_ONLY), 'r', PAGE);
	mprotect((void *)AT(READ_ONLY), PAGE, PROT_READ);
	b_map(NONE, 1, PROT_NONE, anon, -1);
	b_map(SHARED, 2, rw, MAP_SHARED, FD_FILE);
	b_map(PRIVATE, 1, rw, MAP_PRIVATE, FD_FILE);
	b_map(SHARED_RO, 1, PROT_READ, MAP_SHARED, FD_RO);
	b_map(LAST, 2, rw, anon, -1);
	memset((void *)AT(LAST), 'l', 2 * PAGE);
}

/* Who is mapped where with which rights, however it is split; the stack may
 * grow any time. */
static word b_hash_maps(void)
{
	word h = 0, start, end, last = 0;
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n, len = 0;
	char *line, *next, rights[8], before[8] = "";

	while ((n = read(fd, b_text + len, sizeof(b_text) - 1 -
			 (size_t)len)) > 0)
		len += n;
	close(fd);
	b_text[len] = 0;
	for (line = b_text; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3 ||
		    strstr(line, "[stack]"))
			continue;
		if (start != last || strcmp(rights, before)) {
			h = b_hash(h, &last, sizeof(last));
			h = b_hash(h, &start, sizeof(start));
			h = b_hash(h, rights, 4);
		}
		strcpy(before, rights);
		last = end;
	}
	return b_hash(h, &last, sizeof(last));
}

/* Through /proc/self/mem: what cannot be read is no fault. */
static word b_hash_bytes(void)
{
	static char page[PAGE];
	int fd = open("/proc/self/mem", O_RDONLY);
	word h = 1;

	for (word i = 0; i < ARENA_PAGES; i++) {
		ssize_t n = pread(fd, page, PAGE, (off_t)AT(i));

		h = b_hash(h, page, n > 0 ? (size_t)n : 0);
	}
	close(fd);
	return h;
}

static word b_hash_file(void)
{
	static char data[2 * FILE_SIZE];
	int fd = open(FILE_NAME, O_RDONLY);
	ssize_t n = read(fd, data, sizeof(data));

	close(fd);
	return b_hash((word)n, data, n > 0 ? (size_t)n : 0);
}

static struct snapshot b_snapshot(void)
{
	struct snapshot s = { .brk = (word)syscall(SYS_brk, 0) };
	char cwd[256] = "";

	s.maps = b_hash_maps();
	s.bytes = b_hash_bytes();
	s.file = b_hash_file();
	for (int fd = 0; fd < 64; fd++)
		s.fds |= (word)(fcntl(fd, F_GETFD) >= 0) << fd;
	s.offset = (word)lseek(FD_FILE, 0, SEEK_CUR);
	syscall(SYS_rt_sigprocmask, 0, NULL, &s.mask, 8);
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) > 0)
		s.cwd = b_hash(1, cwd, sizeof(cwd));
	return s;
}

static const char *b_error(int err)
{
	static const char *const name[] = {
		[EPERM] = "EPERM", [ENOENT] = "ENOENT", [ESRCH] = "ESRCH",
		[EINTR] = "EINTR", [EIO] = "EIO", [ENXIO] = "ENXIO",
		[E2BIG] = "E2BIG", [ENOEXEC] = "ENOEXEC", [EBADF] = "EBADF",
		[ECHILD] = "ECHILD", [EAGAIN] = "EAGAIN", [ENOMEM] = "ENOMEM",
		[EACCES] = "EACCES", [EFAULT] = "EFAULT", [EBUSY] = "EBUSY",
		[EEXIST] = "EEXIST", [EXDEV] = "EXDEV", [ENODEV] = "ENODEV",
		[ENOTDIR] = "ENOTDIR", [EISDIR] = "EISDIR", [EINVAL] = "EINVAL",
		[ENFILE] = "ENFILE", [EMFILE] = "EMFILE", [ENOTTY] = "ENOTTY",
		[EFBIG] = "EFBIG", [ENOSPC] = "ENOSPC", [ESPIPE] = "ESPIPE",
		[EROFS] = "EROFS", [EPIPE] = "EPIPE", [ERANGE] = "ERANGE",
		[ENAMETOOLONG] = "ENAMETOOLONG", [ENOSYS] = "ENOSYS",
		[ENOTEMPTY] = "ENOTEMPTY", [ELOOP] = "ELOOP",
		[EOVERFLOW] = "EOVERFLOW", [EOPNOTSUPP] = "EOPNOTSUPP",
		[ETIMEDOUT] = "ETIMEDOUT",
	};

	if (err < (int)(sizeof(name) / sizeof(*name)) && name[err])
		return name[err];
	return "another error";
}

static void b_say(const struct row *r, long ret, int err, const char *changed)
{
	char line[300], answer[32];

	if (ret == -1)
		snprintf(answer, sizeof(answer), "%s", b_error(err));
	else if (ret >= 0 && ret < 65536)
		snprintf(answer, sizeof(answer), "%ld", ret);
	else
		snprintf(answer, sizeof(answer), "an address");
	snprintf(line, sizeof(line), "%s: %s%s\n", r->what, answer, changed);
	if (write(1, line, strlen(line)) < 0)
		_exit(5);
}

static void b_changes(char *to, size_t size, const struct snapshot *a,
		      const struct snapshot *b)
{
	const struct { const char *what; int differ; } c[] = {
		{ "maps", a->maps != b->maps }, { "bytes", a->bytes != b->bytes },
		{ "file", a->file != b->file }, { "brk", a->brk != b->brk },
		{ "descriptors", a->fds != b->fds },
		{ "offset", a->offset != b->offset },
		{ "signal mask", a->mask != b->mask },
		{ "directory", a->cwd != b->cwd },
	};

	*to = 0;
	for (size_t i = 0; i < sizeof(c) / sizeof(*c); i++) {
		if (!c[i].differ)
			continue;
		strncat(to, ", changed: ", size - strlen(to) - 1);
		strncat(to, c[i].what, size - strlen(to) - 1);
	}
}

static void b_run(const struct row *rows, size_t n)
{
	struct snapshot before, after;
	pid_t self = getpid();
	char changed[128];

	for (const struct row *r = rows; r < rows + n; r++) {
		const word *a = r->a;
		long ret;
		int err;

		b_make_files();
		b_make_arena();
		before = b_snapshot();
		errno = 0;
		ret = syscall(r->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		err = errno;
		if (getpid() != self)		/* a child nobody wanted */
			_exit(0);
		after = b_snapshot();
		b_changes(changed, sizeof(changed), &before, &after);
		b_say(r, ret, err, changed);
		if (r->nr == SYS_mmap && ret > 0)
			munmap((void *)ret, a[1]);
	}
	unlink(FILE_NAME);
}

#define B_RUN(rows) b_run(rows, sizeof(rows) / sizeof(*(rows)))

#endif
