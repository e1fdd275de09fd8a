/* SPDX-License-Identifier: MIT */
/*
 * The swap cache: pages that have a slot.
 *
 *	lookup (find_get_page)		out of the cache, page locked
 *	(1) p = slot of the tree	(A) freeze (reclaim), or not (try_to_free)
 *	(2) get_page_unless_zero	(B) remove it from the tree
 *	(3) slot still p?		(C) SLOT_CACHED cleared
 * Whoever got a page locks it and looks again whether it still is the slot's:
 * PG_swapcache and ->private, which change under the page lock only.
 *
 * C1. One page per slot (W2 of swapfile.c); the tree holds a reference.
 * C2. Clean and uptodate means: the slot has the page's bytes.  A page that
 *     gets a slot, or loses it, is dirty.
 * C3. A page leaves by reclaim only with count 2 (the tree's, the reclaimer's)
 *     frozen to 0, then found clean: a holder that wrote has set dirty before
 *     it put (S5).
 * C4. A page under writeback stays in the cache.
 * C5. Of a page that nobody maps and whose slot nobody counts the bytes are
 *     worth nothing.  swap_free and put_page_and_swap drop it; when its lock
 *     is not to be had, reclaim does later.
 *
 * Locks: page, then i_pages_lock of the device's tree.
 * Tests: tests/kt/kt_swapfile.c, tests/race/race_reclaim.c
 */
#include "arch/percpu.h"
#include "kernel/init.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/motion.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/vmscan.h"
#include "mm/vmstat.h"

#define READ_AHEAD	8		/* slots, a power of two */

static atomic64_t nr_cached, nr_in, nr_out, nr_hit, nr_ahead, nr_errors;

void swap_cache_init(void)
{
	for (u32 i = 1; i <= MAX_SWAPFILES; i++) {
		spin_lock_init(&swap_devs[i].lock, LOCK_SWAP);
		address_space_init_tree(&swap_devs[i].cache);
	}
}

struct page *swap_cache_find(swp_entry_t entry)
{
	return find_get_page(&swap_info_of(entry)->cache, swp_offset(entry));
}

/* p locked, SLOT_CACHED set.  0 or -ENOMEM. */
static int cache_insert(struct page *p, swp_entry_t entry)
{
	struct address_space *m = &swap_info_of(entry)->cache;
	int err;

	get_page(p);						/* C1 */
	p->private = entry.val;
	page_set(p, PG_swapcache);
	spin_lock(&m->i_pages_lock);
	err = radix_tree_insert(&m->i_pages, swp_offset(entry), p);
	if (!err)
		m->nrpages++;
	spin_unlock(&m->i_pages_lock);
	KASSERT(err != -EEXIST);
	if (err) {
		page_clear(p, PG_swapcache);
		p->private = 0;
		put_page(p);
		return err;
	}
	atomic64_inc(&nr_cached);
	return 0;
}

/* i_pages_lock held.  The tree's reference is the caller's now. */
static swp_entry_t cache_remove(struct address_space *m, struct page *p)
{
	swp_entry_t entry = { p->private };

	BUG_ON(radix_tree_delete(&m->i_pages, swp_offset(entry)) != p);
	m->nrpages--;
	page_clear(p, PG_swapcache);
	p->private = 0;
	atomic64_dec(&nr_cached);
	return entry;
}

static struct address_space *cache_of(const struct page *p)
{
	return &swap_info_of((swp_entry_t){ p->private })->cache;
}

swp_entry_t swap_cache_add(struct page *p)
{
	swp_entry_t entry;

	KASSERT(page_test(p, PG_locked) && !page_test(p, PG_swapcache));
	entry = swap_alloc_slot();
	if (!entry.val)
		return entry;
	if (cache_insert(p, entry)) {
		swap_cache_release(entry);
		return (swp_entry_t){ 0 };
	}
	page_set(p, PG_uptodate);
	set_page_dirty(p);					/* C2 */
	return entry;
}

bool add_to_swap(struct page *p)
{
	KASSERT(page_is_anon(p));
	return swap_cache_add(p).val;
}

void swap_cache_delete(struct page *p)
{
	struct address_space *m = cache_of(p);
	swp_entry_t entry;

	KASSERT(page_test(p, PG_locked) && page_test(p, PG_swapcache));
	KASSERT(!page_test(p, PG_writeback));			/* C4 */
	spin_lock(&m->i_pages_lock);
	entry = cache_remove(m, p);
	spin_unlock(&m->i_pages_lock);
	swap_cache_release(entry);
	set_page_dirty(p);					/* C2 */
	put_page(p);
}

/* Dirty, and an entry still wants the bytes. */
static bool wanted_dirty(const struct page *p)
{
	return page_test(p, PG_dirty) &&
	       swap_count((swp_entry_t){ p->private }) &&
	       !BUG_SWITCH("swap_dirty_before_freeze");
}

int swap_cache_remove_frozen(struct page *p)
{
	struct address_space *m = cache_of(p);
	const int expected = 2;
	swp_entry_t entry;

	KASSERT(page_test(p, PG_locked) && page_test(p, PG_swapcache));
	spin_lock(&m->i_pages_lock);
	if (!page_ref_freeze(p, expected)) {			/* (A) */
		spin_unlock(&m->i_pages_lock);
		return -EBUSY;
	}
	RACE_POINT("swap:after_freeze");
	if (page_mapped(p) || page_test(p, PG_writeback) || wanted_dirty(p)) {
		page_ref_unfreeze(p, expected);			/* C3 */
		spin_unlock(&m->i_pages_lock);
		return -EBUSY;
	}
	entry = cache_remove(m, p);				/* (B) */
	spin_unlock(&m->i_pages_lock);
	swap_cache_release(entry);				/* (C) */
	return 0;
}

bool try_to_free_swap(struct page *p)
{
	KASSERT(page_test(p, PG_locked));
	if (!page_test(p, PG_swapcache) || page_test(p, PG_writeback) ||
	    swap_count((swp_entry_t){ p->private }))
		return false;
	swap_cache_delete(p);
	return true;
}

void put_page_and_swap(struct page *p)
{
	if (page_test(p, PG_swapcache) && !page_mapped(p) && trylock_page(p)) {
		if (!page_mapped(p))
			try_to_free_swap(p);			/* C5 */
		unlock_page(p);
	}
	put_page(p);
}

/*
 * Reading.  The page is new and locked by us, in the cache.
 */
static void read_slot(struct page *p, swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);

	if (!si->ops->read_page(si, swp_offset(entry), p)) {
		smp_wmb();	/* bytes before the flag, as in fill_page */
		page_set(p, PG_uptodate);
	}
	atomic64_inc(&nr_in);
	count_vm_event(PSWPIN);
	unlock_page(p);
}

/* In the cache, locked, one reference; ERR_PTR: -EEXIST, -ENOENT, -ENOMEM. */
static struct page *new_cached_page(swp_entry_t entry, u32 alloc_flags)
{
	struct page *p = alloc_page(alloc_flags);
	int err;

	if (!p)
		return ERR_PTR(-ENOMEM);
	err = swap_cache_prepare(entry);
	if (err) {
		put_page(p);
		return ERR_PTR(err);
	}
	BUG_ON(!trylock_page(p));
	RACE_POINT("swap:slot_taken");
	if (cache_insert(p, entry)) {
		swap_cache_release(entry);
		unlock_page(p);
		put_page(p);
		return ERR_PTR(-ENOMEM);
	}
	page_set(p, PG_swapbacked);
	lru_add(p);
	return p;
}

static void read_ahead(swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);
	u64 first = swp_offset(entry) & ~(u64)(READ_AHEAD - 1);

	for (u64 slot = first; slot < first + READ_AHEAD; slot++) {
		swp_entry_t next = swp_entry(si->type, slot);
		struct page *p;

		if (slot == swp_offset(entry) || memory_is_low() ||
		    !swap_count(next))
			continue;
		p = new_cached_page(next, ALLOC_NORECLAIM | ALLOC_NO_INJECT);
		if (IS_ERR(p))
			continue;
		atomic64_inc(&nr_ahead);
		count_vm_event(SWAP_RA);
		read_slot(p, next);
		put_page(p);
	}
}

struct page *swap_read(swp_entry_t entry)
{
	struct page *p;

	for (;;) {
		p = swap_cache_find(entry);
		if (p) {
			atomic64_inc(&nr_hit);
			return p;
		}
		p = new_cached_page(entry, ALLOC_RECLAIM);
		if (PTR_ERR_OR_ZERO(p) != -EEXIST)
			break;
		yield();		/* someone is between its two steps */
	}
	if (IS_ERR(p))
		return p;
	read_slot(p, entry);
	if (!(swap_info_of(entry)->ops->flags & SWAP_MEMORY))
		read_ahead(entry);
	return p;
}

/*
 * Writing.
 */
void swap_writepage(struct page *p)
{
	swp_entry_t entry = { p->private };
	struct swap_info *si = swap_info_of(entry);

	KASSERT(page_test(p, PG_locked) && page_test(p, PG_swapcache) &&
		!page_mapped(p));
	page_set(p, PG_writeback);
	page_clear(p, PG_dirty);
	atomic64_inc(&nr_out);
	si->ops->write_page(si, swp_offset(entry), p);
}

void swap_write_done(struct page *p, int err)
{
	if (err) {
		set_page_dirty(p);		/* still only here */
		atomic64_inc(&nr_errors);
	} else if (!page_mapped(p)) {
		lru_deactivate(p);		/* next time it can go */
	}
	page_clear_wake(p, PG_writeback);
}

void swap_cache_drop(struct swap_info *si)
{
	u64 index[16], first = 0;
	void *item[16];
	u32 n;

	do {
		rcu_read_lock();
		n = radix_tree_gang_lookup(&si->cache.i_pages, item, index,
					   first, ARRAY_SIZE(item));
		rcu_read_unlock();
		for (u32 i = 0; i < n; i++) {
			struct page *p = find_get_page(&si->cache, index[i]);

			if (!p)
				continue;
			page_motion_begin();
			lock_page(p);
			wait_on_page_flag(p, PG_writeback);
			try_to_free_swap(p);
			unlock_page(p);
			page_motion_end();
			put_page(p);
		}
		first = n ? index[n - 1] + 1 : 0;
	} while (n);
}

void swap_cache_settle(void)
{
	for (u32 i = 1; i <= MAX_SWAPFILES; i++)
		swap_cache_drop(&swap_devs[i]);
}

void swap_stats(struct swap_stats *s)
{
	*s = (struct swap_stats){
		.total = nr_swap_total(),
		.free = nr_swap_free(),
		.cached = (u64)atomic64_read(&nr_cached),
		.in = (u64)atomic64_read(&nr_in),
		.out = (u64)atomic64_read(&nr_out),
		.hit = (u64)atomic64_read(&nr_hit),
		.read_ahead = (u64)atomic64_read(&nr_ahead),
		.write_errors = (u64)atomic64_read(&nr_errors),
	};
}
