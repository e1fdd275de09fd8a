/* SPDX-License-Identifier: MIT */
/*
 * The heap's end.
 *
 * brk answers with the new end, or the old one when it cannot move: no error
 * numbers.  The heap keeps clear of the vma above it and its guard gap.
 *
 * Locks: mmap_lock write.  Tests: tests/kt/kt_mmap.c
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
