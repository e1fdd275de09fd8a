/* SPDX-License-Identifier: MIT */
/*
 * mremap: shrink, grow in place, or move.
 *
 * Moving is per pair of leaf tables:
 *	(1) both rmap locks of the old vma's pages, write: a walker sees a page
 *	    at the old or at the new place, never at neither
 *	(2) both table locks
 *	(3) entry by entry: clear the old, set the new, soft-dirty there
 *	(4) flush the old range
 *	(5) unlock
 * (4) before (5): until the old translations are dead nobody can find the page
 * at its new place, unmap and free it there.
 *
 * A failure while moving moves back what was moved (those tables exist), so
 * the old mapping is whole again.
 *
 * Locks: mmap_lock write, both vmas marked.  Tests: tests/kt/kt_mmap.c
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmap.h"
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"
#include "mm/tlb_batch.h"

struct mremap_to {
	vaddr_t addr;
	u64 len;
	int flags;
};

struct move {
	struct vm_area_struct *from_vma, *to_vma;
	vaddr_t from, to, len;
};

static void take_rmap_locks(struct vm_area_struct *vma)
{
	if (vma->vm_mapping)
		down_write(&vma->vm_mapping->i_mmap_rwsem);
	if (vma->anon_vma)
		down_write(&vma->anon_vma->root->rwsem);
}

static void drop_rmap_locks(struct vm_area_struct *vma)
{
	if (vma->anon_vma)
		up_write(&vma->anon_vma->root->rwsem);
	if (vma->vm_mapping)
		up_write(&vma->vm_mapping->i_mmap_rwsem);
}

/* (2)-(5) for at most len bytes within both tables. */
static void move_locked(struct mm_struct *mm, struct pt_pos *old,
			struct pt_pos *new, u64 len)
{
	flush_tlb_batched_pending(mm);
	if (pte_move_run(old, new, (u32)(len >> PAGE_SHIFT),
			 PTE_SOFT_DIRTY))			/* (3), (4) */
		flush_tlb_mm_range(mm, old->va, old->va + len, TLB_LEAVES);
}

/* Bytes from va to the end of its leaf table. */
static u64 to_table_end(vaddr_t va)
{
	return pt_size(2) - (va & (pt_size(2) - 1));
}

/* Returns bytes done (to `len` or the end of a table), or -ENOMEM. */
static s64 move_chunk(struct mm_struct *mm, const struct move *m, u64 done)
{
	struct pt_pos old = { .pt = &mm->pgt, .va = m->from + done };
	struct pt_pos new = { .pt = &mm->pgt, .va = m->to + done };
	u64 len = min(m->len - done, to_table_end(old.va));
	struct pt_pos pos;
	int level;

	len = min(len, to_table_end(new.va));
	lock_leaf(&mm->pgt, old.va, &pos);
	level = pos.level;
	unlock_table(&pos);
	if (level > 1)
		return (s64)len;		/* nothing was ever mapped */
	if (lock_table_alloc(&mm->pgt, new.va, 1, &pos))
		return -ENOMEM;
	unlock_table(&pos);
	take_rmap_locks(m->from_vma);				/* (1) */
	if (lock_table_pair(&old, &new))			/* (2) */
		BUG();		/* mmap_lock write: no table goes away */
	move_locked(mm, &old, &new, len);
	unlock_table_pair(&old, &new);				/* (5) */
	drop_rmap_locks(m->from_vma);
	RACE_POINT("mremap:moved_unlocked");
	return (s64)len;
}

/* Returns how many bytes were moved. */
static u64 move_page_tables(struct mm_struct *mm, const struct move *m)
{
	struct mmu_notifier_range range;
	u64 done = 0;
	s64 step;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, mm, m->from,
				m->from + m->len);
	noreclaim_begin();
	mmu_notifier_invalidate_range_start(&range);
	while (done < m->len) {
		step = move_chunk(mm, m, done);
		if (step < 0)
			break;
		done += (u64)step;
	}
	mmu_notifier_invalidate_range_end(&range);
	noreclaim_end();
	return done;
}

/* The vma at the new place, linked, with vma's chains.  NULL: no memory. */
static struct vm_area_struct *copy_vma(struct vm_area_struct *vma,
				       vaddr_t old, vaddr_t to, u64 len)
{
	struct vm_area_struct *new = vma_dup(vma);

	if (!new)
		return NULL;
	new->vm_start = to;
	new->vm_end = to + len;
	new->vm_pgoff = linear_page_index(vma, old);
	if (vma_is_anon(vma) && !vma->anon_vma)
		new->vm_pgoff = to >> PAGE_SHIFT;
	new->anon_vma = vma->anon_vma;
	if (anon_vma_clone(new, vma)) {
		vma_free(new);
		return NULL;
	}
	vma_link(vma->vm_mm, new);
	return new;
}

/* MREMAP_DONTUNMAP: the vma stays, and has no pages any more. */
static void leave_empty(struct vm_area_struct *vma)
{
	vma_start_write(vma);
	vma->vm_flags &= ~VM_LOCK_FLAGS;
	unlink_anon_vmas(vma);
	vma->anon_vma = NULL;
	vma_merge(vma);
}

/* A second mapping of shared memory from old on.  0 or -ENOMEM. */
static int duplicate_shared(struct vm_area_struct *vma, vaddr_t old,
			    const struct mremap_to *dest)
{
	struct vm_area_struct *new;

	if (vma->vm_mm->map_count >= MAX_MAP_COUNT - 3)
		return -ENOMEM;
	new = copy_vma(vma, old, dest->addr, dest->len);
	if (!new)
		return -ENOMEM;
	vma_merge(new);
	return 0;
}

/* [old, old + old_len) of vma goes to `to`, new_len bytes.  0 or -ENOMEM. */
static int move_vma(struct vm_area_struct *vma, vaddr_t old, u64 old_len,
		    const struct mremap_to *dest)
{
	vaddr_t to = dest->addr;
	u64 new_len = dest->len;
	struct mm_struct *mm = vma->vm_mm;
	struct move m = { .from = old, .to = to };
	struct move back;
	u64 moved;

	if (vma->vm_flags & VM_PFNMAP)
		return -EINVAL;		/* the owner knows where they are */
	if (!old_len)
		return duplicate_shared(vma, old, dest);
	if (mm->map_count >= MAX_MAP_COUNT - 3)
		return -ENOMEM;
	vma = vma_isolate(vma, old, old + old_len);
	if (!vma)
		return -ENOMEM;
	vma_start_write(vma);
	m.from_vma = vma;
	m.to_vma = copy_vma(vma, old, to, new_len);
	if (!m.to_vma) {
		vma_merge(vma);
		return -ENOMEM;
	}
	m.len = min(old_len, new_len);
	moved = move_page_tables(mm, &m);
	if (moved < m.len) {
		back = (struct move){ m.to_vma, vma, to, old, moved };
		BUG_ON(move_page_tables(mm, &back) != moved);
		BUG_ON(munmap_locked(mm, to, to + new_len));
		vma_merge(vma);
		return -ENOMEM;
	}
	/* commit */
	if (dest->flags & MREMAP_DONTUNMAP)
		leave_empty(vma);
	else
		BUG_ON(munmap_locked(mm, old, old + old_len));
	vma_merge(vma_lookup(mm, to));
	return 0;
}

static bool can_grow_in_place(struct vm_area_struct *vma, u64 delta)
{
	struct vm_area_struct *next = vma_next(vma);
	vaddr_t end = vma->vm_end + delta;

	if (end < vma->vm_end || end > USER_END)
		return false;
	return !next || vma_gap_start(next) >= end;
}

/* The process's limits: 0, -ENOMEM, -EAGAIN. */
static int may_grow(struct vm_area_struct *vma, u64 pages)
{
	if (!mm_may_map(vma->vm_mm, pages))
		return -ENOMEM;
	return (vma->vm_flags & VM_LOCKED) && !mm_may_lock(vma->vm_mm, pages) ?
	       -EAGAIN : 0;
}

/* [old, old + old_len) is to lose its end: 0 or -EINVAL, -ENOMEM. */
static int shrink(struct mm_struct *mm, vaddr_t old, u64 old_len, u64 new_len)
{
	if (old > USER_END || old_len > USER_END - old)
		return -EINVAL;
	return munmap_locked(mm, old + new_len, old + old_len);
}

/* What is moved is one vma's; of shared memory nothing may be: it is doubled. */
static int check_old(const struct vm_area_struct *vma, vaddr_t old, u64 old_len)
{
	if (!vma || old_len > vma->vm_end - old)
		return -EFAULT;
	return !old_len && !(vma->vm_flags & VM_SHARED) ? -EINVAL : 0;
}

static s64 mremap_fixed(struct mm_struct *mm, vaddr_t old, u64 old_len,
			const struct mremap_to *dest)
{
	u64 new_len = dest->len, grows = 0;
	struct vm_area_struct *vma;
	vaddr_t to = dest->addr;
	int err;

	if (to & ~PAGE_MASK)
		return -EINVAL;
	if (to > USER_END - new_len)
		return -EINVAL;
	if (old + old_len > to && to + new_len > old)
		return -EINVAL;				/* overlap */
	if (to < MMAP_MIN_ADDR)
		return -EPERM;
	err = munmap_locked(mm, to, to + new_len);
	if (err)
		return err;
	if (old_len > new_len) {
		err = shrink(mm, old, old_len, new_len);
		if (err)
			return err;
		old_len = new_len;
	}
	vma = vma_lookup(mm, old);
	err = check_old(vma, old, old_len);
	if (err)
		return err;
	if (dest->flags & MREMAP_DONTUNMAP)
		grows = new_len;
	else if (new_len > old_len)
		grows = new_len - old_len;
	err = grows ? may_grow(vma, grows >> PAGE_SHIFT) : 0;
	if (!err)
		err = move_vma(vma, old, old_len, dest);
	return err ? err : (s64)to;
}

/* Anywhere else.  The address or -Exxx. */
static s64 move_somewhere(struct vm_area_struct *vma, vaddr_t old, u64 old_len,
			  struct mremap_to *dest)
{
	s64 to = find_unmapped_area(vma->vm_mm, dest->addr, dest->len);
	int err;

	if (to < 0)
		return to;
	dest->addr = (vaddr_t)to;
	err = move_vma(vma, old, old_len, dest);
	return err ? err : to;
}

static void grow_in_place(struct vm_area_struct *vma, u64 delta)
{
	vma_start_write(vma);
	rmap_vma_detach(vma);
	WRITE_ONCE(vma->vm_end, vma->vm_end + delta);
	rmap_vma_attach(vma);
	vma_tree_moved(vma);
	vma->vm_mm->total_vm += delta >> PAGE_SHIFT;
	vma_merge(vma);
}

static s64 mremap_locked(struct mm_struct *mm, vaddr_t old, u64 old_len,
			 struct mremap_to *dest)
{
	struct vm_area_struct *vma = vma_lookup(mm, old);
	u64 new_len = dest->len, grows = new_len;
	bool dontunmap = dest->flags & MREMAP_DONTUNMAP;
	int err;

	if (!vma)
		return -EFAULT;
	if (old_len >= new_len && !dontunmap) {			/* shrink */
		err = 0;
		if (old_len > new_len)
			err = shrink(mm, old, old_len, new_len);
		return err ? err : (s64)old;
	}
	err = check_old(vma, old, old_len);
	if (err)
		return err;
	if (vma->vm_mapping && linear_page_index(vma, old) +
	    (new_len >> PAGE_SHIFT) < vma->vm_pgoff)
		return -EINVAL;
	if (!dontunmap)
		grows = new_len - old_len;
	err = may_grow(vma, grows >> PAGE_SHIFT);
	if (err)
		return err;
	if (!dontunmap && old_len == vma->vm_end - old &&
	    can_grow_in_place(vma, grows)) {
		grow_in_place(vma, grows);
		return (s64)old;
	}
	if (!(dest->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return move_somewhere(vma, old, old_len, dest);
}

s64 do_mremap(struct mm_struct *mm, const struct mremap_request *rq)
{
	u64 old_len = PAGE_ALIGN(rq->old_len);
	u64 new_len = PAGE_ALIGN(rq->new_len);
	struct mremap_to dest = {
		rq->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ?
			rq->new_addr : 0, new_len, rq->flags,
	};
	vaddr_t old = rq->old;
	bool locked = false;
	s64 ret;

	if (rq->flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((rq->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) &&
	    !(rq->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((rq->flags & MREMAP_DONTUNMAP) && old_len != new_len)
		return -EINVAL;
	if ((old & ~PAGE_MASK) || !new_len || old + old_len < old)
		return -EINVAL;
	if (new_len > USER_END)
		return -EINVAL;
	mmap_write_lock(mm);
	if (rq->flags & MREMAP_FIXED)
		ret = mremap_fixed(mm, old, old_len, &dest);
	else
		ret = mremap_locked(mm, old, old_len, &dest);
	if (ret >= 0 && new_len > old_len)
		locked = (vma_lookup(mm, (vaddr_t)ret)->vm_flags &
			  VM_LOCK_FLAGS) == VM_LOCKED;
	mmap_write_unlock(mm);
	if (locked)
		(void)mm_populate(mm, (vaddr_t)ret + old_len,
				  (vaddr_t)ret + new_len);
	return ret;
}
