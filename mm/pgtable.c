/* SPDX-License-Identifier: MIT */
/*
 * The one walker: a loop over levels, under RCU, ending with a table's lock.
 *
 * A table may be detached (relocated or freed) at any moment until its lock
 * is held, and then its lock dies, so lock_table() gets a live table or walks
 * again:
 *
 *	reader: lock_table, lock_leaf	writer: whoever detaches table T
 *	(1) walk from pt->pgd, one	(A) lock parent M, lock T
 *	    READ_ONCE a level; LIMBO:	(B) copy T (relocation), or T is empty
 *	    start again			(C) switch or clear the parent entry
 *	(2) lock T			(D) T RETIRED; unlock M
 *	(3) its lock is dead? (1)	(E) flush; harvest; T filled with LIMBO
 *	(4) use T until unlock		(F) T's lock dies; free T after RCU
 *
 * (1) before (C), (2) after (A): (2) waits for (F), and (3) is the way out.
 *	T is still a table: (1)..(3) is one RCU section, and (F) waits for it.
 * (2) before (A): the writer waits for (4) to end.
 * (1) after (E): LIMBO, never mistaken for none (R4).
 * (1) after (C): the new table or none.
 *
 * All this costs a walk nothing: a table that is there passes one test a level,
 * what else an entry may be is asked after that has failed, and a lock that is
 * free is alive (kernel/spinlock.c, S4).
 *
 * The lock is spun for with interrupts on: the writer flushes in (E) with T
 * locked, and its IPIs must get through.
 *
 * Tests: tests/kt/kt_pgtable.c; tests/race/race_ptmigrate.c and race_walk.c
 * (walk:before_lock parks a reader between (1) and (2), walk:between_levels
 * and read:between_levels inside (1)); bug switch no_rewalk lets the lock live.
 */
#include "mm/pgtable.h"
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/internal_low.h"

enum walk_end {
	WALK_TABLE,		/* at the level asked for */
	WALK_NONE,		/* an empty entry above it */
	WALK_LEAF,		/* a leaf above it */
	WALK_AGAIN,		/* LIMBO */
};

/* Step (1).  pos->ptep and pos->level: the last entry looked at. */
static enum walk_end walk_down(struct pt_pos *pos, int level)
{
	pte_t *table = READ_ONCE(pos->pt->pgd);

	for (int l = PT_LEVELS;; l--) {
		pte_t e;

		pos->level = l;
		pos->ptep = &table[pt_index(pos->va, l)];
		if (l == level)
			return WALK_TABLE;
		e = pte_read(pos->ptep);
		if (unlikely(!pte_table(e, l)))
			return pte_limbo(e) ? WALK_AGAIN :
			       pte_none(e) ? WALK_NONE : WALK_LEAF;
		table = phys_to_virt(pte_phys(e));
		RACE_POINT("walk:between_levels");
	}
}

void table_lock(struct page *table)
{
	spin_lock(&table->ptl);
}

void table_unlock(struct page *table)
{
	spin_unlock(&table->ptl);
}

void table_unlock_retired(struct page *table)
{
	KASSERT(page_test(table, PG_retired));
	if (BUG_SWITCH("no_rewalk"))
		table_unlock(table);
	else
		spin_unlock_dead(&table->ptl);
}

/* Steps (2) and (3).  RCU held.  False: nothing is locked, walk again. */
static bool lock_live(struct pt_pos *pos)
{
	struct page *table = table_page(pos->ptep);

	RACE_POINT("walk:before_lock");
	if (!spin_lock_live(&table->ptl))
		return false;
	pos->table = table;
	if (CONFIG_LAB)
		TRACE4(PT_LOCK, pos->pt, pos->va, pos->level, table);
	return true;
}

static void pos_init(struct pt_pos *pos, struct pgtable *pt, vaddr_t va)
{
	pos->pt = pt;
	pos->va = va;
	pos->table = NULL;
}

int lock_table(struct pgtable *pt, vaddr_t va, int level, struct pt_pos *pos)
{
	pos_init(pos, pt, va);
	for (;;) {
		enum walk_end end;
		bool locked;

		rcu_read_lock();
		end = walk_down(pos, level);
		locked = end == WALK_TABLE && lock_live(pos);
		rcu_read_unlock();
		if (locked)
			return 0;
		if (end == WALK_NONE)
			return -ENOENT;
		if (end == WALK_LEAF)
			return -EEXIST;
		cpu_relax();
	}
}

void lock_leaf(struct pgtable *pt, vaddr_t va, struct pt_pos *pos)
{
	pos_init(pos, pt, va);
	for (;;) {
		bool locked;
		pte_t e;

		rcu_read_lock();
		locked = walk_down(pos, 1) != WALK_AGAIN && lock_live(pos);
		rcu_read_unlock();
		if (locked) {
			/* Did a table appear below us meanwhile? */
			e = pte_read(pos->ptep);
			if (!pte_table(e, pos->level))
				return;
			unlock_table(pos);
		}
		cpu_relax();
	}
}

void unlock_table(struct pt_pos *pos)
{
	if (CONFIG_LAB)
		TRACE4(PT_UNLOCK, pos->pt, pos->va, pos->level, pos->table);
	table_unlock(pos->table);
	pos->ptep = NULL;			/* R1 */
	pos->table = NULL;
}

/*
 * Hang an empty table below pos' entry, unless somebody was faster.  The
 * allocation comes first: nothing may be held across it (R2).
 */
static int add_table(struct pgtable *pt, vaddr_t va, int level)
{
	struct page *new = table_alloc(pt, level - 1, va);
	struct pt_pos pos;
	int err;

	if (!new)
		return -ENOMEM;
	err = lock_table(pt, va, level, &pos);
	if (err) {
		/* The path above was taken down: the caller walks again. */
		table_free(new);
		return 0;
	}
	if (pte_none(pte_read(pos.ptep))) {
		pte_set_table(&pos, __pte(page_to_phys(new) | table_flags(pt)));
		new = NULL;
	}
	unlock_table(&pos);
	if (new)
		table_free(new);
	return 0;
}

int lock_table_alloc(struct pgtable *pt, vaddr_t va, int level,
		     struct pt_pos *pos)
{
	for (;;) {
		int err = lock_table(pt, va, level, pos);

		if (err != -ENOENT)
			return err;
		err = add_table(pt, va, pos->level);
		if (err)
			return err;
	}
}

vaddr_t pos_end(const struct pt_pos *pos)
{
	u64 size = pt_size(pos->level);

	return (pos->va & ~(size - 1)) + size;
}

bool pos_next(struct pt_pos *pos)
{
	vaddr_t next = pos_end(pos);

	if (!pt_index(next, pos->level))
		return false;
	pos->va = next;
	pos->ptep++;
	return true;
}

bool pos_next_used(struct pt_pos *pos)
{
	u32 at = pt_index(pos->va, pos->level), n = at + 1;

	while (n < PT_ENTRIES && pte_none(pte_read(pos->ptep + (n - at))))
		n++;
	if (n == PT_ENTRIES)
		return false;
	pos->ptep += n - at;
	pos->va = (pos->va & ~(pt_size(pos->level) - 1)) +
		  (n - at) * pt_size(pos->level);
	return true;
}

/*
 * Nothing is locked, so what is seen may be old: a LIMBO or any other entry
 * that is not none ends the search, and the caller's walk decides.
 */
vaddr_t pgtable_next_table(struct pgtable *pt, vaddr_t va, vaddr_t end,
			   int level)
{
	struct pt_pos pos;

	pos_init(&pos, pt, va);
	rcu_read_lock();
	while (pos.va < end && walk_down(&pos, level) == WALK_NONE) {
		if (pos_end(&pos) >= end)
			pos.va = end;
		else if (!pos_next_used(&pos))
			pos.va = (pos.va | (pt_size(pos.level + 1) - 1)) + 1;
	}
	rcu_read_unlock();
	return min(pos.va, end);
}

/* One READ_ONCE a level.  False: LIMBO, start again. */
static bool read_path(struct pgtable *pt, vaddr_t va, struct pt_path *path,
		      int *level)
{
	const pte_t *table = READ_ONCE(pt->pgd);

	for (int l = PT_LEVELS; l >= 1; l--) {
		const pte_t *where = &table[pt_index(va, l)];
		pte_t e = pte_read(where);

		path->entry[l] = e;
		path->where[l] = where;
		*level = l;
		if (unlikely(!pte_table(e, l)))
			return !pte_limbo(e);
		table = phys_to_virt(pte_phys(e));
		RACE_POINT("read:between_levels");
	}
	return true;
}

pte_t pgtable_read(struct pgtable *pt, vaddr_t va, int *level,
		   struct pt_path *path)
{
	struct pt_path own;
	int end;

	KASSERT(rcu_read_lock_held());
	if (!path)
		path = &own;
	for (;;) {
		*path = (struct pt_path){ 0 };
		if (read_path(pt, va, path, &end))
			break;
		cpu_relax();
	}
	if (level)
		*level = end;
	return path->entry[end];
}

bool pt_path_same(const struct pt_path *path)
{
	for (int l = PT_LEVELS; l >= 1 && path->where[l]; l--)
		if (!pte_same(pte_read(path->where[l]), path->entry[l]))
			return false;
	return true;
}

/* The largest leaf that fits at the start of m. */
static int leaf_level(const struct pt_mapping *m)
{
	int level = m->max_level;

	while (level > 1 && (!IS_ALIGNED(m->va | m->pa, pt_size(level)) ||
			     m->len < pt_size(level)))
		level--;
	return level;
}

/* Leaves of one level in one table, until m is done or wants another. */
static int map_in_table(struct pt_pos *pos, struct pt_mapping *m)
{
	u64 size = pt_size(pos->level);

	do {
		if (!pte_none(pte_read(pos->ptep)))
			return -EEXIST;
		pte_set(pos, __pte(m->pa | m->flags |
				   (pos->level > 1 ? PTE_PS : 0)));
		m->va += size;
		m->pa += size;
		m->len -= size;
	} while (m->len && leaf_level(m) == pos->level && pos_next(pos));
	return 0;
}

int pgtable_map(struct pgtable *pt, const struct pt_mapping *map)
{
	struct pt_mapping m = *map;
	int err = 0;

	while (m.len && !err) {
		struct pt_pos pos;

		err = lock_table_alloc(pt, m.va, leaf_level(&m), &pos);
		if (err)
			break;
		err = map_in_table(&pos, &m);
		unlock_table(&pos);
	}
	return err;
}
