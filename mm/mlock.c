/* SPDX-License-Identifier: MIT */
/*
 * mlock and its relatives: VM_LOCKED on ranges, and their pages brought in.
 *
 * L1. VM_LOCKED says that pages stay; the flag is all there is to it, whoever
 *     takes pages away looks at it.  VM_LOCKONFAULT: they need not come now.
 * L2. How much is locked is counted when it matters (a limit is set), by
 *     walking the vmas; so no change of a vma has to keep a counter.
 * L3. mm->def_flags (MCL_FUTURE) go into every new vma; a child of fork starts
 *     with none, and with nothing locked.
 *
 * Vmas before the first failure stay changed, as in Linux.
 * Locks: mmap_lock write; the pages come in after it is dropped.
 * Tests: tests/kt/kt_mlock.c, tests/abi/t_mlock
 */
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmap.h"
#include "mm/reclaim_hint.h"

u64 mm_locked_pages(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct vm_area_struct *vma;
	u64 n = 0;

	for (vma = find_vma(mm, start); vma && vma->vm_start < end;
	     vma = vma_next(vma)) {
		if (vma->vm_flags & VM_LOCKED)
			n += min(end, vma->vm_end) - max(start, vma->vm_start);
	}
	return n >> PAGE_SHIFT;
}

bool mm_may_lock(struct mm_struct *mm, u64 pages)
{
	u64 limit = READ_ONCE(mm->limit_locked);

	return limit == ~0ULL ||
	       mm_locked_pages(mm, 0, USER_END) + pages <= limit >> PAGE_SHIFT;
}

/* Is there room for [start, end) to be locked?  What is locked counts once. */
static bool range_may_lock(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	u64 pages = (end - start) >> PAGE_SHIFT;

	return mm_may_lock(mm, pages - min(pages,
					   mm_locked_pages(mm, start, end)));
}

/* The flag first: reclaim puts locked pages aside until it is off (L1). */
static void change_flags(struct vm_area_struct *vma, u64 flags)
{
	bool unlock = vma->vm_flags & ~flags & VM_LOCKED;

	vma->vm_flags = flags;
	if (unlock)
		munlock_range(vma, vma->vm_start, vma->vm_end);
}

int vma_set_flags(struct vm_area_struct **vmap, vaddr_t start, vaddr_t end,
		  u64 new_flags)
{
	struct vm_area_struct *vma = *vmap;

	if (new_flags == vma->vm_flags)
		return 0;
	vma = vma_isolate(vma, start, end);
	if (!vma)
		return -ENOMEM;
	/* commit */
	vma_start_write(vma);
	change_flags(vma, new_flags);
	*vmap = vma_merge(vma);
	return 0;
}

static int set_range_lock(struct mm_struct *mm, vaddr_t start, vaddr_t end,
			  u64 lock)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);
	vaddr_t va = start;
	int err;

	while (va < end) {
		if (!vma || vma->vm_start > va)
			return -ENOMEM;
		err = vma_set_flags(&vma, va, min(end, vma->vm_end),
				    (vma->vm_flags & ~VM_LOCK_FLAGS) | lock);
		if (err)
			return err;
		va = vma->vm_end;
		vma = vma_next(vma);
	}
	return 0;
}

int do_mlock(struct mm_struct *mm, vaddr_t addr, u64 len, u64 lock)
{
	vaddr_t start = addr & PAGE_MASK, end;
	int err = 0;

	len = PAGE_ALIGN(len + (addr & ~PAGE_MASK));
	end = start + len;
	/* The limit is looked at first, and so much is never within one. */
	if (end < start)
		return lock && READ_ONCE(mm->limit_locked) != ~0ULL ?
		       -ENOMEM : -EINVAL;
	if (end == start)
		return 0;
	if (end > USER_END)
		return -ENOMEM;
	mmap_write_lock(mm);
	if (lock && !range_may_lock(mm, start, end))
		err = -ENOMEM;
	if (!err)
		err = set_range_lock(mm, start, end, lock);
	mmap_write_unlock(mm);
	if (!err && (lock & VM_LOCKED) && !(lock & VM_LOCKONFAULT) &&
	    mm_populate(mm, start, end))
		err = -ENOMEM;
	return err;
}

/* Every vma of mm gets these; one that cannot be merged or split is no error */
static void set_all_locks(struct mm_struct *mm, u64 lock)
{
	struct vm_area_struct *vma;

	for (vma = vma_first(mm); vma; vma = vma_next(vma)) {
		vma_start_write(vma);
		change_flags(vma, (vma->vm_flags & ~VM_LOCK_FLAGS) | lock);
		vma = vma_merge(vma);
	}
}

int do_mlockall(struct mm_struct *mm, enum lock_which which, u64 lock)
{
	struct vm_area_struct *vma;
	vaddr_t at = 0, end;
	int err = 0;

	mmap_write_lock(mm);
	if ((which & LOCK_CURRENT) && READ_ONCE(mm->limit_locked) != ~0ULL &&
	    mm->total_vm > READ_ONCE(mm->limit_locked) >> PAGE_SHIFT)
		err = -ENOMEM;
	if (!err) {
		mm->def_flags = which & LOCK_FUTURE ? lock : 0;
		if (which & LOCK_CURRENT)
			set_all_locks(mm, lock);
	}
	mmap_write_unlock(mm);
	if (err || !(which & LOCK_CURRENT) || (lock & VM_LOCKONFAULT))
		return err;
	for (;;) {
		mmap_read_lock(mm);
		vma = find_vma(mm, at);
		at = vma ? vma->vm_start : 0;
		end = vma ? vma->vm_end : 0;
		mmap_read_unlock(mm);
		if (!vma)
			return 0;
		(void)mm_populate(mm, at, end);	/* what can be had */
		at = end;
	}
}

void do_munlockall(struct mm_struct *mm)
{
	mmap_write_lock(mm);
	mm->def_flags = 0;
	set_all_locks(mm, 0);
	mmap_write_unlock(mm);
}
