/* SPDX-License-Identifier: MIT */
/* mm/shrink.c, vmscan.c, unmap.c, reclaim_hint.c: who stays and who goes. */
#include "mm/lru.h"
#include "mm/mmu_notifier.h"
#include "mm/slab.h"
#include "mm/vmstat.h"
#include "tests/kt/kt_swap.h"

/* Shrinks just the page at va as kswapd would: pages freed. */
static u32 shrink_one(struct mm_struct *mm, vaddr_t va)
{
	struct scan_control sc = { .by = RECLAIM_DIRECT };
	LIST_HEAD(pages);
	struct page *p = pte_page(kt_pte(mm, va));

	if (!lru_isolate_page(p))
		return 99;
	list_add(&p->lru, &pages);
	return shrink_page_list(&pages, &sc);
}

/* Used since the last look: active first, and gone at the second. */
KTEST(vmscan, second_chance)
{
	struct mm_struct *mm = kt_one_page(t, 5);
	struct page *p;

	p = pte_page(kt_pte(mm, KT_BASE));
	KT_EXPECT(t, pte_young(kt_pte(mm, KT_BASE)));
	KT_EQ(t, shrink_one(mm, KT_BASE), 0);
	KT_EXPECT(t, page_test(p, PG_active));
	KT_EXPECT(t, !pte_young(kt_pte(mm, KT_BASE)));
	KT_EQ(t, shrink_one(mm, KT_BASE), 1);
	KT_EXPECT(t, pte_is_swap(kt_pte(mm, KT_BASE)));
	KT_EQ(t, kt_peek(mm, KT_BASE), 5);
	mmput(mm);
}

static int young_once(struct mmu_notifier *mn, struct mm_struct *mm,
		      vaddr_t start, vaddr_t end)
{
	(void)mn;
	(void)mm;
	(void)start;
	(void)end;
	return 1;
}
static const struct mmu_notifier_ops young_ops = {
	.clear_flush_young = young_once,
};

/* G6: a page that only a device uses is in use. */
KTEST(vmscan, device_keeps_page)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_notifier *mn = kzalloc(sizeof(*mn));

	KT_ASSERT(t, mm && mn && kt_map(mm, 0, PAGE_SIZE, PROT_RW) > 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 5), 0);
	mn->ops = &young_ops;
	KT_EQ(t, mmu_notifier_register(mn, mm), 0);
	KT_EQ(t, shrink_one(mm, KT_BASE), 0);
	KT_EQ(t, shrink_one(mm, KT_BASE), 0);
	mmu_notifier_unregister(mn, mm);
	kfree(mn);
	KT_EQ(t, shrink_one(mm, KT_BASE), 1);
	mmput(mm);
}

/* U1. */
KTEST(vmscan, mlocked_page_is_unevictable)
{
	struct mm_struct *mm = kt_one_page(t, 5);
	struct page *p;

	p = pte_page(kt_pte(mm, KT_BASE));
	KT_EQ(t, do_mlock(mm, KT_BASE, PAGE_SIZE, VM_LOCKED), 0);
	KT_EQ(t, shrink_one(mm, KT_BASE), 0);
	KT_EXPECT(t, page_test(p, PG_unevictable));
	KT_EXPECT(t, pte_present(kt_pte(mm, KT_BASE)));
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 0);
	KT_EQ(t, do_mlock(mm, KT_BASE, PAGE_SIZE, 0), 0);
	KT_EXPECT(t, page_test(p, PG_lru) && !page_test(p, PG_unevictable));
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 1);
	mmput(mm);
}

/* U5: and a fork afterwards finds it pinned, and copies. */
KTEST(vmscan, pinned_page_stays)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct page *p;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	KT_EQ(t, kt_poke(mm, KT_BASE, 5), 0);
	KT_EQ(t, pin_user_pages(mm, KT_BASE, 1, FOLL_WRITE, &p), 1);
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 0);
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, page_test(p, PG_anon_exclusive));
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 6), 0);
	KT_EQ(t, *(u64 *)page_address(p), 6);
	KT_EQ(t, kt_peek(child, KT_BASE), 5);
	unpin_user_page(p);
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 6);
	mmput(mm);
	mmput(child);
}

static void lazyfree(struct mm_struct *mm, vaddr_t va, u64 len)
{
	down_read(&mm->mmap_lock);
	madvise_free_range(vma_lookup(mm, va), va, va + len);
	up_read(&mm->mmap_lock);
}

/* Dropped without a write, and zeros afterwards; written again it stays. */
KTEST(vmscan, lazyfree)
{
	struct mm_struct *mm = mm_alloc();
	struct swap_stats before, after;

	KT_ASSERT(t, mm && kt_map(mm, 0, 4 * PAGE_SIZE, PROT_RW) > 0);
	for (u32 i = 0; i < 4; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE, 10 + i), 0);
	KT_EQ(t, kt_pageout(mm, KT_BASE + 3 * PAGE_SIZE, PAGE_SIZE), 1);
	swap_stats(&before);
	lazyfree(mm, KT_BASE, 4 * PAGE_SIZE);
	KT_EXPECT(t, pte_none(kt_pte(mm, KT_BASE + 3 * PAGE_SIZE)));
	KT_EQ(t, kt_peek(mm, KT_BASE), 10);	/* not dropped yet */
	KT_EQ(t, kt_poke(mm, KT_BASE + PAGE_SIZE, 21), 0);
	KT_EXPECT(t, pte_dirty(kt_pte(mm, KT_BASE + PAGE_SIZE)) ||
		     page_test(pte_page(kt_pte(mm, KT_BASE + PAGE_SIZE)),
			       PG_dirty));
	KT_EQ(t, kt_pageout(mm, KT_BASE, 3 * PAGE_SIZE), 2);
	swap_stats(&after);
	KT_EQ(t, after.out, before.out);
	KT_EXPECT(t, pte_none(kt_pte(mm, KT_BASE)));
	KT_EQ(t, kt_peek(mm, KT_BASE), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + PAGE_SIZE), 21);
	KT_EQ(t, kt_peek(mm, KT_BASE + 3 * PAGE_SIZE), 0);
	/* U4: it is an ordinary page again. */
	KT_EXPECT(t, page_test(pte_page(kt_pte(mm, KT_BASE + PAGE_SIZE)),
			       PG_swapbacked));
	KT_EQ(t, kt_pageout(mm, KT_BASE + PAGE_SIZE, PAGE_SIZE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + PAGE_SIZE), 21);
	mmput(mm);
}

/* A holder that writes a lazyfree page through its reference keeps it. */
KTEST(vmscan, lazyfree_held)
{
	struct mm_struct *mm = kt_one_page(t, 5);
	struct page *p;

	lazyfree(mm, KT_BASE, PAGE_SIZE);
	p = kt_page(mm, KT_BASE);
	KT_ASSERT(t, p);
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 0);
	*(u64 *)page_address(p) = 6;
	set_page_dirty(p);
	put_page(p);
	kt_pageout(mm, KT_BASE, PAGE_SIZE);
	KT_EQ(t, kt_peek(mm, KT_BASE), 6);
	mmput(mm);
}

KTEST(vmscan, cold_goes_first)
{
	struct mm_struct *mm = kt_one_page(t, 5);
	struct page *p;

	p = pte_page(kt_pte(mm, KT_BASE));
	lru_activate(p);
	down_read(&mm->mmap_lock);
	madvise_cold_range(vma_lookup(mm, KT_BASE), KT_BASE,
			   KT_BASE + PAGE_SIZE);
	up_read(&mm->mmap_lock);
	KT_EXPECT(t, !page_test(p, PG_active));
	KT_EXPECT(t, node_data[0].lists[LRU_INACTIVE_ANON].prev == &p->lru);
	KT_EQ(t, shrink_one(mm, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 5);
	mmput(mm);
}

/* A clean file page is dropped and read again; a dirty one stays. */
KTEST(vmscan, file_pages)
{
	struct kt_file *f = kt_file_create(7, 2 * PAGE_SIZE);
	struct mm_struct *mm = mm_alloc();
	u32 reads;

	KT_ASSERT(t, f && mm);
	kt_map_file(mm, f, 0, 2 * PAGE_SIZE, MAP_SHARED);
	KT_EQ(t, kt_peek(mm, KT_BASE), kt_word(7, 0));
	KT_EQ(t, kt_poke(mm, KT_BASE + PAGE_SIZE, 77), 0);
	reads = f->reads;
	KT_EQ(t, kt_pageout(mm, KT_BASE, 2 * PAGE_SIZE), 1);
	KT_EXPECT(t, pte_none(kt_pte(mm, KT_BASE)));
	KT_EQ(t, kt_peek(mm, KT_BASE), kt_word(7, 0));
	KT_EQ(t, f->reads, reads + 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + PAGE_SIZE), 77);
	mmput(mm);
	kt_file_put(f);
}

/* By list, with the machine's own lists: everything of ours can go. */
KTEST(vmscan, lists_are_emptied)
{
	const u32 nr = 64;
	struct mm_struct *mm = mm_alloc();
	u64 stolen = vm_event_sum(PGSTEAL_DIRECT);

	KT_ASSERT(t, mm && kt_map(mm, 0, nr * PAGE_SIZE, PROT_RW) > 0);
	for (u32 i = 0; i < nr; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE, i), 0);
	for (u32 i = 0; i < 10 && atomic64_read(&mm->rss_anon); i++)
		try_to_free_pages(nr, RECLAIM_DIRECT);
	KT_EXPECT(t, atomic64_read(&mm->swap_ents) > nr / 2);
	KT_EXPECT(t, vm_event_sum(PGSTEAL_DIRECT) > stolen);
	for (u32 i = 0; i < nr; i++)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * PAGE_SIZE), i);
	mmput(mm);
}
