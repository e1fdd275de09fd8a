/* SPDX-License-Identifier: MIT */
/*
 * MADV_MERGEABLE and MADV_UNMERGEABLE: errors, and that nothing else can be
 * seen of it: what was written is there, whoever else has equal pages.
 */
#include "t.h"

#define PAGES	32UL
#define REST_MS	150		/* time for somebody to merge them */

static void fill(char *p, int tag)
{
	for (unsigned long i = 0; i < PAGES; i++)
		memset(p + i * PAGE, tag, PAGE);
}

/* Every page but `other` has tag in it. */
static int all_are(const char *p, int tag, unsigned long other)
{
	for (unsigned long i = 0; i < PAGES * PAGE; i++)
		if (i / PAGE != other && p[i] != (char)tag)
			return 0;
	return 1;
}

static char *mergeable(int tag)
{
	char *p = t_map(PAGES * PAGE, PROT_READ | PROT_WRITE);

	fill(p, tag);
	T_EQ("mergeable", madvise(p, PAGES * PAGE, MADV_MERGEABLE), 0);
	return p;
}

static void errors(void)
{
	char *p = t_map(4 * PAGE, PROT_READ | PROT_WRITE);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	T_ERR("unaligned", madvise(p + 1, PAGE, MADV_MERGEABLE), EINVAL);
	T_ERR("unaligned back", madvise(p + 1, PAGE, MADV_UNMERGEABLE), EINVAL);
	T_EQ("nothing", madvise(p, 0, MADV_MERGEABLE), 0);
	T_EQ("shared memory", madvise(shared, PAGE, MADV_MERGEABLE), 0);
	T_EQ("never merged", madvise(p, PAGE, MADV_UNMERGEABLE), 0);
	munmap(p + PAGE, PAGE);
	T_ERR("a hole", madvise(p, 4 * PAGE, MADV_MERGEABLE), ENOMEM);
	T_ERR("a hole back", madvise(p, 4 * PAGE, MADV_UNMERGEABLE), ENOMEM);
	munmap(p, 4 * PAGE);
	munmap(shared, PAGE);
}

static void writes(void)
{
	char *p = mergeable(1);

	t_sleep_ms(REST_MS);
	T_OK("the same after a while", all_are(p, 1, PAGES));
	p[3 * PAGE] = 2;
	T_OK("a store is in one page", all_are(p, 1, 3));
	T_OK("and there", p[3 * PAGE] == 2 && p[3 * PAGE + 1] == 1);
	T_EQ("unmergeable", madvise(p, PAGES * PAGE, MADV_UNMERGEABLE), 0);
	T_OK("the same again", all_are(p, 1, 3) && p[3 * PAGE] == 2);
	fill(p, 3);
	T_OK("written over", all_are(p, 3, PAGES));
	munmap(p, PAGES * PAGE);
}

static char *forked;

static void child(void)
{
	T_OK("child: the parent's pages", all_are(forked, 4, PAGES));
	forked[0] = 5;
	t_sleep_ms(REST_MS);
	T_OK("child: its own store", forked[0] == 5 && all_are(forked, 4, 0));
}

static void forks(void)
{
	forked = mergeable(4);
	t_sleep_ms(REST_MS);
	T_EQ("a child", t_in_child(child), 0);
	T_OK("the child's store is not here", all_are(forked, 4, PAGES));
	munmap(forked, PAGES * PAGE);
}

static void moves(void)
{
	char *p = mergeable(6), *q;

	t_sleep_ms(REST_MS);
	q = mremap(p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE);
	T_OK("in place", q == p);
	q = t_map(PAGES * PAGE, PROT_NONE);
	T_OK("moved", mremap(p, PAGES * PAGE, PAGES * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
	T_OK("the same at the new place", all_are(q, 6, PAGES));
	mprotect(q, PAGE, PROT_READ);
	mprotect(q, PAGE, PROT_READ | PROT_WRITE);
	q[0] = 7;
	T_OK("a store after mprotect", all_are(q, 6, 0) && q[0] == 7);
	munmap(q, 8 * PAGE);
	T_OK("the rest", q[8 * PAGE] == 6 && q[PAGES * PAGE - 1] == 6);
	T_EQ("thrown away", madvise(q + 8 * PAGE, PAGE, MADV_DONTNEED), 0);
	T_OK("zeros", q[8 * PAGE] == 0 && q[9 * PAGE] == 6);
	munmap(q + 8 * PAGE, (PAGES - 8) * PAGE);
}

/* read(2) and write(2) go through references on the pages. */
static void pipes(void)
{
	char *p = mergeable(8), buf[PAGE];
	int fd[2];

	t_sleep_ms(REST_MS);
	T_EQ("pipe", pipe(fd), 0);
	T_EQ("write from it", write(fd[1], p + PAGE, PAGE), PAGE);
	T_EQ("read", read(fd[0], buf, PAGE), PAGE);
	T_OK("the bytes", !memcmp(buf, p, PAGE));
	memset(buf, 9, PAGE);
	T_EQ("write", write(fd[1], buf, PAGE), PAGE);
	T_EQ("read into it", read(fd[0], p + 2 * PAGE, PAGE), PAGE);
	T_OK("only there", all_are(p, 8, 2) && p[2 * PAGE] == 9);
	munmap(p, PAGES * PAGE);
}

int main(void)
{
	errors();
	writes();
	forks();
	moves();
	pipes();
	return t_done();
}
