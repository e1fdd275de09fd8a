/* SPDX-License-Identifier: MIT */
/*
 * Truncate against a fault that holds the page's lock (X4 in mm/fault.c and A2
 * in mm/fault_around.c): the entry it sets is taken away again.
 */
#include "tests/kt/kt_mm.h"
#include "tests/race/race_util.h"

enum access { READS, WRITES };

struct reader {
	struct mm_struct *mm;
	enum access how;
	u64 word;
};

static void read_thread(void *arg)
{
	struct reader *r = arg;

	if (r->how == WRITES)
		(void)kt_poke(r->mm, KT_BASE, kt_word(6, 0));
	r->word = kt_peek(r->mm, KT_BASE);
}

static void truncate_thread(void *arg)
{
	truncate_pagecache(arg, 0);
}

static void truncate_case(struct kt *t, const char *point, u64 pages,
			  enum access how)
{
	struct kt_file *f = kt_file_create(6, pages * PAGE_SIZE);
	struct mm_struct *mm = mm_alloc();
	struct reader r = { .mm = mm, .how = how };
	struct thread *th, *tt;
	struct page *p;

	KT_ASSERT(t, mm && f);
	for (u64 i = 0; i < pages; i++) {
		p = read_cache_page(&f->m, i);
		KT_ASSERT(t, !IS_ERR(p));
		put_page(p);
	}
	kt_map_file(mm, f, 0, pages * PAGE_SIZE, MAP_SHARED);
	th = race_park(t, point, -1, read_thread, &r);
	tt = kthread_run("truncate", -1, truncate_thread, &f->m);
	sleep_ms(20);			/* as far as the locked page */
	KT_EXPECT(t, f->m.nrpages > 0);
	race_let_go(point, th);
	thread_join(tt);
	KT_EXPECT(t, r.word == kt_word(6, 0) || r.word == KT_NONE);
	KT_EQ(t, f->m.nrpages, 0);
	for (u64 i = 0; i < pages; i++)
		KT_EXPECT(t, pte_none(kt_pte(mm, KT_BASE + i * PAGE_SIZE)));
	KT_EQ(t, atomic64_read(&mm->rss_file), 0);
	mmput(mm);
	kt_file_put(f);
}

KTEST_FLAGS(race, fault_around_vs_truncate, KTF_LAB_ONLY)
{
	truncate_case(t, "fault_around:locked", 4, READS);
}

/* X4: size checked, entry not yet set; truncate waits for the page. */
KTEST_FLAGS(race, fault_vs_truncate, KTF_LAB_ONLY)
{
	truncate_case(t, "fault:before_map", 1, WRITES);
}
