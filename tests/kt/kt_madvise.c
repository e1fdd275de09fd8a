/* SPDX-License-Identifier: MIT */
/* Tests of mm/madvise.c and of MREMAP_DONTUNMAP. */
#include "mm/madvise.h"
#include "tests/kt/kt_mm.h"

KTEST(mm, madvise_fork_flags)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x4000, PROT_RW);
	for (u64 i = 0; i < 4; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * 0x1000, i + 1), 0);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x1000, MADV_DONTFORK), 0);
	KT_EQ(t, do_madvise(mm, KT_BASE + 0x1000, 0x1000, MADV_WIPEONFORK), 0);
	KT_EQ(t, kt_vmas(mm), 3);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_vmas(child), 2);
	KT_EQ(t, kt_peek(child, KT_BASE), KT_NONE);
	KT_EQ(t, kt_peek(child, KT_BASE + 0x1000), 0);
	KT_EQ(t, kt_poke(child, KT_BASE + 0x1000, 9), 0);
	KT_EQ(t, kt_peek(child, KT_BASE + 0x2000), 3);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 2);
	/* Merges on the way: the whole range is done all the same. */
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x4000, MADV_DOFORK), 0);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x4000, MADV_KEEPONFORK), 0);
	KT_EQ(t, kt_vmas(mm), 1);
	mmput(child);
	mmput(mm);
}

KTEST(mm, madvise_populate)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x4000, PROT_RW);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x2000, MADV_POPULATE_WRITE), 0);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 2);
	KT_EQ(t, do_mprotect(mm, KT_BASE, 0x1000, PROT_READ), 0);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x2000, MADV_POPULATE_WRITE), -EINVAL);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x5000, MADV_POPULATE_READ), -ENOMEM);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x1000, VM_LOCKED), 0);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x1000, MADV_DONTNEED), -EINVAL);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x1000, 6), -EINVAL);
	mmput(mm);
}

KTEST(mm, mremap_dontunmap)
{
	struct mm_struct *mm = mm_alloc();
	struct mremap_request rq = {
		.old = KT_BASE + 0x1000, .old_len = 0x2000, .new_len = 0x2000,
		.flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
	};
	s64 to;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x4000, PROT_RW);
	for (u64 i = 0; i < 4; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * 0x1000, i + 1), 0);
	to = do_mremap(mm, &rq);
	KT_ASSERT(t, to > 0);
	KT_EQ(t, kt_peek(mm, (vaddr_t)to), 2);
	KT_EQ(t, kt_peek(mm, (vaddr_t)to + 0x1000), 3);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x2000, 7), 0);
	KT_EQ(t, kt_peek(mm, (vaddr_t)to + 0x1000), 3);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x3000), 4);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 5);
	rq.new_len = 0x3000;
	KT_EQ(t, do_mremap(mm, &rq), -EINVAL);
	mmput(mm);
}
