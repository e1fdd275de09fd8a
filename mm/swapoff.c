/* SPDX-License-Identifier: MIT */
/*
 * swapoff: every page of a device comes back to memory, then it goes.
 *
 *	(1) it gives out no more slots (SWAP_LEAVING)
 *	(2) every mm: each of its swap entries is exchanged for its page, as a
 *	    read fault would; every file: the pages it has there
 *	(3) pages still cached that nobody counts leave the cache
 *	(4) slots are left: a fork copied entries behind our back, or a process
 *	    is ending: (2) again
 *	(5) none left: the device is off, under its lock
 *
 * A late fault that still knows an entry finds its page table changed, and a
 * late reader of a slot finds it gone (-ENOENT): both under the same locks as
 * always.
 *
 * Locks: swapon_mutex; mmap_lock read of one mm at a time.
 * Tests: tests/kt/kt_swapfile.c
 */
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/cow.h"
#include "mm/motion.h"
#include "mm/shmem.h"
#include "mm/swap.h"

/* The next swap entry of that device at or after *va, or false. */
static bool next_entry(struct vm_area_struct *vma, u32 type, vaddr_t *va,
		       pte_t *found)
{
	struct pt_pos pos;
	bool more = true;

	while (*va < vma->vm_end) {
		lock_leaf(&vma->vm_mm->pgt, *va, &pos);
		for (more = true; more && pos.va < vma->vm_end;
		     more = pos_next(&pos)) {
			*found = pte_read(pos.ptep);
			*va = pos.va;
			if (pos.level == 1 && pte_is_swap(*found) &&
			    pte_swp_type(*found) == type) {
				unlock_table(&pos);
				return true;
			}
			*va = pos_end(&pos);
		}
		unlock_table(&pos);
	}
	return false;
}

/* mmap_lock read held.  0, -ENOMEM, -EIO. */
static int unuse_vma(struct vm_area_struct *vma, u32 type)
{
	vaddr_t va = vma->vm_start;
	pte_t seen;
	int err;

	while (next_entry(vma, type, &va, &seen)) {
		err = swap_in_entry(vma, va, seen, 0);
		if (err && err != -EAGAIN)
			return err;
	}
	return 0;
}

static int unuse_mm(struct mm_struct *mm, u32 type)
{
	struct vm_area_struct *vma;
	int err = 0;

	down_read(&mm->mmap_lock);
	for_each_vma(mm, vma) {
		err = unuse_vma(vma, type);
		if (err)
			break;
	}
	up_read(&mm->mmap_lock);
	return err;
}

/* (2)-(4).  0: no slot is in use. */
static int unuse(struct swap_info *si)
{
	struct mm_struct *mm;
	int err = 0;

	while (READ_ONCE(si->inuse)) {
		mm = NULL;
		while (!err && (mm = mm_next(mm)))
			err = atomic64_read(&mm->swap_ents) ?
				unuse_mm(mm, si->type) : 0;
		if (mm)
			mmput(mm);
		if (!err)
			err = shmem_unuse(si->type);
		swap_cache_drop(si);				/* (3) */
		if (err)
			return err;
		if (signal_pending())
			return -EINTR;
		yield();
	}
	return 0;
}

/* (5).  False: a slot is in use.  The auditor does not look meanwhile. */
static bool retire(struct swap_info *si)
{
	bool empty;

	page_motion_begin();
	empty = swap_retire(si);
	if (empty) {
		si->ops->destroy(si);
		swap_free_arrays(si);
	}
	page_motion_end();
	return empty;
}

static int leave(struct swap_info *si)
{
	int err;

	do
		err = unuse(si);
	while (!err && !retire(si));
	return err;
}

int swapoff(u32 type)
{
	struct swap_info *si = &swap_devs[type];
	int err;

	if (!type || type > MAX_SWAPFILES)
		return -EINVAL;
	if (!swap_set_state(si, SWAP_ON, SWAP_LEAVING))		/* (1) */
		return -EINVAL;
	err = leave(si);
	if (err)
		swap_set_state(si, SWAP_LEAVING, SWAP_ON);
	return err;
}
