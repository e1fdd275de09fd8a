/* SPDX-License-Identifier: MIT */
/* Tests of mm/mmu_notifier_minimal.c; its failures are scenarios F1 and F2. */
#include "lib/string.h"
#include "mm/mmu_notifier_minimal.h"
#include "tests/kt/kt_device.h"

static struct {
	u32 young, pages, ends;
	vaddr_t page, start, end;
} heard;

static int on_young(struct mm_struct *mm, vaddr_t va)
{
	(void)mm;
	(void)va;
	heard.young++;
	return 1;
}

static void on_page(struct mm_struct *mm, vaddr_t va)
{
	(void)mm;
	heard.pages++;
	heard.page = va;
}

static void on_range_end(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	(void)mm;
	heard.ends++;
	heard.start = start;
	heard.end = end;
}

static const struct mm_notifier_ops ops = { on_young, on_page, on_range_end };

/* Before: sections are silent.  After: three callbacks, and nothing else. */
KTEST(minimal, three_callbacks)
{
	struct mm_struct *mm, *child = mm_alloc();
	struct page *p;

	mmu_notifier_set_method(MN_MINIMAL);
	mm = mm_alloc();
	KT_ASSERT(t, mm && child);
	memset(&heard, 0, sizeof(heard));
	kt_map(mm, 0, 0x4000, PROT_RW);
	for (u32 i = 0; i < 4; i++)
		kt_poke(mm, KT_BASE + i * PAGE_SIZE, i);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, mm_add_notifier_ops(mm, &ops), 0);
	kt_poke(mm, KT_BASE, 1);			/* a copy */
	KT_EQ(t, heard.pages, 1);
	KT_EQ(t, heard.page, KT_BASE);
	do_madvise_dontneed(mm, KT_BASE + 0x1000, 0x2000);
	KT_EQ(t, heard.start, KT_BASE + 0x1000);
	KT_EQ(t, heard.end, KT_BASE + 0x3000);
	p = pte_page(kt_pte(mm, KT_BASE));
	get_page(p);
	page_referenced(p, NULL);
	KT_EQ(t, page_referenced(p, NULL), 1);	/* the device's alone */
	KT_EQ(t, heard.young, 2);
	put_page(p);
	mmput(child);
	mmput(mm);
	KT_EQ(t, heard.start, 0);		/* exit: a range like any other */
	KT_EQ(t, heard.end, USER_END);
	mmu_notifier_set_method(MN_DRAIN);
}

/* One ops for each mm; and the two levels exclude each other. */
KTEST(minimal, second_device_is_refused)
{
	static const struct mm_notifier_ops partly = { on_young, on_page, NULL };
	struct mm_struct *mm = mm_alloc(), *full = mm_alloc();
	struct kt_device d;

	KT_ASSERT(t, mm && full);
	KT_EQ(t, mm_add_notifier_ops(full, &ops), -EOPNOTSUPP);
	mmu_notifier_set_method(MN_MINIMAL);
	KT_EQ(t, mm_add_notifier_ops(mm, &partly), -EINVAL);
	KT_EQ(t, mm_add_notifier_ops(mm, &ops), 0);
	KT_EQ(t, mm_add_notifier_ops(mm, &ops), -EBUSY);
	kt_device_init(&d, full, KT_BASE);
	KT_EQ(t, mmu_notifier_register(&d.mn, full), -EOPNOTSUPP);
	mmu_notifier_set_method(MN_DRAIN);
	mmput(mm);
	mmput(full);
}
