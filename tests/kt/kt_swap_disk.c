/* SPDX-License-Identifier: MIT */
/* mm/swap_disk.c: swap behind a device that takes its time, and fails. */
#include "mm/swap_disk.h"
#include "tests/kt/kt_disk.h"
#include "tests/kt/kt_swap.h"
#include "tests/kt/kt_util.h"

#define PAGES	16
#define LEN	(PAGES * PAGE_SIZE)

struct rig { struct kt_disk *disk; struct mm_struct *mm; int type; };

static bool rig_up(struct kt *t, struct rig *r)
{
	r->disk = kt_disk_create(64 * PAGE_SIZE / BLK_SECTOR);
	r->mm = mm_alloc();
	if (!KT_EXPECT(t, r->disk && r->mm))
		return false;
	r->type = disk_swapon_dev(&r->disk->bd, "kt", 1000);
	KT_EXPECT(t, r->type > 0);
	KT_EXPECT(t, kt_map(r->mm, 0, LEN, PROT_RW) > 0);
	for (u32 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_poke(r->mm, KT_BASE + i * PAGE_SIZE, 50 + i), 0);
	return r->type > 0;
}

static void rig_down(struct kt *t, struct rig *r)
{
	for (u32 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_peek(r->mm, KT_BASE + i * PAGE_SIZE), 50 + i);
	mmput(r->mm);
	KT_EQ(t, swapoff((u32)r->type), 0);
	kt_disk_free(r->disk);
}

static bool written(struct rig *r)
{
	struct page *p;
	bool busy = false;

	for (u64 slot = 0; slot < PAGES; slot++) {
		p = swap_cache_find(swp_entry((u32)r->type, slot));
		if (!p)
			continue;
		busy |= page_test(p, PG_writeback);
		put_page(p);
	}
	return !busy;
}

/* Written pages wait in the cache and go later; they are found meanwhile. */
KTEST(swap_disk, writeback_under_way)
{
	struct rig r;

	if (!rig_up(t, &r))
		return;
	kt_disk_hold(r.disk, BIT(BLK_WRITE));
	KT_EQ(t, kt_pageout(r.mm, KT_BASE, LEN), 0);
	KT_EXPECT(t, pte_is_swap(kt_pte(r.mm, KT_BASE)));
	KT_EXPECT(t, kt_disk_wait_held(r.disk, PAGES));
	KT_EQ(t, kt_peek(r.mm, KT_BASE), 50);
	KT_EQ(t, kt_poke(r.mm, KT_BASE, 50), 0);
	kt_disk_release(r.disk);
	KT_EXPECT(t, kt_wait_for(written(&r)));
	KT_EXPECT(t, try_to_free_pages(PAGES, RECLAIM_DIRECT) > 0);
	rig_down(t, &r);
}

/* A page whose write failed is still there, and is tried again. */
KTEST(swap_disk, write_error)
{
	struct swap_stats before, after;
	struct rig r;

	if (!rig_up(t, &r))
		return;
	swap_stats(&before);
	kt_disk_fail_nth(r.disk, BLK_WRITE, 3);
	kt_pageout(r.mm, KT_BASE, LEN);
	KT_EXPECT(t, kt_wait_for(written(&r)));
	swap_stats(&after);
	KT_EQ(t, after.write_errors, before.write_errors + 1);
	rig_down(t, &r);
}

static bool swap_cache_empty(u32 type)
{
	return !READ_ONCE(swap_devs[type].cache.nrpages);
}

static void page_out_wholly(struct kt *t, struct rig *r)
{
	kt_pageout(r->mm, KT_BASE, LEN);
	KT_EXPECT(t, kt_wait_for(written(r)));
	for (u32 i = 0; i < 20 && !swap_cache_empty((u32)r->type); i++)
		try_to_free_pages(PAGES, RECLAIM_DIRECT);
	KT_EXPECT(t, swap_cache_empty((u32)r->type));
}

/* The fault that cannot read gets an error; others are not concerned. */
KTEST(swap_disk, read_error)
{
	struct rig r;

	if (!rig_up(t, &r))
		return;
	page_out_wholly(t, &r);
	kt_disk_fail_nth(r.disk, BLK_READ, 1);
	KT_EQ(t, kt_peek(r.mm, KT_BASE), KT_NONE);
	KT_EXPECT(t, pte_is_swap(kt_pte(r.mm, KT_BASE)));
	for (u32 i = 8; i < PAGES; i++)
		KT_EQ(t, kt_peek(r.mm, KT_BASE + i * PAGE_SIZE), 50 + i);
	KT_EQ(t, do_munmap(r.mm, KT_BASE, PAGE_SIZE), 0);
	KT_EQ(t, kt_map(r.mm, 0, PAGE_SIZE, PROT_RW), KT_BASE);
	KT_EQ(t, kt_poke(r.mm, KT_BASE, 50), 0);
	rig_down(t, &r);
}

KTEST(swap_disk, reads_neighbours)
{
	struct swap_stats before, after;
	struct rig r;

	if (!rig_up(t, &r))
		return;
	page_out_wholly(t, &r);
	swap_stats(&before);
	KT_EQ(t, kt_peek(r.mm, KT_BASE), 50);
	swap_stats(&after);
	KT_EQ(t, after.read_ahead, before.read_ahead + 7);
	KT_EQ(t, kt_peek(r.mm, KT_BASE + PAGE_SIZE), 51);
	swap_stats(&after);
	KT_EQ(t, after.hit, before.hit + 1);
	rig_down(t, &r);
}
