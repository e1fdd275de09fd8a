/* SPDX-License-Identifier: MIT */
/* Between xpmem.c and xpmem_map.c. */
#ifndef DRIVERS_SHADOW_XPMEM_H
#define DRIVERS_SHADOW_XPMEM_H

#include "drivers/shadow/internal.h"
#include "mm/filemap.h"

struct xpmem {
	struct shadow_dev dev;		/* dev.mm: the exporter; dev.dead: lock */
	struct mmu_notifier imn;	/* on the importer */
	struct mm_struct *imm;		/* I: the importer; mm_count by imn */
	u32 own_imm;			/* I: it is the device's own */
	u32 segid;			/* I: 0: none */
	vaddr_t start;			/* I: exporter's address of page 0 */
	u64 pages;			/* I */
	struct address_space mapping;	/* what the importer's vmas map */
	atomic_t refs;			/* the device and each vma */
	atomic_t vmas;
	struct mutex lock;		/* LOCK_SHADOW_DEV */
	struct address_space pins;	/* lock: its tree: pinned pages */
	vaddr_t base;			/* lock: importer's address of page 0 */
	spinlock_t tear_lock;		/* LOCK_SHADOW_MMU */
	struct list_head tears;		/* tear_lock: pins taken, entries not */
	atomic64_t seq;			/* tear-downs begun */
	struct wait_queue_head settled;	/* one is over */
};

static inline struct xpmem *xpmem_of(struct shadow_dev *d)
{
	return container_of(d, struct xpmem, dev);
}

/* In a section of the exporter: its file stays.  Else pages are locked. */
enum xpmem_where { XPMEM_SECTION, XPMEM_OUTSIDE };
/* On return the importer has none of these pages.  Sleeps. */
void xpmem_tear_down(struct xpmem *x, u64 first, u64 last,
		     enum xpmem_where where);
/* A tear-down has taken the pin of index and may not be through. */
bool xpmem_is_torn(struct xpmem *x, u64 index);

/* xpmem_map.c: the importer's side */
extern const struct address_space_operations xpmem_aops;
/* Drops a reference; the last frees x. */
void xpmem_put(struct xpmem *x);

/* Items of the tree: a page, and whether it was ever mapped writable. */
#define XPMEM_WRITABLE	1UL
static inline struct page *pin_page(const void *item)
{
	return (struct page *)((u64)item & ~XPMEM_WRITABLE);
}

#endif
