/* SPDX-License-Identifier: MIT */
/*
 * Two leaf tables locked together: mremap moves entries between them, fork
 * copies from one mm's to another's.
 *
 *	this				whoever retires a table
 *	(1) find both tables, RCU	(A) lock parent and table
 *	(2) lock the lower, the higher	(B) switch or clear the parent entry
 *	(3) either lock dead? unlock,	(C) PG_retired, the lock dies
 *	    go to (1)
 * (2) before (A): it waits for us.  (A) before (2): we wait for (C).  Rules R1-R3 of mm/pgtable.h.
 *
 * Locks: table locks of one level, by ascending address of the struct page.
 * Tests: tests/kt/kt_mmap.c (mremap), tests/kt/kt_fork.c;
 * tests/race/race_walk.c parks at ptpair:before_lock, between (1) and (2)
 */
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "kernel/config.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/internal.h"

/* RCU section held.  The level-1 table that covers va, or NULL. */
static struct page *find_leaf_table(struct pt_pos *pos)
{
	struct pt_path path;
	int level;

	pgtable_read(pos->pt, pos->va, &level, &path);
	if (level != 1)
		return NULL;
	pos->level = 1;
	pos->ptep = (pte_t *)path.where[1];
	pos->table = table_page(path.where[1]);
	return pos->table;
}

static void trace_locked(const struct pt_pos *a, const struct pt_pos *b)
{
	TRACE4(PT_LOCK, a->pt, a->va, 1, a->table);
	TRACE4(PT_LOCK, b->pt, b->va, 1, b->table);
}

/* (2) and (3).  False: nothing is locked. */
static bool lock_both(struct page *lo, struct page *hi)
{
	if (!spin_lock_live(&lo->ptl))
		return false;
	if (hi == lo || spin_lock_live_nest_lock(&hi->ptl, &lo->ptl))
		return true;
	table_unlock(lo);
	return false;
}

int lock_table_pair(struct pt_pos *a, struct pt_pos *b)
{
	struct page *lo, *hi;
	bool locked;

	for (;;) {
		rcu_read_lock();
		lo = find_leaf_table(a);			/* (1) */
		hi = find_leaf_table(b);
		if (!lo || !hi) {
			rcu_read_unlock();
			return -ENOENT;
		}
		if (lo > hi)
			swap(lo, hi);
		RACE_POINT("ptpair:before_lock");
		locked = lock_both(lo, hi);
		rcu_read_unlock();
		if (likely(locked)) {
			if (CONFIG_LAB)
				trace_locked(a, b);
			return 0;
		}
		cpu_relax();
	}
}

void unlock_table_pair(struct pt_pos *a, struct pt_pos *b)
{
	if (CONFIG_LAB) {
		TRACE4(PT_UNLOCK, b->pt, b->va, 1, b->table);
		TRACE4(PT_UNLOCK, a->pt, a->va, 1, a->table);
	}
	if (b->table != a->table)
		table_unlock(b->table);
	table_unlock(a->table);
}
