/* SPDX-License-Identifier: MIT */
/*
 * mm_take_all_locks: every lock under which a page table of one mm can be
 * walked or changed.  When it returns 0, no fault, truncate, rmap walk or
 * munmap is inside the mm, and none can start.  It does not stop the hardware,
 * gup_fast, or RCU readers of tables.
 *
 * L0. Every vma is marked first: a fault under a vma's lock alone holds none of
 *     the locks below.  The marks end with mmap_lock, not with the drop.
 * L1. mm_all_locks_mutex serialises holders system-wide, so the order of locks
 *     of one class does not matter; classes are taken in rank order (all
 *     i_mmap, then all anon_vma roots).
 * L2. Each lock is taken once, however many vmas share it: a mark on its
 *     object says so.  AS_MM_ALL_LOCKS is set atomically before the lock is
 *     taken (other bits of the word change), the root's all_locks_mark after.
 *     Both are read and written only under the mutex.
 * L3. mm_drop_all_locks unlocks exactly what is marked, so it also undoes a
 *     partly done take (-EINTR).
 *
 * Locks: mmap_lock held for write by the caller until after the drop; nothing
 * may be allocated in between.  Tests: tests/kt/kt_take_all_locks.c
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/rmap.h"
#include "mm/take_all_locks.h"

static DEFINE_MUTEX(mm_all_locks_mutex, LOCK_MM_ALL);

static void lock_mapping(struct address_space *m)
{
	if (test_and_set_bit(AS_MM_ALL_LOCKS, (unsigned long *)&m->flags))
		return;						/* L2 */
	down_write_nest_lock(&m->i_mmap_rwsem, &mm_all_locks_mutex);
}

static void unlock_mapping(struct address_space *m)
{
	if (!test_bit(AS_MM_ALL_LOCKS, (unsigned long *)&m->flags))
		return;
	up_write(&m->i_mmap_rwsem);
	clear_bit(AS_MM_ALL_LOCKS, (unsigned long *)&m->flags);
}

static void lock_anon_root(struct anon_vma *root)
{
	if (root->all_locks_mark)
		return;
	down_write_nest_lock(&root->rwsem, &mm_all_locks_mutex);
	root->all_locks_mark = true;
}

static void unlock_anon_root(struct anon_vma *root)
{
	if (!root->all_locks_mark)
		return;
	root->all_locks_mark = false;
	up_write(&root->rwsem);
}

/* Every link, not only vma->anon_vma: pages of an ancestor are mapped too. */
static void for_each_root(struct vm_area_struct *vma,
			  void (*fn)(struct anon_vma *root))
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		fn(avc->anon_vma->root);
}

/* Asked before each vma of each pass. */
static int interrupted(void)
{
	RACE_POINT("take_all_locks:vma");
	return signal_pending() ? -EINTR : 0;
}

static int mark_vmas(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for_each_vma(mm, vma) {
		if (interrupted())
			return -EINTR;
		if (!BUG_SWITCH("all_locks_no_vmas"))
			vma_start_write(vma);			/* L0 */
	}
	return 0;
}

static int take_mappings(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for_each_vma(mm, vma) {
		if (interrupted())
			return -EINTR;
		if (vma->vm_mapping)
			lock_mapping(vma->vm_mapping);
	}
	return 0;
}

static int take_anon_vmas(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for_each_vma(mm, vma) {
		if (interrupted())
			return -EINTR;
		for_each_root(vma, lock_anon_root);
	}
	return 0;
}

int mm_take_all_locks(struct mm_struct *mm)
{
	int err;

	rwsem_assert_held_write(&mm->mmap_lock);
	err = mark_vmas(mm);
	if (err)
		return err;
	mutex_lock(&mm_all_locks_mutex);
	mm->all_locks_owner = current();
	err = take_mappings(mm);
	if (!err)
		err = take_anon_vmas(mm);
	if (err)
		mm_drop_all_locks(mm);				/* L3 */
	return err;
}

void mm_drop_all_locks(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	rwsem_assert_held_write(&mm->mmap_lock);
	mutex_assert_held(&mm_all_locks_mutex);
	KASSERT(mm->all_locks_owner == current());
	for_each_vma(mm, vma) {
		for_each_root(vma, unlock_anon_root);
		if (vma->vm_mapping)
			unlock_mapping(vma->vm_mapping);
	}
	mm->all_locks_owner = NULL;
	mutex_unlock(&mm_all_locks_mutex);
}
