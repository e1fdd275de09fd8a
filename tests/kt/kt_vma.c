/* SPDX-License-Identifier: MIT */
/* Tests of mm/mm.c and mm/vma.c. */
#include "tests/kt/kt_mm.h"

KTEST(mm, vma_find)
{
	struct mm_struct *mm = mm_alloc();
	struct vm_area_struct *vma;

	KT_ASSERT(t, mm);
	KT_EXPECT(t, kt_map(mm, 0x10000, 0x2000, PROT_RW) > 0);
	KT_EXPECT(t, kt_map(mm, 0x20000, 0x1000, PROT_READ) > 0);
	mmap_read_lock(mm);
	vma = find_vma(mm, KT_BASE);
	KT_EXPECT(t, vma && vma->vm_start == KT_BASE + 0x10000);
	KT_EXPECT(t, !vma_lookup(mm, KT_BASE + 0xffff));
	KT_EXPECT(t, vma_lookup(mm, KT_BASE + 0x11fff) == vma);
	KT_EXPECT(t, find_vma(mm, KT_BASE + 0x12000) == vma_next(vma));
	KT_EXPECT(t, vma_prev(vma_next(vma)) == vma && !vma_prev(vma));
	KT_EXPECT(t, !find_vma(mm, KT_BASE + 0x21000));
	KT_EQ(t, mm->total_vm, 3);
	mmap_read_unlock(mm);
	KT_EQ(t, kt_vmas(mm), 2);
	mmput(mm);
}

KTEST(mm, vma_split_merge)
{
	struct mm_struct *mm = mm_alloc();
	struct vm_area_struct *vma;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x8000, PROT_RW);
	kt_poke(mm, KT_BASE + 0x1000, 1);
	kt_poke(mm, KT_BASE + 0x6000, 6);
	mmap_write_lock(mm);
	vma = vma_lookup(mm, KT_BASE);
	KT_EQ(t, vma_split(vma, KT_BASE + 0x4000), 0);
	KT_EQ(t, vma->vm_end, KT_BASE + 0x4000);
	KT_EXPECT(t, vma_next(vma)->anon_vma == vma->anon_vma);
	KT_EQ(t, vma_next(vma)->vm_pgoff, vma->vm_pgoff + 4);
	KT_EXPECT(t, vma_merge(vma_next(vma)) == vma);
	KT_EQ(t, vma->vm_end, KT_BASE + 0x8000);
	mmap_write_unlock(mm);
	KT_EQ(t, kt_vmas(mm), 1);
	KT_EQ(t, mm->total_vm, 8);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x6000), 6);
	mmput(mm);
}

KTEST(mm, vma_neighbours_merge)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0x0000, 0x1000, PROT_RW);
	kt_map(mm, 0x2000, 0x1000, PROT_RW);
	KT_EQ(t, kt_vmas(mm), 2);
	kt_map(mm, 0x1000, 0x1000, PROT_RW);		/* closes the hole */
	KT_EQ(t, kt_vmas(mm), 1);
	kt_map(mm, 0x3000, 0x1000, PROT_READ);		/* other rights */
	KT_EQ(t, kt_vmas(mm), 2);
	mmput(mm);
}

/* Two vmas that were written to apart have two anon_vmas: no merge. */
KTEST(mm, vma_anon_vmas_keep_apart)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0x0000, 0x1000, PROT_RW);
	kt_map(mm, 0x2000, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_poke(mm, KT_BASE + 0x2000, 2);
	kt_map(mm, 0x1000, 0x1000, PROT_RW);
	KT_EQ(t, kt_vmas(mm), 2);			/* merged with one */
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, 3), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2000), 2);
	mmput(mm);
}

KTEST(mm, mm_list_and_counts)
{
	struct mm_struct *a = mm_alloc(), *b = mm_alloc(), *mm = NULL;
	u32 seen = 0;

	KT_ASSERT(t, a && b);
	KT_EXPECT(t, a->id != b->id);
	while ((mm = mm_next(mm)))
		seen += mm == a || mm == b;
	KT_EQ(t, seen, 2);
	mmgrab(a);
	mmput(a);
	KT_EXPECT(t, !mmget_not_zero(a));
	mmdrop(a);
	mmput(b);
}
