/* SPDX-License-Identifier: MIT */
/*
 * Read-ahead: who reads a file in order finds the next pages there already.
 *
 * Each reader has a window.  A sequential miss opens or doubles it; its last
 * part is marked, and who comes to the mark starts the next window while it
 * still has pages to read.  A reader that jumps gets what it asked for and no
 * more.
 *
 * A1. A page that read-ahead puts into the cache is locked until the device
 *     has answered: a reader that comes early waits for it.
 * A2. Read-ahead may always give up: no memory, the end of the file, an error.
 *     The page is then read, and the error told, when somebody needs it.
 *
 * Locks: none of its own.  Tests: tests/kt/kt_readahead.c
 */
#include "arch/percpu.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/motion.h"
#include "mm/readahead.h"

#define RUN_MAX	32
#define RA_INIT	4U		/* pages of the first window */
#define AROUND	16ULL		/* pages read for a fault */

static DEFINE_PER_CPU(struct readahead_stats, counts);

void readahead_stats(struct readahead_stats *s)
{
	*s = (struct readahead_stats){ 0 };
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct readahead_stats *c = per_cpu_ptr(&counts, cpu);

		if (cpu && !__per_cpu_offset[cpu])
			continue;
		s->windows += READ_ONCE(c->windows);
		s->pages += READ_ONCE(c->pages);
		s->marks += READ_ONCE(c->marks);
	}
}

struct ra_run {
	struct address_space *m;
	struct page *pages[RUN_MAX];
	u32 nr, started;
	u64 mark;			/* this index gets PG_readahead */
};

static void send_run(struct ra_run *run)
{
	if (run->nr)
		run->m->a_ops->readahead(run->m, run->pages, run->nr);
	run->started += run->nr;
	run->nr = 0;
}

/* False: give up (A2).  A page that is there already ends the run only. */
static bool add_to_run(struct ra_run *run, u64 index)
{
	struct page *p = ERR_PTR(-EEXIST);

	rcu_read_lock();
	if (!radix_tree_lookup(&run->m->i_pages, index))
		p = NULL;
	rcu_read_unlock();
	if (!p)
		p = add_new_page(run->m, index);		/* A1 */
	if (IS_ERR(p)) {
		send_run(run);
		return PTR_ERR(p) == -EEXIST;
	}
	if (index == run->mark)
		page_set(p, PG_readahead);
	run->pages[run->nr++] = p;
	if (run->nr == RUN_MAX)
		send_run(run);
	return true;
}

static u32 read_pages(struct address_space *m, u64 start, u64 nr, u64 mark)
{
	u64 end = DIV_ROUND_UP(READ_ONCE(m->size), PAGE_SIZE);
	struct ra_run run = { .m = m, .mark = mark };

	if (start >= end)
		return 0;
	end = min(end, start + nr);
	page_motion_begin();	/* until sent: pages stay locked so long */
	for (u64 i = start; i < end; i++)
		if (!add_to_run(&run, i))
			break;
	send_run(&run);
	page_motion_end();
	this_cpu_add(counts.pages, (u64)run.started);
	return run.started;
}

u32 start_readahead(struct address_space *m, u64 start, u64 nr)
{
	return mapping_can_readahead(m) ? read_pages(m, start, nr, U64_MAX) : 0;
}

/*
 * The last page of a window is marked: the fault that comes to it has the next
 * window read.  Fault-around leaves marked pages alone, so there is one.
 */
void read_around(struct address_space *m, u64 index)
{
	u64 start = ALIGN_DOWN(index, AROUND);
	struct page *p = find_get_page(m, index);

	if (!p) {
		(void)read_pages(m, start, AROUND, start + AROUND - 1);
		return;
	}
	if (page_test(p, PG_readahead) && page_test_clear(p, PG_readahead)) {
		this_cpu_inc(counts.marks);
		(void)read_pages(m, start + AROUND, AROUND,
				 start + 2 * AROUND - 1);
	}
	put_page(p);
}

static u32 window_max(const struct file_ra *ra)
{
	return READ_ONCE(ra->hint) == RA_SEQUENTIAL ? 2 * RA_MAX : RA_MAX;
}

static void read_window(struct address_space *m, struct file_ra *ra)
{
	this_cpu_inc(counts.windows);
	(void)read_pages(m, ra->start, ra->size,
			 ra->start + ra->size - ra->async);
}

/* The reader stands at index, where nothing is cached. */
static void window_on_miss(struct address_space *m, struct file_ra *ra,
			   u64 index, u64 want)
{
	u32 most = window_max(ra);
	u64 ask = clamp(want, 1ULL, (u64)most);

	if (READ_ONCE(ra->hint) == RA_RANDOM || (index && index != ra->next)) {
		(void)read_pages(m, index, ask, U64_MAX);
		ra->size = 0;
		return;
	}
	ra->start = index;
	ra->size = ra->size ? ra->size * 2 : max((u32)ask * 2, RA_INIT);
	ra->size = min(ra->size, most);
	ra->async = ra->size > ask ? ra->size - (u32)ask : 1;
	read_window(m, ra);
}

/* The reader has come to the mark at index: the next window. */
static void window_on_mark(struct address_space *m, struct file_ra *ra,
			   u64 index)
{
	this_cpu_inc(counts.marks);
	if (index + ra->async == ra->start + ra->size)
		ra->start += ra->size;
	else
		ra->start = index + 1;		/* another reader's mark */
	ra->size = clamp(ra->size * 2, RA_INIT, window_max(ra));
	ra->async = ra->size;
	read_window(m, ra);
}

/* ra->busy is ours. */
static void move_window(struct address_space *m, struct file_ra *ra, u64 index,
			u64 want)
{
	struct page *p = find_get_page(m, index);

	if (!p)
		window_on_miss(m, ra, index, want);
	else if (page_test(p, PG_readahead) &&
		 page_test_clear(p, PG_readahead) &&
		 READ_ONCE(ra->hint) != RA_RANDOM)
		window_on_mark(m, ra, index);
	ra->next = index + 1;
	if (p)
		put_page(p);
}

struct page *read_page_ahead(struct address_space *m, struct file_ra *ra,
			     u64 index, u64 want)
{
	if (!cmpxchg(&ra->busy, 0U, 1U)) {
		move_window(m, ra, index, want);
		smp_store_release(&ra->busy, 0U);	/* partner: cmpxchg */
	}
	return read_cache_page(m, index);
}
