/* SPDX-License-Identifier: MIT */
/*
 * Swap: slots, who counts them, the pages cached for them, and the devices
 * behind.
 *
 *	slot	free -> cached (being written) -> counted by entries -> free
 *		a slot is free when no entry counts it and no page caches it
 *
 *	swap in, page locked		swap out, page locked
 *	entry -> page			page -> slot, cached; dirty
 *	count--				each entry -> swap entry, count++
 *	last count: the page may	written; clean; frozen; out of the
 *	leave the cache			cache; freed
 * Both sides find each other through the swap cache: a slot has one page at
 * most, and its lock is what they meet at.
 */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "mm/page.h"
#include "mm/swapops.h"

struct swap_info;
struct swap_backend {
	const char *name;
	u32 flags;			/* SWAP_* below */
	/* Fill p from the slot.  Sleeps.  0 or -EIO. */
	int (*read_page)(struct swap_info *si, u64 slot, struct page *p);
	/*
	 * Start to write p, which is locked and PG_writeback.  swap_write_done()
	 * is called once for it, before or after this returns; not in irq.
	 */
	void (*write_page)(struct swap_info *si, u64 slot, struct page *p);
	/* The slot is free: its contents may go.  Any lock may be held. */
	void (*discard)(struct swap_info *si, u64 slot);
	/* Nothing is in use any more.  Sleeps. */
	void (*destroy)(struct swap_info *si);
};
#define SWAP_MEMORY	BIT(0)		/* no seek: reading ahead is pointless */

struct swap_info {
	spinlock_t lock;		/* LOCK_SWAP */
	u32 type;			/* I: 1 .. MAX_SWAPFILES */
	u32 state;			/* lock: SWAP_OFF .. */
	int prio;			/* I: the highest is filled first */
	u64 slots;			/* I while on */
	u64 inuse;			/* lock: slots not free */
	u64 cursor;			/* lock: where the next search begins */
	u16 *map;			/* lock: SLOT_CACHED | entries */
	unsigned long *used;		/* lock: bit: not free */
	u16 *audit;			/* lab: the auditor's counts */
	struct address_space cache;	/* pages by slot */
	const struct swap_backend *ops;	/* I while on */
	void *priv;			/* the backend's */
	char name[16];			/* I while on */
};
enum { SWAP_OFF, SWAP_ON, SWAP_LEAVING };
#define SLOT_CACHED	BIT(15)
#define SLOT_COUNT	(SLOT_CACHED - 1)

extern struct swap_info swap_devs[MAX_SWAPFILES + 1];	/* [0] is not used */
static inline struct swap_info *swap_info_of(swp_entry_t s)
{
	return &swap_devs[swp_type(s)];
}

/*
 * mm/swapfile.c.  Slots.
 */
/* The type, -EBUSY (all in use) or -ENOMEM.  Sleeps. */
int swapon(const char *name, const struct swap_backend *ops, void *priv,
	   u64 slots, int prio);
/* A free slot, cached by the caller's page, counted by nobody; val 0: none. */
swp_entry_t swap_alloc_slot(void);
/*
 * Another entry for a slot that has one, or whose cached page the caller has
 * locked.  False: it cannot count more.
 */
bool __must_check swap_duplicate(swp_entry_t entry);
/* An entry is gone.  With the last, a cached page nobody maps goes too. */
void swap_free(swp_entry_t entry);
/* 0: the caller may cache a page; -EEXIST: one is; -ENOENT: no such slot. */
int __must_check swap_cache_prepare(swp_entry_t entry);
/* The caching page is gone. */
void swap_cache_release(swp_entry_t entry);
u32 swap_count(swp_entry_t entry);
u64 nr_swap_free(void);
u64 nr_swap_total(void);
/* For swapoff.c.  True: si was empty and is off.  Then its arrays go. */
/* True: it was `from` and is `to` now. */
bool swap_set_state(struct swap_info *si, u32 from, u32 to);
bool swap_retire(struct swap_info *si);
void swap_free_arrays(struct swap_info *si);

/*
 * mm/swap_state.c.  Pages of slots.
 */
void swap_cache_init(void);
/* Page with a reference, or NULL. */
struct page *swap_cache_find(swp_entry_t entry);
/*
 * p locked, in no swap cache: gives it a slot that nobody counts yet, and makes
 * it dirty.  val 0: none is left.
 */
swp_entry_t swap_cache_add(struct page *p);
/* The same for an anonymous page.  False: none is left. */
bool add_to_swap(struct page *p);
/* p locked, not under writeback: it is an ordinary page again, and dirty. */
void swap_cache_delete(struct page *p);
/*
 * p locked, isolated, unmapped, clean: out of the cache with count 0, still
 * locked; -EBUSY: somebody holds it, or wrote.
 */
int swap_cache_remove_frozen(struct page *p);
/* p locked.  If no entry counts its slot, it leaves the cache.  True: it did. */
bool try_to_free_swap(struct page *p);
/* put_page, for a mapping that is gone: the slot goes with the last one. */
void put_page_and_swap(struct page *p);
/*
 * The slot's page with a reference, read (or being read: lock it) and perhaps
 * some neighbours.  ERR_PTR: -ENOENT (no such slot any more), -ENOMEM.  Sleeps.
 */
struct page *swap_read(swp_entry_t entry);
/* p locked, in the cache, unmapped and flushed: starts writing.  Clean now. */
void swap_writepage(struct page *p);
void swap_write_done(struct page *p, int err);
/* Pages whose slots nobody counts leave the cache; sleeps.  Leak gates. */
void swap_cache_settle(void);
void swap_cache_drop(struct swap_info *si);	/* of one device */

/*
 * mm/swapoff.c.  Reads everything back in.  0, -ENOMEM, -EINTR (still on).
 */
int swapoff(u32 type);

struct swap_stats {
	u64 total, free, cached;	/* slots, slots, pages */
	u64 in, out, hit, read_ahead, write_errors;
};
void swap_stats(struct swap_stats *s);

#endif
