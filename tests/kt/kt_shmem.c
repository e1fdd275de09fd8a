/* SPDX-License-Identifier: MIT */
/* mm/shmem_swap.c, mm/shmem.c, truncate.c: files in memory go to swap. */
#include "mm/check.h"
#include "mm/zram.h"
#include "tests/kt/kt_shmem.h"

#define PAGES	8UL
#define LEN	(PAGES * PAGE_SIZE)

static u64 slots_used(void)
{
	return nr_swap_total() - nr_swap_free();
}

static void expect_words(struct kt *t, struct mm_struct *mm, u64 first)
{
	for (u64 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * PAGE_SIZE), first + i);
}

KTEST(shmem, round_trip)
{
	u64 used = slots_used(), shmem = nr_shmem_pages();
	struct mm_struct *mm = kt_shared(t, PAGES, 100);
	struct address_space *m;

	KT_ASSERT(t, mm);
	m = kt_mapping(mm);
	KT_EQ(t, nr_shmem_pages(), shmem + PAGES);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, m->nrpages, 0);
	KT_EQ(t, m->nrswapped, PAGES);
	KT_EQ(t, nr_shmem_pages(), shmem);
	KT_EQ(t, slots_used(), used + PAGES);
	KT_EXPECT(t, pte_none(kt_pte(mm, KT_BASE)));
	KT_EQ(t, mm_check(), 0);			/* I9 counts items */
	expect_words(t, mm, 100);
	KT_EQ(t, m->nrpages, PAGES);
	KT_EQ(t, slots_used(), used);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);	/* S4 */
	expect_words(t, mm, 100);
	mmput(mm);
	KT_EQ(t, nr_shmem_pages(), shmem);
}

/* What was written after it came back goes out again. */
KTEST(shmem, written_again)
{
	struct mm_struct *mm = kt_shared(t, PAGES, 200);

	KT_ASSERT(t, mm);
	for (u64 round = 0; round < 3; round++) {
		KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
		expect_words(t, mm, 200 + round);
		for (u64 i = 0; i < PAGES; i++)
			KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE,
					 201 + round + i), 0);
	}
	mmput(mm);
}

/* One that nobody wrote is zeros: dropped, no slot. */
KTEST(shmem, clean_page_is_dropped)
{
	u64 used = slots_used();
	struct mm_struct *mm = kt_shared(t, PAGES, 0);
	struct address_space *m;
	struct page *p;

	KT_ASSERT(t, mm);
	m = kt_mapping(mm);
	truncate_pagecache(m, 0);
	WRITE_ONCE(m->size, LEN);
	p = read_cache_page(m, 3);
	KT_ASSERT(t, !IS_ERR(p));
	put_page(p);
	KT_EQ(t, kt_shrink(m, 3), 1);
	KT_EQ(t, m->nrswapped, 0);
	KT_EQ(t, slots_used(), used);
	mmput(mm);
}

/* Two processes, one memory: out for both, back for both. */
KTEST(shmem, fork_and_exit)
{
	u64 used = slots_used();
	struct mm_struct *mm = kt_shared(t, PAGES, 300), *child = mm_alloc();
	struct address_space *m;

	KT_ASSERT(t, mm && child);
	m = kt_mapping(mm);
	KT_EQ(t, dup_mmap(child, mm), 0);
	expect_words(t, child, 300);
	for (u64 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_shrink(m, i), 1);
	KT_EQ(t, m->nrswapped, PAGES);
	KT_EQ(t, kt_poke(child, KT_BASE, 299), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 299);
	mmput(mm);
	KT_EQ(t, kt_peek(child, KT_BASE + PAGE_SIZE), 301);
	mmput(child);					/* six are still out */
	KT_EQ(t, slots_used(), used);
}

KTEST(shmem, truncate_frees_slots)
{
	u64 used = slots_used();
	struct mm_struct *mm = kt_shared(t, PAGES, 400);
	struct address_space *m;

	KT_ASSERT(t, mm);
	m = kt_mapping(mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, kt_peek(mm, KT_BASE + 5 * PAGE_SIZE), 405);
	truncate_pagecache(m, 2 * PAGE_SIZE + 4);	/* in the middle of a word */
	KT_EQ(t, m->nrswapped, 2);
	KT_EQ(t, m->nrpages, 1);			/* read for its tail */
	KT_EQ(t, slots_used(), used + 2);
	WRITE_ONCE(m->size, LEN);
	KT_EQ(t, kt_peek(mm, KT_BASE + 2 * PAGE_SIZE), 402);
	KT_EQ(t, kt_peek(mm, KT_BASE + 5 * PAGE_SIZE), 0);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), 2);
	punch_pagecache(m, 1, 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 400);
	KT_EQ(t, kt_peek(mm, KT_BASE + PAGE_SIZE), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + 2 * PAGE_SIZE), 402);
	mmput(mm);
	KT_EQ(t, slots_used(), used);
}

/* read and write find what is out. */
KTEST(shmem, file_io)
{
	struct mm_struct *mm = kt_shared(t, PAGES, 500);
	struct address_space *m;
	u64 word = 0;

	KT_ASSERT(t, mm);
	m = kt_mapping(mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, filemap_read(m, &word, PAGE_SIZE, 8), 8);
	KT_EQ(t, word, 501);
	word = 77;
	KT_EQ(t, filemap_write(m, &word, 2 * PAGE_SIZE + 8, 8), 8);
	KT_EQ(t, kt_peek(mm, KT_BASE + 2 * PAGE_SIZE), 502);
	KT_EQ(t, kt_peek(mm, KT_BASE + 2 * PAGE_SIZE + 8), 77);
	mmput(mm);
}

/* A private copy of a page that is out. */
KTEST(shmem, private_write)
{
	struct mm_struct *mm = kt_shared(t, PAGES, 600);
	struct mmap_request rq = {
		.addr = KT_BASE + LEN, .len = LEN, .prot = PROT_RW,
		.flags = MAP_PRIVATE | MAP_FIXED,
		.may = VM_MAYREAD | VM_MAYWRITE,
	};

	KT_ASSERT(t, mm);
	rq.mapping = kt_mapping(mm);
	KT_EXPECT(t, do_mmap(mm, &rq) > 0);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, kt_poke(mm, KT_BASE + LEN + PAGE_SIZE + 8, 9), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + LEN + PAGE_SIZE), 601);
	KT_EQ(t, kt_peek(mm, KT_BASE + PAGE_SIZE + 8), 0);
	expect_words(t, mm, 600);
	mmput(mm);
}

KTEST(shmem, swapoff_brings_everything_back)
{
	int type = zram_swapon("test", 64, 1000);
	struct mm_struct *mm = kt_shared(t, PAGES, 700);
	struct address_space *m;

	KT_ASSERT(t, type > 0 && mm);
	m = kt_mapping(mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, swap_devs[type].inuse, PAGES);
	KT_EQ(t, swapoff((u32)type), 0);
	KT_EQ(t, m->nrpages, PAGES);
	KT_EQ(t, m->nrswapped, 0);
	expect_words(t, mm, 700);
	mmput(mm);
}

/* Somebody who holds a page keeps it. */
KTEST(shmem, held_page_stays)
{
	struct mm_struct *mm = kt_shared(t, PAGES, 800);
	struct address_space *m;
	struct page *p;

	KT_ASSERT(t, mm);
	m = kt_mapping(mm);
	p = find_get_page(m, 1);
	KT_EQ(t, kt_shrink(m, 1), 0);
	KT_EXPECT(t, find_get_page(m, 1) == p);
	put_page(p);
	put_page(p);
	KT_EQ(t, kt_shrink(m, 1), 1);
	expect_words(t, mm, 800);
	mmput(mm);
}
