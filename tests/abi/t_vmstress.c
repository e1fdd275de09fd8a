/* SPDX-License-Identifier: MIT */
/*
 * Threads fault in, unmap, protect and remap regions of their own at once,
 * while one more moves their pages about, forks, and reads them from outside.
 * Each knows what every byte of its region must be.
 */
#include "t.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define RW (PROT_READ | PROT_WRITE)
#define THREADS 4
#define PAGES 32
#define ROUNDS 5000

struct region {
	pthread_t thread;
	char *base;
	unsigned seed;
	long wrong, failed;
	unsigned char shadow[PAGES];	/* first byte of each page */
};

static struct region regions[THREADS];
static atomic_int running;

static unsigned next(struct region *r)
{
	r->seed = r->seed * 1103515245 + 12345;
	return r->seed >> 16;
}

static void write_page(struct region *r, unsigned page)
{
	unsigned char stamp = (unsigned char)next(r);

	r->base[page * PAGE] = (char)stamp;
	r->base[page * PAGE + PAGE - 1] = (char)stamp;
	r->shadow[page] = stamp;
}

static void check_page(struct region *r, unsigned page)
{
	unsigned char *p = (unsigned char *)r->base + page * PAGE;

	r->wrong += p[0] != r->shadow[page] || p[PAGE - 1] != r->shadow[page];
}

static void change_range(struct region *r)
{
	unsigned first = next(r) % PAGES, n = 1 + next(r) % (PAGES - first);
	char *p = r->base + first * PAGE;
	size_t len = n * PAGE;

	switch (next(r) % 4) {
	case 0:
		r->failed += madvise(p, len, MADV_DONTNEED) != 0;
		memset(r->shadow + first, 0, n);
		break;
	case 1:
		r->failed += mmap(p, len, RW, MAP_PRIVATE | MAP_ANONYMOUS |
				  MAP_FIXED, -1, 0) != p;
		memset(r->shadow + first, 0, n);
		break;
	case 2:
		r->failed += mprotect(p, len, PROT_READ) != 0;
		check_page(r, first);
		r->failed += mprotect(p, len, RW) != 0;
		break;
	case 3:
		r->failed += mprotect(p, len, PROT_NONE) != 0;
		r->failed += mprotect(p, len, RW) != 0;
		break;
	}
}

/* The whole region goes elsewhere and keeps its bytes. */
static void move_region(struct region *r)
{
	char *to = t_map(PAGES * PAGE, PROT_NONE);

	/* In pieces: a protected part makes several vmas of it. */
	for (unsigned i = 0; i < PAGES; i++)
		r->failed += mremap(r->base + i * PAGE, PAGE, PAGE,
				    MREMAP_MAYMOVE | MREMAP_FIXED,
				    to + i * PAGE) != to + i * PAGE;
	r->base = to;
}

static void *worker(void *arg)
{
	struct region *r = arg;

	for (int i = 0; i < ROUNDS; i++) {
		write_page(r, next(r) % PAGES);
		check_page(r, next(r) % PAGES);
		if (!(i % 16))
			change_range(r);
		if (i % 500 == 250)
			move_region(r);
	}
	for (unsigned page = 0; page < PAGES; page++)
		check_page(r, page);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Any answer will do: the regions change all the time. */
static void disturb(unsigned n)
{
	struct region *r = &regions[n % THREADS];
	void *pages[PAGES];
	int nodes[PAGES] = { 0 }, status[PAGES];
	struct iovec l, v;
	static char buf[PAGE];
	pid_t pid;

	for (unsigned i = 0; i < PAGES; i++)
		pages[i] = r->base + i * PAGE;
	syscall(SYS_move_pages, 0L, (long)PAGES, pages, nodes, status, 2L);
	l = (struct iovec){ buf, sizeof(buf) };
	v = (struct iovec){ r->base, sizeof(buf) };
	(void)process_vm_readv(getpid(), &l, 1, &v, 1, 0);
	if (n % 8)
		return;
	pid = fork();
	if (!pid) {
		/* Writes to every page that is there: none of ours. */
		(void)process_vm_writev(getpid(), &l, 1, &v, 1, 0);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

int main(void)
{
	long wrong = 0, failed = 0;
	unsigned n = 0;

	atomic_store(&running, THREADS);
	for (int i = 0; i < THREADS; i++) {
		regions[i].base = t_map(PAGES * PAGE, RW);
		regions[i].seed = (unsigned)i + 1;
		pthread_create(&regions[i].thread, NULL, worker, &regions[i]);
	}
	while (atomic_load(&running))
		disturb(n++);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(regions[i].thread, NULL);
		wrong += regions[i].wrong;
		failed += regions[i].failed;
	}
	T_EQ("every byte is right", wrong, 0);
	T_EQ("every call succeeded", failed, 0);
	return t_done();
}
