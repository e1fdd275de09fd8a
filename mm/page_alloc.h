/* SPDX-License-Identifier: MIT */
/* Buddy allocator with per-CPU lists of single frames. */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include "mm/page.h"

#define MAX_ORDER 11			/* blocks of 2^0 .. 2^10 frames */

enum alloc_flags {
	ALLOC_PLAIN	= 0,
	ALLOC_ZERO	= BIT(0),	/* cleared */
	ALLOC_FROZEN	= BIT(1),	/* count 0: tables, slab */
	ALLOC_LOW	= BIT(2),	/* below 4 GiB */
	ALLOC_NO_INJECT	= BIT(3),	/* alloc_fail_nth() does not count it */
	ALLOC_RECLAIM	= BIT(4),	/* may sleep, and reclaim: see alloc_slow.c */
	ALLOC_NORECLAIM	= BIT(5),	/* does not, where a program's thread could */
};

/* Free frames kept: below low kswapd runs, below min one has to reclaim. */
enum watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARKS };
bool memory_below(enum watermark w);
u64 watermark(enum watermark w);

/*
 * Any context but irq; sleeps with ALLOC_RECLAIM, or where a thread of a program
 * may (D6 of alloc_slow.c).  NULL: out of memory.
 * count 1, mapcount -1.
 */
struct page *alloc_pages(u32 order, u32 flags);
static inline struct page *alloc_page(u32 flags) { return alloc_pages(0, flags); }
/*
 * count must be 0 (frozen owner frees, or put_page's last reference).
 * Lab: poisoned, flags, mapcount and the MMU model checked.
 */
void free_pages(struct page *p, u32 order);
static inline void free_page(struct page *p) { free_pages(p, 0); }

struct page_stats { u64 total, free, percpu, reserved, low_watermark; u64 blocks[MAX_ORDER]; };
void page_alloc_stats(struct page_stats *s);
/* Free frames, per-CPU lists included: the leak gate. */
u64 nr_free_pages(void);
void drain_pcp_all(void);

/* Lies in a free block or on a CPU's list?  A snapshot: for checks. */
bool page_is_free(const struct page *p);

/*
 * Tests, the current thread's: fail the n-th allocation from now, or that one
 * and all after it (0: off).
 */
void alloc_fail_nth(u32 n);
void alloc_fail_from(u32 n);
bool alloc_failed_nth(void);		/* did one fail since? */
u32 alloc_fail_left(void);		/* allocations up to it; 0: failed, or off */
/* For the failing-allocation sweep of slab too. */
bool should_fail_alloc(void);

#endif
