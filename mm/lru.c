/* SPDX-License-Identifier: MIT */
/*
 * The lists of reclaim: active and inactive for anonymous and file pages, and
 * one for pages that cannot be reclaimed at the moment (mlock).
 *
 *	first mapped or cached -> inactive -> (referenced) -> active
 *	       reclaimed <------- inactive <- (old, list too long) -+
 *
 * L1. A page is on the list that PG_swapbacked, PG_active and PG_unevictable
 *     name if and only if PG_lru is set; all four and the list change under
 *     lru_lock.  (PG_swapbacked also changes under the page lock, but of an
 *     isolated page only.)
 * L2. A list holds no reference: whoever drops the last one takes the page off
 *     (put_page).  So membership never shows in the count.
 * L3. Who isolates takes a reference with get_page_unless_zero under lru_lock:
 *     a page on its way out (count 0) or frozen is skipped.
 * L4. Between isolation and putback or free a page is PG_isolated, and its
 *     ->lru belongs to whoever isolated it: nobody else puts it on a list, for
 *     example when it is mapped again meanwhile.  nr_isolated counts them.
 *
 *	last put			isolate, lru_lock
 *	(1) count 1 -> 0		(A) get_page_unless_zero
 *	(2) lru_lock, off the list	(B) off the list, PG_lru clear
 *	(3) free
 * (1) before (A): skipped.  (A) before (1): that put was not the last.
 *
 * Locks: lru_lock (LRU), nothing inside it.  Tests: tests/kt/kt_lru.c
 */
#include "mm/lru.h"

struct pglist_data node_data[1];

const char *const lru_list_name[NR_LRU_LISTS] = {
	"inactive_anon", "active_anon", "inactive_file", "active_file",
	"unevictable",
};

void lru_init(void)
{
	struct pglist_data *n = &node_data[0];

	spin_lock_init(&n->lru_lock, LOCK_LRU);
	init_waitqueue_head(&n->kswapd_wait);
	for (int i = 0; i < NR_LRU_LISTS; i++)
		INIT_LIST_HEAD(&n->lists[i]);
}

static enum lru_list list_of(const struct page *p)
{
	int lru = page_test(p, PG_swapbacked) ? LRU_INACTIVE_ANON :
						LRU_INACTIVE_FILE;

	if (page_test(p, PG_unevictable))
		return LRU_UNEVICTABLE;
	return (enum lru_list)(lru + page_test(p, PG_active));
}

enum { LRU_NEW_END, LRU_OLD_END };

/* lru_lock held. */
static void add_locked(struct pglist_data *n, struct page *p, int where)
{
	enum lru_list lru = list_of(p);

	page_set(p, PG_lru);
	if (where == LRU_NEW_END)
		list_add(&p->lru, &n->lists[lru]);
	else
		list_add_tail(&p->lru, &n->lists[lru]);
	WRITE_ONCE(n->nr[lru], n->nr[lru] + 1);
}

static void del_locked(struct pglist_data *n, struct page *p)
{
	enum lru_list lru = list_of(p);

	page_clear(p, PG_lru);
	list_del(&p->lru);
	WRITE_ONCE(n->nr[lru], n->nr[lru] - 1);
}

bool lru_holds(const struct page *p)
{
	struct pglist_data *n = page_pgdat(p);
	bool on;

	spin_lock(&n->lru_lock);
	on = page_test(p, PG_lru);
	spin_unlock(&n->lru_lock);
	return on;
}

void lru_add(struct page *p)
{
	struct pglist_data *n = page_pgdat(p);

	if (page_test(p, PG_lru))
		return;
	spin_lock(&n->lru_lock);
	if (!page_test(p, PG_lru) && !page_test(p, PG_isolated))	/* L4 */
		add_locked(n, p, LRU_NEW_END);
	spin_unlock(&n->lru_lock);
}

void lru_del(struct page *p)
{
	struct pglist_data *n = page_pgdat(p);

	if (!page_test(p, PG_lru))
		return;
	spin_lock(&n->lru_lock);
	if (page_test(p, PG_lru))
		del_locked(n, p);
	spin_unlock(&n->lru_lock);
}

/* lru_lock held.  L3. */
static bool isolate_locked(struct pglist_data *n, struct page *p)
{
	if (!page_test(p, PG_lru) || !get_page_unless_zero(p))
		return false;
	del_locked(n, p);
	page_set(p, PG_isolated);
	atomic64_inc(&n->nr_isolated);
	return true;
}

u32 lru_isolate_list(struct pglist_data *n, enum lru_list lru, u32 max,
		     struct list_head *out)
{
	struct list_head *list = &n->lists[lru];
	u32 got = 0, looked = 0;

	spin_lock(&n->lru_lock);
	while (!list_empty(list) && got < max && looked++ < 4 * max) {
		struct page *p = list_last_entry(list, struct page, lru);

		if (isolate_locked(n, p)) {
			list_add(&p->lru, out);
			got++;
		} else {
			list_move(&p->lru, list);
		}
	}
	spin_unlock(&n->lru_lock);
	return got;
}

bool lru_isolate_page(struct page *p)
{
	struct pglist_data *n = page_pgdat(p);
	bool ok;

	spin_lock(&n->lru_lock);
	ok = isolate_locked(n, p);
	spin_unlock(&n->lru_lock);
	return ok;
}

void lru_putback(struct page *p)
{
	struct pglist_data *n = page_pgdat(p);

	spin_lock(&n->lru_lock);
	KASSERT(!page_test(p, PG_lru) && page_test(p, PG_isolated));
	page_clear(p, PG_isolated);
	add_locked(n, p, LRU_NEW_END);
	spin_unlock(&n->lru_lock);
	atomic64_dec(&n->nr_isolated);
	put_page(p);
}

void lru_forget_isolated(struct page *p)
{
	page_clear(p, PG_isolated);
	atomic64_dec(&page_pgdat(p)->nr_isolated);
}

/* Changes flags of p, moving it when it is on a list. */
static void reflag(struct page *p, enum page_flag set, enum page_flag clear,
		   int where)
{
	struct pglist_data *n = page_pgdat(p);
	bool on_list;

	spin_lock(&n->lru_lock);
	on_list = page_test(p, PG_lru);
	if (on_list)
		del_locked(n, p);
	if (set != clear)
		page_set(p, set);
	page_clear(p, clear);
	if (on_list)
		add_locked(n, p, where);
	spin_unlock(&n->lru_lock);
}

void lru_activate(struct page *p)
{
	if (!page_test(p, PG_active))
		reflag(p, PG_active, PG_referenced, LRU_NEW_END);
}

void lru_deactivate(struct page *p)
{
	reflag(p, PG_active, PG_active, LRU_OLD_END);
}

void lru_munlock(struct page *p)
{
	if (page_test(p, PG_unevictable))
		reflag(p, PG_unevictable, PG_unevictable, LRU_NEW_END);
}

void lru_lazyfree(struct page *p)
{
	page_clear(p, PG_referenced);
	if (page_test(p, PG_active))
		lru_deactivate(p);
	reflag(p, PG_swapbacked, PG_swapbacked, LRU_NEW_END);
}

u64 lru_pages(enum lru_list lru)
{
	return READ_ONCE(node_data[0].nr[lru]);
}
