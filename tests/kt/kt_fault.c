/* SPDX-License-Identifier: MIT */
/* Tests of mm/fault.c, mm/cow.c, mm/fault_entry.c. */
#include "tests/kt/kt_mm.h"

KTEST(mm, fault_zero_page)
{
	struct mm_struct *mm = mm_alloc();
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	KT_EQ(t, kt_peek(mm, KT_BASE), 0);
	e = kt_pte(mm, KT_BASE);
	KT_EXPECT(t, pte_is_zero_page(e) && !pte_write(e));
	KT_EQ(t, atomic64_read(&mm->rss_anon), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE + 8, 5), 0);
	e = kt_pte(mm, KT_BASE);
	KT_EXPECT(t, !pte_special(e) && pte_write(e) && pte_dirty(e));
	KT_EQ(t, atomic64_read(&mm->rss_anon), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + 8), 5);
	KT_EQ(t, *(u64 *)page_address(zero_page), 0);
	mmput(mm);
}

KTEST(mm, fault_results)
{
	struct kt_file *f = kt_file_create(1, 0x1800);
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm && f);
	kt_map(mm, 0, 0x1000, PROT_READ);
	kt_map(mm, 0x1000, 0x1000, PROT_NONE);
	kt_map_file(mm, f, 0x10000, 0x4000, MAP_SHARED);
	KT_EQ(t, kt_fault(mm, KT_BASE, 0), FAULT_DONE);
	KT_EQ(t, kt_fault(mm, KT_BASE, FAULT_WRITE), FAULT_SIGSEGV_ACCERR);
	KT_EQ(t, kt_fault(mm, KT_BASE, FAULT_EXEC), FAULT_SIGSEGV_ACCERR);
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x1000, 0), FAULT_SIGSEGV_ACCERR);
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x2000, 0), FAULT_SIGSEGV_MAPERR);
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x11000, 0), FAULT_DONE);
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x12000, 0), FAULT_SIGBUS);
	f->fail = -EIO;
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x10000, 0), FAULT_SIGBUS);
	f->fail = -ENOMEM;
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x10000, 0), FAULT_OOM);
	f->fail = 0;
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x10000, FAULT_WRITE), FAULT_DONE);
	mmput(mm);
	kt_file_put(f);
}

KTEST(mm, fault_file_private)
{
	struct kt_file *f = kt_file_create(7, 0x3000);
	struct mm_struct *mm = mm_alloc();
	u64 w;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x3000, MAP_PRIVATE);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), kt_word(7, 1));
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE + 0x1000)));
	KT_EQ(t, atomic64_read(&mm->rss_file), 1);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, 99), 0);	/* read, then write */
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x2000, 98), 0);	/* write at once */
	KT_EQ(t, atomic64_read(&mm->rss_file), 0);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 2);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2008), kt_word(7, 2));
	KT_EQ(t, filemap_read(&f->m, &w, 0x1000, 8), 8);
	KT_EQ(t, w, kt_word(7, 1));			/* the file is as it was */
	mmput(mm);
	kt_file_put(f);
}

KTEST(mm, fault_file_shared)
{
	struct kt_file *f = kt_file_create(8, 0x2000);
	struct mm_struct *mm = mm_alloc();
	struct page *p;
	u64 w = 0;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	KT_EQ(t, kt_peek(mm, KT_BASE), kt_word(8, 0));
	KT_EQ(t, kt_poke(mm, KT_BASE, 77), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, 78), 0);
	KT_EQ(t, filemap_read(&f->m, &w, 0, 8), 8);
	KT_EQ(t, w, 77);
	w = 55;
	KT_EQ(t, filemap_write(&f->m, &w, 0x1000, 8), 8);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 55);
	p = find_get_page(&f->m, 1);
	KT_ASSERT(t, p);
	KT_EXPECT(t, page_test(p, PG_dirty));
	put_page(p);
	mmput(mm);
	kt_file_put(f);
}

KTEST(mm, fault_stack_grows)
{
	struct mm_struct *mm = mm_alloc();
	vaddr_t top = KT_BASE + (64UL << 20), low = top - (8UL << 20);

	KT_ASSERT(t, mm);
	kt_mmap(mm, top - 0x2000, 0x2000, PROT_RW, MAP_PRIVATE |
		MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN);
	KT_EQ(t, kt_poke(mm, top - 0x10000, 1), 0);
	KT_EQ(t, kt_vmas(mm), 1);
	KT_EQ(t, mm->total_vm, 16);
	KT_EQ(t, kt_peek(mm, top - 0x10000), 1);
	KT_EQ(t, kt_poke(mm, low, 2), 0);		/* the limit */
	KT_EQ(t, kt_poke(mm, low - 8, 3), -EFAULT);
	mmput(mm);
}

KTEST(mm, fault_stack_guard_gap)
{
	struct mm_struct *mm = mm_alloc();
	vaddr_t top = KT_BASE + (4UL << 20);

	KT_ASSERT(t, mm);
	kt_mmap(mm, top - 0x1000, 0x1000, PROT_RW, MAP_PRIVATE |
		MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN);
	kt_map(mm, 0, 0x1000, PROT_RW);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000 + STACK_GUARD_GAP, 1), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE + STACK_GUARD_GAP, 1), -EFAULT);
	mmput(mm);
}

/* Every allocation of every kind of fault fails once. */
KTEST(mm, fault_no_memory)
{
	struct kt_file *f = kt_file_create(3, 0x4000);
	bool fired = true;

	KT_ASSERT(t, f);
	for (u32 n = 1; fired && n < 60; n++) {
		struct mm_struct *mm = mm_alloc();

		KT_ASSERT(t, mm);
		kt_map(mm, 0, 0x1000, PROT_RW);
		kt_map_file(mm, f, 0x200000, 0x2000, MAP_SHARED);
		kt_map_file(mm, f, 0x400000, 0x4000, MAP_PRIVATE);
		alloc_fail_nth(n);
		kt_peek(mm, KT_BASE);
		kt_poke(mm, KT_BASE, 1);
		kt_poke(mm, KT_BASE + 0x200000, 2);
		kt_peek(mm, KT_BASE + 0x402000);
		kt_poke(mm, KT_BASE + 0x402000, 3);
		kt_poke(mm, KT_BASE + 0x403000, 4);
		fired = alloc_failed_nth();
		alloc_fail_nth(0);
		KT_EQ(t, kt_poke(mm, KT_BASE, 5), 0);
		KT_EQ(t, kt_poke(mm, KT_BASE + 0x402000, 6), 0);
		KT_EQ(t, kt_peek(mm, KT_BASE), 5);
		KT_EQ(t, kt_peek(mm, KT_BASE + 0x402008), kt_word(3, 2));
		mmput(mm);
		truncate_pagecache(&f->m, 0);
		f->m.size = 0x4000;
	}
	KT_EXPECT(t, !fired);
	kt_file_put(f);
}

KTEST(mm, fault_spurious)
{
	struct mm_struct *mm = mm_alloc();
	struct fault_stats a, b;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	fault_stats(&a);
	KT_EQ(t, kt_fault(mm, KT_BASE, FAULT_WRITE), FAULT_DONE);
	fault_stats(&b);
	KT_EXPECT(t, b.spurious > a.spurious);
	mmput(mm);
}
