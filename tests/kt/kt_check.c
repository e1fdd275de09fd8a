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
