/* SPDX-License-Identifier: MIT */
/*
 * Table A8, operations on single pages: event, range and order of each
 * (kt_a8.h says what the letters mean).  Ranges: kt_a8_range.c.
 */
#include "mm/lru.h"
#include "mm/tlb_batch.h"
#include "tests/kt/kt_a8.h"
#include "tests/kt/kt_ksm.h"
#include "tests/kt/kt_swap.h"

#define VA	KT_BASE

static bool begin_anon(struct a8 *a, struct kt *t)
{
	if (!a8_begin(a, t))
		return false;
	kt_map(a->mm, 0, 0x1000, PROT_RW);
	return KT_EQ(t, kt_poke(a->mm, VA, 1), 0);
}

static void expect_page_section(struct a8 *a, enum mmu_notifier_event event)
{
	a8_section(a, 0, event, VA, VA + PAGE_SIZE);
}

/* From none: nobody is told (G5). */
KTEST_FLAGS(a8, fault, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, a8_begin(&a, t));
	kt_map(a.mm, 0, 0x1000, PROT_RW);
	kt_peek(a.mm, VA);			/* makes the tables */
	KT_EQ(t, do_madvise_dontneed(a.mm, VA, 0x1000), 0);
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, kt_fault(a.mm, VA, FAULT_WRITE), FAULT_DONE);
	a8_expect(&a, "LWU");
	a8_done(&a);
}

/* The devices get the copy before the CPUs do; then the original is put. */
KTEST_FLAGS(a8, cow_copy, KTF_LAB_ONLY)
{
	struct mm_struct *child = mm_alloc();
	struct a8 a;

	KT_ASSERT(t, child && begin_anon(&a, t));
	KT_EQ(t, dup_mmap(child, a.mm), 0);
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, kt_fault(a.mm, VA, FAULT_WRITE), FAULT_DONE);
	a8_expect(&a, "LUSLCFHWUE");
	expect_page_section(&a, MMU_NOTIFY_CLEAR);
	mmput(child);
	a8_done(&a);
}

/* The zero page: the same. */
KTEST_FLAGS(a8, cow_zero, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, a8_begin(&a, t));
	kt_map(a.mm, 0, 0x1000, PROT_RW);
	KT_EQ(t, kt_fault(a.mm, VA, 0), FAULT_DONE);
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, kt_fault(a.mm, VA, FAULT_WRITE), FAULT_DONE);
	a8_expect(&a, "SLCFHWUE");
	expect_page_section(&a, MMU_NOTIFY_CLEAR);
	a8_done(&a);
}

/* Reuse: W is set in place, and nobody needs to know. */
KTEST_FLAGS(a8, cow_reuse, KTF_LAB_ONLY)
{
	struct mm_struct *child = mm_alloc();
	struct a8 a;

	KT_ASSERT(t, child && begin_anon(&a, t));
	KT_EQ(t, dup_mmap(child, a.mm), 0);
	mmput(child);
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, kt_fault(a.mm, VA, FAULT_WRITE), FAULT_DONE);
	a8_expect(&a, "LMU");
	a8_done(&a);
}

/* Swap entry for page; the flush before the page may be written or freed. */
KTEST_FLAGS(a8, reclaim_anon, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t));
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, kt_pageout(a.mm, VA, PAGE_SIZE), 1);
	a8_expect(&a, "LULMYUSLMUEFX");
	expect_page_section(&a, MMU_NOTIFY_CLEAR);
	/* Back in: from an entry that maps nothing. */
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, kt_fault(a.mm, VA, 0), FAULT_DONE);
	a8_expect(&a, "LMU");
	a8_done(&a);
}

KTEST_FLAGS(a8, reclaim_file, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x1000);
	struct a8 a;

	KT_ASSERT(t, f && a8_begin(&a, t));
	kt_map_file(a.mm, f, 0, 0x1000, MAP_SHARED);
	kt_peek(a.mm, VA);
	a8_watch(&a, VA, VA + 0x1000);
	invalidate_mapping_pages(&f->m, DROP_MAPPED_TOO);
	a8_expect(&a, "SLCFUEX");
	expect_page_section(&a, MMU_NOTIFY_CLEAR);
	a8_done(&a);
	kt_file_put(f);
}

/* Cleared and flushed, then the migration entry; the way back is silent. */
KTEST_FLAGS(a8, migrate, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t));
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, kt_move_page(a.mm, VA), 0);
	a8_expect(&a, "LUSLCFWUELMUX");
	expect_page_section(&a, MMU_NOTIFY_CLEAR);
	a8_done(&a);
}

/* The primary's A first, then the devices', under one lock; no section. */
KTEST_FLAGS(a8, page_referenced, KTF_LAB_ONLY)
{
	struct page *p;
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t));
	p = kt_page(a.mm, VA);
	KT_ASSERT(t, p);
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, page_referenced(p, NULL), 1);
	a8_expect(&a, "LMYU");
	put_page(p);
	a8_done(&a);
}

/* Write-back: cleared, flushed, set clean and read-only. */
KTEST_FLAGS(a8, page_mkclean, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x1000);
	struct page *p;
	struct a8 a;

	KT_ASSERT(t, f && a8_begin(&a, t));
	kt_map_file(a.mm, f, 0, 0x1000, MAP_SHARED);
	KT_EQ(t, kt_poke(a.mm, VA, 1), 0);
	p = find_get_page(&f->m, 0);
	KT_ASSERT(t, p);
	lock_page(p);
	a8_watch(&a, VA, VA + 0x1000);
	KT_EXPECT(t, page_mkclean(p));
	a8_expect(&a, "SLCFWUE");
	expect_page_section(&a, MMU_NOTIFY_PROTECTION_PAGE);
	unlock_page(p);
	put_page(p);
	a8_done(&a);
	kt_file_put(f);
}

/* Page n of two equal ones that KSM finds. */
static void expect_merge(struct kt *t, u64 n, const char *order)
{
	vaddr_t va = VA + n * PAGE_SIZE;
	struct a8 a;

	KT_ASSERT(t, a8_begin(&a, t));
	kt_map(a.mm, 0, 2 * PAGE_SIZE, PROT_RW);
	kt_poke(a.mm, VA, 7);
	kt_poke(a.mm, VA + PAGE_SIZE, 7);
	KT_EQ(t, do_madvise(a.mm, VA, 2 * PAGE_SIZE, MADV_MERGEABLE), 0);
	ksm_scan_passes(1);			/* sums */
	a8_watch(&a, va, va + PAGE_SIZE);
	ksm_scan_passes(1);
	KT_EXPECT(t, kt_merged(a.mm, va));
	a8_expect(&a, order);
	a8_section(&a, 0, MMU_NOTIFY_CLEAR, va, va + PAGE_SIZE);
	a8_done(&a);
}

/*
 * The second finds its partner, is write-protected and becomes the shared one;
 * the first is write-protected, compared, replaced by it, and freed.
 */
KTEST_FLAGS(a8, ksm_merge, KTF_LAB_ONLY)
{
	expect_merge(t, 1, "*SLCFHWUE*");
	expect_merge(t, 0, "*SLCFHWUESLCFHWUEX");
}
