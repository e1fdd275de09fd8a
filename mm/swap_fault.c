/* SPDX-License-Identifier: MIT */
/*
 * Faults on leaf entries that are not present but not none (swapops.h).
 *
 * A swap entry: find or read the slot's page, lock it, and exchange.
 *
 *	fault				reclaim, page locked
 *	(1) page of the slot, referenced  (A) page in the cache; entries -> swap
 *	(2) lock it; still the slot's?	(B) written; clean
 *	(3) table lock; entry as seen?	(C) frozen, out of the cache, freed
 *	(4) counts, entry -> page
 * (1) before (C): the freeze fails, and reclaim gives the page back.  (1)
 * after (C): read from the slot, which (B) has written.  Between (1) and (2)
 * anything may happen: (2) and (3) look again.
 *
 * F1. The page is this entry's alone if the entry says so (it was exclusive
 *     when it went out, and fork has not copied it), or if after this entry
 *     was counted out no other is left and nobody holds the page but us.
 *     Decided under page lock and table lock.
 * F2. A page that may belong to several mms goes into the rmap by its root
 *     anon_vma: all their vmas are found from there.
 *
 * A migration entry: wait until the migrator unlocks the page, then look
 * again.
 *
 *	fault					migrator, page locked
 *	(1) table lock; entry as seen?		(A) entries -> migration
 *	(2) get_page_unless_zero; unlock	(B) freeze; copy; unfreeze
 *	(3) wait until it is unlocked; put	(C) migration -> entries; unlock
 * (2) before (B): the freeze fails and the migrator tries again.  (2) after
 * (B): count 0 is left alone, and the access retried at once: a plain get
 * would make it 1, to be overwritten by the unfreeze.
 *
 * Locks: mmap_lock, then page, then table.
 * Tests: tests/kt/kt_swap.c, kt_swapfile.c; tests/race/race_reclaim.c,
 * race_migrate.c
 */
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/cow.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/vmscan.h"

static enum fault_result migration_wait(struct fault_ctx *f, pte_t seen)
{
	struct page *p = NULL;
	struct pt_pos pos;

	lock_leaf(&f->mm->pgt, f->va, &pos);			/* (1) */
	if (pos.level == 1 && pte_same(pte_read(pos.ptep), seen)) {
		p = pfn_to_page(pte_migration_pfn(seen));
		RACE_POINT("migration_wait:before_get");
		if (BUG_SWITCH("migration_plain_get"))
			atomic_inc(&p->_refcount);
		else if (!get_page_unless_zero(p))		/* (2) */
			p = NULL;
	}
	unlock_table(&pos);
	cpu_relax();
	if (p) {
		wait_on_page_flag(p, PG_locked);		/* (3) */
		put_page(p);
	}
	return FAULT_RETRY;
}

/* F1.  The entry's count is given up. */
static bool becomes_exclusive(struct page *p, pte_t seen, u32 flags)
{
	bool alone = pte_swp_exclusive(seen);

	swap_free(pte_to_swp(seen));
	if (!alone && (flags & FAULT_WRITE) && page_count(p) == 2 &&
	    try_to_free_swap(p))
		alone = page_count(p) == 1;
	return alone;
}

/* (4).  The table's lock is held; our reference becomes the entry's. */
static void put_back(struct vm_area_struct *vma, struct pt_pos *pos,
		     struct page *p, u32 flags)
{
	pte_t seen = pte_read(pos->ptep);
	u64 prot = vma_pte_flags(vma->vm_flags) | PTE_A |
		   (seen.val & SWP_SOFT_DIRTY);
	bool alone = becomes_exclusive(p, seen, flags);

	atomic64_dec(&vma->vm_mm->swap_ents);
	page_add_swapped_rmap(p, vma, pos->va, alone ? SWAPPED_EXCLUSIVE :
						       SWAPPED_SHARED); /* F2 */
	if (alone && (flags & FAULT_WRITE))
		prot |= PTE_WRITTEN;
	else if (!alone || (vma_soft_dirty_enabled(vma) &&
			    !pte_soft_dirty(seen)))
		prot &= ~PTE_W;
	pte_replace(pos, pte_make(page_to_pfn(p), prot));
}

int swap_in_entry(struct vm_area_struct *vma, vaddr_t va, pte_t seen, u32 flags)
{
	swp_entry_t entry = pte_to_swp(seen);
	struct page *p = swap_read(entry);			/* (1) */
	struct pt_pos pos;
	int err = -EAGAIN;

	if (IS_ERR(p))
		return PTR_ERR(p) == -ENOENT ? -EAGAIN : (int)PTR_ERR(p);
	RACE_POINT("swapin:before_lock");
	lock_page(p);						/* (2) */
	if (page_test(p, PG_swapcache) && p->private == entry.val) {
		RACE_POINT("swapin:locked");
		lock_leaf(&vma->vm_mm->pgt, va, &pos);		/* (3) */
		err = page_test(p, PG_uptodate) ? 0 : -EIO;
		if (pos.level > 1 || !pte_same(pte_read(pos.ptep), seen))
			err = -EAGAIN;
		if (!err)
			put_back(vma, &pos, p, flags);		/* (4) */
		unlock_table(&pos);
		if (!err && swap_is_tight())
			try_to_free_swap(p);
	}
	unlock_page(p);
	if (err)
		put_page(p);
	return err;
}

enum fault_result nonpresent_fault(struct fault_ctx *f, pte_t seen)
{
	int err;

	if (pte_is_migration(seen))
		return migration_wait(f, seen);
	err = swap_in_entry(f->vma, f->va, seen, f->flags);
	cpu_relax();
	return fault_result_of(err);
}
