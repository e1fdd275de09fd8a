/* SPDX-License-Identifier: MIT */
/*
 * Pages of files that live in memory (shmem, tmpfs, memfd) go to swap, and come
 * back.
 *
 *	in the file	page in the file's tree, mapped or not
 *	in the cache	page in the swap cache, in no file; item in the tree
 *	in the slot	item in the tree
 *
 *	swap out, page locked		swap in
 *	(A) slot; page into the swap	(1) item seen in the tree
 *	    cache; the item's count	(2) page of the slot, with a reference
 *	(B) page -> item, i_pages_lock	(3) locked; still the slot's?
 *	(C) written, if dirty		(4) item -> page, i_pages_lock; if it is
 *	(D) count frozen, out of the	    still that item
 *	    swap cache, freed		(5) out of the swap cache, its count away
 *
 * S1. An item holds one count of its slot, from before it is in the tree (A)
 *     until after it is not (5): so the slot of an item that is in the tree is
 *     not given away.  Who reads an item without i_pages_lock may be late: then
 *     (2) finds no such slot or somebody else's page in it, and (3) or (4) tells.
 * S2. (2) before (D): the freeze fails, the same page comes back.  (D) before
 *     (2): the slot is read, which (C) has written.  Either way one frame has the
 *     bytes at a time: there is one page of a slot, and (3) waits for (B) to (D).
 * S3. Truncate takes the item away under i_pages_lock, and with it the count.  It
 *     comes before (4), which then gives the page up, or after: then it finds the
 *     page, and waits for its lock.
 * S4. A page that comes back is dirty: the slot is free after (5).
 * S5. Nobody maps the page between (A) and (4): it has no ->mapping.  It was
 *     unmapped and flushed before (A) (K1 of shrink.c).
 *
 * Locks: page; inside it i_pages_lock of the file, then of the swap cache, one
 * at a time.  Tests: tests/kt/kt_shmem.c, tests/race/race_shmem.c, drive/pressure
 */
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/motion.h"
#include "mm/shmem.h"
#include "mm/swap.h"

#define UNUSE_BATCH	64

static atomic64_t nr_swapped;

u64 nr_swapped_items(void)
{
	return (u64)atomic64_read(&nr_swapped);
}

/* (B) */
static void put_item_in_file(struct page *p, void *item)
{
	struct address_space *m = p->mapping;

	KASSERT(page_test(p, PG_locked) && !page_mapped(p));
	spin_lock(&m->i_pages_lock);
	BUG_ON(radix_tree_replace(&m->i_pages, p->index, item) != p);
	m->nrpages--;
	m->nrswapped++;
	if (CONFIG_LAB)
		page_unbecome(p, PG_cache);
	WRITE_ONCE(p->mapping, NULL);
	/* m may be gone when this lock is: truncate can take the item. */
	spin_unlock(&m->i_pages_lock);
	atomic64_inc(&nr_swapped);
	account_cache_page(p, -1);
	put_page(p);
}

/* (4).  -EAGAIN: the item is not there any more. */
static int put_page_in_file(struct address_space *m, u64 index, void *item,
			    struct page *p)
{
	bool there;

	KASSERT(page_test(p, PG_locked));
	spin_lock(&m->i_pages_lock);
	there = radix_tree_lookup(&m->i_pages, index) == item;
	if (there) {
		KASSERT(!p->mapping);
		get_page(p);		/* C1, C2 of filemap.c */
		p->index = index;
		WRITE_ONCE(p->mapping, m);
		(void)radix_tree_replace(&m->i_pages, index, p);
		m->nrpages++;
		m->nrswapped--;
		if (CONFIG_LAB)
			page_become(p, PG_cache);
	}
	spin_unlock(&m->i_pages_lock);
	if (!there)
		return -EAGAIN;
	atomic64_dec(&nr_swapped);
	account_cache_page(p, 1);
	return 0;
}

/* S3. */
static bool take_item(struct address_space *m, u64 index, void *item)
{
	bool there;

	spin_lock(&m->i_pages_lock);
	there = radix_tree_lookup(&m->i_pages, index) == item;
	if (there) {
		(void)radix_tree_delete(&m->i_pages, index);
		m->nrswapped--;
	}
	spin_unlock(&m->i_pages_lock);
	if (there)
		atomic64_dec(&nr_swapped);
	return there;
}

bool shmem_swap_out(struct page *p)
{
	swp_entry_t entry;

	/* The cache's, the reclaimer's; others: writing it would free nothing. */
	if (page_count(p) != 2)
		return false;
	entry = swap_cache_add(p);				/* (A) */
	if (!entry.val)
		return false;
	if (!swap_duplicate(entry))
		BUG();			/* new: it counts none */
	RACE_POINT("shmem:slot_taken");
	put_item_in_file(p, swap_item(entry));			/* (B) */
	return true;
}

/* (4), (5).  p locked, of the slot, uptodate. */
static int take_back(struct address_space *m, u64 index, void *item,
		     struct page *p)
{
	int err;

	wait_on_page_flag(p, PG_writeback);
	RACE_POINT("shmem:before_exchange");
	err = put_page_in_file(m, index, item, p);		/* (4) */
	if (err) {
		(void)try_to_free_swap(p);			/* S3 */
		return err;
	}
	swap_cache_delete(p);					/* S4 */
	swap_free(item_entry(item));
	return 0;
}

struct page *shmem_swap_in(struct address_space *m, u64 index, void *item)
{
	swp_entry_t entry = item_entry(item);
	struct page *p = swap_read(entry);			/* (2) */
	int err = -EAGAIN;

	if (IS_ERR(p))
		return PTR_ERR(p) == -ENOENT ? ERR_PTR(-EAGAIN) : p;
	lock_page(p);						/* (3) */
	if (page_test(p, PG_swapcache) && p->private == entry.val)
		err = page_test(p, PG_uptodate) ?
		      take_back(m, index, item, p) : -EIO;
	unlock_page(p);
	if (!err)
		return p;
	put_page(p);
	return ERR_PTR(err);
}

bool shmem_drop_swap(struct address_space *m, u64 index, void *item)
{
	if (!take_item(m, index, item))
		return false;
	swap_free(item_entry(item));				/* S1 */
	return true;
}

struct unuse { u32 type, left; int err; };

static void unuse_item(struct address_space *m, u64 index, void *item,
		       struct unuse *u)
{
	struct page *p;

	if (u->err || !u->left || swp_type(item_entry(item)) != u->type)
		return;
	p = shmem_swap_in(m, index, item);
	u->left--;
	if (!IS_ERR(p))
		put_page(p);
	else if (PTR_ERR(p) != -EAGAIN)
		u->err = (int)PTR_ERR(p);
}

static void unuse_mapping(struct address_space *m, void *arg)
{
	struct unuse *u = arg;
	void *items[GANG];
	u64 index[GANG], next = 0;

	while (READ_ONCE(m->nrswapped) && next != U64_MAX && u->left &&
	       !u->err) {
		u32 n = find_get_items(m, &next, items, index);

		for (u32 i = 0; i < n; i++) {
			if (item_is_swap(items[i]))
				unuse_item(m, index[i], items[i], u);
			put_item(items[i]);
		}
	}
}

int shmem_unuse(u32 type)
{
	struct unuse u = { .type = type, .left = UNUSE_BATCH };

	page_motion_begin();
	for_each_mapping(unuse_mapping, &u);
	page_motion_end();
	return u.err;
}
