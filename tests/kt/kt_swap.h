/* SPDX-License-Identifier: MIT */
/* Pages out and in again, for tests of swap and reclaim. */
#ifndef TESTS_KT_KT_SWAP_H
#define TESTS_KT_KT_SWAP_H

#include "mm/reclaim_hint.h"
#include "mm/swap.h"
#include "mm/vmscan.h"
#include "tests/kt/kt_mm.h"

/* Reclaims what only mm maps of [va, va + len): pages freed. */
static inline u64 kt_pageout(struct mm_struct *mm, vaddr_t va, u64 len)
{
	u64 n = 0;

	down_read(&mm->mmap_lock);
	n = madvise_pageout_range(vma_lookup(mm, va), va, va + len);
	up_read(&mm->mmap_lock);
	return n;
}

/* An mm with one page at KT_BASE that begins with word. */
static inline struct mm_struct *kt_one_page(struct kt *t, u64 word)
{
	struct mm_struct *mm = mm_alloc();

	KT_EXPECT(t, mm && kt_map(mm, 0, PAGE_SIZE, PROT_RW) > 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, word), 0);
	return mm;
}

/* The page at va, with a reference; NULL. */
static inline struct page *kt_page(struct mm_struct *mm, vaddr_t va)
{
	struct page *p;
	bool writable;

	return get_user_page(mm, va, 0, &p, &writable) ? NULL : p;
}

#endif
