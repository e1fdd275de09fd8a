/* SPDX-License-Identifier: MIT */
/*
 * The one walker.  Everything that reads or changes page tables - the CPUs',
 * the kernel's, the devices' shadow tables - goes through these verbs.
 *
 * R1  A pointer into a table is valid only (a) while that table's lock, taken
 *     by lock_table/lock_leaf, is held, or (b) read-only inside the RCU
 *     section that produced it.
 * R2  Never kept across a sleep, an unlock or an allocation: keep (pt, va).
 * R3  Whoever detaches a table sets PG_retired under that table's lock.
 * R4  A LIMBO entry or a RETIRED table means "start again", never "none".
 * R5  Leaf entries change only with the lock of their table held; non-leaf
 *     entries with the lock of the table they stand in, and of the root
 *     pointer with root_lock.
 *
 * Lock order: root_lock, then table locks from the top level down; two tables
 * of one level by ascending address (mremap and the migrator only).
 */
#ifndef MM_PGTABLE_H
#define MM_PGTABLE_H

#include "mm/page.h"

/* A locked position: *ptep is va's entry in `table`, whose lock is held. */
struct pt_pos {
	struct pgtable *pt;
	struct page *table;
	pte_t *ptep;
	vaddr_t va;
	int level;
};

enum pgtable_kind { PGT_USER, PGT_KERNEL, PGT_DEVICE };

/* Allocates the top table (a user's shares the kernel half).  0 or -ENOMEM. */
int pgtable_init(struct pgtable *pt, struct mm_struct *mm, enum pgtable_kind kind);
/* Frees the top table; the tree below must be empty (asserted).  After RCU. */
void pgtable_destroy(struct pgtable *pt);

/* A frozen, zeroed table page with its lock and level set up; NULL. */
struct page *table_alloc(struct pgtable *pt, int level, vaddr_t va);
/* Never published: frees at once.  Published ones: table_free_rcu. */
void table_free(struct page *table);
/* Frees by the level's destructor after a grace period.  Table is RETIRED. */
void table_free_rcu(struct page *table);
void table_lock(struct page *table);
void table_unlock(struct page *table);
/* The table is RETIRED: its lock dies with it. */
void table_unlock_retired(struct page *table);

/*
 * Walk under RCU to the table of exactly `level` that covers va and lock it.
 * 0: locked.  -ENOENT: no such table; -EEXIST: a leaf stands above it.  On
 * error nothing is locked and pos->level is the level of the entry met.
 */
int __must_check lock_table(struct pgtable *pt, vaddr_t va, int level, struct pt_pos *pos);
/* The same, creating missing tables.  -ENOMEM, -EEXIST (huge leaf above). */
int __must_check lock_table_alloc(struct pgtable *pt, vaddr_t va, int level, struct pt_pos *pos);
/*
 * Lock the lowest table on the path of va: *pos->ptep is its leaf at
 * pos->level, or an entry that is none at pos->level.  Never fails.
 */
void lock_leaf(struct pgtable *pt, vaddr_t va, struct pt_pos *pos);
void unlock_table(struct pt_pos *pos);
/*
 * Move pos to the next entry of the same table.  False when va + span
 * leaves the table: unlock and lock_leaf again.
 */
bool pos_next(struct pt_pos *pos);
/* The same, to the next entry that is not none. */
bool pos_next_used(struct pt_pos *pos);
/* First address after the entry at pos. */
vaddr_t pos_end(const struct pt_pos *pos);

/*
 * The lowest address in [va, end) that a table of `level` may cover; end when
 * there is none.  Skips what is empty without a lock: only a hint, unless
 * mmap_lock keeps tables from coming and going.
 */
vaddr_t pgtable_next_table(struct pgtable *pt, vaddr_t va, vaddr_t end, int level);

/*
 * Entry verbs.  The table's lock is held.  They are the only code that changes
 * live entries; each keeps pt_nr right, traces, and in lab builds asserts the
 * notifier section and the map-type counters.  None of them flushes.
 */
void pte_set(struct pt_pos *pos, pte_t e);		/* none -> e */
pte_t pte_clear(struct pt_pos *pos);			/* -> none; what it was */
/*
 * n entries from `from` on go to the empty ones from `to` on, with `set` added;
 * both leaf tables are locked and hold that many.  How many mapped something.
 */
u32 pte_move_run(const struct pt_pos *from, const struct pt_pos *to, u32 n,
		 u64 set);
pte_t pte_replace(struct pt_pos *pos, pte_t e);		/* repoint; what it was */
/* Atomically clear and set bits (W, A, D, NX...); what it was. */
pte_t pte_modify(struct pt_pos *pos, u64 clear, u64 set);

/*
 * Lockless read.  RCU read section held.  The entry where the walk ended, its
 * level in *level; the path in *path when not NULL.
 */
struct pt_path {
	pte_t entry[PT_LEVELS + 1];	/* by level, as read */
	const pte_t *where[PT_LEVELS + 1];	/* NULL below the end */
};
pte_t pgtable_read(struct pgtable *pt, vaddr_t va, int *level, struct pt_path *path);
/* Unchanged since it was read?  (gup_fast's re-check, whole path.) */
bool pt_path_same(const struct pt_path *path);

struct pt_mapping {
	vaddr_t va;
	phys_t pa;
	u64 len;
	u64 flags;
	int max_level;		/* leaves no higher than this */
};
/* With leaves as large as they can be.  0, -ENOMEM or -EEXIST (part done). */
int pgtable_map(struct pgtable *pt, const struct pt_mapping *map);

struct mmu_gather;
/*
 * Detach and queue every table that lies wholly in the hole [floor, ceiling)
 * and overlaps [start, end); all leaves there are gone.  mmap_lock write.
 */
void free_pgtables(struct mmu_gather *tlb, vaddr_t start, vaddr_t end,
		   vaddr_t floor, vaddr_t ceiling);
/* The same at once for a device's tables (no CPU can walk them). */
void pgtable_free_all(struct pgtable *pt);

/* Table pages in existence, all trees: a leak gate. */
u64 nr_table_pages(void);

#endif
