/* SPDX-License-Identifier: MIT */
/* Tests of mmap, munmap, mprotect, mremap, brk, madvise. */
#include "tests/kt/kt_mm.h"

#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)

KTEST(mm, mmap_errors)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_mmap(mm, 0, 0, PROT_RW, ANON), -EINVAL);
	KT_EQ(t, kt_mmap(mm, 0, ~0UL, PROT_RW, ANON), -ENOMEM);
	KT_EQ(t, kt_mmap(mm, 0, USER_END, PROT_RW, ANON), -ENOMEM);
	KT_EQ(t, kt_mmap(mm, 0, 4096, PROT_RW, MAP_ANONYMOUS), -EINVAL);
	KT_EQ(t, kt_mmap(mm, KT_BASE + 1, 4096, PROT_RW, ANON | MAP_FIXED),
	      -EINVAL);
	KT_EQ(t, kt_mmap(mm, 0, 4096, PROT_RW, ANON | MAP_FIXED), -EPERM);
	KT_EQ(t, kt_mmap(mm, USER_END, 4096, PROT_RW, ANON | MAP_FIXED),
	      -ENOMEM);
	KT_EQ(t, kt_map(mm, 0, 4096, PROT_RW), KT_BASE);
	KT_EQ(t, kt_mmap(mm, KT_BASE, 4096, PROT_RW,
			 ANON | MAP_FIXED_NOREPLACE), -EEXIST);
	KT_EQ(t, do_munmap(mm, KT_BASE + 1, 4096), -EINVAL);
	KT_EQ(t, do_munmap(mm, KT_BASE, 0), -EINVAL);
	KT_EQ(t, do_munmap(mm, KT_BASE, USER_END), -EINVAL);
	KT_EQ(t, do_munmap(mm, KT_BASE + 0x100000, 4096), 0);
	KT_EQ(t, do_mprotect(mm, KT_BASE + 4096, 4096, PROT_READ), -ENOMEM);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 8192, PROT_READ), -ENOMEM);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 0, PROT_READ), 0);
	KT_EQ(t, do_madvise_dontneed(mm, KT_BASE, 8192), -ENOMEM);
	KT_EQ(t, kt_mremap(mm, KT_BASE + 4096, 4096, 8192, KT_ANYWHERE), -EFAULT);
	KT_EQ(t, kt_mremap(mm, KT_BASE, 4096, 0, KT_ANYWHERE), -EINVAL);
	KT_EQ(t, kt_mremap(mm, KT_BASE, 8192, 16384, KT_ANYWHERE), -EFAULT);
	mmput(mm);
}

KTEST(mm, mmap_places)
{
	struct mm_struct *mm = mm_alloc();
	s64 a, b, c;

	KT_ASSERT(t, mm);
	a = kt_mmap(mm, 0, 0x3000, PROT_RW, ANON);
	KT_EQ(t, a, mm->mmap_base - 0x3000);
	b = kt_mmap(mm, 0, 0x1000, PROT_READ, ANON);
	KT_EQ(t, b, a - 0x1000);
	KT_EQ(t, do_munmap(mm, (vaddr_t)a, 0x1000), 0);
	c = kt_mmap(mm, 0, 0x2000, PROT_READ, ANON);	/* hole too small */
	KT_EQ(t, c, b - 0x2000);
	KT_EQ(t, kt_mmap(mm, 0, 0x1000, PROT_EXEC, ANON), a);	/* fits */
	KT_EQ(t, kt_mmap(mm, KT_BASE + 5, 0x1000, PROT_RW, ANON),
	      KT_BASE + 0x1000);			/* a hint */
	mmput(mm);
}

KTEST(mm, munmap_splits)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x6000, PROT_RW);
	for (u64 i = 0; i < 6; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * 0x1000, i + 1), 0);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 6);
	KT_EQ(t, do_munmap(mm, KT_BASE + 0x2000, 0x2000), 0);
	KT_EQ(t, kt_vmas(mm), 2);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 4);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2000), KT_NONE);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 2);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x4000), 5);
	KT_EQ(t, kt_map(mm, 0x1000, 0x4000, PROT_RW), KT_BASE + 0x1000);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x4000), 0);	/* replaced */
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x5000), 6);
	mmput(mm);
}

KTEST(mm, munmap_frees_tables)
{
	struct mm_struct *mm = mm_alloc();
	s64 empty;

	KT_ASSERT(t, mm);
	empty = atomic64_read(&mm->pgt.nr_tables);
	kt_map(mm, 0, 0x400000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_poke(mm, KT_BASE + 0x200000, 1);
	KT_EQ(t, atomic64_read(&mm->pgt.nr_tables), empty + 4);
	do_munmap(mm, KT_BASE, 0x200000);
	KT_EQ(t, atomic64_read(&mm->pgt.nr_tables), empty + 3);
	do_munmap(mm, KT_BASE + 0x200000, 0x200000);
	KT_EQ(t, atomic64_read(&mm->pgt.nr_tables), empty);
	mmput(mm);
}

KTEST(mm, mprotect_rights)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x4000, PROT_RW);
	kt_poke(mm, KT_BASE + 0x1000, 7);
	KT_EQ(t, do_mprotect(mm, KT_BASE + 0x1000, 0x1000, PROT_READ), 0);
	KT_EQ(t, kt_vmas(mm), 3);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, 8), -EFAULT);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE + 0x1000)));
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 7);
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x1000, FAULT_WRITE),
	      FAULT_SIGSEGV_ACCERR);
	KT_EQ(t, kt_fault(mm, KT_BASE + 0x1000, FAULT_EXEC),
	      FAULT_SIGSEGV_ACCERR);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 0x4000, PROT_RW), 0);
	KT_EQ(t, kt_vmas(mm), 1);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, 8), 0);
	mmput(mm);
}

KTEST(mm, mprotect_none_keeps_page)
{
	struct mm_struct *mm = mm_alloc();
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 42);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 0x1000, PROT_NONE), 0);
	e = kt_pte(mm, KT_BASE);
	KT_EXPECT(t, !pte_present(e) && pte_mapped(e));
	KT_EXPECT(t, pte_dirty(e));
	KT_EQ(t, atomic64_read(&mm->rss_anon), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), KT_NONE);
	KT_EQ(t, page_mapcount(pte_page(e)), 1);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 0x1000, PROT_READ), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 42);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 0x1000, PROT_NONE), 0);
	mmput(mm);				/* zaps a PROT_NONE entry */
}

KTEST(mm, mremap_grow_shrink_move)
{
	struct mm_struct *mm = mm_alloc();
	s64 at;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	for (u64 i = 0; i < 3; i++)
		kt_poke(mm, KT_BASE + i * 0x1000, 10 + i);
	KT_EQ(t, kt_mremap(mm, KT_BASE, 0x3000, 0x5000, KT_STAY), KT_BASE);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x4000, 14), 0);
	KT_EQ(t, kt_mremap(mm, KT_BASE, 0x5000, 0x2000, KT_STAY), KT_BASE);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2000), KT_NONE);
	kt_map(mm, 0x2000, 0x1000, PROT_READ);		/* in the way */
	KT_EQ(t, kt_mremap(mm, KT_BASE, 0x2000, 0x4000, KT_STAY), -ENOMEM);
	at = kt_mremap(mm, KT_BASE, 0x2000, 0x4000, KT_ANYWHERE);
	KT_ASSERT(t, at > 0 && at != KT_BASE);
	KT_EQ(t, kt_peek(mm, (vaddr_t)at), 10);
	KT_EQ(t, kt_peek(mm, (vaddr_t)at + 0x1000), 11);
	KT_EQ(t, kt_peek(mm, (vaddr_t)at + 0x3000), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), KT_NONE);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 2);
	/* MREMAP_FIXED, part of a vma, over a table boundary. */
	KT_EQ(t, kt_mremap(mm, (vaddr_t)at + 0x1000, 0x1000, 0x1000,
			   KT_BASE + 0x1ff000), KT_BASE + 0x1ff000);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1ff000), 11);
	KT_EQ(t, kt_peek(mm, (vaddr_t)at), 10);
	mmput(mm);
}

/* Each allocation of a move fails once: all is as before, or moved. */
KTEST(mm, mremap_no_memory)
{
	struct mm_struct *mm = mm_alloc();
	vaddr_t from = KT_BASE + 0x1fe000, to = KT_BASE + 0x40000000;
	bool fired = true;
	s64 at;

	KT_ASSERT(t, mm);
	kt_map(mm, 0x1fe000, 0x4000, PROT_RW);		/* two leaf tables */
	kt_poke(mm, from, 1);
	kt_poke(mm, from + 0x3000, 4);
	for (u32 n = 1; fired && n < 50; n++) {
		alloc_fail_nth(n);
		at = kt_mremap(mm, from, 0x4000, 0x4000, to);
		fired = alloc_failed_nth();
		alloc_fail_nth(0);
		KT_EXPECT(t, at == -ENOMEM || at == (s64)to);
		if (at < 0)
			continue;
		swap(from, to);
		KT_EQ(t, kt_peek(mm, from), 1);
		KT_EQ(t, kt_peek(mm, from + 0x3000), 4);
		KT_EQ(t, kt_vmas(mm), 1);
	}
	KT_EXPECT(t, !fired);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 2);
	mmput(mm);
}

KTEST(mm, madvise_dontneed)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	for (u64 i = 0; i < 3; i++)
		kt_poke(mm, KT_BASE + i * 0x1000, 9);
	KT_EQ(t, do_madvise_dontneed(mm, KT_BASE + 0x1000, 0x1000), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 9);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 0);
	KT_EQ(t, do_madvise_dontneed(mm, KT_BASE + 1, 0x1000), -EINVAL);
	mmput(mm);
}

KTEST(mm, brk)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	mm->start_brk = mm->brk = KT_BASE + 0x123;
	KT_EQ(t, do_brk(mm, 0), KT_BASE + 0x123);
	KT_EQ(t, do_brk(mm, KT_BASE + 0x5000), KT_BASE + 0x5000);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x4ff8, 5), 0);
	KT_EQ(t, do_brk(mm, KT_BASE + 0x2001), KT_BASE + 0x2001);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2ff8), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x4ff8), KT_NONE);
	kt_map(mm, 0x8000, 0x1000, PROT_RW);
	KT_EQ(t, do_brk(mm, KT_BASE + 0x9000), KT_BASE + 0x2001);
	KT_EQ(t, do_brk(mm, KT_BASE + 0x8000), KT_BASE + 0x8000);
	mmput(mm);
}

KTEST(mm, mmap_populate)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_mmap(mm, KT_BASE, 0x4000, PROT_RW,
			 ANON | MAP_FIXED | MAP_POPULATE), KT_BASE);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 4);
	mmput(mm);
}

KTEST(mm, mmap_shared_anon)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	u64 pages = nr_cache_pages();

	KT_ASSERT(t, mm && child);
	kt_mmap(mm, KT_BASE, 0x2000, PROT_RW,
		MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 1), 0);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	KT_EQ(t, kt_poke(child, KT_BASE, 2), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 2);
	KT_EXPECT(t, pte_pfn(kt_pte(mm, KT_BASE)) ==
		  pte_pfn(kt_pte(child, KT_BASE)));
	mmput(mm);
	KT_EQ(t, kt_peek(child, KT_BASE), 2);
	mmput(child);
	KT_EQ(t, nr_cache_pages(), pages);
}

/* mmap over a part of another mapping, each allocation failing once. */
KTEST(mm, mmap_no_memory)
{
	bool fired = true;

	for (u32 n = 1; fired && n < 60; n++) {
		struct mm_struct *mm = mm_alloc();
		s64 at;

		KT_ASSERT(t, mm);
		kt_map(mm, 0, 0x4000, PROT_RW);
		kt_poke(mm, KT_BASE + 0x3000, 3);
		alloc_fail_nth(n);
		at = kt_map(mm, 0x1000, 0x1000, PROT_READ);
		if (at > 0)
			at = do_mprotect(mm, KT_BASE + 0x2000, 0x1000,
					 PROT_NONE);
		if (!at)
			at = do_munmap(mm, KT_BASE, 0x800);
		fired = alloc_failed_nth();
		alloc_fail_nth(0);
		KT_EXPECT(t, fired ? at == -ENOMEM || !at : !at);
		KT_EQ(t, kt_peek(mm, KT_BASE + 0x3000), 3);
		mmput(mm);
	}
	KT_EXPECT(t, !fired);
}
