/* SPDX-License-Identifier: MIT */
/*
 * The operations of allocfail.c.  Each makes what it needs, tries one thing
 * with the knob armed, checks what that did, and leaves nothing behind.  Part
 * of that program's one translation unit; allocfail_fs.h has the rest of them.
 */
#ifndef USER_ALLOCFAIL_OPS_H
#define USER_ALLOCFAIL_OPS_H

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "user/allocfail.h"

#define AFTER_EXEC	"--after-exec"
#define FILE_PAGES	6
#define NAME		"/tmp/allocfail"
#define EXEC_FAILED	77
#define FUTEX_WAIT	0

static char buffer[FILE_PAGES * PAGE];

static char *map(unsigned long pages, int prot)
{
	char *p = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static void unmap(void *p, unsigned long pages)
{
	MUST(!munmap(p, pages * PAGE));
}

/* FILE_PAGES pages, each full of its number plus 1. */
static int new_file(void)
{
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

	MUST(fd >= 0);
	for (unsigned long i = 0; i < FILE_PAGES; i++)
		memset(buffer + i * PAGE, (int)i + 1, PAGE);
	MUST(write(fd, buffer, sizeof(buffer)) == (long)sizeof(buffer));
	return fd;
}

static void drop_file(int fd)
{
	close(fd);
	unlink(NAME);
}

static char *map_file(int fd, int prot, int flags)
{
	char *p = mmap(NULL, FILE_PAGES * PAGE, prot, flags, fd, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static long ptr(void *p)
{
	return p == MAP_FAILED ? -1 : 0;
}

/* Processes. */

static long wait_for(long pid, int want)
{
	int status = 0;

	if (pid < 0)
		return pid;
	MUST(waitpid((pid_t)pid, &status, 0) == pid);
	if (status != want)
		wrong("the child's status", status);
	return 0;
}

static int see_all(void *arg)
{
	char *p = arg;

	return p[0] == 'x' && p[300 * PAGE] == 'x' && p[599 * PAGE] == 'x' ?
	       9 : 8;
}

/* Not by fork(): a child that begins in TRY would look at our knob. */
static long op_fork(void)
{
	char *p = map(600, RW), *stack = map(2, RW);
	long pid;

	p[0] = p[300 * PAGE] = p[599 * PAGE] = 'x';
	mprotect(p + PAGE, PAGE, PROT_READ);
	madvise(p + 9 * PAGE, PAGE, MADV_WIPEONFORK);
	pid = TRY(clone(see_all, stack + 2 * PAGE, SIGCHLD, p));
	pid = wait_for(pid, 9 << 8);
	unmap(stack, 2);
	unmap(p, 600);
	return pid;
}

static int end_with_9(void *arg)
{
	(void)arg;
	return 9;
}

static int end_thread(void *arg)
{
	*(volatile char *)arg = 't';
	return 0;
}

static long op_vfork(void)
{
	char *stack = map(2, RW);
	long ret;

	ret = TRY(clone(end_with_9, stack + 2 * PAGE, CLONE_VM | CLONE_VFORK |
			SIGCHLD, NULL));
	ret = wait_for(ret, 9 << 8);
	unmap(stack, 2);
	return ret;
}

static long op_clone_files(void)
{
	char *stack = map(2, RW);
	long ret;

	stack[2 * PAGE - 1] = 1;
	ret = TRY(clone(end_with_9, stack + 2 * PAGE, CLONE_FS | CLONE_FILES |
			SIGCHLD, NULL));
	ret = wait_for(ret, 9 << 8);
	unmap(stack, 2);
	return ret;
}

static long op_thread(void)
{
	static volatile int tid;
	char *stack = map(2, RW);
	long ret;
	int seen;

	tid = -1;
	stack[2 * PAGE - 1] = 1;
	ret = TRY(clone(end_thread, stack + 2 * PAGE, CLONE_VM | CLONE_FS |
			CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			CLONE_SYSVSEM | CLONE_CHILD_CLEARTID, stack, NULL,
			NULL, &tid));
	while (ret > 0 && (seen = tid))
		syscall(SYS_futex, &tid, FUTEX_WAIT, seen, NULL, NULL, 0);
	MUST(ret < 0 || *stack == 't');
	unmap(stack, 2);
	return ret < 0 ? ret : 0;
}

static int after_exec(void)
{
	char left[16] = "";
	int fd;

	for (fd = 3; fd < 30; fd++) {
		if (pread(fd, left, sizeof(left) - 1, 0) > 0 &&
		    pwrite(fd, "0", 1, 0) == 1)
			return atoi(left) ? UNTOUCHED : FAILED_WELL;
	}
	return WRONG;
}

/* A child of ours has the knob, and may be killed like any. */
static long op_exec(void)
{
	char *argv[] = { "allocfail", AFTER_EXEC, NULL };
	pid_t pid = fork();
	int status;

	if (!pid) {
		close(knob_fd());
		knob_open();
		part_begin();
		execv("/proc/self/exe", argv);
		part_end(-1);
		_exit(EXEC_FAILED);
	}
	part_begin();
	part_end(0);
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
	set_fired(status != UNTOUCHED << 8);
	if (status == EXEC_FAILED << 8)
		return -ENOMEM;
	if (status && status != SIGKILL && status != UNTOUCHED << 8)
		wrong("status of exec", status);
	return 0;
}

/* Mappings. */

static long op_mmap(void)
{
	char *p;
	long ret = TRY(ptr(p = mmap(NULL, 9 * PAGE, RW, MAP_PRIVATE |
				    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)));

	if (!ret)
		unmap(p, 9);
	return ret;
}

static long op_mmap_populate(void)
{
	char *p;
	long ret = TRY(ptr(p = mmap(NULL, 9 * PAGE, RW, MAP_PRIVATE |
				    MAP_ANONYMOUS | MAP_POPULATE, -1, 0)));

	if (!ret)
		unmap(p, 9);
	return ret;
}

static long op_mmap_shared(void)
{
	char *p;
	long ret = TRY(ptr(p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED |
				    MAP_ANONYMOUS, -1, 0)));

	if (!ret)
		unmap(p, 3);
	return ret;
}

static long mmap_file_with(int flags)
{
	int fd = new_file();
	char *p;
	long ret = TRY(ptr(p = mmap(NULL, 3 * PAGE, RW, flags, fd, PAGE)));

	MUST(ret || p[0] == 2);
	if (!ret)
		unmap(p, 3);
	drop_file(fd);
	return ret;
}

static long op_mmap_file(void)
{
	return mmap_file_with(MAP_PRIVATE);
}

static long op_mmap_file_shared(void)
{
	return mmap_file_with(MAP_SHARED);
}

/* Ten pages, touched; what stands in the middle is tried on. */
static long in_the_middle(long (*change)(char *p))
{
	char *p = map(10, RW);
	long ret;

	for (int i = 0; i < 10; i++)
		p[(unsigned long)i * PAGE] = (char)('a' + i);
	ret = change(p + 4 * PAGE);
	MUST(p[0] == 'a' && p[3 * PAGE] == 'd' && p[9 * PAGE] == 'j');
	if (ret)
		MUST(p[4 * PAGE] == 'e' && p[5 * PAGE] == 'f');
	munmap(p, 10 * PAGE);
	return ret;
}

#define IN_THE_MIDDLE(name, call)					\
	static long do_##name(char *p) { return TRY(call); }		\
	static long op_##name(void) { return in_the_middle(do_##name); }

IN_THE_MIDDLE(mmap_fixed, ptr(mmap(p, 2 * PAGE, PROT_READ, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED, -1, 0)))
IN_THE_MIDDLE(munmap, munmap(p, 2 * PAGE))
IN_THE_MIDDLE(mprotect, mprotect(p, 2 * PAGE, PROT_READ))
IN_THE_MIDDLE(mprotect_none, mprotect(p, 2 * PAGE, PROT_NONE))
IN_THE_MIDDLE(dontfork, madvise(p, 2 * PAGE, MADV_DONTFORK))
IN_THE_MIDDLE(mlock, mlock(p, 2 * PAGE))
IN_THE_MIDDLE(msync, msync(p, 2 * PAGE, MS_SYNC))

static long do_dontneed(char *p)
{
	char *other = map(1, RW);
	long ret = TRY(madvise(p, PAGE, MADV_DONTNEED));

	unmap(other, 1);
	MUST(ret || !*p);
	return ret;
}

static long op_dontneed(void)
{
	return in_the_middle(do_dontneed);
}

/*
 * Two pages of four move; the destination is free, or is what `to` says: that
 * is unmapped first, and stays so.
 */
static long move_to(unsigned long size, int flags, void *to)
{
	char *p = map(4, RW), *q = NULL;
	long ret;

	p[PAGE] = 'm';
	p[2 * PAGE] = 'n';
	if (to)
		ret = TRY_PART(ptr(q = mremap(p + PAGE, 2 * PAGE, size * PAGE,
					      flags, to)));
	else
		ret = TRY(ptr(q = mremap(p + PAGE, 2 * PAGE, size * PAGE,
					 flags)));
	if (!ret) {
		MUST(q[0] == 'm' && (size < 2 || q[PAGE] == 'n'));
		munmap(q, size * PAGE);
	} else {
		MUST(p[PAGE] == 'm' && p[2 * PAGE] == 'n');
	}
	munmap(p, 4 * PAGE);
	return ret;
}

static long op_mremap(void)
{
	return move_to(40, MREMAP_MAYMOVE, NULL);
}

static long op_mremap_shrink(void)
{
	return move_to(1, MREMAP_MAYMOVE, NULL);
}

static long op_mremap_fixed(void)
{
	char *there = map(600, RW);
	long ret;

	there[0] = there[599 * PAGE] = 'o';
	ret = move_to(2, MREMAP_MAYMOVE | MREMAP_FIXED, there + 300 * PAGE);
	MUST(there[0] == 'o' && there[599 * PAGE] == 'o');
	munmap(there, 600 * PAGE);
	return ret;
}

static long op_mremap_dontunmap(void)
{
	char *p = map(3, RW), *q = NULL;
	long ret;

	p[0] = p[2 * PAGE] = 'd';
	ret = TRY(ptr(q = mremap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE |
				 MREMAP_DONTUNMAP, NULL)));
	MUST(ret ? p[0] == 'd' && p[2 * PAGE] == 'd' :
	     q[0] == 'd' && q[2 * PAGE] == 'd' && !p[0]);
	if (!ret)
		unmap(q, 3);
	unmap(p, 3);
	return ret;
}

static long op_brk(void)
{
	char *old = (char *)syscall(SYS_brk, 0);
	long ret;

	/* It tells its errors by what it returns. */
	ret = TRY((errno = ENOMEM, (char *)syscall(SYS_brk, old + 8 * PAGE) ==
		   old ? -1 : 0));
	MUST((char *)syscall(SYS_brk, old) == old);
	return ret;
}

static long op_remap_file_pages(void)
{
	int fd = new_file();
	char *p = map_file(fd, RW, MAP_SHARED);
	long ret;

	ret = TRY(remap_file_pages(p + PAGE, PAGE, 0, 4, 0));
	MUST(p[0] == 1 && p[2 * PAGE] == 3);
	MUST(p[PAGE] == (ret ? 2 : 5));
	unmap(p, FILE_PAGES);
	drop_file(fd);
	return ret;
}

#include "user/allocfail_fault.h"
#include "user/allocfail_fs.h"

static const struct op ops[] = {
	{ "fork", "fork", op_fork }, { "fork", "vfork", op_vfork },
	{ "fork", "clone files", op_clone_files },
	{ "fork", "thread", op_thread }, { "exec", "exec", op_exec },
	{ "mmap", "mmap", op_mmap },
	{ "mmap", "mmap populate", op_mmap_populate },
	{ "mmap", "mmap shared", op_mmap_shared },
	{ "mmap", "mmap file", op_mmap_file },
	{ "mmap", "mmap file shared", op_mmap_file_shared },
	{ "mmap", "mmap fixed", op_mmap_fixed },
	{ "mmap", "munmap", op_munmap }, { "mmap", "mprotect", op_mprotect },
	{ "mmap", "mprotect none", op_mprotect_none },
	{ "mmap", "MADV_DONTFORK", op_dontfork },
	{ "mmap", "MADV_DONTNEED", op_dontneed },
	{ "mmap", "mlock", op_mlock }, { "mmap", "msync", op_msync },
	{ "mmap", "mremap", op_mremap },
	{ "mmap", "mremap shrink", op_mremap_shrink },
	{ "mmap", "mremap fixed", op_mremap_fixed },
	{ "mmap", "mremap dontunmap", op_mremap_dontunmap },
	{ "mmap", "brk", op_brk },
	{ "mmap", "remap_file_pages", op_remap_file_pages },
	FAULT_OPS
	FS_OPS
	{ NULL, NULL, NULL },
};

#endif
