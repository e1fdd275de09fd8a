/* SPDX-License-Identifier: MIT */
/*
 * Leaf entries that map nothing and still say where their page is: in a swap
 * slot, or being migrated.
 *
 *	 63   60 59 58 57     52 51           12 11 10 9 8 7      1 0
 *	| 0    | D| A|  type    |   offset     |SD|EX|0|0|   0     |0|
 *
 *	type 1..MAX_SWAPFILES	swap: offset is the slot of that device
 *	type SWP_MIGRATION_*	migration: offset is the frame
 *	EX	swap: the page was PG_anon_exclusive (P3 of rmap.c)
 *	SD	soft-dirty	A, D	migration: the entry's, to be given back
 *
 * P, W, A, D, PROTNONE and SPECIAL of a mapped entry are 0 in one of these, so
 * pte_mapped(), pte_write() and the like are false, and LIMBO (PROTNONE set)
 * is none of them.  The type is not 0, so neither is the entry.
 *
 * Who meets one, under the table's lock:
 *	zap		nonpresent_drop()	fork	nonpresent_dup()
 *	mremap, table relocation		moved as it is
 *	mprotect	nonpresent_protect()
 *	gup, shadow	not present: fault	fault	swap in, or wait
 * A swap entry holds one count of its slot; a migration entry holds neither a
 * reference nor a mapcount: the page is the migrator's, locked.
 */
#ifndef MM_SWAPOPS_H
#define MM_SWAPOPS_H

#include "arch/pte.h"

#define SWP_TYPE_SHIFT	52
#define SWP_TYPE_MASK	63UL
#define SWP_EXCLUSIVE	BIT(10)
#define SWP_SOFT_DIRTY	PTE_SOFT_DIRTY	/* the same bit, mapped or not */
#define SWP_YOUNG	BIT(58)
#define SWP_DIRTY	BIT(59)

enum swp_type {
	MAX_SWAPFILES		= 8,		/* types 1 .. 8 */
	SWP_MIGRATION_READ	= 32,
	SWP_MIGRATION_READ_EXCLUSIVE,
	SWP_MIGRATION_WRITE,
};

/* A slot of a swap device; val 0: none. */
typedef struct { u64 val; } swp_entry_t;
#define SWP_VAL_SHIFT	40

static inline swp_entry_t swp_entry(u32 type, u64 offset)
{
	return (swp_entry_t){ (u64)type << SWP_VAL_SHIFT | offset };
}
static inline u32 swp_type(swp_entry_t s) { return (u32)(s.val >> SWP_VAL_SHIFT); }
static inline u64 swp_offset(swp_entry_t s) { return s.val & (BIT(SWP_VAL_SHIFT) - 1); }

/* Neither none, nor mapped, nor LIMBO: one of ours. */
static inline bool pte_nonpresent(pte_t e)
{
	return e.val && !(e.val & (PTE_P | PTE_PROTNONE));
}
static inline u32 pte_swp_type(pte_t e) { return (e.val >> SWP_TYPE_SHIFT) & SWP_TYPE_MASK; }
static inline bool pte_is_swap(pte_t e)
{
	return pte_nonpresent(e) && pte_swp_type(e) &&
	       pte_swp_type(e) <= MAX_SWAPFILES;
}
static inline bool pte_is_migration(pte_t e)
{
	return pte_nonpresent(e) && pte_swp_type(e) >= SWP_MIGRATION_READ &&
	       pte_swp_type(e) <= SWP_MIGRATION_WRITE;
}

/*
 * Swap.
 */
static inline pte_t swp_to_pte(swp_entry_t s)
{
	return __pte((u64)swp_type(s) << SWP_TYPE_SHIFT |
		     swp_offset(s) << PAGE_SHIFT);
}
static inline swp_entry_t pte_to_swp(pte_t e)
{
	return swp_entry(pte_swp_type(e), (e.val & PTE_ADDR) >> PAGE_SHIFT);
}
static inline bool pte_swp_exclusive(pte_t e) { return e.val & SWP_EXCLUSIVE; }
static inline pte_t pte_swp_mkexclusive(pte_t e) { return __pte(e.val | SWP_EXCLUSIVE); }
static inline pte_t pte_swp_clear_exclusive(pte_t e) { return __pte(e.val & ~SWP_EXCLUSIVE); }

/*
 * Migration.  bits: SWP_YOUNG, SWP_DIRTY, SWP_SOFT_DIRTY.
 */
static inline pte_t make_migration_pte(enum swp_type type, pfn_t pfn, u64 bits)
{
	return __pte((u64)type << SWP_TYPE_SHIFT | pfn << PAGE_SHIFT | bits);
}
static inline pfn_t pte_migration_pfn(pte_t e) { return (e.val & PTE_ADDR) >> PAGE_SHIFT; }
static inline bool pte_migration_write(pte_t e)
{
	return pte_swp_type(e) == SWP_MIGRATION_WRITE;
}
/* Also for a writable one: it was exclusive, or a shared mapping's. */
static inline bool pte_migration_read_exclusive(pte_t e)
{
	return pte_swp_type(e) == SWP_MIGRATION_READ_EXCLUSIVE;
}
static inline pte_t pte_migration_retype(pte_t e, enum swp_type type)
{
	return __pte((e.val & ~(SWP_TYPE_MASK << SWP_TYPE_SHIFT)) |
		     (u64)type << SWP_TYPE_SHIFT);
}

struct pt_pos;
struct vm_area_struct;
/*
 * mm/nonpresent.c; the table's lock is held, *pos is such an entry.
 * drop: clears it and what it holds.
 */
void nonpresent_drop(struct pt_pos *pos, struct vm_area_struct *vma);
/*
 * Copies `from` to the empty `to` of child, neither exclusive any more.
 * -ENOMEM: the slot has as many users as it can count.
 */
int nonpresent_dup(struct pt_pos *from, struct pt_pos *to,
		   struct vm_area_struct *child);
/* vma loses or gains rights: nothing may come back writable by itself. */
void nonpresent_protect(struct pt_pos *pos, struct vm_area_struct *vma);

#endif
