/* SPDX-License-Identifier: MIT */
/* mmap, munmap, mprotect, mremap, madvise, msync, brk. */
#include "t.h"
#include <setjmp.h>

#define RW (PROT_READ | PROT_WRITE)

static sigjmp_buf env;
static volatile int fault_sig, fault_code;
static void *volatile fault_addr;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	fault_sig = sig;
	fault_code = si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(env, 1);
}

/* 0: fine; else the signal that a read or write of *p gave. */
static int touch(volatile char *p, int write)
{
	fault_sig = 0;
	if (!sigsetjmp(env, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return fault_sig;
}

static void anonymous(void)
{
	char *p = t_map(8 * PAGE, RW);
	int zero = 1;

	T_OK("mmap aligned", p != MAP_FAILED && !((unsigned long)p % PAGE));
	for (unsigned long i = 0; i < 8 * PAGE; i++)
		zero &= !p[i];
	T_OK("anonymous memory is zero", zero);
	memset(p, 7, 8 * PAGE);
	T_EQ("munmap a hole", munmap(p + 2 * PAGE, 2 * PAGE), 0);
	T_EQ("the hole faults", touch(p + 2 * PAGE, 0), SIGSEGV);
	T_OK("with MAPERR and its address", fault_code == SEGV_MAPERR &&
	     fault_addr == p + 2 * PAGE);
	T_OK("its neighbours stay", p[2 * PAGE - 1] == 7 && p[4 * PAGE] == 7);
	T_EQ("munmap of nothing is fine", munmap(p + 2 * PAGE, PAGE), 0);
	T_EQ("munmap all", munmap(p, 8 * PAGE), 0);
	T_ERR("munmap unaligned", munmap(p + 1, PAGE), EINVAL);
	T_ERR("munmap of no length", munmap(p, 0), EINVAL);
}

static void refusals(void)
{
	unsigned long top = 0x7ffffffff000UL;

	T_ERR("mmap of no length", (long)mmap(NULL, 0, RW, MAP_PRIVATE |
	      MAP_ANONYMOUS, -1, 0), EINVAL);
	T_ERR("neither shared nor private", (long)mmap(NULL, PAGE, RW,
	      MAP_ANONYMOUS, -1, 0), EINVAL);
	T_ERR("a bad descriptor", (long)mmap(NULL, PAGE, RW, MAP_PRIVATE, 99,
	      0), EBADF);
	T_ERR("fixed at the end of user space", (long)mmap((void *)top, PAGE,
	      RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
	T_ERR("fixed and unaligned", (long)mmap((void *)0x10000001UL, PAGE, RW,
	      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
	T_ERR("far too much", (long)mmap(NULL, 1UL << 48, RW, MAP_PRIVATE |
	      MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
	T_ERR("an unaligned offset", syscall(SYS_mmap, 0, PAGE, RW,
	      MAP_PRIVATE | MAP_ANONYMOUS, -1, 1), EINVAL);
}

static void fixed(void)
{
	char *p = t_map(4 * PAGE, RW), *q;

	memset(p, 3, 4 * PAGE);
	q = mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0);
	T_OK("MAP_FIXED replaces", q == p + PAGE && *q == 0 && p[0] == 3 &&
	     p[2 * PAGE] == 3);
	T_ERR("MAP_FIXED_NOREPLACE does not", (long)mmap(p, PAGE, RW,
	      MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0), EEXIST);
	munmap(p, 4 * PAGE);
	q = mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	T_OK("a free hint is taken", q == p);
	munmap(q, PAGE);
}

static void protect(void)
{
	char *p = t_map(4 * PAGE, RW);

	memset(p, 9, 4 * PAGE);
	T_EQ("mprotect read-only", mprotect(p + PAGE, 2 * PAGE, PROT_READ), 0);
	T_EQ("reading is fine", touch(p + PAGE, 0), 0);
	T_EQ("writing faults", touch(p + PAGE, 1), SIGSEGV);
	T_OK("with ACCERR", fault_code == SEGV_ACCERR &&
	     fault_addr == p + PAGE);
	T_EQ("around it not", touch(p, 1) | touch(p + 3 * PAGE, 1), 0);
	T_EQ("PROT_NONE", mprotect(p, PAGE, PROT_NONE), 0);
	T_EQ("reading faults", touch(p, 0), SIGSEGV);
	T_EQ("and back", mprotect(p, 4 * PAGE, RW), 0);
	T_OK("contents are as they were", p[1] == 9 && p[PAGE] == 9 &&
	     p[2 * PAGE + 5] == 9);
	T_EQ("writing is fine again", touch(p + PAGE, 1), 0);
	munmap(p + 2 * PAGE, PAGE);
	T_ERR("mprotect over a hole", mprotect(p, 4 * PAGE, PROT_READ),
	      ENOMEM);
	T_ERR("mprotect unaligned", syscall(SYS_mprotect, p + 1, PAGE, 1),
	      EINVAL);
	T_EQ("mprotect of no length", mprotect(p, 0, PROT_READ), 0);
	munmap(p, 4 * PAGE);
}

static void execute(void)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	unsigned char *p = t_map(PAGE, RW);
	int (*fn)(void);

	memcpy(p, code, sizeof(code));
	memcpy(&fn, &p, sizeof(fn));
	fault_sig = 0;
	if (!sigsetjmp(env, 1))
		fn();
	T_OK("data cannot be executed", fault_sig == SIGSEGV &&
	     fault_code == SEGV_ACCERR);
	mprotect(p, PAGE, PROT_READ | PROT_EXEC);
	T_EQ("code can", fn(), 42);
	munmap(p, PAGE);
}

static int make_file(const char *name, int pages)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	static char buf[PAGE];

	for (int i = 0; i < pages; i++) {
		memset(buf, 'a' + i, sizeof(buf));
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			t_failures++;
	}
	return fd;
}

static void files(void)
{
	int fd = make_file("/tmp/t_mmap", 3), ro;
	char *s, *v, c;

	s = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	v = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	T_OK("a file's contents", s[0] == 'a' && s[2 * PAGE] == 'c' &&
	     v[PAGE] == 'b');
	s[PAGE] = 'X';
	T_OK("shared writes reach the file", pread(fd, &c, 1, PAGE) == 1 &&
	     c == 'X');
	T_EQ("and private mappings that have not copied", v[PAGE], 'X');
	v[0] = 'P';
	T_OK("private writes stay private", s[0] == 'a');
	T_OK("write() is seen in both", pwrite(fd, "W", 1, 2 * PAGE) == 1 &&
	     s[2 * PAGE] == 'W' && v[2 * PAGE] == 'W');
	T_EQ("beyond the file's end: SIGBUS", touch(s + 3 * PAGE, 0), SIGBUS);
	T_EQ("after ftruncate too", ftruncate(fd, PAGE) ||
	     touch(s + PAGE, 0) != SIGBUS, 0);
	T_EQ("msync", msync(s, PAGE, MS_SYNC), 0);
	T_ERR("msync with bad flags", msync(s, PAGE, 99), EINVAL);
	ro = open("/tmp/t_mmap", O_RDONLY);
	T_ERR("no shared writable mapping of a read-only file",
	      (long)mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	T_OK("a private one is fine", mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0)
	     != MAP_FAILED);
	munmap(s, 4 * PAGE);
	munmap(v, 3 * PAGE);
	close(ro);
	close(fd);
	unlink("/tmp/t_mmap");
}

static void remap(void)
{
	char *p = t_map(4 * PAGE, RW), *q, *to;

	memset(p, 6, 4 * PAGE);
	q = mremap(p, 4 * PAGE, 2 * PAGE, 0);
	T_OK("mremap shrinks in place", q == p && touch(p + 2 * PAGE, 0));
	q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	T_OK("mremap grows", q != MAP_FAILED && q[0] == 6 &&
	     q[2 * PAGE - 1] == 6 && q[2 * PAGE] == 0 && q[64 * PAGE - 1] == 0);
	to = t_map(2 * PAGE, RW);
	p = mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	T_OK("mremap moves to a place", p == to && p[PAGE] == 6 &&
	     touch(q, 0) == SIGSEGV);
	T_ERR("mremap of nothing", (long)mremap(q, PAGE, 2 * PAGE,
	      MREMAP_MAYMOVE), EFAULT);
	T_ERR("mremap unaligned", (long)mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	munmap(p, 2 * PAGE);
	munmap(q + 2 * PAGE, 62 * PAGE);
}

static void advice(void)
{
	char *p = t_map(4 * PAGE, RW);

	memset(p, 8, 4 * PAGE);
	T_EQ("MADV_DONTNEED", madvise(p + PAGE, PAGE, MADV_DONTNEED), 0);
	T_OK("that page is zero again", p[PAGE] == 0 && p[0] == 8 &&
	     p[2 * PAGE] == 8);
	T_ERR("madvise unaligned", madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	T_ERR("unknown advice", madvise(p, PAGE, 999), EINVAL);
	munmap(p, 4 * PAGE);
	T_ERR("madvise over nothing", madvise(p, PAGE, MADV_DONTNEED), ENOMEM);
}

static void heap(void)
{
	char *old = (char *)syscall(SYS_brk, 0), *end;

	end = (char *)syscall(SYS_brk, old + 16 * PAGE);
	T_OK("brk grows", end == old + 16 * PAGE);
	T_OK("with zeroes", old[0] == 0 && old[16 * PAGE - 1] == 0);
	memset(old, 1, 16 * PAGE);
	end = (char *)syscall(SYS_brk, old + PAGE);
	T_OK("brk shrinks", end == old + PAGE);
	end = (char *)syscall(SYS_brk, 1);
	T_OK("a bad brk changes nothing", end == old + PAGE);
	T_OK("and again: zeroes", (char *)syscall(SYS_brk, old + 4 * PAGE) ==
	     old + 4 * PAGE && old[3 * PAGE] == 0);
	syscall(SYS_brk, old);
}

static void copy_on_write(void)
{
	char *p = t_map(64 * PAGE, RW), *z = t_map(2 * PAGE, RW);
	int good = 1, status;

	memset(p, 'p', 64 * PAGE);
	good &= z[0] == 0;			/* the zero page */
	if (!fork()) {
		for (int i = 0; i < 64; i++)
			good &= p[i * PAGE] == 'p';
		memset(p, 'c', 64 * PAGE);
		z[0] = 'c';
		_exit(!good);
	}
	for (int i = 0; i < 64; i += 2)
		p[i * PAGE] = 'q';
	wait(&status);
	for (int i = 0; i < 64; i++)
		good &= p[i * PAGE] == (i & 1 ? 'p' : 'q');
	T_OK("copy-on-write keeps both sides apart", good && !status && !z[0]);
	munmap(p, 64 * PAGE);
	munmap(z, 2 * PAGE);
}

static int deep(int n)
{
	volatile char room[2048];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] - (char)n : 0;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault,
				.sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	anonymous();
	refusals();
	fixed();
	protect();
	execute();
	files();
	remap();
	advice();
	heap();
	copy_on_write();
	T_EQ("the stack grows by a megabyte", deep(500), 0);
	return t_done();
}
