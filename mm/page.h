/* SPDX-License-Identifier: MIT */
/*
 * struct page and its references.
 *
 * get_page needs a reference already held (or a lock that pins one);
 * get_page_unless_zero is the only way to take one from nothing.
 * put_page's last reference frees the page by what it is NOW (S1).
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "mm/mm_types.h"
#include "arch/layout.h"
#include "kernel/panic.h"

#define vmemmap		((struct page *)VMEMMAP_START)
#define pfn_to_page(pfn)	(vmemmap + (pfn))
#define page_to_pfn(pg)		((pfn_t)((pg) - vmemmap))
extern pfn_t max_pfn;
/* Is there a struct page for pfn? */
bool pfn_valid(pfn_t pfn);

static inline phys_t page_to_phys(const struct page *p) { return page_to_pfn(p) << PAGE_SHIFT; }
static inline void *page_address(const struct page *p) { return phys_to_virt(page_to_phys(p)); }
static inline struct page *phys_to_page(phys_t pa) { return pfn_to_page(pa >> PAGE_SHIFT); }
static inline struct page *virt_to_page(const void *v) { return phys_to_page(virt_to_phys(v)); }
static inline struct page *pte_page(pte_t e) { return pfn_to_page(pte_pfn(e)); }
/* The table page an entry points to / a table pointer lies in. */
static inline struct page *table_page(const pte_t *t) { return virt_to_page(t); }

static inline bool page_test(const struct page *p, enum page_flag f)
{
	return READ_ONCE(p->flags) & BIT(f);
}
static inline void page_set(struct page *p, enum page_flag f)
{
	set_bit(f, (unsigned long *)&p->flags);
}
static inline void page_clear(struct page *p, enum page_flag f)
{
	clear_bit(f, (unsigned long *)&p->flags);
}
static inline bool page_test_clear(struct page *p, enum page_flag f)
{
	return test_and_clear_bit(f, (unsigned long *)&p->flags);
}

/*
 * C1: what an allocated frame is used for, one use at a time and from its
 * beginning to its end.  Lab builds check; PG_cache and PG_anon exist only there
 */
#define PAGE_USES	(BIT(PG_buddy) | BIT(PG_pcp) | BIT(PG_slab) |	\
			 BIT(PG_table) | BIT(PG_cache) | BIT(PG_anon))
static inline void page_become(struct page *p, enum page_flag use)
{
	KASSERT(!(READ_ONCE(p->flags) & PAGE_USES));
	page_set(p, use);
}
static inline void page_unbecome(struct page *p, enum page_flag use)
{
	KASSERT((READ_ONCE(p->flags) & PAGE_USES) == BIT(use));
	page_clear(p, use);
}

static inline int page_count(const struct page *p) { return atomic_read(&p->_refcount); }
static inline int page_mapcount(const struct page *p) { return atomic_read(&p->_mapcount) + 1; }
static inline bool page_mapped(const struct page *p) { return page_mapcount(p) > 0; }
static inline bool page_is_anon(const struct page *p)
{
	return (u64)READ_ONCE(p->mapping) & PAGE_MAPPING_ANON;
}
static inline bool page_is_ksm(const struct page *p)
{
	return ((u64)READ_ONCE(p->mapping) & PAGE_MAPPING_FLAGS) ==
	       PAGE_MAPPING_KSM;
}

void get_page(struct page *p);
/* False: free, frozen or a table; nothing was taken. */
bool __must_check get_page_unless_zero(struct page *p);
void put_page(struct page *p);
/* n at once (pins).  False: the count is 0, or so high that n might not fit. */
bool __must_check page_ref_add_unless_zero(struct page *p, int n);
void page_put_refs(struct page *p, int n);
/* count must be `expected`: it becomes 0 and nobody can take a reference. */
bool __must_check page_ref_freeze(struct page *p, int expected);
void page_ref_unfreeze(struct page *p, int count);	/* RELEASE */

/* PG_locked.  lock_page sleeps. */
void lock_page(struct page *p);
bool trylock_page(struct page *p);
void unlock_page(struct page *p);
/* Sleeps until f is clear for a moment: PG_locked, PG_writeback. */
void wait_on_page_flag(struct page *p, enum page_flag f);
/* Clears f and wakes who waits for that. */
void page_clear_wake(struct page *p, enum page_flag f);

/* rep stosq / movsq */
void clear_page(void *page);
void copy_page(void *to, const void *from);

#endif
