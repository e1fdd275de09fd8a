/* SPDX-License-Identifier: MIT */
/*
 * munmap and the end of an address space.
 *
 * Order, for the whole range in one section and one gather:
 *	(1) split the vmas at both ends (all that can fail); mark those between
 *	(2) section start, clear every leaf, section end
 *	(3) vmas leave the rmap trees, then the mm's tree
 *	(4) page tables that now lie in the hole are detached
 *	(5) flush; pages and tables are freed; then the vmas
 * (3) before (4): an rmap walker never meets a table that goes away, and (5)
 * after (4) covers leaves and tables in one flush.  The marks of (1) keep
 * faults under a vma's lock out until there is no vma to be found.
 *
 * Locks: mmap_lock write throughout.  Tests: tests/kt/kt_mmap.c
 */
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/mmap.h"
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"

/* Where the tables of the user half end: the span of their top entries. */
#define USER_SPAN_END	(1UL << 47)

/* (1): no vma crosses start or end.  0 or -ENOMEM. */
static int split_ends(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);

	if (vma && vma->vm_start < start) {
		/* Only a hole in the middle leaves more vmas than before. */
		if (end < vma->vm_end && mm->map_count >= MAX_MAP_COUNT)
			return -ENOMEM;
		if (vma_split_unlimited(vma, start))
			return -ENOMEM;
	}
	vma = vma_lookup(mm, end - 1);
	if (vma && vma->vm_end > end)
		return vma_split_unlimited(vma, end);
	return 0;
}

static void mark_vmas(struct vm_area_struct *vma, vaddr_t end)
{
	for (; vma && vma->vm_start < end; vma = vma_next(vma))
		vma_start_write(vma);
}

static void unlink_vmas(struct mm_struct *mm, vaddr_t start, vaddr_t end,
			struct list_head *dead)
{
	struct vm_area_struct *vma;

	while ((vma = find_vma(mm, start)) && vma->vm_start < end) {
		unlink_anon_vmas(vma);
		vma_unlink(mm, vma);
		list_add(&vma->anon_vma_chain, dead);
	}
}

static void free_vmas(struct list_head *dead)
{
	struct vm_area_struct *vma, *n;

	list_for_each_entry_safe(vma, n, dead, anon_vma_chain) {
		list_del_init(&vma->anon_vma_chain);
		vma_free(vma);
	}
}

int munmap_locked(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct vm_area_struct *vma, *prev, *next;
	struct mmu_notifier_range range;
	struct mmu_gather tlb;
	vaddr_t floor, ceiling;
	LIST_HEAD(dead);

	rwsem_assert_held_write(&mm->mmap_lock);
	vma = find_vma(mm, start);
	if (!vma || vma->vm_start >= end)
		return 0;
	if (split_ends(mm, start, end))			/* (1) */
		return -ENOMEM;
	/* commit */
	vma = find_vma(mm, start);
	mark_vmas(vma, end);
	RACE_POINT("munmap:marked");
	prev = vma_prev(vma);
	next = find_vma(mm, end);
	floor = prev ? prev->vm_end : 0;
	ceiling = next ? next->vm_start : USER_SPAN_END;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, mm, start, end);
	tlb_gather_mmu(&tlb, mm);
	mmu_notifier_invalidate_range_start(&range);	/* (2) */
	for (; vma && vma->vm_start < end; vma = vma_next(vma))
		zap_range(&tlb, vma, vma->vm_start, vma->vm_end);
	mmu_notifier_invalidate_range_end(&range);
	unlink_vmas(mm, start, end, &dead);		/* (3) */
	free_pgtables(&tlb, start, end, floor, ceiling);	/* (4) */
	tlb_finish_mmu(&tlb);				/* (5) */
	free_vmas(&dead);
	return 0;
}

int do_munmap(struct mm_struct *mm, vaddr_t addr, u64 len)
{
	int err;

	if ((addr & ~PAGE_MASK) || addr > USER_END || len > USER_END - addr)
		return -EINVAL;
	len = PAGE_ALIGN(len);
	if (!len)
		return -EINVAL;
	mmap_write_lock(mm);
	err = munmap_locked(mm, addr, addr + len);
	mmap_write_unlock(mm);
	return err;
}

void unmap_all_locked(struct mm_struct *mm)
{
	int err = munmap_locked(mm, 0, USER_END);

	BUG_ON(err);				/* nothing to split */
}

void exit_mmap(struct mm_struct *mm)
{
	bool merged = mm->ksm_slot;

	ksm_exit(mm);				/* nobody else gets in now */
	mmu_notifier_release(mm);		/* G7: before anything is freed */
	mmap_write_lock(mm);
	unmap_all_locked(mm);
	mmap_write_unlock(mm);
	if (merged)
		ksm_reap();
	KASSERT(!mm->map_count && !mm->total_vm);
	KASSERT(!atomic64_read(&mm->rss_anon) && !atomic64_read(&mm->rss_file));
}
