/* SPDX-License-Identifier: MIT */
/*
 * mmap_lock, and the vmas' own locks that let most faults do without it.
 *
 * mmap_lock, write: the tree of vmas and every vma in it may change.  Read:
 * neither does.  A vma that is to be changed, unlinked, or whose entries are
 * moved or copied is marked first (vma_start_write); all marks of an mm end
 * together, when its mmap_lock is released or downgraded.  A fault that finds
 * its vma under RCU and unmarked holds the vma still by vm_lock alone.
 * The proof is in mm/vma_lock.c.
 */
#ifndef MM_MMAP_LOCK_H
#define MM_MMAP_LOCK_H

#include "mm/mm_types.h"

/* Sleep. */
static inline void mmap_read_lock(struct mm_struct *mm) { down_read(&mm->mmap_lock); }
static inline void mmap_read_unlock(struct mm_struct *mm) { up_read(&mm->mmap_lock); }
static inline void mmap_write_lock(struct mm_struct *mm) { down_write(&mm->mmap_lock); }
/* Both end every mark.  Not sleeping. */
void mmap_write_unlock(struct mm_struct *mm);
void mmap_write_downgrade(struct mm_struct *mm);

/*
 * mmap_lock write held.  Waits for faults inside vma; no new one gets in
 * until mmap_lock is released.  Nothing on a vma that is marked.  Sleeps.
 */
void vma_start_write(struct vm_area_struct *vma);
/* Every vma of mm. */
void vma_start_write_all(struct mm_struct *mm);
bool vma_is_write_locked(const struct vm_area_struct *vma);

/*
 * The vma that contains va, held by its vm_lock; or NULL: take mmap_lock.
 * mm_users pinned.  Does not sleep.
 */
struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, vaddr_t va);
void vma_end_read(struct vm_area_struct *vma);

#endif
