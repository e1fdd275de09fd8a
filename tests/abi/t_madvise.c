/* SPDX-License-Identifier: MIT */
/* madvise's advice, mremap's MREMAP_DONTUNMAP, remap_file_pages. */
#include "tests/abi/t.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *volatile p;

static int present(const char *at)
{
	unsigned char v = 0;

	return mincore((void *)at, PAGE, &v) ? -1 : v & 1;
}

static void child_without(void)
{
	unsigned char v;

	T_ERR("DONTFORK: the child has it not", mincore(p, PAGE, &v), ENOMEM);
	T_EQ("WIPEONFORK: the child's is zero", p[PAGE], 0);
	T_EQ("its own page", p[PAGE] = 5, 5);
	T_EQ("the others are copied", p[2 * PAGE], 3);
}

static void forks(void)
{
	p = t_map(4 * PAGE, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 4; i++)
		p[(unsigned long)i * PAGE] = (char)(i + 1);
	T_EQ("DONTFORK", madvise(p, PAGE, MADV_DONTFORK), 0);
	T_EQ("WIPEONFORK", madvise(p + PAGE, PAGE, MADV_WIPEONFORK), 0);
	T_EQ("fork", t_in_child(child_without), 0);
	T_EQ("ours stay", p[0] + p[PAGE] + p[2 * PAGE], 6);
	T_EQ("DOFORK", madvise(p, PAGE, MADV_DOFORK), 0);
	T_EQ("KEEPONFORK", madvise(p, 4 * PAGE, MADV_KEEPONFORK), 0);
	munmap(p, 4 * PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	T_ERR("WIPEONFORK of a shared one", madvise(p, PAGE, MADV_WIPEONFORK),
	      EINVAL);
	T_ERR("FREE of a shared one", madvise(p, PAGE, MADV_FREE), EINVAL);
	munmap(p, PAGE);
}

static void populate(void)
{
	p = t_map(4 * PAGE, PROT_READ | PROT_WRITE);
	madvise(p, 4 * PAGE, MADV_NOHUGEPAGE);
	T_EQ("nothing is there", present(p), 0);
	T_EQ("POPULATE_READ", madvise(p, PAGE, MADV_POPULATE_READ), 0);
	T_EQ("POPULATE_WRITE", madvise(p + PAGE, 2 * PAGE, MADV_POPULATE_WRITE), 0);
	T_EQ("it is there", present(p + PAGE) + present(p + 2 * PAGE), 2);
	T_EQ("zero", p[PAGE], 0);
	mprotect(p, PAGE, PROT_READ);
	T_ERR("write what is read-only", madvise(p, PAGE, MADV_POPULATE_WRITE),
	      EINVAL);
	munmap(p + 2 * PAGE, PAGE);
	T_ERR("over a hole", madvise(p, 4 * PAGE, MADV_POPULATE_READ), ENOMEM);
	munmap(p, 4 * PAGE);
}

static void hints(void)
{
	static const int all[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL,
				   MADV_WILLNEED, MADV_FREE, MADV_COLD,
				   MADV_PAGEOUT, MADV_DONTDUMP, MADV_DODUMP };

	p = t_map(4 * PAGE, PROT_READ | PROT_WRITE);
	p[0] = 9;
	for (unsigned int i = 0; i < sizeof(all) / sizeof(*all); i++)
		T_EQ("accepted", madvise(p + PAGE, 2 * PAGE, all[i]), 0);
	T_EQ("the neighbour is as it was", p[0], 9);
	mlock(p, PAGE);
	T_ERR("DONTNEED of what is locked", madvise(p, PAGE, MADV_DONTNEED),
	      EINVAL);
	T_ERR("COLD too", madvise(p, PAGE, MADV_COLD), EINVAL);
	munlock(p, PAGE);
	T_ERR("no such advice", madvise(p, PAGE, 5), EINVAL);
	T_ERR("nor this", madvise(p, PAGE, 1000), EINVAL);
	T_ERR("misaligned", madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
	T_ERR("wraps", madvise(p, -PAGE, MADV_NORMAL), EINVAL);
	T_EQ("nothing", madvise(p, 0, MADV_RANDOM), 0);
	munmap(p + PAGE, PAGE);
	T_ERR("a hole", madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	T_EQ("but the rest was done", p[0], 0);
	munmap(p, 4 * PAGE);
}

static void dontunmap(void)
{
	char *q;

	p = t_map(4 * PAGE, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 4; i++)
		p[(unsigned long)i * PAGE] = (char)(i + 1);
	q = mremap(p + PAGE, 2 * PAGE, 2 * PAGE,
		   MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	T_OK("moved", q != MAP_FAILED && q != p + PAGE);
	T_EQ("with its pages", q[0] * 10 + q[PAGE], 23);
	T_EQ("the old place is empty", p[PAGE] + p[2 * PAGE], 0);
	T_EQ("and of use", p[PAGE] = 7, 7);
	T_EQ("its neighbours are as they were", p[0] * 10 + p[3 * PAGE], 14);
	T_EQ("both are there", q[0] + p[PAGE], 9);
	T_ERR("not without MAYMOVE", (long)mremap(p, PAGE, PAGE,
						  MREMAP_DONTUNMAP, NULL), EINVAL);
	T_ERR("not with another size", (long)mremap(p, PAGE, 2 * PAGE,
			MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), EINVAL);
	munmap(q, 2 * PAGE);
	munmap(p, 4 * PAGE);
}

static void remap_file(void)
{
	int fd = open("/tmp/t_madvise.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char c;

	unlink("/tmp/t_madvise.file");
	for (int i = 0; i < 4; i++) {
		c = (char)('a' + i);
		pwrite(fd, &c, 1, i * (long)PAGE);
	}
	ftruncate(fd, 4 * PAGE);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	T_EQ("in order", p[0] == 'a' && p[3 * PAGE] == 'd', 1);
	T_EQ("page 3 first", syscall(SYS_remap_file_pages, p, PAGE, 0, 3, 0), 0);
	T_EQ("it is", p[0], 'd');
	p[0] = 'x';
	T_EQ("the same page", p[3 * PAGE], 'x');
	T_EQ("the others stay", p[PAGE], 'b');
	T_ERR("no rights", syscall(SYS_remap_file_pages, p, PAGE, PROT_READ, 0,
				   0), EINVAL);
	T_ERR("no length", syscall(SYS_remap_file_pages, p, 0, 0, 0, 0), EINVAL);
	munmap(p, 4 * PAGE);
	p = t_map(PAGE, PROT_READ);
	T_ERR("a private one", syscall(SYS_remap_file_pages, p, PAGE, 0, 0, 0),
	      EINVAL);
	munmap(p, PAGE);
	close(fd);
}

int main(void)
{
	forks();
	populate();
	hints();
	dontunmap();
	remap_file();
	return t_done();
}
