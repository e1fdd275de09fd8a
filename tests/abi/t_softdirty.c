/* SPDX-License-Identifier: MIT */
/*
 * /proc/self/clear_refs and pagemap's soft-dirty bit: which pages were written
 * since.  What Linux printed needs CONFIG_MEM_SOFT_DIRTY, as Debian's kernels
 * have it.
 */
#include "t.h"
#include <stdint.h>
#include <sys/uio.h>

#define RW	(PROT_READ | PROT_WRITE)
#define FILE_NAME "/tmp/t_softdirty"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static int pagemap, clear_refs;

static void clear(void)
{
	if (write(clear_refs, "4\n", 2) != 2)
		_exit(2);
}

/* Which of n pages from p are soft-dirty: "x-x". */
static const char *which(const char *p, int n)
{
	static char text[65];
	uint64_t e[64];

	if (pread(pagemap, e, (size_t)n * 8, (off_t)((uintptr_t)p / PAGE * 8)) !=
	    n * 8)
		return "cannot be read";
	for (int i = 0; i < n; i++)
		text[i] = e[i] >> 55 & 1 ? 'x' : '-';
	text[n] = 0;
	return text;
}

#define T_DIRTY(what, p, n, want) do {					\
	const char *t_seen = which(p, n);				\
	if (!t_check(!strcmp(t_seen, want), what, 0))			\
		dprintf(1, "seen: %s\n", t_seen);			\
} while (0)

static void private_pages(void)
{
	char *p = t_map(6 * PAGE, RW), c;

	p[0] = p[PAGE] = p[2 * PAGE] = 1;
	c = p[3 * PAGE];
	T_DIRTY("all of a new mapping", p, 6, "xxxxxx");
	clear();
	T_DIRTY("none is left", p, 6, "------");
	c += p[0] + p[4 * PAGE];
	T_DIRTY("reading is nothing", p, 6, "------");
	p[PAGE] = 2;
	p[3 * PAGE] = 2;
	p[5 * PAGE] = 2;
	T_DIRTY("what is written", p, 6, "-x-x-x");
	T_OK("its bytes", p[0] == 1 && p[PAGE] == 2 && p[2 * PAGE] == 1);
	clear();
	p[PAGE] = 3;
	T_DIRTY("again", p, 6, "-x----");
	mprotect(p, 6 * PAGE, PROT_READ);
	mprotect(p, 6 * PAGE, RW);
	T_DIRTY("rights that come and go", p, 6, "-x----");
	p[0] = 4;
	T_DIRTY("are not a write, this is", p, 6, "xx----");
	clear();
	madvise(p, 2 * PAGE, MADV_DONTNEED);
	T_DIRTY("thrown away", p, 6, "------");
	p[0] = (char)(c + 1);
	T_DIRTY("and made anew", p, 6, "x-----");
	munmap(p, 6 * PAGE);
}

static void moved_pages(void)
{
	char *p = t_map(4 * PAGE, RW), *q = t_map(8 * PAGE, RW), *r;

	memset(p, 1, 4 * PAGE);
	clear();
	p[0] = 2;
	r = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   q + 2 * PAGE);
	T_OK("moved", r == q + 2 * PAGE);
	T_DIRTY("what was moved is written there", r, 4, "xxxx");
	clear();
	r[PAGE] = 3;
	T_DIRTY("and then like any", r, 4, "-x--");
	munmap(q, 8 * PAGE);
}

static void a_new_neighbour(void)
{
	char *area = t_map(8 * PAGE, PROT_NONE), *p = area + 2 * PAGE;

	mmap(p, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	p[0] = p[PAGE] = 1;
	clear();
	T_DIRTY("old ones", p, 2, "--");
	mmap(p + 3 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	T_DIRTY("a new one, with a hole between", p, 2, "--");
	T_DIRTY("is dirty untouched", p + 3 * PAGE, 1, "x");
	munmap(area, 8 * PAGE);
}

static void after_fork(void)
{
	char *p = t_map(4 * PAGE, RW);
	int status = 0;

	memset(p, 1, 4 * PAGE);
	clear();
	p[0] = 2;
	if (!fork()) {
		pagemap = open("/proc/self/pagemap", O_RDONLY);
		T_DIRTY("a child has what the parent wrote", p, 4, "x---");
		p[PAGE] = 3;
		T_DIRTY("and what it writes", p, 4, "xx--");
		_exit(t_failures);
	}
	wait(&status);
	T_EQ("the child", status, 0);
	T_DIRTY("which the parent does not", p, 4, "x---");
	p[3 * PAGE] = 4;
	T_DIRTY("but for its own", p, 4, "x--x");
	clear();
	T_EQ("by the kernel", syscall(SYS_getcwd, p + 2 * PAGE, PAGE) > 0, 1);
	T_DIRTY("is a write too", p, 4, "--x-");
	munmap(p, 4 * PAGE);
}

static void shared_pages(void)
{
	int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *s, *p, *m, c;

	if (ftruncate(fd, 4 * PAGE))
		return;
	s = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	m = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s[0] = s[PAGE] = p[2 * PAGE] = m[0] = m[PAGE] = 1;
	clear();
	c = (char)(s[0] + s[2 * PAGE] + p[0] + m[2 * PAGE]);
	T_DIRTY("a shared file, read", s, 4, "----");
	T_DIRTY("a private one, read", p, 4, "----");
	T_DIRTY("shared memory, read", m, 4, "----");
	s[PAGE] = s[2 * PAGE] = c;
	p[0] = p[2 * PAGE] = c;
	m[0] = m[3 * PAGE] = c;
	T_DIRTY("a shared file, written", s, 4, "-xx-");
	T_DIRTY("a private one, written", p, 4, "x-x-");
	T_DIRTY("shared memory, written", m, 4, "x--x");
	clear();
	T_EQ("written by call", pwrite(fd, "x", 1, 0), 1);
	T_DIRTY("is not by this mapping", s, 4, "----");
	munmap(s, 4 * PAGE);
	munmap(p, 4 * PAGE);
	munmap(m, 4 * PAGE);
	close(fd);
	unlink(FILE_NAME);
}

/* Through /proc/self/mem, to what may not be written otherwise. */
static void forced(void)
{
	int mem = open("/proc/self/mem", O_RDWR);
	char *p = t_map(2 * PAGE, RW);

	memset(p, 1, 2 * PAGE);
	mprotect(p, 2 * PAGE, PROT_READ);
	T_EQ("a forced write", pwrite(mem, "1", 1, (off_t)(uintptr_t)p), 1);
	clear();
	T_DIRTY("is forgotten", p, 2, "--");
	T_EQ("one more", pwrite(mem, "2", 1, (off_t)(uintptr_t)p), 1);
	T_DIRTY("is seen", p, 2, "x-");
	munmap(p, 2 * PAGE);
	close(mem);
}

static long field(const char *file, const char *at, const char *name)
{
	static char text[65536];
	int fd = open(file, O_RDONLY);
	ssize_t n, len = 0;
	char start[32], *p;

	while ((n = read(fd, text + len, sizeof(text) - 1 - (size_t)len)) > 0)
		len += n;
	close(fd);
	text[len] = 0;
	snprintf(start, sizeof(start), "%lx-", (unsigned long)at);
	p = strstr(text, start);
	p = p ? strstr(p, name) : NULL;
	return p ? strtol(p + strlen(name), NULL, 10) : -1;
}

static void referenced(void)
{
	char *area = t_map(6 * PAGE, PROT_NONE), *p = area + PAGE;

	mmap(p, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memset(p, 1, 3 * PAGE);
	T_EQ("used", field("/proc/self/smaps", p, "Referenced:"), 12);
	T_EQ("mapped ones only", write(clear_refs, "3", 1), 1);
	T_EQ("it is anonymous", field("/proc/self/smaps", p, "Referenced:"), 12);
	T_EQ("anonymous ones", write(clear_refs, "2", 1), 1);
	T_EQ("not used", field("/proc/self/smaps", p, "Referenced:"), 0);
	T_OK("still there", p[0] == 1 && p[PAGE] == 1);
	p[2 * PAGE] = 2;
	T_EQ("all", write(clear_refs, "1", 1), 1);
	T_EQ("not used again", field("/proc/self/smaps", p, "Referenced:"), 0);
	T_EQ("Rss stays", field("/proc/self/smaps", p, "Rss:"), 12);
	T_EQ("the peak", write(clear_refs, "5", 1), 1);
	T_ERR("no such kind", write(clear_refs, "6", 1), EINVAL);
	T_ERR("nor 0", write(clear_refs, "0", 1), EINVAL);
	T_ERR("a word", write(clear_refs, "all", 3), EINVAL);
	T_ERR("from nowhere", write(clear_refs, (void *)8, 1), EFAULT);
	T_ERR("it cannot be read", read(clear_refs, area, 1), EBADF);
	munmap(area, 6 * PAGE);
}

int main(void)
{
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	clear_refs = open("/proc/self/clear_refs", O_WRONLY);
	if (pagemap < 0 || clear_refs < 0)
		return 2;
	private_pages();
	moved_pages();
	a_new_neighbour();
	after_fork();
	shared_pages();
	forced();
	referenced();
	return t_done();
}
