/* SPDX-License-Identifier: MIT */
/*
 * Which pages reclaim looks at, and in which order.
 *
 * struct pglist_data is one node's memory: its lists and its kswapd.
 */
#ifndef MM_LRU_H
#define MM_LRU_H

#include "kernel/wait.h"
#include "mm/page.h"

enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	LRU_UNEVICTABLE,
	NR_LRU_LISTS,
};
extern const char *const lru_list_name[NR_LRU_LISTS];

struct thread;
struct pglist_data {
	u32 node;				/* I */
	spinlock_t lru_lock;			/* LOCK_LRU */
	struct list_head lists[NR_LRU_LISTS];	/* lru_lock; newest first */
	u64 nr[NR_LRU_LISTS];			/* lru_lock, read anywhere */
	atomic64_t nr_isolated;			/* off their lists for a while */
	struct thread *kswapd;			/* I */
	struct wait_queue_head kswapd_wait;
	u32 kswapd_wanted;			/* a */
	u32 kswapd_failures;			/* a: rounds without a page */
};

extern struct pglist_data node_data[1];
static inline struct pglist_data *page_pgdat(const struct page *p)
{
	(void)p;
	return &node_data[0];
}

void lru_init(void);
/*
 * p enters the list its flags say (PG_swapbacked, PG_active, PG_unevictable);
 * nothing happens when it is on one.  It has a mapping or a reference.
 */
void lru_add(struct page *p);
/* On a list; not fooled by one who moves it from list to list. */
bool lru_holds(const struct page *p);
/* p is going to be freed: off its list, if it is on one. */
void lru_del(struct page *p);

/*
 * Isolated pages are on no list and have a reference of ours.
 * Up to max from the old end of a list, of at most 4 * max looked at.
 */
u32 lru_isolate_list(struct pglist_data *pgdat, enum lru_list lru, u32 max,
		     struct list_head *out);
/* One page; false: on no list, or being freed. */
bool lru_isolate_page(struct page *p);
/* Back to a list by its flags, reference dropped. */
void lru_putback(struct page *p);
/* An isolated page is freed without going back. */
void lru_forget_isolated(struct page *p);

/* Move to the new end of the active / the old end of the inactive list. */
void lru_activate(struct page *p);
void lru_deactivate(struct page *p);
/* MADV_FREE: to the inactive file list, no longer backed by swap. */
void lru_lazyfree(struct page *p);
/* Of an unevictable page: a VM_LOCKED mapping of it is gone; look again. */
void lru_munlock(struct page *p);

u64 lru_pages(enum lru_list lru);		/* all nodes */

#endif
