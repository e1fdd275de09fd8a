/* SPDX-License-Identifier: MIT */
/*
 * Pages leave a file: by truncation (whoever holds them), or because they are
 * clean and nobody needs them.
 *
 * U1. The size is cut first, then everything beyond is unmapped, then dropped
 *     page by page under its lock, unmapped again if a fault that had looked
 *     at the old size got in between (X4 in fault.c).
 * U2. The part of the last page beyond the size reads as zeros, in the cache
 *     and so through every mapping; that page is dirty then, since its file's
 *     owner does not know the zeros.
 * U3. invalidate drops a page only through remove_mapping: clean, unmapped,
 *     no reference but the cache's and ours.
 * U4. A page under write-back leaves only when its write is over: the device
 *     reads its frame.
 * U5. What is in swap goes too.  A page on its way there or back is met as one
 *     or the other: what was looked up and is not there any more is looked up
 *     again, at its place.
 *
 * Locks: page lock, then i_mmap_rwsem, then table locks.
 * Tests: tests/kt/kt_filemap.c
 */
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/mmap.h"
#include "mm/motion.h"
#include "mm/rmap.h"
#include "mm/shmem.h"

/* The page is locked: no fault maps it again while it is unmapped. */
#define UNMAP_TRIES	1000

u32 find_get_items(struct address_space *m, u64 *next, void **items,
		   u64 *index)
{
	u32 n, got = 0;

	rcu_read_lock();
	n = radix_tree_gang_lookup(&m->i_pages, items, index, *next, GANG);
	rcu_read_unlock();
	*next = n ? index[n - 1] + 1 : U64_MAX;
	for (u32 i = 0; i < n; i++) {
		items[got] = find_get_item(m, index[i]);
		index[got] = index[i];
		got += items[got] != NULL;
	}
	return got;
}

u32 find_get_pages(struct address_space *m, u64 *next, struct page **pages)
{
	u64 index[GANG];
	u32 n = find_get_items(m, next, (void **)pages, index), got = 0;

	for (u32 i = 0; i < n; i++)
		if (!item_is_swap(pages[i]))
			pages[got++] = pages[i];
	return got;
}

/* U1: p is locked, so nobody maps it again. */
static void unmap_cut_page(struct page *p)
{
	for (u32 i = 0; page_mapped(p); i++) {
		unmap_mapping_range(p->mapping, p->index, p->index);
		if (CONFIG_LAB && i == UNMAP_TRIES)
			panic("pfn %llx of a file stays mapped, %d times, at index %llx",
			      page_to_pfn(p), page_mapcount(p), p->index);
		if (page_mapped(p))
			yield();
	}
}

/* What is dropped, and how its pages are unmapped. */
struct drop { u64 first, last; void (*unmap)(struct page *p); };

/* False: it went to swap or came from there meanwhile (U5). */
static bool drop_item(struct address_space *m, u64 index, void *item,
		      const struct drop *d)
{
	struct page *p = item;
	bool ours;

	if (item_is_swap(item))
		return shmem_drop_swap(m, index, item);
	lock_page(p);
	ours = READ_ONCE(p->mapping) == m;
	if (ours) {
		d->unmap(p);
		wait_on_page_flag(p, PG_writeback);		/* U4 */
		delete_from_page_cache(p);
	}
	unlock_page(p);
	return ours;
}

static void drop_items(struct address_space *m, const struct drop *d)
{
	u64 index[GANG], next = d->first;
	void *items[GANG];
	u32 n;

	while (next <= d->last && next != U64_MAX) {
		n = find_get_items(m, &next, items, index);
		for (u32 i = 0; i < n; i++) {
			if (index[i] <= d->last &&
			    !drop_item(m, index[i], items[i], d))
				next = min(next, index[i]);	/* U5 */
			put_item(items[i]);
		}
	}
}

void punch_pagecache(struct address_space *m, u64 first, u64 last)
{
	const struct drop d = {
		.first = first, .last = last, .unmap = unmap_hole_page,
	};

	page_motion_begin();
	drop_items(m, &d);
	page_motion_end();
}

/* U2. */
static void zero_tail(struct address_space *m, u64 size)
{
	u64 off = size & ~PAGE_MASK;
	struct page *p = read_cache_page(m, size >> PAGE_SHIFT);

	if (IS_ERR(p))
		return;		/* its owner will be asked again, and say so */
	lock_page(p);
	if (READ_ONCE(p->mapping) == m) {
		memset((char *)page_address(p) + off, 0, PAGE_SIZE - off);
		set_page_dirty(p);
	}
	unlock_page(p);
	put_page(p);
}

void truncate_pagecache(struct address_space *m, u64 size)
{
	u64 first = DIV_ROUND_UP(size, PAGE_SIZE);
	const struct drop d = {
		.first = first, .last = U64_MAX, .unmap = unmap_cut_page,
	};
	u64 old = READ_ONCE(m->size);

	page_motion_begin();
	WRITE_ONCE(m->size, size);
	smp_mb();		/* the size before the unmap: fault's (2) */
	if (!RB_EMPTY_ROOT(&m->i_mmap))
		unmap_mapping_range(m, first, U64_MAX >> PAGE_SHIFT);
	if (size < old && (size & ~PAGE_MASK))
		zero_tail(m, size);
	drop_items(m, &d);
	page_motion_end();
}

/* p has our reference, which is gone afterwards.  True: dropped. */
static bool invalidate_page(struct address_space *m, struct page *p, int how)
{
	if (!trylock_page(p)) {
		put_page(p);
		return false;
	}
	if (READ_ONCE(p->mapping) == m && !page_test(p, PG_dirty) &&
	    !page_test(p, PG_writeback) &&
	    (how == DROP_MAPPED_TOO ? try_to_unmap(p, NULL) : !page_mapped(p)) &&
	    !remove_mapping(p))
		return true;
	unlock_page(p);
	put_page(p);
	return false;
}

u64 invalidate_mapping_pages(struct address_space *m, int how)
{
	struct page *pages[GANG];
	u64 next = 0, dropped = 0;
	u32 n;

	page_motion_begin();
	while (next != U64_MAX) {
		n = find_get_pages(m, &next, pages);
		for (u32 i = 0; i < n; i++)
			dropped += invalidate_page(m, pages[i], how);
	}
	page_motion_end();
	return dropped;
}

static void drop_one_mapping(struct address_space *m, void *arg)
{
	*(u64 *)arg += invalidate_mapping_pages(m, DROP_MAPPED_TOO);
}

u64 filemap_drop_clean(void)
{
	u64 dropped = 0;

	page_motion_begin();
	for_each_mapping(drop_one_mapping, &dropped);
	page_motion_end();
	return dropped;
}
