/* SPDX-License-Identifier: MIT */
/*
 * A program with a secondary MMU: attaches /dev/shadow-CLASS to itself, changes
 * its memory under it, and looks what the device sees.  TAP on stdout.
 *
 *	shadow CLASS		kvm, gru, sva, xpmem
 *	shadow bad		malformed commands
 *	shadow leave CLASS HOW	attached, used, then gone by `exit', `exec',
 *				`kill' or `unmap'
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/shadow/uapi.h"

#define PAGE	4096UL
#define PAGES	8

static int tests, failed;

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	if (!good) {
		printf("# errno %d\n", errno);
		failed++;
	}
	fflush(stdout);
}

static int finish(void)
{
	printf("1..%d\n", tests);
	return failed != 0;
}

static int open_class(const char *class)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/shadow-%s", class);
	return open(path, O_RDWR);
}

/* 0 or -errno of the one operation. */
static int dev_op(int fd, struct shadow_ioc_op *op)
{
	struct shadow_ioc_run run = { (uintptr_t)op, 1, 0 };

	return ioctl(fd, SHADOW_RUN, &run) ? -errno : op->result;
}

#define DEV_BAD	0xbadbadbadbadULL

static unsigned long long dev_read(int fd, const void *p)
{
	struct shadow_ioc_op op = { SHADOW_IOC_OP_READ, 0, (uintptr_t)p, 0, 0, 0 };

	return dev_op(fd, &op) ? DEV_BAD : op.val;
}

static int dev_write(int fd, void *p, unsigned long long v)
{
	struct shadow_ioc_op op = { SHADOW_IOC_OP_WRITE, 0, (uintptr_t)p, 0, v, 0 };

	return dev_op(fd, &op);
}

static volatile unsigned long long *memory(void)
{
	void *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static volatile unsigned long long *page(volatile unsigned long long *m, int n)
{
	return m + (unsigned long)n * PAGE / sizeof(*m);
}

/*
 * kvm, gru, sva: the device is one of this program's own memory.
 */
static void program(int fd, volatile unsigned long long *m)
{
	struct shadow_ioc_op op[4] = {
		{ SHADOW_IOC_OP_FILL, 0, (uintptr_t)m, 2 * PAGE, 3, 0 },
		{ SHADOW_IOC_OP_SUM, 0, (uintptr_t)m, 2 * PAGE, 0, 0 },
		{ SHADOW_IOC_OP_CMPXCHG, 0, (uintptr_t)m, 0, 8, 3 },
		{ SHADOW_IOC_OP_READ, 0, 8, 0, 0, 0 },
	};
	struct shadow_ioc_run run = { (uintptr_t)op, 4, 0 };

	ok(!ioctl(fd, SHADOW_RUN, &run), "a program runs");
	ok(run.done == 3 && op[3].result == -EFAULT,
	   "and stops where it fails");
	ok(op[1].val == 3 * 2 * PAGE / 8 && op[2].val == 3 && m[0] == 8,
	   "fill, sum, compare and swap");
}

static void memory_changes(int fd, volatile unsigned long long *m)
{
	int status;

	*page(m, 2) = 20;
	ok(dev_read(fd, (void *)page(m, 2)) == 20, "it reads what we wrote");
	ok(!dev_write(fd, (void *)page(m, 2), 21) && *page(m, 2) == 21,
	   "we read what it wrote");
	madvise((void *)page(m, 2), PAGE, MADV_DONTNEED);
	ok(dev_read(fd, (void *)page(m, 2)) == 0, "dropped pages are new");
	mprotect((void *)page(m, 2), PAGE, PROT_READ);
	ok(dev_write(fd, (void *)page(m, 2), 1) == -EFAULT,
	   "read-only for us is so for it");
	munmap((void *)page(m, 3), PAGE);
	ok(dev_read(fd, (void *)page(m, 3)) == DEV_BAD, "unmapped: a fault");
	*page(m, 4) = 40;
	ok(dev_read(fd, (void *)page(m, 4)) == 40, "before a fork");
	if (!fork()) {
		int mine = *page(m, 4) == 40;

		*page(m, 4) = 41;
		_exit(!mine || dev_read(fd, (void *)page(m, 4)) != DEV_BAD);
	}
	ok(!dev_write(fd, (void *)page(m, 4), 42) && *page(m, 4) == 42,
	   "after a fork it writes ours");
	wait(&status);
	ok(!status, "the child has its own page, and may not run it");
}

static void counters(int fd)
{
	volatile struct shadow_ioc_stats *p;
	struct shadow_ioc_stats s;

	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ok(p != MAP_FAILED, "its counters are mapped");
	ok(!ioctl(fd, SHADOW_STATS, &s), "and copied");
	ok(s.faults && s.accesses && s.entries && !s.stale,
	   "faults, accesses, translations; nothing stale");
	ok(p->accesses == s.accesses && p->stale == 0, "both are the same");
	ok(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	   MAP_FAILED && errno == EACCES, "and not to be written");
}

/* A second place for page 5, and what was written there. */
static void slots(int fd, volatile unsigned long long *m)
{
	struct shadow_ioc_slot s = { 0, 0, 0, 1UL << 46, 0 };
	struct shadow_ioc_dirty d = { 0x10000000, 1, 0 };
	unsigned char bits = 0;

	d.bits = (uintptr_t)&bits;
	*page(m, 5) = 50;
	ok(!ioctl(fd, SHADOW_SLOT, &s), "slot 0 ends earlier");
	s = (struct shadow_ioc_slot){ 1, 0, d.guest, PAGE,
				      (uintptr_t)page(m, 5) };
	ok(ioctl(fd, SHADOW_SLOT, &s) == -1 && errno == EEXIST,
	   "two slots at one place are refused");
	s.guest = d.guest = 0x500000000000ULL;
	ok(!ioctl(fd, SHADOW_SLOT, &s), "a slot of its own");
	ok(dev_read(fd, (void *)(uintptr_t)s.guest) == 50, "shows the page");
	ok(ioctl(fd, SHADOW_DIRTY, &d) == 0, "nothing was written");
	ok(!dev_write(fd, (void *)(uintptr_t)s.guest, 51) &&
	   *page(m, 5) == 51, "it writes there");
	ok(ioctl(fd, SHADOW_DIRTY, &d) == 1 && bits == 1, "which is told");
	s.len = 0;
	ok(!ioctl(fd, SHADOW_SLOT, &s), "and goes again");
	s = (struct shadow_ioc_slot){ 0, 0, 0, 0x7ffffffff000ULL, 0 };
	ok(!ioctl(fd, SHADOW_SLOT, &s), "everything, as at first");
	ok(dev_read(fd, (void *)page(m, 5)) == 51, "in place");
}

static int own_memory(const char *class)
{
	volatile unsigned long long *m = memory();
	int fd = open_class(class);

	ok(m && fd >= 0, "open");
	ok(ioctl(fd, SHADOW_STATS, m) == -1 && errno == ENXIO, "no device yet");
	ok(!ioctl(fd, SHADOW_ATTACH), "attach");
	ok(ioctl(fd, SHADOW_ATTACH) == -1 && errno == EBUSY, "once");
	program(fd, m);
	memory_changes(fd, m);
	if (!strcmp(class, "kvm"))
		slots(fd, m);
	counters(fd);
	close(fd);
	ok(*page(m, 4) == 42, "our memory stays when it goes");
	return finish();
}

/*
 * xpmem: the child sees the parent's memory.
 */
static int wait_byte(int fd)
{
	char c;

	return read(fd, &c, 1) == 1;
}

static void say_byte(int fd)
{
	if (write(fd, "x", 1) != 1)
		_exit(9);
}

static void on_bus(int sig)
{
	(void)sig;
	_exit(0);		/* of the child: as it should be */
}

/* Exit status: the step that failed; 0 when SIGBUS ends it, at last. */
static void importer(unsigned int id, int in, int out)
{
	volatile unsigned long long *w;
	int fd = open_class("xpmem");

	if (fd < 0 || ioctl(fd, SHADOW_IMPORT, &id))
		_exit(1);
	w = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (w == MAP_FAILED)
		_exit(2);
	if (w[0] != 10 || *page(w, 1) != 11)
		_exit(3);
	*page(w, 1) = 12;
	if (dev_read(fd, (void *)w) != 10)
		_exit(4);
	say_byte(out);
	wait_byte(in);			/* the parent drops page 0 */
	if (w[0] != 0)
		_exit(5);
	say_byte(out);
	wait_byte(in);			/* the parent unmaps page 1 */
	signal(SIGBUS, on_bus);
	(void)*page(w, 1);
	_exit(6);
}

static int two_processes(void)
{
	volatile unsigned long long *m = memory();
	struct shadow_ioc_range rg = { (uintptr_t)m, PAGES * PAGE, 0, 0 };
	int fd = open_class("xpmem"), there[2], back[2], status;

	ok(m && fd >= 0 && !pipe(there) && !pipe(back), "open");
	m[0] = 10;
	*page(m, 1) = 11;
	ok(!ioctl(fd, SHADOW_EXPORT, &rg) && rg.id, "export");
	ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
	   errno == ENODEV, "an exporter's file has no window");
	if (!fork()) {
		close(fd);
		importer(rg.id, there[0], back[1]);
	}
	close(back[1]);
	ok(wait_byte(back[0]), "the importer sees our pages");
	ok(*page(m, 1) == 12, "and we what it wrote");
	madvise((void *)m, PAGE, MADV_DONTNEED);
	say_byte(there[1]);
	ok(wait_byte(back[0]), "it follows a dropped page");
	munmap((void *)page(m, 1), PAGE);
	say_byte(there[1]);
	wait(&status);
	ok(!status, "and gets SIGBUS for an unmapped one");
	if (status)
		printf("# importer: %x\n", status);
	return finish();
}

/*
 * Malformed commands: an error each, and a device that still works.
 */
static void bad_run(int fd, struct shadow_ioc_run run, int err, const char *what)
{
	ok(ioctl(fd, SHADOW_RUN, &run) == -1 && errno == err, what);
}

static void bad_ops(int fd, volatile unsigned long long *m)
{
	struct shadow_ioc_op op = { 99, 0, (uintptr_t)m, 8, 0, 0 };
	struct shadow_ioc_run one = { (uintptr_t)&op, 1, 0 };

	bad_run(fd, one, EINVAL, "an operation that is none");
	op.op = SHADOW_IOC_OP_SUM;
	op.len = 1ULL << 40;
	bad_run(fd, one, EINVAL, "a length of a tebibyte");
	op.len = ~7ULL;
	bad_run(fd, one, EINVAL, "a length that wraps");
	op = (struct shadow_ioc_op){ SHADOW_IOC_OP_READ, 0, (uintptr_t)m + 3,
				     0, 0, 0 };
	ok(dev_op(fd, &op) == -EINVAL, "an address that is odd");
	op.va = 0xffff800000000000ULL;
	ok(dev_op(fd, &op) == -EINVAL, "an address of the kernel's");
	op.va = 0x7ffffffff000ULL;
	ok(dev_op(fd, &op) < 0, "the last page");
	op.va = 0;
	ok(dev_op(fd, &op) == -EFAULT, "no address");
}

static void bad_pointers(int fd, volatile unsigned long long *m)
{
	static const unsigned long long wild[] = {
		0, 1, 0xffff800000000000ULL, 0x7ffffffffff8ULL,
		0x8000000000000000ULL,
	};
	int good = 1;

	for (unsigned int i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		struct shadow_ioc_run run = { wild[i], 2, 0 };

		good &= ioctl(fd, SHADOW_RUN, wild[i]) == -1 && errno == EFAULT;
		good &= ioctl(fd, SHADOW_RUN, &run) == -1 && errno == EFAULT;
		good &= ioctl(fd, SHADOW_STATS, wild[i]) == -1 &&
			errno == EFAULT;
	}
	ok(good, "wild pointers are EFAULT");
	bad_run(fd, (struct shadow_ioc_run){ (uintptr_t)m, 0, 0 }, EINVAL,
		"no operation");
	bad_run(fd, (struct shadow_ioc_run){ (uintptr_t)m, ~0U, 0 }, EINVAL,
		"four billion");
}

/* The name of a range of a child's that has ended; its file is still open. */
static unsigned int gone_exporter(volatile unsigned long long *m)
{
	struct shadow_ioc_range rg = { (uintptr_t)m, PAGE, 0, 0 };
	int fd = open_class("xpmem"), told[2];

	if (fd < 0 || pipe(told))
		return 0;
	if (!fork()) {
		if (!ioctl(fd, SHADOW_EXPORT, &rg) &&
		    write(told[1], &rg.id, sizeof(rg.id)) < 0)
			_exit(1);
		_exit(0);
	}
	wait(NULL);
	return read(told[0], &rg.id, sizeof(rg.id)) == sizeof(rg.id) ?
	       rg.id : 0;
}

static int bad(void)
{
	volatile unsigned long long *m = memory();
	struct shadow_ioc_range rg = { (uintptr_t)m + 1, PAGE, 0, 0 };
	int fd = open_class("gru"), x = open_class("xpmem");
	unsigned int id = 12345, good = 1;

	ok(m && fd >= 0 && x >= 0 && !ioctl(fd, SHADOW_ATTACH), "open");
	for (unsigned int nr = 0; nr < 256; nr++)
		good &= ioctl(fd, 'T' << 8 | nr, m) == -1 && errno == ENOTTY;
	ok(good, "unknown commands");
	good = 1;
	for (unsigned int dir = 0; dir < 4; dir++)
		for (unsigned int nr = 6; nr < 256; nr++)
			good &= ioctl(fd, dir << 30 | 'S' << 8 | nr, m) == -1 &&
				errno == ENOTTY;
	ok(good, "and of our kind");
	bad_pointers(fd, m);
	bad_ops(fd, m);
	ok(ioctl(fd, SHADOW_EXPORT, &rg) == -1 && errno == ENOTTY,
	   "a command of another class");
	ok(ioctl(x, SHADOW_ATTACH) == -1 && errno == ENOTTY, "and back");
	ok(ioctl(x, SHADOW_EXPORT, &rg) == -1 && errno == EINVAL,
	   "half a page is no range");
	rg = (struct shadow_ioc_range){ 0x7ffffffff000ULL, 1ULL << 40, 0, 0 };
	ok(ioctl(x, SHADOW_EXPORT, &rg) == -1 && errno == EINVAL,
	   "nor is what goes beyond the end");
	ok(ioctl(x, SHADOW_IMPORT, &id) == -1 && errno == ENOENT,
	   "a name of nothing");
	id = gone_exporter(m);
	ok(id && ioctl(x, SHADOW_IMPORT, &id) == -1 && errno == ESRCH,
	   "an exporter that is gone");
	ok(read(fd, (void *)m, 8) == -1 && errno == EINVAL, "no read");
	m[0] = 5;
	ok(dev_read(fd, (void *)m) == 5, "the device still works");
	close(fd);
	ok(ioctl(fd, SHADOW_RUN, m) == -1 && errno == EBADF, "closed");
	return finish();
}

/*
 * Attached and used; then gone.
 */
static int use(const char *class)
{
	volatile unsigned long long *m = memory();
	int fd = open_class(class);

	if (!m || fd < 0)
		return -1;
	if (!strcmp(class, "xpmem")) {
		struct shadow_ioc_range rg = { (uintptr_t)m, PAGES * PAGE, 0, 0 };
		int in = open_class(class);
		volatile unsigned long long *w;

		if (ioctl(fd, SHADOW_EXPORT, &rg) ||
		    ioctl(in, SHADOW_IMPORT, &rg.id))
			return -1;
		w = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 in, 0);
		if (w == MAP_FAILED)
			return -1;
		for (int i = 0; i < PAGES; i++)
			*page(w, i) = 1;
		if (dev_read(in, (void *)w) != 1)
			return -1;
	} else {
		if (ioctl(fd, SHADOW_ATTACH))
			return -1;
		for (int i = 0; i < PAGES; i++)
			if (dev_write(fd, (void *)page(m, i), 1))
				return -1;
	}
	return munmap((void *)page(m, 1), PAGE);
}

static int leave(const char *class, const char *how)
{
	if (use(class))
		return 1;
	if (!strcmp(how, "exec"))
		execl("/bin/hello", "hello", NULL);
	if (!strcmp(how, "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(how, "unmap"))
		munmap((void *)0x10000, 0x7fffffff0000ULL - 0x10000);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "bad"))
		return bad();
	if (argc == 2 && !strcmp(argv[1], "xpmem"))
		return two_processes();
	if (argc == 4 && !strcmp(argv[1], "leave"))
		return leave(argv[2], argv[3]);
	return argc == 2 ? own_memory(argv[1]) : 2;
}
