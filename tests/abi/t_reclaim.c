/* SPDX-License-Identifier: MIT */
/* MADV_FREE, MADV_COLD, MADV_PAGEOUT: errors, and what stays in the pages. */
#include "t.h"

#define PAGES	64UL
#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif

static unsigned char *map(void)
{
	unsigned char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned long i = 0; i < PAGES * PAGE; i++)
		p[i] = (unsigned char)(i / PAGE * 7 + i);
	return p;
}

static int right(const unsigned char *p)
{
	for (unsigned long i = 0; i < PAGES * PAGE; i++)
		if (p[i] != (unsigned char)(i / PAGE * 7 + i))
			return 0;
	return 1;
}

static void say(const char *what, int ret)
{
	printf("%s: %d %s\n", what, ret, ret ? strerror(errno) : "ok");
}

static void errors(unsigned char *p)
{
	static const int advice[] = { MADV_FREE, MADV_COLD, MADV_PAGEOUT };
	unsigned char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 3; i++) {
		printf("advice %d\n", advice[i]);
		say("unaligned", madvise(p + 1, PAGE, advice[i]));
		say("nothing", madvise(p, 0, advice[i]));
		say("huge", madvise(p, ~0UL - 10, advice[i]));
		say("kernel", madvise((void *)~0xfffUL, PAGE, advice[i]));
		say("shared", madvise(shared, PAGE, advice[i]));
	}
	munmap(p + 10 * PAGE, PAGE);
	for (int i = 1; i < 3; i++)
		say("hole", madvise(p, 20 * PAGE, advice[i]));
	p[0] = 1;
	mlock(p, PAGE);
	for (int i = 0; i < 3; i++)
		say("locked", madvise(p, PAGE, advice[i]));
	printf("locked page keeps its byte: %d\n", p[0]);
}

static void pageout(void)
{
	unsigned char *p = map();
	int status = 1;

	say("cold", madvise(p, PAGES * PAGE, MADV_COLD));
	printf("cold: %d\n", right(p));
	say("pageout", madvise(p, PAGES * PAGE, MADV_PAGEOUT));
	printf("pageout: %d\n", right(p));
	say("again", madvise(p, PAGES * PAGE, MADV_PAGEOUT));
	if (!fork())
		_exit(!right(p));
	wait(&status);
	printf("child: %d\n", status);
	memset(p, 1, PAGE);
	say("once more", madvise(p, PAGES * PAGE, MADV_PAGEOUT));
	printf("first page: %d %d\n", p[0], p[PAGE - 1]);
	munmap(p, PAGES * PAGE);
}

/* Each page has its old bytes or zeros; one that is written again has both
 * its new byte and, in the rest, either.
 */
static void lazyfree(void)
{
	unsigned char *p = map();
	int bad = 0;

	say("free", madvise(p, PAGES * PAGE, MADV_FREE));
	p[5 * PAGE] = 99;
	madvise(p, PAGES * PAGE, MADV_PAGEOUT);
	for (unsigned long n = 0; n < PAGES; n++) {
		unsigned char old = (unsigned char)(n * 7 + n * PAGE + 1);
		unsigned char now = p[n * PAGE + 1];

		bad += now != 0 && now != old;
	}
	printf("free: %d bad, written one is %d\n", bad, p[5 * PAGE]);
	munmap(p, PAGES * PAGE);
}

int main(void)
{
	errors(map());
	pageout();
	lazyfree();
	return 0;
}
