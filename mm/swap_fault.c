/* SPDX-License-Identifier: MIT */
/*
 * Faults on leaf entries that are not present but not none (swapops.h).
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
 * Locks: mmap_lock, then page, then table.  Tests: tests/kt/kt_swap.c
 */
#include "arch/cpu.h"
#include "mm/cow.h"
#include "mm/swapops.h"

static enum fault_result migration_wait(struct fault_ctx *f, pte_t seen)
{
	struct page *p = NULL;
	struct pt_pos pos;

	lock_leaf(&f->mm->pgt, f->va, &pos);			/* (1) */
	if (pos.level == 1 && pte_same(pte_read(pos.ptep), seen)) {
		p = pfn_to_page(pte_migration_pfn(seen));
		if (!get_page_unless_zero(p))			/* (2) */
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

enum fault_result nonpresent_fault(struct fault_ctx *f, pte_t seen)
{
	if (pte_is_migration(seen))
		return migration_wait(f, seen);
	return FAULT_SIGBUS;
}
