/* SPDX-License-Identifier: MIT */
/*
 * A batch of isolated pages: which of them can be freed, and how.
 *
 *	(1) lock the page (trylock)	busy: back to its list
 *	(2) referenced?			mlocked: unevictable; used: active
 *	(3) anonymous: a slot, cached	none left: active
 *	(4) unmap it everywhere		flushes owed by the batch
 *	 -- all pages of the batch done: flush once --
 *	(5) dirty: write it back	under way: back to its list, free later
 *	    (a page of a file in memory goes to the swap cache: shmem_swap.c)
 *	(6) freeze the count, look again, out of its cache
 *	(7) free it
 *
 * K1. Flush before (5): no page is written or freed, nor can its slot be read
 *     into another frame, while a CPU may still use the old one.  So a thread
 *     never sees the old bytes after another thread wrote the new.
 * K2. Pages stay locked from (1) to (6), all by trylock, so nobody who waits
 *     for one holds what we wait for.
 * K3. (6) expects the isolating reference, and the cache's.  Dirty is looked
 *     at after the freeze: a holder that wrote set it before it put (S5).
 * K5. KSM pages stay: those who map one are no relatives, but a page read from
 *     swap belongs to one family of anon_vmas.  What was merged is already
 *     several pages less.
 * K4. Whoever reclaims may use the reserve (thread->memalloc) and does not
 *     reclaim recursively.
 *
 * Locks: page locks; inside them rmap and table locks.
 * Tests: tests/kt/kt_vmscan.c, kt_swapfile.c; tests/race/race_reclaim.c
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/tlb_batch.h"
#include "mm/vmscan.h"
#include "mm/vmstat.h"
#include "mm/writeback.h"

enum verdict { RECLAIM_IT, KEEP_IT, ACTIVATE_IT, UNEVICTABLE_IT };

/* (2): the second chance. */
static enum verdict check_references(struct page *p,
				     const struct scan_control *sc)
{
	u64 vm_flags;
	int refs = page_referenced(p, &vm_flags);
	bool before = page_test_clear(p, PG_referenced);

	if (vm_flags & VM_LOCKED)
		return UNEVICTABLE_IT;
	if (!refs || sc->flags & SCAN_IGNORE_REFERENCES)
		return RECLAIM_IT;
	if (page_test(p, PG_swapbacked))
		return ACTIVATE_IT;
	page_set(p, PG_referenced);
	return before || refs > 1 || vm_flags & VM_EXEC ? ACTIVATE_IT : KEEP_IT;
}

/* (2)-(4).  p is locked. */
static enum verdict prepare(struct page *p, struct scan_control *sc,
			    struct tlb_batch *batch)
{
	enum verdict v;

	if (page_test(p, PG_writeback)) {
		sc->writing++;
		return KEEP_IT;
	}
	if (page_is_ksm(p))
		return UNEVICTABLE_IT;				/* K5 */
	v = check_references(p, sc);
	if (v != RECLAIM_IT)
		return v;
	if (page_is_anon(p) && page_test(p, PG_swapbacked) &&
	    page_mapped(p) && !page_test(p, PG_swapcache) && !add_to_swap(p))
		return ACTIVATE_IT;
	if (page_mapped(p) && !try_to_unmap(p, batch))
		return ACTIVATE_IT;
	return RECLAIM_IT;
}

/*
 * A dirty page in no swap cache.  True: go on.  A file's page that nothing can
 * write is in use, as far as we know.
 */
static bool file_page_writable(struct page *p)
{
	const struct address_space *m = READ_ONCE(p->mapping);

	if (!m || page_is_anon(p))
		return true;				/* truncated; lazyfree */
	if (mapping_can_swap(m) && shmem_swap_out(p))
		return true;
	page_set(p, PG_active);
	return false;
}

static bool file_can_write(const struct page *p)
{
	const struct address_space *m = READ_ONCE(p->mapping);

	return page_test(p, PG_dirty) && !page_test(p, PG_swapcache) && m &&
	       !page_is_anon(p) && mapping_can_writeback(m);
}

/* (5).  True: clean now. */
static bool write_back(struct page *p, struct scan_control *sc)
{
	if (!page_test(p, PG_dirty))
		return true;
	if (!page_test(p, PG_swapcache) && !file_page_writable(p))
		return false;
	if (!page_test(p, PG_swapcache))
		return true;
	if (!swap_count((swp_entry_t){ p->private }))
		return true;			/* nobody wants the bytes */
	swap_writepage(p);
	count_vm_event(PSWPOUT);
	sc->writing += page_test(p, PG_writeback);
	return !page_test(p, PG_dirty) && !page_test(p, PG_writeback);
}

/* (6) of a page in no cache: lazyfree, or let go by everybody. */
static int freeze_alone(struct page *p)
{
	if (!page_ref_freeze(p, 1))
		return -EBUSY;
	if (page_mapped(p) || (page_is_anon(p) && page_test(p, PG_dirty) &&
			       !page_test(p, PG_swapbacked))) {
		page_ref_unfreeze(p, 1);
		return -EBUSY;
	}
	return 0;
}

/* (5)-(6).  True: count 0, in no cache. */
static bool let_go(struct page *p, struct scan_control *sc)
{
	RACE_POINT("shrink:before_write");
	if (!write_back(p, sc))
		return false;
	RACE_POINT("shrink:before_freeze");
	if (page_test(p, PG_swapcache))
		return !swap_cache_remove_frozen(p);
	if (page_is_anon(p) && !page_test(p, PG_swapbacked))
		count_vm_event(PGLAZYFREED);
	if (!page_is_anon(p) && READ_ONCE(p->mapping))
		return !remove_mapping_frozen(p);
	return !freeze_alone(p);
}

static void put_back(struct page *p, enum verdict v)
{
	if (v == ACTIVATE_IT) {
		page_set(p, PG_active);
		count_vm_event(PGACTIVATE);
	} else if (v == UNEVICTABLE_IT) {
		page_clear(p, PG_active);
		page_set(p, PG_unevictable);
		count_vm_event(UNEVICTABLE_PGS_CULLED);
	}
	lru_putback(p);
}

/* First half: those that are unmapped stay locked, on `ready`. */
static void unmap_pages(struct list_head *pages, struct list_head *ready,
			struct list_head keep[], struct scan_control *sc)
{
	struct tlb_batch batch;
	struct page *p, *n;

	tlb_batch_init(&batch);
	list_for_each_entry_safe(p, n, pages, lru) {
		enum verdict v = KEEP_IT;

		sc->scanned++;
		if (trylock_page(p)) {				/* (1) */
			v = prepare(p, sc, &batch);
			if (v != RECLAIM_IT)
				unlock_page(p);
		}
		list_move_tail(&p->lru, v == RECLAIM_IT ? ready : &keep[v]);
	}
	tlb_batch_flush(&batch);				/* K1 */
}

static u32 free_ready(struct list_head *ready, struct list_head *keep,
		      struct scan_control *sc)
{
	struct page *p, *n;
	u32 freed = 0;

	list_for_each_entry_safe(p, n, ready, lru) {
		bool gone;

		list_del(&p->lru);
		if (file_can_write(p)) {
			write_one_page(p);		/* unlocks it */
			sc->writing++;
			list_add(&p->lru, keep);
			continue;
		}
		gone = let_go(p, sc);
		unlock_page(p);
		if (gone) {
			lru_forget_isolated(p);
			free_page(p);				/* (7) */
			freed++;
		} else {
			list_add(&p->lru, keep);
		}
	}
	return freed;
}

u32 shrink_page_list(struct list_head *pages, struct scan_control *sc)
{
	struct list_head keep[UNEVICTABLE_IT + 1];
	struct page *p, *n;
	LIST_HEAD(ready);
	u32 freed;

	for (int v = 0; v <= UNEVICTABLE_IT; v++)
		INIT_LIST_HEAD(&keep[v]);
	current()->memalloc++;					/* K4 */
	unmap_pages(pages, &ready, keep, sc);
	freed = free_ready(&ready, &keep[KEEP_IT], sc);
	for (int v = 0; v <= UNEVICTABLE_IT; v++) {
		list_for_each_entry_safe(p, n, &keep[v], lru) {
			list_del(&p->lru);
			put_back(p, (enum verdict)v);
		}
	}
	current()->memalloc--;
	sc->reclaimed += freed;
	return freed;
}
