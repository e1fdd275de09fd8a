/* SPDX-License-Identifier: MIT */
/* mm/swapfile.c, swap_state.c, swap_fault.c, swapoff.c: out and in again. */
#include "arch/uaccess.h"
#include "lib/prng.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/zram.h"
#include "tests/kt/kt_swap.h"
#include "tests/kt/kt_util.h"

#define PAGES	16
#define LEN	(PAGES * PAGE_SIZE)

static struct mm_struct *filled_mm(struct kt *t, u64 seed)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm && kt_map(mm, 0, LEN, PROT_RW) > 0))
		return NULL;
	for (u32 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE, seed + i), 0);
	return mm;
}

static void expect_filled(struct kt *t, struct mm_struct *mm, u64 seed)
{
	for (u32 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * PAGE_SIZE), seed + i);
}

KTEST(swap, round_trip)
{
	u64 used = nr_swap_total() - nr_swap_free();
	struct mm_struct *mm = filled_mm(t, 100);

	if (!nr_swap_total())
		KT_SKIP(t, "no swap");
	KT_ASSERT(t, mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EXPECT(t, pte_is_swap(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, pte_swp_exclusive(kt_pte(mm, KT_BASE)));
	KT_EQ(t, atomic64_read(&mm->swap_ents), PAGES);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 0);
	KT_EQ(t, nr_swap_total() - nr_swap_free(), used + PAGES);
	expect_filled(t, mm, 100);
	KT_EQ(t, atomic64_read(&mm->swap_ents), 0);
	KT_EQ(t, atomic64_read(&mm->rss_anon), PAGES);
	/* Exclusive again: a write needs no copy. */
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));
	mmput(mm);
	KT_EQ(t, nr_swap_total() - nr_swap_free(), used);
}

/* Every byte, of pages that compress well, hardly and not at all. */
KTEST(swap, every_byte_comes_back)
{
	struct mm_struct *mm = filled_mm(t, 0);
	u8 *page = kmalloc(PAGE_SIZE), *back = kmalloc(PAGE_SIZE);
	struct prng r;

	KT_ASSERT(t, mm && page && back);
	for (u32 round = 0; round < 2; round++) {
		prng_seed(&r, 7);
		for (u32 i = 0; i < PAGES; i++) {
			for (u32 k = 0; k < PAGE_SIZE; k++)
				page[k] = (u8)(prng_u64(&r) % (1 + i * 17));
			if (!round)
				KT_EQ(t, copy_to_mm(mm, KT_BASE + i * PAGE_SIZE,
						    page, PAGE_SIZE), 0);
			else
				KT_EQ(t, copy_from_mm(mm, back, KT_BASE +
						i * PAGE_SIZE, PAGE_SIZE), 0);
			KT_EXPECT(t, !round || !memcmp(page, back, PAGE_SIZE));
		}
		if (!round)
			KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	}
	kfree(page);
	kfree(back);
	mmput(mm);
}

/* A clean page of the swap cache goes without being written again. */
KTEST(swap, clean_page_is_not_written_twice)
{
	struct mm_struct *mm = filled_mm(t, 200);
	struct swap_stats before, after;

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	expect_filled(t, mm, 200);
	swap_stats(&before);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	swap_stats(&after);
	KT_EQ(t, after.out, before.out);
	KT_EQ(t, kt_poke(mm, KT_BASE, 1), 0);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), 1);
	swap_stats(&after);
	KT_EQ(t, after.out, before.out + 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	mmput(mm);
}

/* Two mms share what is out; neither may write the other's page. */
KTEST(swap, fork_shares_slots)
{
	struct mm_struct *mm = filled_mm(t, 300), *child = mm_alloc();
	swp_entry_t slot;

	KT_ASSERT(t, mm && child);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, dup_mmap(child, mm), 0);
	slot = pte_to_swp(kt_pte(mm, KT_BASE));
	KT_EQ(t, swap_count(slot), 2);
	KT_EXPECT(t, !pte_swp_exclusive(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, !pte_swp_exclusive(kt_pte(child, KT_BASE)));
	KT_EQ(t, kt_poke(child, KT_BASE, 999), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 300);
	KT_EQ(t, kt_poke(mm, KT_BASE + PAGE_SIZE, 888), 0);
	KT_EQ(t, kt_peek(child, KT_BASE + PAGE_SIZE), 301);
	KT_EQ(t, kt_peek(child, KT_BASE), 999);
	mmput(mm);
	KT_EQ(t, kt_peek(child, KT_BASE + 2 * PAGE_SIZE), 302);
	mmput(child);
}

/* A page both map goes out and comes back for each of them. */
KTEST(swap, shared_page_goes_out)
{
	struct mm_struct *mm = filled_mm(t, 400), *child = mm_alloc();
	struct scan_control sc = { .flags = SCAN_IGNORE_REFERENCES };
	LIST_HEAD(pages);
	struct page *p;

	KT_ASSERT(t, mm && child);
	KT_EQ(t, dup_mmap(child, mm), 0);
	p = kt_page(mm, KT_BASE);
	KT_ASSERT(t, p && lru_isolate_page(p));
	put_page(p);
	list_add(&p->lru, &pages);
	KT_EQ(t, shrink_page_list(&pages, &sc), 1);
	KT_EXPECT(t, pte_is_swap(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, pte_is_swap(kt_pte(child, KT_BASE)));
	KT_EQ(t, kt_peek(child, KT_BASE), 400);
	KT_EQ(t, kt_peek(mm, KT_BASE), 400);
	KT_EQ(t, kt_poke(mm, KT_BASE, 1), 0);
	KT_EQ(t, kt_peek(child, KT_BASE), 400);
	mmput(child);
	mmput(mm);
}

/* F1: the last one to come back owns the page, without a copy. */
KTEST(swap, last_user_reuses)
{
	struct mm_struct *mm = filled_mm(t, 500), *child = mm_alloc();
	struct page *p;
	pfn_t pfn;

	KT_ASSERT(t, mm && child);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, dup_mmap(child, mm), 0);
	p = swap_read(pte_to_swp(kt_pte(mm, KT_BASE)));
	KT_ASSERT(t, !IS_ERR(p));
	pfn = page_to_pfn(p);
	put_page(p);
	mmput(child);
	KT_EQ(t, kt_poke(mm, KT_BASE, 501), 0);
	KT_EQ(t, pte_pfn(kt_pte(mm, KT_BASE)), pfn);
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));
	mmput(mm);
}

/* Somebody who writes through a reference is not forgotten (F26). */
KTEST(swap, held_page_is_kept)
{
	struct mm_struct *mm = filled_mm(t, 600);
	struct page *p;
	bool writable;

	KT_ASSERT(t, mm);
	KT_EQ(t, get_user_page(mm, KT_BASE, FAULT_WRITE, &p, &writable), 0);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES - 1);
	*(u64 *)page_address(p) = 601;
	set_page_dirty(p);
	put_page(p);
	KT_EQ(t, kt_peek(mm, KT_BASE), 601);
	mmput(mm);
}

KTEST(swap, unmap_frees_slots)
{
	u64 used = nr_swap_total() - nr_swap_free();
	struct mm_struct *mm = filled_mm(t, 700);

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, do_munmap(mm, KT_BASE, LEN / 2), 0);
	KT_EQ(t, nr_swap_total() - nr_swap_free(), used + PAGES / 2);
	KT_EQ(t, kt_mremap(mm, KT_BASE + LEN / 2, LEN / 2, LEN / 2,
			   KT_BASE + (1UL << 30)), KT_BASE + (1UL << 30));
	KT_EQ(t, kt_peek(mm, KT_BASE + (1UL << 30)), 700 + PAGES / 2);
	mmput(mm);
	KT_EQ(t, nr_swap_total() - nr_swap_free(), used);
}

KTEST(swap, swapoff_brings_everything_back)
{
	int type = zram_swapon("test", 64, 1000);
	struct mm_struct *mm = filled_mm(t, 800), *child = mm_alloc();

	KT_ASSERT(t, type > 0 && mm && child);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, pte_swp_type(kt_pte(mm, KT_BASE)), type);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, swap_devs[type].inuse, PAGES);
	KT_EQ(t, swapoff((u32)type), 0);
	KT_EQ(t, swap_devs[type].state, SWAP_OFF);
	KT_EQ(t, atomic64_read(&mm->swap_ents), 0);
	KT_EQ(t, atomic64_read(&child->swap_ents), 0);
	expect_filled(t, mm, 800);
	expect_filled(t, child, 800);
	KT_EQ(t, swapoff((u32)type), -EINVAL);
	mmput(child);
	mmput(mm);
}

/* All slots taken: what is left stays in memory. */
KTEST(swap, full_device)
{
	int type = zram_swapon("tiny", 4, 1000);
	u32 others[MAX_SWAPFILES + 1];
	struct mm_struct *mm = filled_mm(t, 900);

	KT_ASSERT(t, type > 0 && mm);
	for (u32 i = 1; i <= MAX_SWAPFILES; i++) {
		others[i] = i != (u32)type &&
			    swap_set_state(&swap_devs[i], SWAP_ON,
					   SWAP_LEAVING);
	}
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), 4);
	KT_EQ(t, nr_swap_free(), 0);
	for (u32 i = 1; i <= MAX_SWAPFILES; i++)
		if (others[i])
			swap_set_state(&swap_devs[i], SWAP_LEAVING, SWAP_ON);
	expect_filled(t, mm, 900);
	mmput(mm);
	KT_EQ(t, swapoff((u32)type), 0);
}

struct store { struct mm_struct *mm; u64 word, failed; };

static void store_main(void *arg)
{
	struct store *s = arg;

	activate_mm(s->mm);
	s->failed = copy_to_user(KT_BASE, &s->word, sizeof(s->word));
	deactivate_mm();
}

/* As a program writes: only the entry's D says so. */
KTEST(swap, dirty_by_entry_alone)
{
	struct mm_struct *mm = filled_mm(t, 1000);
	struct store s = { .mm = mm, .word = 1234 };
	struct kt_team team = { .nr = 0 };

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_pageout(mm, KT_BASE, LEN), PAGES);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1000);
	if (!kt_spawn(t, &team, -1, store_main, &s))
		return;
	kt_join(&team);
	KT_EQ(t, s.failed, 0);
	KT_EXPECT(t, pte_dirty(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, !page_test(pte_page(kt_pte(mm, KT_BASE)), PG_dirty));
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1234);
	mmput(mm);
}
