/* SPDX-License-Identifier: MIT */
/*
 * Holding one vma still without mmap_lock.
 *
 * H1. vma->vm_lock_seq == mm->mm_lock_seq: the writer of mmap_lock has marked
 *     the vma.  mm_lock_seq moves on exactly when mmap_lock stops being held
 *     for write, so one store ends all marks.  It has 64 bits: it never wraps.
 * H2. A vma is inserted, changed and erased marked; `vm_detached` is true
 *     outside the tree, and changes only while the vma is marked.
 * H3. A vma's memory lives for a grace period after it was erased.
 * H4. A reader that gets vm_lock may give up for any reason: its caller then
 *     takes mmap_lock.  So a walk that went astray costs time, never truth:
 *     what is returned was checked under the lock, what is not found is looked
 *     for again.
 *
 *	reader				writer, mmap_lock held
 *	(1) rcu; walk to vma		(A) vm_lock for write: readers leave
 *	(2) trylock vm_lock		(B) vm_lock_seq = mm_lock_seq; release
 *	(3) seqs equal? give up		(C) change or erase the vma
 *	(4) attached, covers va?	(D) mm_lock_seq++, mmap_lock released
 *	(5) rcu unlock; use the vma	(E) an erased vma: freed after RCU
 *	(6) release vm_lock
 * (2) before (A): (A) waits for (6).  (B) before (2): (2) acquires what (B)
 * released, so (3) sees the mark, and a mm_lock_seq no older.  Equal: marked,
 * it gives up.  Unequal: (D) has happened, and its release makes (C) visible,
 * so (4) judges the vma as it is after the change.
 * (1) meets an erased vma: (E) waits for (5), (4) refuses it.
 *
 * Every node that (1) visits was in the tree at some time after (1) began:
 * the root was when it was read, and a link read from a node names a node that
 * was in the tree then, or when the node that holds it was erased, which is
 * later than (1) began.  So by (E) none of them is freed before (5).
 *
 * Bug switches: vma_free_now (E without a grace period), vma_no_mark (B left
 * out).  Tests: tests/kt/kt_vma_lock.c, tests/race/race_vma.c
 */
#include "kernel/racepoint.h"
#include "mm/internal.h"

/* Release: partner, the acquire in marked(). */
static void vma_end_write_all(struct mm_struct *mm)
{
	rwsem_assert_held_write(&mm->mmap_lock);
	smp_store_release(&mm->mm_lock_seq, mm->mm_lock_seq + 1);	/* (D) */
}

void mmap_write_unlock(struct mm_struct *mm)
{
	vma_end_write_all(mm);
	up_write(&mm->mmap_lock);
}

void mmap_write_downgrade(struct mm_struct *mm)
{
	vma_end_write_all(mm);
	downgrade_write(&mm->mmap_lock);
}

static bool marked(const struct vm_area_struct *vma)
{
	u64 seq = smp_load_acquire(&vma->vm_mm->mm_lock_seq);

	return READ_ONCE(vma->vm_lock_seq) == seq;
}

bool vma_is_write_locked(const struct vm_area_struct *vma)
{
	return rwsem_is_write_locked(&vma->vm_mm->mmap_lock) && marked(vma);
}

void vma_start_write(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	rwsem_assert_held_write(&mm->mmap_lock);
	if (vma->vm_lock_seq == mm->mm_lock_seq)
		return;
	if (BUG_SWITCH("vma_no_mark"))
		return;
	down_write(&vma->vm_lock);				/* (A) */
	WRITE_ONCE(vma->vm_lock_seq, mm->mm_lock_seq);		/* (B) */
	up_write(&vma->vm_lock);
}

void vma_start_write_all(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for_each_vma(mm, vma)
		vma_start_write(vma);
}

/* (2) and (3). */
static bool vma_start_read(struct vm_area_struct *vma)
{
	if (marked(vma))		/* cheap, and keeps out of (A)'s way */
		return false;
	RACE_POINT("vma:before_read");
	if (!down_read_trylock(&vma->vm_lock))
		return false;
	if (!marked(vma))
		return true;
	up_read(&vma->vm_lock);
	return false;
}

void vma_end_read(struct vm_area_struct *vma)
{
	up_read(&vma->vm_lock);
}

struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, vaddr_t va)
{
	struct vm_area_struct *vma;

	rcu_read_lock();
	vma = vma_walk_rcu(mm, va);				/* (1) */
	if (vma && !vma_start_read(vma))
		vma = NULL;
	if (vma && (vma->vm_detached || va < vma->vm_start ||
		    va >= vma->vm_end)) {			/* (4) */
		vma_end_read(vma);
		vma = NULL;
	}
	rcu_read_unlock();					/* (5) */
	return vma;
}
