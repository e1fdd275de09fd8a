/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/check.c: the auditor finds what is planted, and only that.  Its
 * lines about planted problems go to the console at a level that hides them.
 */
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "mm/check.h"
#include "mm/lru.h"
#include "tests/kt/kt_swap.h"
#include "tests/kt/kt_util.h"

static struct mm_struct *mm_small(struct kt *t, struct page **p)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm))
		return NULL;
	kt_map(mm, 0, 0x3000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_poke(mm, KT_BASE + 0x1000, 2);
	*p = pte_page(kt_pte(mm, KT_BASE));
	return mm;
}

static u32 check_quietly(void)
{
	int level = console_loglevel;
	u32 problems;

	console_loglevel = 0;
	problems = mm_check();
	console_loglevel = level;
	return problems;
}

KTEST(check, clean)
{
	struct page *p;
	struct mm_struct *mm = mm_small(t, &p);

	KT_ASSERT(t, mm);
	KT_EQ(t, mm_check(), 0);
	mmput(mm);
	KT_EQ(t, mm_check(), 0);
}

KTEST(check, i1_mapcount)
{
	struct page *p;
	struct mm_struct *mm = mm_small(t, &p);

	KT_ASSERT(t, mm);
	atomic_inc(&p->_mapcount);
	KT_EQ(t, check_quietly(), 1);
	atomic_dec(&p->_mapcount);
	KT_EQ(t, mm_check(), 0);
	mmput(mm);
}

KTEST(check, i2_rmap)
{
	struct page *p;
	struct mm_struct *mm = mm_small(t, &p);

	KT_ASSERT(t, mm);
	p->index++;
	KT_EQ(t, check_quietly(), 1);
	p->index--;
	mmput(mm);
}

KTEST(check, i6_table_counts)
{
	struct page *p;
	struct mm_struct *mm = mm_small(t, &p);
	struct pt_pos pos;
	struct page *table;

	KT_ASSERT(t, mm);
	lock_leaf(&mm->pgt, KT_BASE, &pos);
	table = pos.table;
	unlock_table(&pos);
	table->pt_nr++;
	KT_EQ(t, check_quietly(), 1);
	table->pt_nr--;
	table->pt_base += PAGE_SIZE;
	KT_EQ(t, check_quietly(), 1);
	table->pt_base -= PAGE_SIZE;
	mmput(mm);
}

KTEST(check, i8_counters)
{
	struct page *p;
	struct mm_struct *mm = mm_small(t, &p);

	KT_ASSERT(t, mm);
	atomic64_inc(&mm->rss_anon);
	KT_EQ(t, check_quietly(), 1);
	atomic64_dec(&mm->rss_anon);
	atomic64_inc(&mm->pgt.nr_tables);
	KT_EQ(t, check_quietly(), 1);
	atomic64_dec(&mm->pgt.nr_tables);
	mm->total_vm++;
	KT_EQ(t, check_quietly(), 1);
	mm->total_vm--;
	mmput(mm);
}

/* I9: a slot that counts more than there are entries. */
KTEST_FLAGS(check, i9_slot_count, KTF_LAB_ONLY)
{
	swp_entry_t slot;
	struct page *p;
	struct mm_struct *mm = mm_small(t, &p);

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 1);
	KT_EQ(t, mm_check(), 0);
	slot = pte_to_swp(kt_pte(mm, KT_BASE));
	KT_EXPECT(t, swap_duplicate(slot));
	KT_EQ(t, check_quietly(), 1);
	swap_free(slot);
	KT_EQ(t, mm_check(), 0);
	mmput(mm);
}

/* I10: a mapped page that is on no list, and nobody has isolated. */
KTEST_FLAGS(check, i10_off_list, KTF_LAB_ONLY)
{
	struct page *p;
	struct mm_struct *mm = mm_small(t, &p);

	KT_ASSERT(t, mm && lru_isolate_page(p));
	KT_EQ(t, mm_check(), 0);
	atomic64_dec(&node_data[0].nr_isolated);
	KT_EQ(t, check_quietly(), 1);
	atomic64_inc(&node_data[0].nr_isolated);
	lru_putback(p);
	KT_EQ(t, mm_check(), 0);
	mmput(mm);
}

/*
 * Exact while everything moves: an audit that looked at moving pages would see
 * one cached here and free there, one mapped and not counted, and so on.
 */
#define PAGES	64UL

struct rush {
	struct mm_struct *mm;
	struct kt_file *f;
	u32 stop;
	atomic_t rounds;
};

/* Pages of a file come, are mapped, and go. */
static void rush_file(void *arg)
{
	struct rush *r = arg;

	while (!READ_ONCE(r->stop)) {
		for (u64 i = 0; i < PAGES; i++)
			(void)kt_peek(r->mm, KT_BASE + (PAGES + i) * PAGE_SIZE);
		truncate_pagecache(&r->f->m, 0);
		WRITE_ONCE(r->f->m.size, PAGES * PAGE_SIZE);
		atomic_inc(&r->rounds);
	}
}

/* Memory is reclaimed and comes back. */
static void rush_reclaim(void *arg)
{
	struct rush *r = arg;

	while (!READ_ONCE(r->stop)) {
		(void)try_to_free_pages(32, RECLAIM_DIRECT);
		for (u64 i = 0; i < PAGES; i++)
			(void)kt_poke(r->mm, KT_BASE + i * PAGE_SIZE, i);
		atomic_inc(&r->rounds);
	}
}

/* Processes come and go. */
static void rush_mms(void *arg)
{
	struct rush *r = arg;

	while (!READ_ONCE(r->stop)) {
		struct mm_struct *mm = mm_alloc();

		if (mm && !dup_mmap(mm, r->mm))
			(void)kt_poke(mm, KT_BASE, 1);
		if (mm)
			mmput(mm);
		atomic_inc(&r->rounds);
	}
}

KTEST(check, exact_in_the_rush)
{
	struct rush r = { .f = kt_file_create(7, PAGES * PAGE_SIZE) };
	struct kt_team team = { .nr = 0 };
	int before;

	r.mm = mm_alloc();
	KT_ASSERT(t, r.mm && r.f && kt_map(r.mm, 0, PAGES * PAGE_SIZE,
					   PROT_RW) > 0);
	KT_EXPECT(t, kt_map_file(r.mm, r.f, PAGES * PAGE_SIZE,
				 PAGES * PAGE_SIZE, MAP_SHARED) > 0);
	KT_EXPECT(t, kt_spawn(t, &team, -1, rush_file, &r));
	KT_EXPECT(t, kt_spawn(t, &team, -1, rush_reclaim, &r));
	KT_EXPECT(t, kt_spawn(t, &team, -1, rush_mms, &r));
	for (int i = 0; i < 3; i++) {
		before = atomic_read(&r.rounds);
		KT_EQ(t, mm_check(), 0);
		KT_EXPECT(t, kt_wait_for(atomic_read(&r.rounds) > before));
	}
	WRITE_ONCE(r.stop, 1);
	kt_join(&team);
	mmput(r.mm);
	kt_file_put(r.f);
}
