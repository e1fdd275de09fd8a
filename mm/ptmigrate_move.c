/* SPDX-License-Identifier: MIT */
/*
 * One table's move: make before break, with no moment in which an address is
 * not mapped.
 *
 * T under the parent entry P in table M (or under the root pointer):
 *
 *	migrator				reader (mm/pgtable.c)
 *	(0) T' = a spare frame, its table	(1) walk: one READ_ONCE a level;
 *	    state set up			    LIMBO: start again
 *	(1) M locked; P names T, a table	(2) lock T
 *	(2) lock T, then T'			(3) its lock is dead? (1)
 *	(3) T'[i] = T[i]			(4) use T until unlock
 *	(4) P: frame T -> frame T'
 *	(5) T RETIRED; unlock M
 *	(6) flush every CPU of the mm, wait
 *	(7) T'[i] |= T[i]'s A and D
 *	(8) T filled with LIMBO; unlock T',
 *	    T's lock dies
 *	(9) free T after a grace period
 *
 * Why nothing is lost.  Between (3) and (8) both tables are locked, so only
 * the hardware changes them, and it only sets A and D, with locked operations
 * [SDM 3A 4.8].  Until its flush in (6) a CPU may set them in T, through an
 * old P or an old paging-structure entry; afterwards only in T' [SDM 3A
 * 4.10.4].  So at (7) T is at rest, and T | T' is everything that was set.
 * (7) is a locked OR, because T' is live.
 *
 * Why no reader is misled.
 * Q1. A lock taken at (2) of the reader before (2) of the migrator makes the
 *     migrator wait.  Whoever waits for it then finds it dead at (8), and
 *     starts again.  Until (9) T is a table, since the
 *     reader's (1)-(3) is one RCU section.
 * Q2. A reader without lock sees T's entries (true until (8), for changing
 *     what they say needs the lock of T') or LIMBO, and starts again.
 * Q3. gup_fast runs with interrupts off: its CPU acknowledges (6) only after
 *     it is through; if its CPU is not the mm's, it re-checks the whole path
 *     after taking its reference.
 *
 * Why nothing deadlocks.  (6) waits with T and T' locked.  Nobody spins for a
 * table lock with interrupts off, so every CPU gets to its flush.  Table locks
 * are taken from the top level down; many of one level by this file only, all
 * under M's lock, serialised by mm->migrator, with mremap kept out by
 * mmap_lock.
 *
 * STOP holds mmap_lock for write and all rmap locks, so the table locks are
 * dropped after (5) and one flush serves all tables.  Tables are moved lowest
 * level first, so a table is copied after the entries in it were switched.
 * PARK does the same while no CPU has the mm loaded: (6) is for devices only,
 * and what (7) finds they set.
 *
 * The root: P is pt->pgd, M's lock is root_lock, (6) makes CPUs load CR3 anew.
 * Its kernel half is the same in every root and never changes: (8) leaves it.
 *
 * Bug switches: move_no_flush, move_no_harvest, move_harvest_early,
 * move_free_early, move_plain_or; of others: skip_lazy, no_root_reload
 * (tlb.c), table_no_gp (pgtable_table.c), no_rewalk (pgtable.c).
 * Tests: tests/kt/kt_ptmigrate.c, tests/race/race_ptmigrate.c
 */
#include "kernel/racepoint.h"
#include "kernel/trace.h"
#include "mm/internal.h"
#include "mm/internal_low.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/ptmigrate_impl.h"
#include "mm/tlb.h"

static struct page *take_spare(struct mover *mv)
{
	struct page *p = list_first_entry(&mv->spare, struct page, lru);

	KASSERT(mv->nr_spare);
	list_del(&p->lru);
	mv->nr_spare--;
	return p;
}

/* (3) */
static void copy_entries(struct page *to, struct page *from)
{
	const pte_t *src = page_address(from);
	pte_t *dst = page_address(to);

	for (u32 i = 0; i < PT_ENTRIES; i++)
		pte_write_raw(&dst[i], pte_read(&src[i]));
	to->pt_nr = from->pt_nr;
}

/* (4): all bits but the frame are kept, A too.  A full barrier either way. */
static void switch_parent(struct pgtable *pt, pte_t *entry, struct page *new)
{
	pte_t old, e;

	if (!entry) {
		WRITE_ONCE(pt->pgd, (pte_t *)page_address(new));
		smp_mb();		/* partner: switch_to_mm (1)-(2) */
		return;
	}
	old = pte_read(entry);
	do {
		e = __pte((old.val & ~PTE_ADDR) | page_to_phys(new));
	} while (!pte_try_cmpxchg_raw(entry, &old, e));
}

void move_table(struct mover *mv, const spinlock_t *parent, pte_t *entry,
		struct page *old)
{
	struct pgtable *pt = &mv->mm->pgt;
	struct page *new = take_spare(mv);
	int level = old->pt_level;

	KASSERT(old->pt == pt && mv->nr < mv->max);
	table_ctor(new, pt, level, old->pt_base);		/* (0) */
	spin_lock_nest_lock(&old->ptl, parent);			/* (2) */
	spin_lock_nest_lock(&new->ptl, parent);
	KASSERT(!page_test(old, PG_retired));
	TRACE4(MOVE_COPY, mv->mm->id, old->pt_base, level, new);
	copy_entries(new, old);					/* (3) */
	RACE_POINT("move:after_copy");
	if (CONFIG_LAB)
		mmu_model_table_moving(mv->mm, old, new);
	TRACE4(MOVE_SWITCH, mv->mm->id, old->pt_base, old, new);
	switch_parent(pt, entry, new);				/* (4) */
	RACE_POINT("move:after_switch");
	TRACE3(MOVE_RETIRE, mv->mm->id, old, level);
	page_set(old, PG_retired);				/* (5) */
	if (mv->mode != PTMIGRATE_LIVE) {
		table_unlock(new);
		table_unlock_retired(old);
	}
	mv->moves[mv->nr++] = (struct move){ old, new };
	mv->res->moved[level]++;
}

/* (6) */
static void flush_moves(struct mover *mv)
{
	struct page *first = mv->moves[0].old;
	struct page *last = mv->moves[mv->nr - 1].old;
	u32 flags = TLB_FREED_TABLES;
	vaddr_t start, end;
	int top = last->pt_level;
	u64 gen = 0;

	start = first->pt_base;
	end = top == PT_LEVELS ? USER_END :
			last->pt_base + pt_size(top + 1);
	if (mv->mode != PTMIGRATE_LIVE)
		start = 0;
	if (top == PT_LEVELS)
		flags |= TLB_NEW_ROOT;
	if (mv->mode != PTMIGRATE_PARK && !BUG_SWITCH("move_no_flush")) {
		gen = flush_tlb_mm_range(mv->mm, start, end, flags);
		mv->res->flushes++;
	}
	TRACE3(MOVE_FLUSH, mv->mm->id, mv->nr, gen);
	for (int level = first->pt_level; level <= top; level++)
		mmu_notifier_tables_moved(mv->mm, start, end, level);
}

static void or_into(pte_t *p, u64 bits)
{
	if (BUG_SWITCH("move_plain_or")) {
		pte_t e = pte_read(p);

		RACE_POINT("move:plain_or");
		pte_write_raw(p, __pte(e.val | bits));
		return;
	}
	pte_or_raw(p, bits);
}

/* (7) */
static void harvest(struct mover *mv, const struct move *m)
{
	const pte_t *from = page_address(m->old);
	pte_t *to = page_address(m->new);

	for (u32 i = 0; i < PT_ENTRIES; i++) {
		pte_t f = pte_read(&from[i]), t = pte_read(&to[i]);
		u64 bits = f.val & ~t.val & PTE_AD;

		/* Same frame, same rights: nobody but the hardware wrote. */
		KASSERT(!((f.val ^ t.val) & ~PTE_AD));
		if (!pte_present(f) || !bits)
			continue;
		or_into(&to[i], bits);
		TRACE3(MOVE_HARVEST, mv->mm->id,
		       m->old->pt_base + i * pt_size(m->old->pt_level), bits);
		mv->res->harvested++;
	}
}

/* (8) and (9) */
static void retire_old(struct mover *mv, const struct move *m)
{
	u32 nr = m->old->pt_level == PT_LEVELS ? PT_ENTRIES / 2 : PT_ENTRIES;
	pte_t *t = page_address(m->old);

	for (u32 i = 0; i < nr; i++)
		pte_write_raw(&t[i], __pte(PTE_LIMBO));
	if (mv->mode == PTMIGRATE_LIVE) {
		table_unlock(m->new);
		table_unlock_retired(m->old);
	}
	RACE_POINT("move:before_free");
	table_free_rcu(m->old);
}

static void harvest_all(struct mover *mv)
{
	for (u32 i = 0; i < mv->nr; i++)
		harvest(mv, &mv->moves[i]);
}

void move_settle(struct mover *mv)
{
	bool early = BUG_SWITCH("move_harvest_early");

	if (!mv->nr)
		return;
	if (early)
		harvest_all(mv);
	if (BUG_SWITCH("move_free_early"))	/* the frame itself stays ours */
		mmu_model_table_free(mv->moves[0].old);
	flush_moves(mv);
	RACE_POINT("move:after_flush");
	if (!early && !BUG_SWITCH("move_no_harvest"))
		harvest_all(mv);
	for (u32 i = 0; i < mv->nr; i++) {
		if (CONFIG_LAB)
			mmu_model_table_settled(mv->mm, mv->moves[i].old,
						mv->moves[i].new);
		retire_old(mv, &mv->moves[i]);
	}
	mv->mm->relocations += mv->nr;
	mv->nr = 0;
}
