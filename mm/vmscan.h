/* SPDX-License-Identifier: MIT */
/* Reclaim: who asks for it, and what it works on. */
#ifndef MM_VMSCAN_H
#define MM_VMSCAN_H

#include "mm/lru.h"

enum reclaim_by { RECLAIM_KSWAPD, RECLAIM_DIRECT };

struct scan_control {
	enum reclaim_by by;
	u32 flags;			/* SCAN_* */
	int priority;			/* lists are scanned >> priority */
	u64 wanted, reclaimed, scanned;
	u64 writing;			/* pages found or put under writeback */
};
#define SCAN_IGNORE_REFERENCES	BIT(0)	/* MADV_PAGEOUT: now */

/*
 * mm/shrink.c.  Isolated pages: reclaims those that can be, puts the others
 * back to their lists.  Sleeps.  Pages freed.
 */
u32 shrink_page_list(struct list_head *pages, struct scan_control *sc);

/* mm/vmscan.c.  At least `wanted` pages if it can.  Sleeps.  Pages freed. */
u64 try_to_free_pages(u64 wanted, enum reclaim_by by);

/*
 * A cache of frames that nobody needs: shrink() gives some back; it may sleep, and
 * is called with page locks and a mmap_lock held.  Static; never unregistered.
 */
struct shrinker {
	const char *name;
	void (*shrink)(void);
	struct shrinker *next;
	u64 calls;
};
void register_shrinker(struct shrinker *s);
/* All of them.  Frames that are free and were not (others free some too). */
u64 shrink_caches(void);

/*
 * mm/kswapd.c.
 */
/* Any context. */
void kswapd_wake(void);

/*
 * mm/alloc_slow.c.  Direct reclaim for an allocation that may sleep; NULL when
 * even killing brings nothing.
 */
struct page *alloc_reclaim(u32 order, u32 flags);
/*
 * `flags`, with ALLOC_RECLAIM if the current thread may reclaim here (D6).  Lab:
 * checks that (might_reclaim).
 */
u32 alloc_flags_here(u32 flags);
/*
 * Lab: panics where reclaim is not allowed: under a lock it takes, inside a
 * notifier section or callback, in atomic context.
 */
void might_reclaim(void);
/*
 * Out of every lock: reclaims when memory is below the minimum, so that
 * allocations which may not (tables, slabs) find some.  Sleeps.
 */
void reclaim_throttle(void);
/*
 * An allocation that may not reclaim failed, `attempt` times before without any
 * progress; what forbade it is let go of.  Sleeps.  False: give up.
 */
bool reclaim_for_retry(u32 attempt);

/* Free frames are below the low watermark. */
bool memory_is_low(void);
/* More than half of the swap slots are taken. */
bool swap_is_tight(void);

#endif
