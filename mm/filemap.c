/* SPDX-License-Identifier: MIT */
/*
 * The page cache: see filemap.h for the protocol of lookup (1)(2)(3) and
 * removal (A)(B)(C).
 *
 * C1. A page in the tree has mapping and index set before it is published, and
 *     they stay until it is removed, under i_pages_lock with the page locked.
 * C2. The tree holds one reference on each of its pages.
 * C3. The count of a page is unstable until frozen: nothing here asserts it.
 * C4. Only uptodate pages are handed out; read_folio fills a page under its
 *     lock, which makes one reader do the work and the others wait.
 * C5. Dirty is tested after the freeze: a holder that wrote, set dirty and put
 *     did so before the freeze could succeed (cmpxchg is the barrier).
 * C6. Pages removed by truncate may still have holders: they see mapping NULL
 *     under the page lock and look the page up again.  So do those that went
 *     to swap, whose slot has a swap item then (shmem.h): no page, no reference.
 *
 * Interleavings and their tests:
 *	(2) before (A)	(A) fails, page stays		race_filemap get_first
 *	(A) before (2)	lookup retries, finds none	race_filemap freeze_first
 *	(1), whole removal, frame reused elsewhere, (2): (3) sees the slot
 *			changed and puts		race_filemap reused
 *
 * Locks: mapping->i_pages_lock innermost; page lock around removal.
 * Tests: tests/kt/kt_filemap.c, tests/race/race_filemap.c
 */
#include "arch/cpu.h"
#include "arch/percpu.h"
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/lru.h"
#include "mm/motion.h"
#include "mm/page_alloc.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/writeback.h"

static struct kmem_cache *node_cache;
static struct rwsem mappings_sem = RWSEM_INIT(mappings_sem, LOCK_MAPPINGS);
static LIST_HEAD(all_mappings);			/* mappings_sem */
static atomic64_t nr_pages, nr_shmem;
static DEFINE_PER_CPU(struct filemap_stats, counts);

static struct radix_tree_node *node_alloc(void *ctx)
{
	(void)ctx;
	return kmem_cache_alloc(node_cache);
}

static void node_free(struct rcu_head *head)
{
	kmem_cache_free(node_cache, container_of((u64 (*)[4])(void *)head,
					struct radix_tree_node, rcu_space));
}

static void node_free_rcu(void *ctx, struct radix_tree_node *node)
{
	(void)ctx;
	static_assert(sizeof(struct rcu_head) <= sizeof(node->rcu_space));
	call_rcu((struct rcu_head *)(void *)node->rcu_space, node_free);
}

static const struct radix_tree_ops node_ops = { node_alloc, node_free_rcu };

void filemap_cache_init(void)
{
	node_cache = kmem_cache_create("radix_node",
				       sizeof(struct radix_tree_node), 64,
				       SLAB_PLAIN, NULL);
}

void address_space_init_tree(struct address_space *m)
{
	spin_lock_init(&m->i_pages_lock, LOCK_I_PAGES);
	radix_tree_init(&m->i_pages, &node_ops, NULL);
	m->nrpages = 0;
	m->nrswapped = 0;
}

void address_space_init(struct address_space *m,
			const struct address_space_operations *ops, void *host)
{
	m->a_ops = ops;
	m->host = host;
	address_space_init_tree(m);
	m->nrdirty = 0;
	m->size = 0;
	m->wb_err = 0;
	INIT_LIST_HEAD(&m->wb_link);
	rwsem_init(&m->i_mmap_rwsem, LOCK_I_MMAP);
	m->i_mmap = RB_ROOT;
	m->flags = 0;
	down_write(&mappings_sem);
	list_add_tail(&m->all_link, &all_mappings);
	up_write(&mappings_sem);
}

void address_space_destroy(struct address_space *m)
{
	KASSERT(RB_EMPTY_ROOT(&m->i_mmap));
	down_write(&mappings_sem);
	list_del(&m->all_link);
	up_write(&mappings_sem);
	truncate_pagecache(m, 0);
	BUG_ON(m->nrpages || m->nrdirty || !radix_tree_empty(&m->i_pages));
}

void for_each_mapping(void (*fn)(struct address_space *m, void *arg), void *arg)
{
	struct address_space *m;

	down_read(&mappings_sem);
	list_for_each_entry(m, &all_mappings, all_link)
		fn(m, arg);
	up_read(&mappings_sem);
}

u64 nr_cache_pages(void)
{
	return (u64)atomic64_read(&nr_pages);
}

u64 nr_shmem_pages(void)
{
	return (u64)atomic64_read(&nr_shmem);
}

/* PG_swapbacked of a page stays as it is while a file has it. */
void account_cache_page(const struct page *p, s64 n)
{
	atomic64_add(n, &nr_pages);
	if (page_test(p, PG_swapbacked))
		atomic64_add(n, &nr_shmem);
}

void filemap_stats(struct filemap_stats *s)
{
	const u64 *from;
	u64 *to = (u64 *)s;

	*s = (struct filemap_stats){ 0 };
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		if (cpu && !__per_cpu_offset[cpu])
			continue;
		from = (const u64 *)per_cpu_ptr(&counts, cpu);
		for (u32 i = 0; i < sizeof(*s) / sizeof(u64); i++)
			to[i] += READ_ONCE(from[i]);
	}
}

/*
 * One try.  RCU section held.  True: *found is the answer (or NULL).
 */
static bool try_lookup(struct address_space *m, u64 index, void **found)
{
	void **slot = radix_tree_lookup_slot(&m->i_pages, index);
	struct page *p = slot ? rcu_dereference(*slot) : NULL;	/* (1) */

	*found = p;
	if (!p || item_is_swap(p))
		return true;
	RACE_POINT("filemap:after_load");
	if (!get_page_unless_zero(p)) {				/* (2) */
		this_cpu_inc(counts.retry_zero);
		return false;
	}
	RACE_POINT("filemap:after_get");
	if (BUG_SWITCH("filemap_no_recheck"))
		return true;
	if (likely(rcu_dereference(*slot) == p))		/* (3) */
		return true;
	this_cpu_inc(counts.retry_moved);
	put_page(p);
	return false;
}

void *find_get_item(struct address_space *m, u64 index)
{
	void *item;

	this_cpu_inc(counts.lookups);
	rcu_read_lock();
	while (!try_lookup(m, index, &item))
		cpu_relax();
	rcu_read_unlock();
	return item;
}

struct page *find_get_page(struct address_space *m, u64 index)
{
	void *item = find_get_item(m, index);

	return item_is_swap(item) ? NULL : item;
}

void put_item(void *item)
{
	if (!item_is_swap(item))
		put_page(item);
}

int add_to_page_cache(struct page *p, struct address_space *m, u64 index)
{
	int err;

	KASSERT(page_test(p, PG_locked));
	get_page(p);						/* C2 */
	p->index = index;
	if (mapping_swaps_all(m))
		page_set(p, PG_swapbacked);
	WRITE_ONCE(p->mapping, m);
	spin_lock(&m->i_pages_lock);
	err = radix_tree_insert(&m->i_pages, index, p);		/* C1 */
	if (!err)
		m->nrpages++;
	if (CONFIG_LAB && !err)
		page_become(p, PG_cache);
	spin_unlock(&m->i_pages_lock);
	if (err) {
		WRITE_ONCE(p->mapping, NULL);
		put_page(p);
		return err;
	}
	account_cache_page(p, 1);
	this_cpu_inc(counts.added);
	lru_add(p);
	return 0;
}

/* i_pages_lock held, p locked. */
static void remove_locked(struct address_space *m, struct page *p)
{
	void *old = radix_tree_delete(&m->i_pages, p->index);	/* (B) */

	BUG_ON(old != p);
	m->nrpages--;
	if (CONFIG_LAB)
		page_unbecome(p, PG_cache);
	WRITE_ONCE(p->mapping, NULL);
	account_cache_page(p, -1);
	this_cpu_inc(counts.removed);
}

void delete_from_page_cache(struct page *p)
{
	struct address_space *m = p->mapping;

	KASSERT(page_test(p, PG_locked) && !page_mapped(p));
	KASSERT(!page_test(p, PG_writeback));
	spin_lock(&m->i_pages_lock);
	cancel_dirty_page(m, p);
	remove_locked(m, p);
	spin_unlock(&m->i_pages_lock);
	put_page(p);
}

int remove_mapping_frozen(struct page *p)
{
	struct address_space *m = p->mapping;
	const int expected = 2;			/* the cache's, the caller's */

	bool clean = BUG_SWITCH("dirty_before_freeze") &&
		     !page_test(p, PG_dirty);

	KASSERT(page_test(p, PG_locked));
	RACE_POINT("remove:before_freeze");
	spin_lock(&m->i_pages_lock);
	if (!page_ref_freeze(p, expected)) {			/* (A) */
		spin_unlock(&m->i_pages_lock);
		this_cpu_inc(counts.freeze_failed);
		return -EBUSY;
	}
	RACE_POINT("remove:after_freeze");
	if ((!clean && page_test(p, PG_dirty)) || page_mapped(p)) { /* C5 */
		page_ref_unfreeze(p, expected);
		spin_unlock(&m->i_pages_lock);
		return -EBUSY;
	}
	if (clean)
		cancel_dirty_page(m, p);
	remove_locked(m, p);
	spin_unlock(&m->i_pages_lock);
	return 0;
}

int remove_mapping(struct page *p)
{
	int err = remove_mapping_frozen(p);

	if (err)
		return err;
	unlock_page(p);
	lru_del(p);
	free_page(p);						/* (C) */
	return 0;
}

int replace_page_cache_page(struct page *old, struct page *new)
{
	struct address_space *m = old->mapping;
	const int expected = 2;			/* the cache's, the caller's */

	KASSERT(page_test(old, PG_locked) && page_test(new, PG_locked));
	KASSERT(!page_test(old, PG_writeback) && !new->mapping);
	spin_lock(&m->i_pages_lock);
	if (!page_ref_freeze(old, expected)) {			/* (A) */
		spin_unlock(&m->i_pages_lock);
		this_cpu_inc(counts.freeze_failed);
		return -EBUSY;
	}
	/* commit */
	get_page(new);						/* C2 */
	new->index = old->index;
	WRITE_ONCE(new->mapping, m);				/* C1 */
	if (page_test(old, PG_uptodate))
		page_set(new, PG_uptodate);
	if (page_test_clear(old, PG_dirty))			/* C5; tags stay */
		page_set(new, PG_dirty);
	(void)radix_tree_replace(&m->i_pages, new->index, new);	/* (B) */
	if (CONFIG_LAB) {
		page_unbecome(old, PG_cache);
		page_become(new, PG_cache);
	}
	WRITE_ONCE(old->mapping, NULL);
	page_ref_unfreeze(old, expected - 1);			/* (C) */
	spin_unlock(&m->i_pages_lock);
	lru_add(new);
	return 0;
}

/*
 * The lock is not on anybody's list of held locks: read-ahead leaves it to the
 * device's answer.
 */
struct page *add_new_page(struct address_space *m, u64 index)
{
	struct page *p = alloc_page(ALLOC_RECLAIM);
	int err;

	if (!p)
		return ERR_PTR(-ENOMEM);
	page_set(p, PG_locked);
	err = add_to_page_cache(p, m, index);
	if (!err)
		return p;
	unlock_page(p);
	put_page(p);
	return ERR_PTR(err);
}

void page_read_done(struct page *p, int err)
{
	if (!err) {
		smp_wmb();	/* as in fill_page */
		page_set(p, PG_uptodate);
		this_cpu_inc(counts.reads);
	}
	unlock_page(p);
	put_page(p);
}

/* p is locked and has our reference, not uptodate.  Unlocks.  C4. */
static struct page *fill_page(struct address_space *m, struct page *p)
{
	int err = m->a_ops->read_folio(m, p);

	if (!err) {
		smp_wmb();	/* bytes before the flag; reader: page_uptodate */
		page_set(p, PG_uptodate);
		unlock_page(p);
		this_cpu_inc(counts.reads);
		return p;
	}
	delete_from_page_cache(p);
	unlock_page(p);
	put_page(p);
	return ERR_PTR(err);
}

static bool page_uptodate(const struct page *p)
{
	bool ok = page_test(p, PG_uptodate);

	smp_rmb();		/* pairs with fill_page */
	return ok;
}

/* One that is not there, or not yet uptodate.  Inside motion. */
static struct page *read_missing_page(struct address_space *m, u64 index)
{
	struct page *p;
	void *item;

	for (;;) {
		item = find_get_item(m, index);
		if (item_is_swap(item)) {
			p = shmem_swap_in(m, index, item);
			if (PTR_ERR_OR_ZERO(p) != -EAGAIN)
				return p;
			cpu_relax();
			continue;
		}
		p = item;
		if (p && page_uptodate(p))
			return p;
		if (!p) {
			p = add_new_page(m, index);
			if (!IS_ERR(p))
				return fill_page(m, p);
			if (PTR_ERR(p) != -EEXIST)
				return p;
			continue;
		}
		lock_page(p);
		if (READ_ONCE(p->mapping) == m && !page_uptodate(p))
			return fill_page(m, p);
		if (READ_ONCE(p->mapping) == m) {
			unlock_page(p);
			return p;
		}
		unlock_page(p);				/* C6 */
		put_page(p);
	}
}

struct page *read_cache_page(struct address_space *m, u64 index)
{
	struct page *p = find_get_page(m, index);

	if (likely(p && page_uptodate(p)))
		return p;
	if (p)
		put_page(p);
	page_motion_begin();
	p = read_missing_page(m, index);
	page_motion_end();
	return p;
}
