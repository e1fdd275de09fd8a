/* SPDX-License-Identifier: MIT */
/* Tests of mm/fork.c: copy on write, both ways, and its bookkeeping. */
#include "tests/kt/kt_mm.h"

static struct page *page_of(struct mm_struct *mm, vaddr_t va)
{
	return pte_page(kt_pte(mm, va));
}

KTEST(mm, fork_cow_both_ways)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct page *shared;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x2000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_poke(mm, KT_BASE + 0xff8, 3);
	kt_poke(mm, KT_BASE + 0x1000, 2);
	shared = page_of(mm, KT_BASE);
	KT_EXPECT(t, page_test(shared, PG_anon_exclusive));
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, !pte_write(kt_pte(child, KT_BASE)));
	KT_EXPECT(t, !page_test(shared, PG_anon_exclusive));
	KT_EQ(t, page_mapcount(shared), 2);
	KT_EQ(t, atomic64_read(&child->rss_anon), 2);
	KT_EQ(t, kt_poke(mm, KT_BASE, 10), 0);		/* parent writes */
	KT_EQ(t, kt_poke(child, KT_BASE + 0x1000, 20), 0); /* child writes */
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 2);
	KT_EQ(t, kt_peek(mm, KT_BASE), 10);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0xff8), 3);	/* the rest came along */
	KT_EQ(t, kt_peek(child, KT_BASE + 0x1000), 20);
	KT_EXPECT(t, page_of(child, KT_BASE) == shared);
	KT_EQ(t, page_mapcount(shared), 1);
	KT_EQ(t, kt_poke(child, KT_BASE, 11), 0);	/* alone: reused */
	KT_EXPECT(t, page_of(child, KT_BASE) == shared);
	mmput(mm);
	KT_EQ(t, kt_peek(child, KT_BASE), 11);
	mmput(child);
}

KTEST(mm, fork_reuse_after_child)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct fault_stats a, b;
	struct page *p;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	p = page_of(mm, KT_BASE);
	KT_EQ(t, dup_mmap(child, mm), 0);
	mmput(child);
	fault_stats(&a);
	KT_EQ(t, kt_poke(mm, KT_BASE, 2), 0);
	fault_stats(&b);
	KT_EQ(t, b.cow_reuse - a.cow_reuse, 1);
	KT_EXPECT(t, page_of(mm, KT_BASE) == p);
	mmput(mm);
}

/* A reference from elsewhere (a reader in the child) forbids reuse. */
KTEST(mm, fork_reader_forbids_reuse)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct page *p;
	bool writable;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, get_user_page(child, KT_BASE, 0, &p, &writable), 0);
	KT_EXPECT(t, !writable);
	do_munmap(child, KT_BASE, 0x1000);
	KT_EQ(t, kt_poke(mm, KT_BASE, 2), 0);	/* mapcount 1, count 2: copy */
	KT_EXPECT(t, page_of(mm, KT_BASE) != p);
	KT_EQ(t, *(u64 *)page_address(p), 1);	/* the old bytes */
	put_page(p);
	mmput(child);
	mmput(mm);
}

KTEST(mm, fork_zero_none_file)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct kt_file *f = kt_file_create(5, 0x3000);

	KT_ASSERT(t, mm && child && f);
	kt_map(mm, 0, 0x3000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_peek(mm, KT_BASE + 0x1000);			/* zero page */
	kt_poke(mm, KT_BASE + 0x2000, 3);
	do_mprotect(mm, KT_BASE + 0x2000, 0x1000, PROT_NONE);
	kt_map_file(mm, f, 0x10000, 0x3000, MAP_PRIVATE);
	kt_poke(mm, KT_BASE + 0x10000, 4);
	kt_peek(mm, KT_BASE + 0x11000);
	kt_map_file(mm, f, 0x20000, 0x3000, MAP_SHARED);
	kt_poke(mm, KT_BASE + 0x22000, 5);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_vmas(child), kt_vmas(mm));
	KT_EXPECT(t, pte_is_zero_page(kt_pte(child, KT_BASE + 0x1000)));
	KT_EXPECT(t, pte_protnone(kt_pte(child, KT_BASE + 0x2000)));
	do_mprotect(child, KT_BASE + 0x2000, 0x1000, PROT_RW);
	KT_EQ(t, kt_poke(child, KT_BASE + 0x2000, 30), 0);
	do_mprotect(mm, KT_BASE + 0x2000, 0x1000, PROT_RW);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2000), 3);
	KT_EQ(t, kt_peek(child, KT_BASE + 0x10000), 4);
	KT_EQ(t, kt_peek(child, KT_BASE + 0x11000), kt_word(5, 1));
	KT_EQ(t, kt_peek(child, KT_BASE + 0x22000), 5);
	KT_EQ(t, kt_poke(child, KT_BASE + 0x22000, 6), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x22000), 6);
	mmput(mm);
	mmput(child);
	kt_file_put(f);
}

KTEST(mm, fork_chain)
{
	struct mm_struct *mm[6];
	u32 n = ARRAY_SIZE(mm);

	for (u32 i = 0; i < n; i++)
		KT_ASSERT(t, (mm[i] = mm_alloc()));
	kt_map(mm[0], 0, n * PAGE_SIZE, PROT_RW);
	for (u32 p = 0; p < n; p++)
		kt_poke(mm[0], KT_BASE + p * PAGE_SIZE, 1000 + p);
	for (u32 i = 1; i < n; i++) {
		KT_EQ(t, dup_mmap(mm[i], mm[i - 1]), 0);
		KT_EQ(t, kt_poke(mm[i], KT_BASE + i * PAGE_SIZE, i), 0);
	}
	for (u32 i = 0; i < n; i++)
		for (u32 p = 0; p < n; p++)
			KT_EQ(t, kt_peek(mm[i], KT_BASE + p * PAGE_SIZE),
			      p && p <= i ? p : 1000 + p);
	for (u32 i = 0; i < n; i += 2)
		mmput(mm[i]);
	for (u32 i = 1; i < n; i += 2)
		KT_EQ(t, kt_peek(mm[i], KT_BASE), 1000);
	for (u32 i = 1; i < n; i += 2)
		mmput(mm[i]);
}

KTEST(mm, fork_no_memory)
{
	struct mm_struct *mm = mm_alloc();
	bool fired = true;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x2000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_map(mm, 0x200000, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE + 0x200000, 2);
	for (u32 n = 1; fired && n < 60; n++) {
		struct mm_struct *child = mm_alloc();
		int err;

		KT_ASSERT(t, child);
		alloc_fail_nth(n);
		err = dup_mmap(child, mm);
		fired = alloc_failed_nth();
		alloc_fail_nth(0);
		KT_EQ(t, err, fired ? -ENOMEM : 0);
		KT_EQ(t, kt_vmas(child), err ? 0 : 2);
		mmput(child);
		KT_EQ(t, kt_poke(mm, KT_BASE, n), 0);
		KT_EQ(t, kt_peek(mm, KT_BASE + 0x200000), 2);
	}
	KT_EXPECT(t, !fired);
	mmput(mm);
}
