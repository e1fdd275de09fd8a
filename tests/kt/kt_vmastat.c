/* SPDX-License-Identifier: MIT */
/* Tests of mm/vmastat.c: what is mapped, counted without locks. */
#include "mm/vmastat.h"
#include "tests/kt/kt_mm.h"

static void stat_at(struct mm_struct *mm, vaddr_t va, struct vma_stat *s)
{
	mmap_read_lock(mm);
	vma_stat(vma_lookup(mm, va), s);
	mmap_read_unlock(mm);
}

KTEST(mm, vma_stat_counts)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct vma_stat s;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x400000, PROT_RW);
	KT_EQ(t, kt_poke(mm, KT_BASE, 1), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x3ff000, 1), 0);
	kt_peek(mm, KT_BASE + 0x1000);		/* the zero page */
	stat_at(mm, KT_BASE, &s);
	KT_EQ(t, s.rss, 2);
	KT_EQ(t, s.anon, 2);
	KT_EQ(t, s.pss_bytes, 0x2000);
	KT_EQ(t, s.private_dirty + s.private_clean, 2);
	KT_EQ(t, dup_mmap(child, mm), 0);
	stat_at(child, KT_BASE, &s);
	KT_EQ(t, s.rss, 2);
	KT_EQ(t, s.pss_bytes, 0x1000);
	KT_EQ(t, s.shared_dirty + s.shared_clean, 2);
	mmput(child);
	mmput(mm);
}

KTEST(mm, pagemap_and_mincore)
{
	struct mm_struct *mm = mm_alloc();
	u64 e[4];
	u8 vec[4];

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, 1), 0);
	mm_pagemap(mm, KT_BASE, e, 4);
	KT_EXPECT(t, !(e[0] & PAGEMAP_PRESENT));
	KT_EXPECT(t, e[1] & PAGEMAP_PRESENT);
	KT_EQ(t, e[1] & (BIT(55) - 1), pte_pfn(kt_pte(mm, KT_BASE + 0x1000)));
	KT_EQ(t, e[3], 0);			/* no vma */
	KT_EQ(t, mm_mincore(mm, KT_BASE, vec, 3), 0);
	KT_EXPECT(t, !vec[0] && vec[1] && !vec[2]);
	KT_EQ(t, mm_mincore(mm, KT_BASE, vec, 4), -ENOMEM);
	mmput(mm);
}
