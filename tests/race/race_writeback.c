/* SPDX-License-Identifier: MIT */
/*
 * Interleavings of mm/writeback.c, by its steps: write-back (1)-(5) against
 * whoever dirties the page again (A)-(C), faults and truncation.
 */
#include "kernel/racepoint.h"
#include "tests/kt/kt_bdev.h"

#define SECTORS	32

static void write_back(void *arg)
{
	struct kt_bdev *b = arg;
	const struct wb_range r = WB_WHOLE(b->m, WB_ALL);

	settle_mapping(&r);
}

/* Parks a write-back of page 0 at `point`; the page's word is 1. */
static bool park(struct kt *t, struct kt_bdev *b, struct kt_team *team,
		 const char *point)
{
	if (!kt_bdev_create(t, b, SECTORS))
		return false;
	kt_bdev_write(t, b, 0, 1);
	KT_EQ(t, race_arm(point, 1), 0);
	kt_pin(0);
	return kt_spawn(t, team, (int)kt_other_cpu(), write_back, b) &&
	       KT_EQ(t, race_wait_parked(point), 0);
}

static void unpark(struct kt_team *team, const char *point)
{
	race_release(point);
	kt_join(team);
	kt_unpin();
	race_disarm_all();
}

/* The page must be dirty, or the device have the word. */
static void not_lost(struct kt *t, struct kt_bdev *b, u64 word)
{
	errseq_t since = 0;

	KT_EXPECT(t, kt_bdev_tagged(b, 0, TAG_DIRTY) ||
		  kt_bdev_disk_word(b, 0) == word);
	KT_EQ(t, kt_bdev_sync(b, &since), 0);
	KT_EQ(t, kt_bdev_disk_word(b, 0), word);
	KT_EQ(t, kt_bdev_check(b), 0);
}

/*
 * (A) (B) between (2) and (3): the device reads the new bytes, and (3) keeps
 * the tag.  set_page_dirty() needs no lock when the caller pins the page.
 */
KTEST_FLAGS(race, writeback_dirty_again, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };
	struct kt_bdev b;
	struct page *p;

	if (park(t, &b, &team, "writeback:before_tags")) {
		p = find_get_page(b.m, 0);
		KT_EXPECT(t, !page_test(p, PG_dirty));
		*(u64 *)page_address(p) = 2;
		set_page_dirty(p);
		put_page(p);
	}
	unpark(&team, "writeback:before_tags");
	KT_EXPECT(t, kt_bdev_tagged(&b, 0, TAG_DIRTY));
	not_lost(t, &b, 2);
	kt_bdev_free(&b);
}

struct dirtier {
	struct kt_bdev *b;
	struct page *p;
};

static void dirty_it(void *arg)
{
	struct dirtier *d = arg;

	*(u64 *)page_address(d->p) = 3;
	set_page_dirty(d->p);
}

/* (B), then the whole of (2)-(5), then (C): the write has the bytes. */
KTEST_FLAGS(race, writeback_between_dirty_and_tag, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };
	errseq_t since = 0;
	struct dirtier d;
	struct kt_bdev b;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_write(t, &b, 0, 1);
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	d = (struct dirtier){ &b, find_get_page(b.m, 0) };
	KT_EQ(t, race_arm("dirty:before_tag", 1), 0);
	kt_pin(0);
	kt_spawn(t, &team, (int)kt_other_cpu(), dirty_it, &d);
	KT_EQ(t, race_wait_parked("dirty:before_tag"), 0);
	/* Not tagged yet, so not found: that is all right, it is not done. */
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	lock_page(d.p);
	write_one_page(d.p);
	wait_on_page_flag(d.p, PG_writeback);
	unpark(&team, "dirty:before_tag");
	put_page(d.p);
	KT_EQ(t, b.m->nrdirty, 0);
	not_lost(t, &b, 3);
	kt_bdev_free(&b);
}

static void poke(void *arg)
{
	kt_poke(arg, KT_BASE, 4);
}

/* W4: a store after (1) faults, and waits for the page lock. */
KTEST_FLAGS(race, writeback_fault_after_mkclean, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_team team = { .nr = 0 }, pokers = { .nr = 0 };
	struct kt_bdev b;

	KT_ASSERT(t, mm);
	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_map(mm, &b, PAGE_SIZE, MAP_SHARED);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, race_arm("writeback:after_mkclean", 1), 0);
	KT_EQ(t, race_arm("shared_write:before_lock", 1), 0);
	kt_pin(0);
	kt_spawn(t, &team, (int)kt_other_cpu(), write_back, &b);
	KT_EQ(t, race_wait_parked("writeback:after_mkclean"), 0);
	kt_spawn(t, &pokers, 0, poke, mm);
	KT_EQ(t, race_wait_parked("shared_write:before_lock"), 0);
	race_release("shared_write:before_lock");
	for (u32 i = 0; i < 20; i++)
		yield();
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
	race_release("writeback:after_mkclean");
	kt_join(&pokers);
	unpark(&team, "writeback:after_mkclean");
	KT_EQ(t, kt_peek(mm, KT_BASE), 4);
	KT_EXPECT(t, kt_bdev_tagged(&b, 0, TAG_DIRTY) ||
		  !pte_write(kt_pte(mm, KT_BASE)));
	not_lost(t, &b, 4);
	mmput(mm);
	kt_bdev_free(&b);
}

/* W3, W5: marked, not sent: the page is not locked, and stays in its file. */
KTEST_FLAGS(race, writeback_before_io, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };
	struct kt_bdev b;
	struct page *p;

	if (park(t, &b, &team, "writeback:before_io")) {
		p = find_get_page(b.m, 0);
		KT_EXPECT(t, page_test(p, PG_writeback));
		KT_EXPECT(t, trylock_page(p));	/* W5: nothing is held */
		KT_EQ(t, remove_mapping(p), -EBUSY);	/* W3 */
		unlock_page(p);
		put_page(p);
	}
	unpark(&team, "writeback:before_io");
	KT_EQ(t, kt_bdev_disk_word(&b, 0), 1);
	truncate_pagecache(b.m, 0);
	KT_EQ(t, b.m->nrpages, 0);
	kt_bdev_free(&b);
}

static void drop_clean(void *arg)
{
	(void)invalidate_mapping_pages(((struct kt_bdev *)arg)->m,
				       DROP_UNMAPPED);
}

/*
 * S5: a holder stores, sets dirty and puts while the remover is about to
 * freeze.  Value: the word that a reader finds afterwards.
 */
static u64 late_dirty(struct kt *t)
{
	struct kt_team team = { .nr = 0 };
	errseq_t since = 0;
	struct kt_bdev b;
	struct page *p;
	u64 word = 0;

	if (!kt_bdev_create(t, &b, SECTORS))
		return 0;
	kt_bdev_write(t, &b, 0, 1);
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	p = find_get_page(b.m, 0);
	KT_EQ(t, race_arm("remove:before_freeze", 1), 0);
	kt_pin(0);
	kt_spawn(t, &team, (int)kt_other_cpu(), drop_clean, &b);
	KT_EQ(t, race_wait_parked("remove:before_freeze"), 0);
	*(u64 *)page_address(p) = 2;
	set_page_dirty(p);
	put_page(p);
	unpark(&team, "remove:before_freeze");
	(void)filemap_read(b.m, &word, 0, sizeof(word));
	truncate_pagecache(b.m, 0);
	kt_bdev_free(&b);
	return word;
}

KTEST_FLAGS(race, writeback_late_dirty, KTF_LAB_ONLY)
{
	KT_EQ(t, late_dirty(t), 2);
}

/* The same with dirty looked at before the freeze: the store is lost. */
KTEST_FLAGS(race, writeback_late_dirty_bug, KTF_LAB_ONLY)
{
	KT_EQ(t, bug_set("dirty_before_freeze", 1), 0);
	KT_EQ(t, late_dirty(t), 1);
	bug_clear_all();
}
