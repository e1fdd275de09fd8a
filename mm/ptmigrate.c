/* SPDX-License-Identifier: MIT */
/*
 * Moving every page-table page of a live mm.  What happens to one table, and
 * why it is safe, stands in ptmigrate_move.c; here is which tables, and when.
 *
 * M1. One relocation of an mm at a time (mm->migrator); mm_users is pinned.
 * M2. LIVE holds mmap_lock for read, level by level: page faults go on, while
 *     mmap, munmap and mremap wait.  So no table is being freed: munmap frees
 *     with mmap_lock held for write.
 * M3. Only tables that a vma covers are moved; a table shared by several vmas
 *     is met once, because vmas are visited by address.
 * M4. Frames are allocated before any lock is taken.  Running out of them ends
 *     the relocation between two batches, with everything consistent.
 * M5. STOP holds mmap_lock for write and all rmap locks: nobody else changes
 *     or locks a table.  All are switched, then one flush serves them all.
 * M6. PARK holds what STOP holds, and every CPU as well (tlb_park.c): nothing
 *     walks the tables, so the copies are exact and no CPU needs a flush.
 *
 * Tests: tests/kt/kt_ptmigrate.c, tests/race/race_ptmigrate.c
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/page_alloc.h"
#include "mm/ptmigrate_impl.h"
#include "mm/slab.h"
#include "mm/take_all_locks.h"
#include "mm/tlb.h"
#include "mm/tlb_park.h"

static int refill(struct mover *mv, u64 want)
{
	while (mv->nr_spare < want) {
		struct page *p = alloc_page(ALLOC_FROZEN);

		if (!p)
			return -ENOMEM;
		list_add(&p->lru, &mv->spare);
		mv->nr_spare++;
	}
	return 0;
}

static void free_spares(struct mover *mv)
{
	struct page *p, *n;

	list_for_each_entry_safe(p, n, &mv->spare, lru) {
		list_del(&p->lru);
		free_page(p);
	}
	mv->nr_spare = 0;
}

/* The tables below one parent, at most a batch.  pos: the locked parent. */
static vaddr_t move_below(struct mover *mv, struct pt_pos *pos, vaddr_t end)
{
	vaddr_t next = pos->va;
	bool more = true;

	for (; more && pos->va < end && mv->nr < mv->max && mv->nr_spare;
	     more = pos_next(pos)) {
		pte_t e = pte_read(pos->ptep);

		if (pte_table(e, pos->level))			/* (1) */
			move_table(mv, &pos->table->ptl, pos->ptep,
				   pte_page(e));
		else if (!pte_none(e))
			mv->res->skipped_leaf++;
		next = pos_end(pos);
	}
	return next;
}

/* From *va on; moves *va forward. */
static int move_some(struct mover *mv, int level, vaddr_t *va, vaddr_t end)
{
	u64 want = DIV_ROUND_UP(end - *va, pt_size(level + 1));
	struct pt_pos pos;
	int err;

	if (mv->mode == PTMIGRATE_LIVE) {
		if (signal_pending())
			return -EINTR;
		err = refill(mv, min_t(u64, want, mv->max));	/* M4 */
		if (err && !mv->nr_spare)
			return err;
	}
	err = lock_table(&mv->mm->pgt, *va, level + 1, &pos);
	if (err) {
		if (err == -EEXIST)
			mv->res->skipped_leaf++;
		*va = pos_end(&pos);
		return 0;
	}
	*va = move_below(mv, &pos, end);
	unlock_table(&pos);					/* (5) */
	if (mv->mode == PTMIGRATE_LIVE)
		move_settle(mv);
	return 0;
}

/* M3.  mmap_lock held. */
static int move_level(struct mover *mv, int level)
{
	u64 span = pt_size(level + 1);
	struct vm_area_struct *vma;
	vaddr_t done = 0;

	for_each_vma(mv->mm, vma) {
		vaddr_t va = max(done, vma->vm_start & ~(span - 1));

		while (va < vma->vm_end) {
			int err = move_some(mv, level, &va, vma->vm_end);

			if (err)
				return err;
		}
		done = va;
	}
	return 0;
}

static void move_root(struct mover *mv)
{
	struct pgtable *pt = &mv->mm->pgt;

	spin_lock(&pt->root_lock);
	move_table(mv, &pt->root_lock, NULL, table_page(pt->pgd));
	spin_unlock(&pt->root_lock);
}

static int relocate_live(struct mover *mv)
{
	struct move moves[MOVE_BATCH];
	int err = 0;

	mv->moves = moves;
	mv->max = MOVE_BATCH;
	for (int level = 1; level < PT_LEVELS && !err; level++) {
		mmap_read_lock(mv->mm);			/* M2 */
		err = move_level(mv, level);
		mmap_read_unlock(mv->mm);
	}
	if (!err)
		err = refill(mv, 1);
	if (err)
		return err;
	mmap_read_lock(mv->mm);
	move_root(mv);
	move_settle(mv);
	mmap_read_unlock(mv->mm);
	return 0;
}

/* All locks are held, frames are there: commit. */
static void move_all_levels(struct mover *mv)
{
	if (mv->mode == PTMIGRATE_PARK)
		tlb_park(mv->mm);				/* M6 */
	for (int level = 1; level < PT_LEVELS; level++) {
		int err = move_level(mv, level);

		BUG_ON(err);
	}
	move_root(mv);
	if (mv->mode == PTMIGRATE_PARK)
		tlb_unpark();
	move_settle(mv);
}

/* STOP and PARK. */
static int relocate_stopped(struct mover *mv)
{
	struct mm_struct *mm = mv->mm;
	int err;

	mmap_write_lock(mm);				/* M5 */
	vma_start_write_all(mm);	/* before the tables are counted */
	mv->max = (u32)atomic64_read(&mm->pgt.nr_tables);
	mv->moves = kmalloc(mv->max * sizeof(*mv->moves));
	err = mv->moves ? refill(mv, mv->max) : -ENOMEM;
	if (!err)
		err = mm_take_all_locks(mm);
	if (!err) {
		move_all_levels(mv);
		mm_drop_all_locks(mm);
	}
	mmap_write_unlock(mm);
	kfree(mv->moves);
	return err;
}

int mm_relocate_tables(struct mm_struct *mm, enum ptmigrate_mode mode,
		       struct ptmigrate_result *res)
{
	struct mover mv = { .mm = mm, .mode = mode, .res = res,
			    .spare = LIST_HEAD_INIT(mv.spare) };
	struct tlb_stats before, after;
	int err;

	KASSERT(mm != &init_mm && atomic_read(&mm->mm_users) > 0);
	*res = (struct ptmigrate_result){ 0 };
	err = mutex_lock_interruptible(&mm->migrator);		/* M1 */
	if (err)
		return err;
	tlb_stats(&before);
	err = mode == PTMIGRATE_LIVE ? relocate_live(&mv) :
		relocate_stopped(&mv);
	tlb_stats(&after);
	res->ipis = after.ipis - before.ipis;
	free_spares(&mv);
	mutex_unlock(&mm->migrator);
	return err;
}
