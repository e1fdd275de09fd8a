/* SPDX-License-Identifier: MIT */
/* mm/lru.c: lists, isolation, and what a page's flags say. */
#include "mm/lru.h"
#include "tests/kt/kt_swap.h"

KTEST(lru, membership_follows_flags)
{
	u64 anon = lru_pages(LRU_INACTIVE_ANON);
	u64 active = lru_pages(LRU_ACTIVE_ANON);
	struct mm_struct *mm = kt_one_page(t, 1);
	struct page *p;

	p = kt_page(mm, KT_BASE);
	KT_ASSERT(t, p);
	KT_EXPECT(t, page_test(p, PG_lru) && page_test(p, PG_swapbacked));
	KT_EQ(t, lru_pages(LRU_INACTIVE_ANON), anon + 1);
	lru_activate(p);
	KT_EQ(t, lru_pages(LRU_INACTIVE_ANON), anon);
	KT_EQ(t, lru_pages(LRU_ACTIVE_ANON), active + 1);
	lru_deactivate(p);
	KT_EQ(t, lru_pages(LRU_INACTIVE_ANON), anon + 1);
	KT_EQ(t, page_count(p), 2);		/* L2: the entry's and ours */
	put_page(p);
	mmput(mm);
	KT_EQ(t, lru_pages(LRU_INACTIVE_ANON), anon);
}

KTEST(lru, isolated_page_is_on_no_list)
{
	struct mm_struct *mm = kt_one_page(t, 1);
	struct page *p;

	p = kt_page(mm, KT_BASE);
	KT_ASSERT(t, p && lru_isolate_page(p));
	KT_EXPECT(t, !page_test(p, PG_lru));
	KT_EXPECT(t, !lru_isolate_page(p));
	KT_EQ(t, page_count(p), 3);
	lru_activate(p);			/* remembered for the way back */
	KT_EXPECT(t, !page_test(p, PG_lru));
	lru_putback(p);
	KT_EXPECT(t, page_test(p, PG_lru) && page_test(p, PG_active));
	KT_EQ(t, page_count(p), 2);
	put_page(p);
	mmput(mm);
}

/* L3: a page without references is on its way out. */
KTEST(lru, frozen_page_is_not_isolated)
{
	struct mm_struct *mm = kt_one_page(t, 1);
	struct page *p;

	p = kt_page(mm, KT_BASE);
	KT_ASSERT(t, p && page_ref_freeze(p, 2));
	KT_EXPECT(t, !lru_isolate_page(p));
	page_ref_unfreeze(p, 2);
	KT_EXPECT(t, page_test(p, PG_lru));
	put_page(p);
	mmput(mm);
}

/* The oldest first, and a page that comes back is the newest. */
KTEST(lru, isolation_order)
{
	struct pglist_data *n = &node_data[0];
	struct mm_struct *mm = mm_alloc();
	struct page *a, *b, *p;
	LIST_HEAD(taken);

	KT_ASSERT(t, mm && kt_map(mm, 0, 2 * PAGE_SIZE, PROT_RW) > 0);
	kt_poke(mm, KT_BASE, 1);
	kt_poke(mm, KT_BASE + PAGE_SIZE, 2);
	a = kt_page(mm, KT_BASE);
	b = kt_page(mm, KT_BASE + PAGE_SIZE);
	KT_ASSERT(t, a && b);
	lru_deactivate(b);
	lru_deactivate(a);			/* now the oldest */
	KT_EQ(t, lru_isolate_list(n, LRU_INACTIVE_ANON, 1, &taken), 1);
	p = list_first_entry(&taken, struct page, lru);
	KT_EXPECT(t, p == a);
	list_del(&p->lru);
	lru_putback(p);
	KT_EQ(t, lru_isolate_list(n, LRU_INACTIVE_ANON, 1, &taken), 1);
	p = list_first_entry(&taken, struct page, lru);
	KT_EXPECT(t, p == b);
	list_del(&p->lru);
	lru_putback(p);
	put_page(a);
	put_page(b);
	mmput(mm);
}

/* L4: mapped again by a fault, it stays with whoever isolated it. */
KTEST(lru, isolated_page_is_mapped_again)
{
	struct mm_struct *mm = kt_one_page(t, 1);
	struct page *p;

	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 1);
	p = swap_read(pte_to_swp(kt_pte(mm, KT_BASE)));
	KT_ASSERT(t, !IS_ERR(p) && lru_isolate_page(p));
	put_page(p);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EXPECT(t, pte_page(kt_pte(mm, KT_BASE)) == p);
	KT_EXPECT(t, !page_test(p, PG_lru));
	lru_putback(p);
	KT_EXPECT(t, page_test(p, PG_lru));
	mmput(mm);
}
