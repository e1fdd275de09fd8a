/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries, typed.  One entry type serves all four levels: the
 * walker is a loop over levels, and a leaf may stand at level 1, 2 or 3.
 *
 *	level	name	maps		entry may be a leaf
 *	  1	pte	4 KiB		always
 *	  2	pmd	2 MiB		with PS
 *	  3	pud	1 GiB		with PS
 *	  4	pgd	512 GiB		never
 *
 * Hardware sets Accessed and Dirty with a locked read-modify-write at any
 * time [SDM 3A 4.8], so a live entry is changed by these atomic verbs only.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/atomic.h"
#include "arch/layout.h"

#define PT_LEVELS	4
#define PT_ENTRIES	512

typedef struct { u64 val; } pte_t;

#define PTE_P		BIT(0)		/* present */
#define PTE_W		BIT(1)		/* writable */
#define PTE_U		BIT(2)		/* user */
#define PTE_PWT		BIT(3)
#define PTE_PCD		BIT(4)
#define PTE_A		BIT(5)		/* accessed, set by hardware */
#define PTE_D		BIT(6)		/* dirty, set by hardware, leaf only */
#define PTE_PS		BIT(7)		/* leaf at level 2 or 3 */
#define PTE_G		BIT(8)
/*
 * Software, only where P = 0: a leaf that still maps its page (mapcount, rss
 * and rmap count it) but that no access may use: PROT_NONE.  Hardware ignores
 * it; pte_present() is false, pte_mapped() true.
 */
#define PTE_PROTNONE	BIT(8)
#define PTE_SPECIAL	BIT(9)		/* software: no struct page behind it */
#define PTE_SOFT_DIRTY	BIT(11)		/* software, leaf: mm/softdirty.c */
#define PTE_NX		BIT(63)
#define PTE_ADDR	0x000ffffffffff000UL
#define PTE_AD		(PTE_A | PTE_D)
#define PTE_WRITTEN	(PTE_AD | PTE_SOFT_DIRTY)	/* by a fault that writes */

/*
 * LIMBO: not present, left in every entry of a table that was relocated.  A
 * walker that meets one starts again from the root (rule R4: never "none").
 */
#define PTE_LIMBO	0xdead4c494d424f00UL

#define KPROT_RW	(PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX)
#define KPROT_RO	(PTE_P | PTE_A | PTE_D | PTE_G | PTE_NX)
#define KPROT_RX	(PTE_P | PTE_A | PTE_D | PTE_G)
#define TABLE_FLAGS	(PTE_P | PTE_W | PTE_U | PTE_A)	/* non-leaf, user */

static_assert(sizeof(pte_t) == 8);
static_assert(PT_ENTRIES * sizeof(pte_t) == PAGE_SIZE);

static inline pte_t __pte(u64 v) { return (pte_t){ v }; }
static inline bool pte_none(pte_t e) { return e.val == 0; }
static inline bool pte_present(pte_t e) { return e.val & PTE_P; }
static inline bool pte_limbo(pte_t e) { return e.val == PTE_LIMBO; }
static inline bool pte_protnone(pte_t e)
{
	return (e.val & (PTE_P | PTE_PROTNONE)) == PTE_PROTNONE && !pte_limbo(e);
}
/* Leaf entries only: maps a page, usable by hardware or not. */
static inline bool pte_mapped(pte_t e) { return pte_present(e) || pte_protnone(e); }
static inline bool pte_special(pte_t e) { return e.val & PTE_SPECIAL; }
static inline bool pte_write(pte_t e) { return e.val & PTE_W; }
static inline bool pte_dirty(pte_t e) { return e.val & PTE_D; }
static inline bool pte_soft_dirty(pte_t e) { return e.val & PTE_SOFT_DIRTY; }
static inline bool pte_young(pte_t e) { return e.val & PTE_A; }
static inline bool pte_same(pte_t a, pte_t b) { return a.val == b.val; }
static inline phys_t pte_phys(pte_t e) { return e.val & PTE_ADDR; }
static inline pfn_t pte_pfn(pte_t e) { return (e.val & PTE_ADDR) >> PAGE_SHIFT; }
static inline pte_t pte_make(pfn_t pfn, u64 flags) { return __pte(pfn << PAGE_SHIFT | flags); }
static inline pte_t pte_wrprotect(pte_t e) { return __pte(e.val & ~PTE_W); }
static inline pte_t pte_mkwrite(pte_t e) { return __pte(e.val | PTE_W); }
static inline pte_t pte_mkclean(pte_t e) { return __pte(e.val & ~PTE_D); }
static inline pte_t pte_mksoft_dirty(pte_t e) { return __pte(e.val | PTE_SOFT_DIRTY); }
static inline pte_t pte_mkold(pte_t e) { return __pte(e.val & ~PTE_A); }
static inline bool pte_leaf(pte_t e, int level)
{
	return level == 1 || (e.val & PTE_PS);
}
/* Present and pointing at a table of the next lower level. */
static inline bool pte_table(pte_t e, int level)
{
	return pte_present(e) && !pte_leaf(e, level);
}

/* Bytes one entry of `level` maps; index of va in its table; span of a table */
static inline int pt_shift(int level) { return PAGE_SHIFT + 9 * (level - 1); }
static inline u64 pt_size(int level) { return 1UL << pt_shift(level); }
static inline u32 pt_index(vaddr_t va, int level)
{
	return (va >> pt_shift(level)) & (PT_ENTRIES - 1);
}
/* "pte", "pmd", "pud", "pgd" for 1..4 */
extern const char *const pt_level_name[PT_LEVELS + 1];

/* The only accessors of live entries.  Raw: the checked verbs are pgtable's. */
static inline pte_t pte_read(const pte_t *p)
{
	return __pte(READ_ONCE(p->val));
}
static inline void pte_write_raw(pte_t *p, pte_t e)
{
	WRITE_ONCE(p->val, e.val);
}
static inline pte_t pte_xchg_raw(pte_t *p, pte_t e)
{
	return __pte(__atomic_exchange_n(&p->val, e.val, __ATOMIC_SEQ_CST));
}
/* Full barrier.  True: *p was *old and is now e.  False: *old is what it is. */
static inline bool pte_try_cmpxchg_raw(pte_t *p, pte_t *old, pte_t e)
{
	return __atomic_compare_exchange_n(&p->val, &old->val, e.val, 0,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
static inline void pte_or_raw(pte_t *p, u64 bits)
{
	__atomic_fetch_or(&p->val, bits, __ATOMIC_SEQ_CST);
}

#endif
