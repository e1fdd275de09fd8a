/* SPDX-License-Identifier: MIT */
/* Tests of mm/softdirty.c; what programs see is tests/abi/t_softdirty's. */
#include "mm/mmu_notifier.h"
#include "mm/swapops.h"
#include "mm/vmastat.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_swap.h"

#define PAGES 4

/* PAGES written pages, and then nothing is dirty. */
static struct mm_struct *cleared_mm(struct kt *t)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm))
		return NULL;
	kt_map(mm, 0, PAGES * PAGE_SIZE, PROT_RW);
	for (u64 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE, i + 1), 0);
	mm_clear_soft_dirty(mm);
	return mm;
}

/* Bit i: page i is soft-dirty. */
static u32 dirty_pages(struct mm_struct *mm)
{
	u64 e[PAGES];
	u32 set = 0;

	mm_pagemap(mm, KT_BASE, e, PAGES);
	for (u32 i = 0; i < PAGES; i++)
		set |= e[i] & PAGEMAP_SOFT_DIRTY ? BIT(i) : 0;
	return set;
}

KTEST(softdirty, clear_and_write)
{
	struct mm_struct *mm = cleared_mm(t);

	KT_ASSERT(t, mm);
	KT_EQ(t, dirty_pages(mm), 0);
	for (u64 i = 0; i < PAGES; i++)
		KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE + i * PAGE_SIZE)));
	KT_EQ(t, kt_poke(mm, KT_BASE + PAGE_SIZE, 7), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 2 * PAGE_SIZE, PROT_READ), 0);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 2 * PAGE_SIZE, PROT_RW), 0);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));		/* S1 */
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE + PAGE_SIZE)));
	KT_EQ(t, dirty_pages(mm), BIT(1));
	KT_EQ(t, atomic64_read(&mm->rss_anon), PAGES);	/* nothing was copied */
	mmput(mm);
}

struct watcher {
	struct mmu_notifier mn;
	u32 starts, ends;
	struct mmu_notifier_range range;
	pte_t at_start, at_end;
};

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct watcher *w = container_of(mn, struct watcher, mn);

	w->starts++;
	w->range = *r;
	w->at_start = kt_pte(r->mm, KT_BASE);
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct watcher *w = container_of(mn, struct watcher, mn);

	w->ends++;
	w->at_end = kt_pte(r->mm, KT_BASE);
}

/* A8: one section, before anything changes and after all did. */
KTEST(softdirty, section)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = on_start,
		.invalidate_range_end = on_end,
	};
	struct watcher w = { .mn = { .ops = &ops, .name = "watcher" } };
	struct mm_struct *mm = cleared_mm(t);

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_poke(mm, KT_BASE, 5), 0);
	KT_EQ(t, mmu_notifier_register(&w.mn, mm), 0);
	mm_clear_soft_dirty(mm);
	KT_EXPECT(t, w.starts == 1 && w.ends == 1);
	KT_EQ(t, w.range.event, MMU_NOTIFY_SOFT_DIRTY);
	KT_EXPECT(t, !w.range.start && w.range.end == USER_END);
	KT_EXPECT(t, pte_write(w.at_start) && pte_soft_dirty(w.at_start));
	KT_EXPECT(t, !pte_write(w.at_end) && !pte_soft_dirty(w.at_end));
	mmu_notifier_unregister(&w.mn, mm);
	mmput(mm);
}

/* S2: out and in, to another frame and back, and over fork. */
KTEST(softdirty, bit_goes_with_the_page)
{
	struct mm_struct *mm = cleared_mm(t), *child = mm_alloc();

	KT_ASSERT(t, mm && child);
	KT_EQ(t, kt_poke(mm, KT_BASE, 5), 0);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	KT_EQ(t, kt_move_page(mm, KT_BASE + PAGE_SIZE), 0);
	KT_EQ(t, dirty_pages(mm), BIT(0));
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE + PAGE_SIZE)));
	if (kt_pageout(mm, KT_BASE, PAGES * PAGE_SIZE))
		KT_EXPECT(t, pte_is_swap(kt_pte(mm, KT_BASE)));
	KT_EQ(t, dirty_pages(mm), BIT(0));
	for (u64 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * PAGE_SIZE), i ? i + 1 : 5);
	KT_EQ(t, dirty_pages(mm), BIT(0));
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE + PAGE_SIZE)));
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_poke(child, KT_BASE + 2 * PAGE_SIZE, 6), 0);
	KT_EQ(t, dirty_pages(mm), BIT(0));
	KT_EQ(t, dirty_pages(child), BIT(0) | BIT(2));
	mm_clear_soft_dirty(child);
	KT_EQ(t, dirty_pages(child), 0);
	KT_EQ(t, dirty_pages(mm), BIT(0));
	mmput(child);
	mmput(mm);
}

/* What is in swap when it is cleared comes back clean, and without W. */
KTEST(softdirty, cleared_in_swap)
{
	struct mm_struct *mm = cleared_mm(t);

	KT_ASSERT(t, mm);
	for (u64 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE, i + 1), 0);
	kt_pageout(mm, KT_BASE, PAGES * PAGE_SIZE);
	mm_clear_soft_dirty(mm);
	KT_EQ(t, dirty_pages(mm), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
	KT_EQ(t, kt_poke(mm, KT_BASE + PAGE_SIZE, 8), 0);
	KT_EQ(t, dirty_pages(mm), BIT(1));
	mmput(mm);
}

/* S3. */
KTEST(softdirty, pinned_stays)
{
	struct mm_struct *mm = cleared_mm(t);
	struct page *p;

	KT_ASSERT(t, mm);
	KT_EQ(t, pin_user_pages(mm, KT_BASE, 1, FOLL_WRITE, &p), 1);
	mm_clear_soft_dirty(mm);
	KT_EQ(t, dirty_pages(mm), BIT(0));
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));
	unpin_user_page(p);
	mm_clear_soft_dirty(mm);
	KT_EQ(t, dirty_pages(mm), 0);
	mmput(mm);
}

/* One that merges with a new vma counts as written, all of it. */
KTEST(softdirty, merged_is_dirty)
{
	struct mm_struct *mm = cleared_mm(t);

	KT_ASSERT(t, mm);
	kt_map(mm, PAGES * PAGE_SIZE, PAGE_SIZE, PROT_RW);
	KT_EQ(t, kt_vmas(mm), 1);
	KT_EQ(t, dirty_pages(mm), BIT(PAGES) - 1);
	mmput(mm);
}

KTEST(softdirty, clear_young)
{
	struct kt_file *f = kt_file_create(3, PAGE_SIZE);
	struct mm_struct *mm = cleared_mm(t);
	vaddr_t file = KT_BASE + 64 * PAGE_SIZE;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 64 * PAGE_SIZE, PAGE_SIZE, MAP_SHARED);
	kt_peek(mm, file);
	mm_clear_young(mm, CLEAR_REFS_MAPPED);
	KT_EXPECT(t, pte_young(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, !pte_young(kt_pte(mm, file)));
	kt_fault(mm, file, 0);
	mm_clear_young(mm, CLEAR_REFS_ANON);
	KT_EXPECT(t, !pte_young(kt_pte(mm, KT_BASE)));
	mmput(mm);
	kt_file_put(f);
}
