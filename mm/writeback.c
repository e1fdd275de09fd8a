/* SPDX-License-Identifier: MIT */
/*
 * Write-back: from a dirty page to one that equals its device.
 *
 * W1. PG_dirty is set after the bytes it speaks of are written, with a full
 *     barrier between; it is cleared before the device reads them.  So bytes
 *     are either in the write, or the page is dirty again.
 * W2. A page with PG_dirty carries the tag DIRTY once its setter is through;
 *     a page with the tag WRITEBACK has PG_writeback, which outlives it by the
 *     moment in which a write ends.  Tags change under i_pages_lock.
 * W3. A page under write-back stays in its file: it holds a reference, and
 *     truncate waits for it.  There is one write of a page at a time.
 * W4. Bytes that come through a mapping are seen because shared file pages
 *     are mapped read-only until written: the fault dirties the page under the
 *     page lock, and cleaning takes W and D away under it (page_mkclean).
 * W5. A thread that sleeps for a page has started what it has marked: two of
 *     them never wait for each other's unsent pages.
 * W6. A failed write leaves the page clean with PG_error (the device has other
 *     bytes), and every open file hears of it once, at its next fsync.
 *
 *	write-back (page locked)	whoever dirties again
 *	(1) page_mkclean		(A) store the bytes
 *	(2) clear PG_dirty		(B) set PG_dirty
 *	(3) tags: WRITEBACK, no DIRTY	(C) tag DIRTY
 *	    unless PG_dirty
 *	(4) the device reads
 *	(5) end: tag WRITEBACK away
 * (A) before (2): in (4), which comes later, or (B) was before (2) too and
 *	sees the bytes go.  (B) after (2): dirty again; (3) under the lock sees
 *	PG_dirty and keeps the tag, or (C) comes after it and sets it again.
 * (B), then (2) and (3), then (C): (C) finds PG_dirty gone and sets no tag.
 *	A store through a mapping after (1) faults: W4.
 *
 * Locks: page lock, then i_mmap_rwsem and tables (page_mkclean); i_pages_lock
 * innermost.  Tests: tests/kt/kt_writeback.c, tests/race/race_writeback.c
 */
#include "arch/percpu.h"
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/motion.h"
#include "mm/rmap.h"
#include "mm/writeback.h"

#define RUN_MAX	32

static DEFINE_PER_CPU(struct writeback_stats, counts);

void writeback_stats(struct writeback_stats *s)
{
	*s = (struct writeback_stats){ 0 };
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct writeback_stats *c = per_cpu_ptr(&counts, cpu);

		if (cpu && !__per_cpu_offset[cpu])
			continue;
		s->written += READ_ONCE(c->written);
		s->errors += READ_ONCE(c->errors);
		s->redirtied += READ_ONCE(c->redirtied);
	}
	s->throttled = writeback_throttled();
}

/* i_pages_lock held. */
static void tag_dirty(struct address_space *m, u64 index)
{
	if (radix_tree_tag_get(&m->i_pages, index, TAG_DIRTY))
		return;
	(void)radix_tree_tag_set(&m->i_pages, index, TAG_DIRTY);
	WRITE_ONCE(m->nrdirty, m->nrdirty + 1);
	account_dirty(1);
}

static void untag_dirty(struct address_space *m, u64 index)
{
	if (!radix_tree_tag_get(&m->i_pages, index, TAG_DIRTY))
		return;
	(void)radix_tree_tag_clear(&m->i_pages, index, TAG_DIRTY);
	WRITE_ONCE(m->nrdirty, m->nrdirty - 1);
	account_dirty(-1);
}

void set_page_dirty(struct page *p)
{
	struct address_space *m;

	/* A full barrier also when it is set already: W1. */
	if (test_and_set_bit(PG_dirty, (unsigned long *)&p->flags))
		return;
	RACE_POINT("dirty:before_tag");
	m = READ_ONCE(p->mapping);
	if (!m || page_is_anon(p) || !mapping_can_writeback(m))
		return;
	spin_lock(&m->i_pages_lock);
	if (p->mapping == m && page_test(p, PG_dirty))
		tag_dirty(m, p->index);				/* (C) */
	if (page_test(p, PG_writeback))
		this_cpu_inc(counts.redirtied);
	spin_unlock(&m->i_pages_lock);
}

void cancel_dirty_page(struct address_space *m, struct page *p)
{
	assert_spin_held(&m->i_pages_lock);
	untag_dirty(m, p->index);
	page_clear(p, PG_dirty);
}

bool clear_page_dirty_for_io(struct page *p)
{
	KASSERT(page_test(p, PG_locked));
	if (page_mkclean(p))					/* (1) */
		set_page_dirty(p);
	RACE_POINT("writeback:after_mkclean");
	return page_test_clear(p, PG_dirty);			/* (2) */
}

void set_page_writeback(struct page *p)
{
	struct address_space *m = p->mapping;

	KASSERT(page_test(p, PG_locked) && !page_test(p, PG_writeback));
	get_page(p);						/* W3 */
	RACE_POINT("writeback:before_tags");
	spin_lock(&m->i_pages_lock);
	account_writeback(1);
	page_set(p, PG_writeback);				/* (3) */
	(void)radix_tree_tag_set(&m->i_pages, p->index, TAG_WRITEBACK);
	(void)radix_tree_tag_clear(&m->i_pages, p->index, TAG_TOWRITE);
	if (!page_test(p, PG_dirty))
		untag_dirty(m, p->index);
	spin_unlock(&m->i_pages_lock);
}

void end_page_writeback(struct page *p, int err)
{
	struct address_space *m = p->mapping;

	KASSERT(page_test(p, PG_writeback));
	this_cpu_inc(counts.written);
	if (err) {
		this_cpu_inc(counts.errors);
		page_set(p, PG_error);				/* W6 */
		errseq_set(&m->wb_err, err);
	} else {
		page_clear(p, PG_error);
	}
	spin_lock(&m->i_pages_lock);
	(void)radix_tree_tag_clear(&m->i_pages, p->index, TAG_WRITEBACK);
	spin_unlock(&m->i_pages_lock);				/* (5) */
	/* m may be gone from here on; p is not: our reference. */
	page_clear_wake(p, PG_writeback);
	account_writeback(-1);
	put_page(p);
}

u32 find_get_pages_tag(struct address_space *m, u64 *index, u64 last,
		       const struct tag_batch *b)
{
	u64 at[RUN_MAX];
	const struct radix_tree_batch batch = {
		(void **)b->pages, at, min(b->max, (u32)RUN_MAX),
	};
	u32 n, got = 0;

	if (*index > last)
		return 0;
	rcu_read_lock();
	n = radix_tree_gang_lookup_tag(&m->i_pages, &batch, *index, b->tag);
	rcu_read_unlock();
	for (u32 i = 0; i < n && at[i] <= last; i++) {
		struct page *p = find_get_page(m, at[i]);	/* S6 */

		*index = at[i] + 1;
		if (p)
			b->pages[got++] = p;
	}
	if (!n || *index == 0 || (n && at[n - 1] > last))
		*index = U64_MAX;
	return got;
}

/* Pages marked for writing whose write has not been started: W5. */
struct wb_run {
	struct address_space *m;
	struct page *pages[RUN_MAX];
	u32 nr;
	u64 started;
};

static void send_run(struct wb_run *run)
{
	if (!run->nr)
		return;
	run->started += run->nr;
	RACE_POINT("writeback:before_io");
	run->m->a_ops->writepages(run->m, run->pages, run->nr);	/* (4) */
	run->nr = 0;
}

/* p is under write-back, which holds a reference on it. */
static void add_to_run(struct wb_run *run, struct page *p)
{
	if (run->nr == RUN_MAX ||
	    (run->nr && run->pages[run->nr - 1]->index + 1 != p->index))
		send_run(run);
	run->pages[run->nr++] = p;
}

static void untag_towrite(struct address_space *m, u64 index)
{
	spin_lock(&m->i_pages_lock);
	(void)radix_tree_tag_clear(&m->i_pages, index, TAG_TOWRITE);
	spin_unlock(&m->i_pages_lock);
}

/* Our reference on p is gone afterwards. */
static void write_page(struct wb_run *run, struct page *p, enum wb_mode mode)
{
	struct address_space *m = run->m;
	bool write = false;

	page_motion_begin();
	if (!trylock_page(p)) {
		send_run(run);					/* W5 */
		lock_page(p);
	}
	if (READ_ONCE(p->mapping) == m && page_test(p, PG_writeback) &&
	    mode == WB_ALL) {
		send_run(run);
		wait_on_page_flag(p, PG_writeback);
	}
	if (READ_ONCE(p->mapping) == m && !page_test(p, PG_writeback))
		write = clear_page_dirty_for_io(p);
	if (write)
		set_page_writeback(p);
	else if (READ_ONCE(p->mapping) == m && mode == WB_ALL)
		untag_towrite(m, p->index);
	unlock_page(p);
	page_motion_end();
	if (write)
		add_to_run(run, p);
	put_page(p);
}

/* Whatever is dirty now, and nothing that gets dirty later, is TOWRITE. */
static void tag_for_writing(const struct wb_range *r)
{
	struct address_space *m = r->mapping;
	void *items[RUN_MAX];
	u64 at[RUN_MAX], next = r->first;
	const struct radix_tree_batch batch = { items, at, RUN_MAX };
	u32 n;

	do {
		spin_lock(&m->i_pages_lock);
		n = radix_tree_gang_lookup_tag(&m->i_pages, &batch, next,
					       TAG_DIRTY);
		for (u32 i = 0; i < n && at[i] <= r->last; i++)
			(void)radix_tree_tag_set(&m->i_pages, at[i],
						 TAG_TOWRITE);
		spin_unlock(&m->i_pages_lock);
		next = n ? at[n - 1] + 1 : 0;
	} while (n == RUN_MAX && next && next <= r->last);
}

u64 write_mapping_pages(const struct wb_range *r, u64 max)
{
	struct wb_run run = { .m = r->mapping };
	struct page *pages[RUN_MAX];
	struct tag_batch b = { pages, RUN_MAX, TAG_DIRTY };
	u64 index = r->first;
	u32 n;

	if (!READ_ONCE(r->mapping->nrdirty))
		return 0;
	if (r->mode == WB_ALL) {
		tag_for_writing(r);
		b.tag = TAG_TOWRITE;
	}
	while (index <= r->last && index != U64_MAX &&
	       run.started + run.nr < max) {
		n = find_get_pages_tag(r->mapping, &index, r->last, &b);
		for (u32 i = 0; i < n; i++)
			write_page(&run, pages[i], r->mode);
	}
	send_run(&run);
	return run.started;
}

void write_one_page(struct page *p)
{
	struct wb_run run = { .m = p->mapping };
	bool write = !page_test(p, PG_writeback) && clear_page_dirty_for_io(p);

	if (write)
		set_page_writeback(p);
	unlock_page(p);
	if (write) {
		add_to_run(&run, p);
		send_run(&run);
	}
}

void wait_mapping_pages(struct address_space *m, u64 first, u64 last)
{
	struct page *pages[RUN_MAX];
	const struct tag_batch b = { pages, RUN_MAX, TAG_WRITEBACK };
	u64 index = first;
	u32 n;

	while (index <= last && index != U64_MAX) {
		n = find_get_pages_tag(m, &index, last, &b);
		for (u32 i = 0; i < n; i++) {
			wait_on_page_flag(pages[i], PG_writeback);
			put_page(pages[i]);
		}
	}
}

void settle_mapping(const struct wb_range *r)
{
	struct address_space *m = r->mapping;
	int err;

	if (!mapping_can_writeback(m))
		return;
	write_mapping_pages(r, U64_MAX);
	wait_mapping_pages(m, r->first, r->last);
	err = m->a_ops->sync(m);
	if (err)
		errseq_set(&m->wb_err, err);
}

int sync_mapping(const struct wb_range *r, errseq_t *since)
{
	settle_mapping(r);
	return errseq_check_and_advance(&r->mapping->wb_err, since);
}
