/* SPDX-License-Identifier: MIT */
/*
 * Reclaim by lists: how much of which is looked at.
 *
 * A round looks at size >> priority pages of each list, from the old end, and
 * begins gently (priority 12).  What was not enough is done again with twice
 * the pressure, down to priority 0: everything.
 *
 * V1. The active lists are shortened only while they are longer than the
 *     inactive ones; a page that leaves one has had its accessed bits cleared,
 *     so the inactive list is its second chance.
 * V2. Anonymous pages, and those of files in memory, are looked at only while a
 *     swap slot is free.
 * V3. Pages under writeback count as progress: waiting for the device is not
 *     being out of memory.
 * V4. A page that was culled as unevictable while its mlock ended could stay
 *     there: before the last round (priority 0) all of them are looked at
 *     again.
 * V5. Half way down, what the kernel keeps for later goes too (shrinker.c).
 *
 * Locks: lru_lock for isolating; then shrink.c's.  Tests: tests/kt/kt_vmscan.c
 */
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "mm/internal_low.h"
#include "mm/motion.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/vmscan.h"
#include "mm/vmstat.h"

#define PRIORITY	12
#define BATCH		32U
#define WRITE_WAIT_MS	10

bool swap_is_tight(void)
{
	return nr_swap_free() * 2 < nr_swap_total();
}

/* Locked for the walk; a page that is busy counts as used. */
static bool used_text(struct page *p)
{
	u64 vm_flags = 0;
	int refs;

	if (!trylock_page(p))
		return true;
	refs = page_referenced(p, &vm_flags);
	unlock_page(p);
	return !page_test(p, PG_swapbacked) && refs && vm_flags & VM_EXEC;
}

/* Oldest active pages become the newest inactive ones (V1). */
static void shrink_active(struct pglist_data *n, enum lru_list lru, u32 nr)
{
	struct page *p, *next;
	LIST_HEAD(pages);

	page_motion_begin_reclaim();
	lru_isolate_list(n, lru, nr, &pages);
	list_for_each_entry_safe(p, next, &pages, lru) {
		count_vm_event(PGREFILL);
		list_del(&p->lru);
		if (!used_text(p)) {
			page_clear(p, PG_active);
			count_vm_event(PGDEACTIVATE);
		}
		lru_putback(p);
	}
	page_motion_end();
}

static void shrink_inactive(struct pglist_data *n, enum lru_list lru, u32 nr,
			    struct scan_control *sc)
{
	enum vm_event scan = sc->by == RECLAIM_KSWAPD ? PGSCAN_KSWAPD :
							PGSCAN_DIRECT;
	enum vm_event steal = sc->by == RECLAIM_KSWAPD ? PGSTEAL_KSWAPD :
							 PGSTEAL_DIRECT;
	LIST_HEAD(pages);
	u32 taken, freed;

	page_motion_begin_reclaim();
	taken = lru_isolate_list(n, lru, nr, &pages);
	freed = taken ? shrink_page_list(&pages, sc) : 0;
	page_motion_end();
	count_vm_events(scan, taken);
	count_vm_events(steal, freed);
}

/* Both lists of a kind, `inactive` and the active one behind it. */
static void shrink_lists(struct pglist_data *n, enum lru_list inactive,
			 struct scan_control *sc)
{
	enum lru_list active = (enum lru_list)(inactive + 1);
	u64 want = READ_ONCE(n->nr[inactive]) >> sc->priority;
	u64 refill = READ_ONCE(n->nr[active]) >> sc->priority;

	want = max(want, (u64)BATCH);
	refill = max(refill, (u64)BATCH);
	while (refill && READ_ONCE(n->nr[active]) >
			 READ_ONCE(n->nr[inactive])) {
		shrink_active(n, active, min_t(u32, (u32)refill, BATCH));
		refill -= min(refill, (u64)BATCH);
	}
	while (want && sc->reclaimed < sc->wanted &&
	       READ_ONCE(n->nr[inactive])) {
		shrink_inactive(n, inactive, min_t(u32, (u32)want, BATCH), sc);
		want -= min(want, (u64)BATCH);
	}
}

/* V4. */
static void rescue_unevictable(struct pglist_data *n)
{
	u64 nr = READ_ONCE(n->nr[LRU_UNEVICTABLE]);
	struct page *p, *next;
	LIST_HEAD(pages);

	page_motion_begin_reclaim();
	lru_isolate_list(n, LRU_UNEVICTABLE, (u32)nr, &pages);
	list_for_each_entry_safe(p, next, &pages, lru) {
		list_del(&p->lru);
		page_clear(p, PG_unevictable);
		lru_putback(p);
	}
	page_motion_end();
}

static void shrink_node(struct pglist_data *n, struct scan_control *sc)
{
	if (!sc->priority)
		rescue_unevictable(n);
	if (sc->priority == PRIORITY / 2)
		sc->reclaimed += shrink_caches();		/* V5 */
	shrink_lists(n, LRU_INACTIVE_FILE, sc);
	if (nr_swap_free())					/* V2 */
		shrink_lists(n, LRU_INACTIVE_ANON, sc);
}

u64 try_to_free_pages(u64 wanted, enum reclaim_by by)
{
	struct scan_control sc = { .by = by, .wanted = wanted };

	might_sleep();
	count_vm_event(by == RECLAIM_KSWAPD ? PAGEOUTRUN : ALLOCSTALL);
	for (sc.priority = PRIORITY; sc.priority >= 0; sc.priority--) {
		u64 before = sc.writing;

		shrink_node(&node_data[0], &sc);
		if (sc.reclaimed >= wanted)
			break;
		if (sc.writing > before)			/* V3 */
			sleep_ms(WRITE_WAIT_MS);
	}
	return sc.reclaimed ? sc.reclaimed : sc.writing;
}
