/* SPDX-License-Identifier: MIT */
/*
 * Lookup (1)(2)(3) against removal (A)(B)(C) of mm/filemap.c, each
 * interleaving staged.  A looker or remover is parked on another CPU between
 * two steps (with preemption off, so that CPU is its alone).
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"

struct look {
	struct address_space *m;
	u64 index;
	struct page *page;		/* what the thread found or removes */
	int ret;
	u32 done;
};

static void look_thread(void *arg)
{
	struct look *l = arg;

	l->page = find_get_page(l->m, l->index);
	WRITE_ONCE(l->done, 1);
}

/* Has its own reference on l->page; gone after success. */
static void remove_thread(void *arg)
{
	struct look *l = arg;

	lock_page(l->page);
	l->ret = remove_mapping(l->page);
	if (l->ret) {
		unlock_page(l->page);
		put_page(l->page);
	}
	WRITE_ONCE(l->done, 1);
}

static u64 read_word(struct kt_file *f, u64 index)
{
	u64 w = 0;

	filemap_read(&f->m, &w, index << PAGE_SHIFT, 8);
	return w;
}

/* (2) before (A): the remover sees the extra reference and gives up. */
static void filemap_get_first(struct kt *t)
{
	struct kt_file *f = kt_file_create(1, 0x1000);
	struct look l = { .m = &f->m };
	struct thread *th;
	struct page *p;

	kt_pin(0);
	read_word(f, 0);
	race_arm("filemap:after_get", 1);
	th = kthread_run("looker", (int)kt_other_cpu(), look_thread, &l);
	KT_EQ(t, race_wait_parked("filemap:after_get"), 0);
	rcu_read_lock();
	p = radix_tree_lookup(&f->m.i_pages, 0);
	rcu_read_unlock();
	get_page(p);
	lock_page(p);
	KT_EQ(t, remove_mapping(p), -EBUSY);
	unlock_page(p);
	put_page(p);
	race_release("filemap:after_get");
	thread_join(th);
	KT_EXPECT(t, l.page == p);
	if (l.page)
		put_page(l.page);
	KT_EQ(t, f->m.nrpages, 1);
	kt_unpin();
	kt_file_put(f);
}

KTEST_FLAGS(race, filemap_get_first, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	filemap_get_first(t);
}

/* (A) before (2): the looker retries until the slot is empty. */
static void filemap_freeze_first(struct kt *t)
{
	struct kt_file *f = kt_file_create(1, 0x1000);
	struct look rem = { .m = &f->m }, l = { .m = &f->m };
	struct filemap_stats a, b;
	struct thread *th, *lk;

	kt_pin(0);
	read_word(f, 0);
	rem.page = find_get_page(&f->m, 0);
	filemap_stats(&a);
	race_arm("remove:after_freeze", 1);
	th = kthread_run("remover", (int)kt_other_cpu(), remove_thread, &rem);
	KT_EQ(t, race_wait_parked("remove:after_freeze"), 0);
	lk = kthread_run("looker", (int)kt_third_cpu(), look_thread, &l);
	do {
		yield();
		filemap_stats(&b);
	} while (b.retry_zero == a.retry_zero);
	KT_EXPECT(t, !READ_ONCE(l.done));
	race_release("remove:after_freeze");
	thread_join(th);
	thread_join(lk);
	KT_EQ(t, rem.ret, 0);
	KT_EXPECT(t, !l.page);
	KT_EQ(t, f->m.nrpages, 0);
	kt_unpin();
	kt_file_put(f);
}

KTEST_FLAGS(race, filemap_freeze_first, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	filemap_freeze_first(t);
}

/*
 * The looker has loaded the slot; the page is truncated, freed, and becomes
 * page 0 of another file.  Returns what the looker got, with its reference.
 */
static struct page *stage_reuse(struct kt *t, struct kt_file *f,
				struct kt_file *g)
{
	struct look l = { .m = &f->m };
	struct page *old, *held[32];
	struct thread *th;
	u32 n = 0;

	read_word(f, 0);
	old = find_get_page(&f->m, 0);
	put_page(old);
	race_arm("filemap:after_load", 1);
	th = kthread_run("looker", (int)kt_other_cpu(), look_thread, &l);
	KT_EQ(t, race_wait_parked("filemap:after_load"), 0);
	truncate_pagecache(&f->m, 0);		/* frees the frame */
	while (n < ARRAY_SIZE(held)) {		/* the frame comes back soon */
		held[n] = alloc_page(ALLOC_PLAIN);
		if (!held[n] || held[n] == old)
			break;
		n++;
	}
	KT_EXPECT(t, n < ARRAY_SIZE(held) && held[n] == old);
	lock_page(old);
	KT_EQ(t, add_to_page_cache(old, &g->m, 0), 0);
	page_set(old, PG_uptodate);
	unlock_page(old);
	put_page(old);				/* the cache's stays */
	while (n--)
		put_page(held[n]);
	race_release("filemap:after_load");
	thread_join(th);
	return l.page;
}

static void reuse_case(struct kt *t, u32 bug)
{
	struct kt_file *f = kt_file_create(1, 0x1000);
	struct kt_file *g = kt_file_create(2, 0x1000);
	struct page *got;

	kt_pin(0);
	bug_set("filemap_no_recheck", bug);
	got = stage_reuse(t, f, g);
	bug_set("filemap_no_recheck", 0);
	if (bug)	/* the historical bug: a page of another file */
		KT_EXPECT(t, got && got->mapping == (void *)&g->m);
	else
		KT_EXPECT(t, !got);
	if (got)
		put_page(got);
	kt_unpin();
	kt_file_put(f);
	kt_file_put(g);
}

KTEST_FLAGS(race, filemap_reused, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	reuse_case(t, 0);
	reuse_case(t, 1);
}
