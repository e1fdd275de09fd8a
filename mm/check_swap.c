/* SPDX-License-Identifier: MIT */
/*
 * The auditor's part about swap and the reclaim lists.
 *
 * I9.  A slot's count is the number of swap entries found that name it, in tables
 *      and in files; it is
 *      marked cached if and only if the cache has a page for it; a slot that
 *      is neither is not marked used.
 * I10. A page on a list is PG_lru and on the list its flags name; lists are as
 *      long as they say; no more mapped or cached pages are off the lists
 *      than are isolated.
 *
 * The counts live beside the device (lab builds), so an audit allocates
 * nothing.  Locks: SWAP, I_PAGES, LRU, one at a time.  Tests: tests/kt/kt_check.c
 */
#include "kernel/printk.h"
#include "mm/check_swap.h"
#include "mm/lru.h"
#include "mm/swap.h"

#define MAX_LINES 10

static u32 problems;
static bool strays;		/* an entry of no device, or of no slot */

static bool complain(void)
{
	return problems++ < MAX_LINES;
}

void check_swap_begin(void)
{
	strays = false;
	for (u32 i = 1; i <= MAX_SWAPFILES; i++) {
		struct swap_info *si = &swap_devs[i];

		if (!si->audit)
			continue;
		for (u64 s = find_next_bit(si->used, si->slots, 0);
		     s < si->slots;
		     s = find_next_bit(si->used, si->slots, s + 1))
			si->audit[s] = 0;
	}
}

void check_swap_entry(swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);

	if (!CONFIG_LAB)
		return;
	if (!si->audit || swp_offset(entry) >= si->slots ||
	    !test_bit(swp_offset(entry), si->used))
		strays = true;
	else
		si->audit[swp_offset(entry)]++;
}

static void check_slot(struct swap_info *si, u64 slot, u64 *cached)
{
	u32 count = READ_ONCE(si->map[slot]);

	*cached += !!(count & SLOT_CACHED);
	if ((count & SLOT_COUNT) != si->audit[slot] && complain())
		pr_err("audit: I9: slot %llu of swap %u has %u entries, counts %u\n",
		       slot, si->type, si->audit[slot],
		       (u32)(count & SLOT_COUNT));
	if (!count && complain())
		pr_err("audit: I9: slot %llu of swap %u is used by nobody\n",
		       slot, si->type);
}

/* Pages in the tree; each one that is wrong is a problem. */
static u64 check_cache(struct swap_info *si)
{
	struct address_space *m = &si->cache;
	u64 index[16], first = 0, n = 0;
	void *item[16];
	u32 got;

	spin_lock(&m->i_pages_lock);
	while ((got = radix_tree_gang_lookup(&m->i_pages, item, index, first,
					     ARRAY_SIZE(item)))) {
		for (u32 i = 0; i < got; i++) {
			const struct page *p = item[i];

			if (page_test(p, PG_swapcache) &&
			    p->private == swp_entry(si->type, index[i]).val &&
			    READ_ONCE(si->map[index[i]]) & SLOT_CACHED)
				continue;
			if (complain())
				pr_err("audit: I9: frame %llx, cached for slot %llu, says %llx\n",
				       page_to_pfn(p), index[i], p->private);
		}
		n += got;
		first = index[got - 1] + 1;
	}
	spin_unlock(&m->i_pages_lock);
	return n;
}

static void check_device(struct swap_info *si)
{
	u64 cached = 0, used = 0, in_tree = check_cache(si), s;

	for (s = find_next_bit(si->used, si->slots, 0); s < si->slots;
	     s = find_next_bit(si->used, si->slots, s + 1)) {
		used++;
		check_slot(si, s, &cached);
	}
	if ((cached != in_tree || used != si->inuse) && complain())
		pr_err("audit: I9: swap %u: %llu slots cached, %llu pages; "
		       "%llu used, counts %llu\n",
		       si->type, cached, in_tree, used, si->inuse);
}

u32 check_swap_end(void)
{
	problems = 0;
	if (strays && complain())
		pr_err("audit: I9: a swap entry names no slot\n");
	for (u32 i = 1; i <= MAX_SWAPFILES; i++)
		if (swap_devs[i].audit)
			check_device(&swap_devs[i]);
	return problems;
}

static enum lru_list list_by_flags(const struct page *p)
{
	if (page_test(p, PG_unevictable))
		return LRU_UNEVICTABLE;
	return (enum lru_list)((page_test(p, PG_swapbacked) ?
				LRU_INACTIVE_ANON : LRU_INACTIVE_FILE) +
			       page_test(p, PG_active));
}

static void check_list(struct pglist_data *n, enum lru_list lru)
{
	const struct page *p;
	u64 nr = 0;

	spin_lock(&n->lru_lock);
	list_for_each_entry(p, &n->lists[lru], lru) {
		nr++;
		if ((!page_test(p, PG_lru) || list_by_flags(p) != lru) &&
		    complain())
			pr_err("audit: I10: frame %llx on %s has flags %llx\n",
			       page_to_pfn(p), lru_list_name[lru], p->flags);
	}
	if (nr != n->nr[lru] && complain())
		pr_err("audit: I10: %s has %llu pages, counts %llu\n",
		       lru_list_name[lru], nr, n->nr[lru]);
	spin_unlock(&n->lru_lock);
}

u32 check_lru(u64 off_list)
{
	struct pglist_data *n = &node_data[0];
	s64 isolated = atomic64_read(&n->nr_isolated);

	problems = 0;
	for (int i = 0; i < NR_LRU_LISTS; i++)
		check_list(n, (enum lru_list)i);
	if ((s64)off_list > isolated && complain())
		pr_err("audit: I10: %llu pages are on no list, %lld isolated\n",
		       off_list, isolated);
	return problems;
}
