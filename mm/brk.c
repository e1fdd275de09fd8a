/* SPDX-License-Identifier: MIT */
/*
 * The heap's end, and MADV_DONTNEED.
 *
 * brk answers with the new end, or the old one when it cannot move: no error
 * numbers.  The heap keeps clear of the vma above it and its guard gap.
 *
 * Locks: brk mmap_lock write, madvise mmap_lock read (the vmas stay, the
 * pages go).  Tests: tests/kt/kt_mmap.c
 */
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmap.h"

static bool brk_grow(struct mm_struct *mm, vaddr_t from, vaddr_t to)
{
	struct vm_area_struct *next = find_vma(mm, from);

	if (to > USER_END || to < from)
		return false;
	if (next && vma_gap_start(next) < to)
		return false;
	return !map_anon_locked(mm, from, to, VM_READ | VM_WRITE | VM_HEAP);
}

vaddr_t do_brk(struct mm_struct *mm, vaddr_t brk)
{
	vaddr_t old_end, new_end, ret;
	bool ok = true, locked;

	mmap_write_lock(mm);
	old_end = PAGE_ALIGN(mm->brk);
	new_end = PAGE_ALIGN(brk);
	if (brk < mm->start_brk || brk > USER_END ||
	    brk - mm->start_brk > READ_ONCE(mm->limit_data))
		ok = false;
	else if (new_end < old_end)
		ok = !munmap_locked(mm, new_end, old_end);
	else if (new_end > old_end)
		ok = brk_grow(mm, old_end, new_end);
	if (ok)
		mm->brk = brk;
	ret = mm->brk;
	locked = (mm->def_flags & VM_LOCK_FLAGS) == VM_LOCKED;
	mmap_write_unlock(mm);
	if (ok && locked && new_end > old_end)
		(void)mm_populate(mm, old_end, new_end);
	return ret;
}

int do_madvise_dontneed(struct mm_struct *mm, vaddr_t addr, u64 len)
{
	struct vm_area_struct *vma;
	vaddr_t end, at = addr;
	int err = 0;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (len && !PAGE_ALIGN(len))
		return -EINVAL;
	len = PAGE_ALIGN(len);
	end = addr + len;
	if (end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	mmap_read_lock(mm);
	for (vma = find_vma(mm, addr); vma && vma->vm_start < end;
	     vma = vma_next(vma)) {
		if (at < vma->vm_start)
			err = -ENOMEM;		/* a hole: go on, say so */
		at = min(end, vma->vm_end);
		zap_vma_range(vma, max(addr, vma->vm_start), at);
	}
	if (at < end)
		err = -ENOMEM;
	mmap_read_unlock(mm);
	return err;
}
