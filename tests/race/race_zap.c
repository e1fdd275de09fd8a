/* SPDX-License-Identifier: MIT */
/*
 * Rule Z2 of mm/zap.c: zap has cleared a dirty entry and not yet flushed; a
 * cleaner that comes now must not find the page unmapped.
 *
 *	zap, table locked		rmap walk
 *	(1) entry cleared		(A) the entry maps the page? table lock
 *	(2) flushed; mapcount		(B) still mapped?
 *	(3) unlock
 * Between (1) and (2) the counts are ahead of the entries: (A) waits for (3),
 * or (B) gives up a page that nobody maps.
 */
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"
#include "tests/race/race_util.h"

static void unmap_thread(void *arg)
{
	do_munmap(arg, KT_BASE, 0x1000);
}

static void clean_thread(void *arg)
{
	struct page *p = arg;

	lock_page(p);
	page_mkclean(p);
	page_clear(p, PG_dirty);	/* written back, so to speak */
	unlock_page(p);
}

static void zap_dirty_vs_mkclean(struct kt *t)
{
	struct kt_file *f = kt_file_create(3, 0x1000);
	struct mm_struct *mm = mm_alloc();
	struct thread *zapper, *cleaner;
	struct page *p;

	kt_pin(0);
	kt_map_file(mm, f, 0, 0x1000, MAP_SHARED);
	kt_poke(mm, KT_BASE, 1);
	p = find_get_page(&f->m, 0);
	zapper = race_park(t, "zap:dirty_before_flush", (int)kt_other_cpu(), unmap_thread,
		       mm);
	KT_EXPECT(t, page_mapped(p));		/* the rmap still says so */
	KT_EXPECT(t, page_test(p, PG_dirty));
	/* It spins for a lock, so it must not share a CPU with us. */
	cleaner = kthread_run("cleaner", (int)kt_third_cpu(), clean_thread, p);
	for (u32 i = 0; i < 20; i++)
		yield();
	KT_EXPECT(t, page_test(p, PG_dirty));	/* it waits for the flush */
	race_let_go("zap:dirty_before_flush", zapper);
	thread_join(cleaner);
	KT_EXPECT(t, !page_mapped(p));
	put_page(p);
	kt_unpin();
	mmput(mm);
	kt_file_put(f);
}

struct unmapper {
	struct page *page;
	u32 done;
	bool unmapped;
};

static void rmap_thread(void *arg)
{
	struct unmapper *u = arg;

	lock_page(u->page);
	u->unmapped = try_to_unmap(u->page, NULL);
	unlock_page(u->page);
	WRITE_ONCE(u->done, 1);
}

/* What the walker says of a page that a zap is about to be done with. */
static bool walk_within_zap(struct kt *t, const char *bug)
{
	struct kt_file *f = kt_file_create(3, 0x1000);
	struct mm_struct *mm = mm_alloc();
	struct thread *zapper, *walker;
	struct unmapper u = { NULL };

	if (bug)
		bug_set(bug, 1);
	kt_pin(0);
	kt_map_file(mm, f, 0, 0x1000, MAP_SHARED);
	kt_poke(mm, KT_BASE, 1);
	u.page = find_get_page(&f->m, 0);
	zapper = race_park(t, "zap:dirty_before_flush", (int)kt_other_cpu(), unmap_thread,
		       mm);
	KT_EQ(t, page_mapcount(u.page), 1);
	KT_EXPECT(t, pte_none(kt_pte(mm, KT_BASE)));
	walker = kthread_run("walker", (int)kt_third_cpu(), rmap_thread, &u);
	if (bug)
		KT_EXPECT(t, kt_wait_for(READ_ONCE(u.done)));
	else
		sleep_ms(5);
	KT_EQ(t, READ_ONCE(u.done), bug != NULL);
	race_let_go("zap:dirty_before_flush", walker);
	thread_join(zapper);
	KT_EXPECT(t, !page_mapped(u.page));
	put_page(u.page);
	kt_unpin();
	mmput(mm);
	kt_file_put(f);
	return u.unmapped;
}

KTEST_FLAGS(race, rmap_walk_within_zap, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	KT_EXPECT(t, walk_within_zap(t, NULL));
	KT_EXPECT(t, !walk_within_zap(t, "walk_no_sync"));	/* red */
}

KTEST_FLAGS(race, zap_dirty_vs_mkclean, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	zap_dirty_vs_mkclean(t);
}
