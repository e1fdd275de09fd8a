/* SPDX-License-Identifier: MIT */
/* mm/writeback.c, mm/bdev.c, mm/flusher.c, mm/msync.c on a disk in memory. */
#include "kernel/upcall.h"
#include "tests/kt/kt_bdev.h"

#define PAGES	8
#define SECTORS	(PAGES * 8)

KTEST(writeback, write_then_sync)
{
	struct kt_bdev b;
	errseq_t since = 0;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_write(t, &b, 1, 11);
	kt_bdev_write(t, &b, 2, 22);
	kt_bdev_write(t, &b, 5, 55);
	KT_EQ(t, b.m->nrdirty, 3);
	KT_EXPECT(t, kt_bdev_tagged(&b, 2, TAG_DIRTY));
	KT_EQ(t, kt_bdev_disk_word(&b, 2), 0);
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 1), 11);
	KT_EQ(t, kt_bdev_disk_word(&b, 2), 22);
	KT_EQ(t, kt_bdev_disk_word(&b, 5), 55);
	KT_EQ(t, b.m->nrdirty, 0);
	KT_EQ(t, b.d->seen[BLK_WRITE], 2);	/* 1 and 2 in one */
	KT_EQ(t, b.d->seen[BLK_FLUSH], 1);
	KT_EQ(t, b.d->unflushed, 0);
	for (u64 i = 0; i < PAGES; i++)
		for (u32 tag = TAG_DIRTY; tag <= TAG_TOWRITE; tag++)
			KT_EXPECT(t, !kt_bdev_tagged(&b, i, tag));
	KT_EQ(t, kt_bdev_check(&b), 0);
	b.d->data[PAGE_SIZE] ^= 1;
	KT_EQ(t, kt_bdev_check(&b), 1);		/* the check can fail */
	b.d->data[PAGE_SIZE] ^= 1;
	kt_bdev_free(&b);
}

/* W4: each first write through a mapping is seen, before and after cleaning. */
KTEST(writeback, mapped_pages)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_bdev b;
	errseq_t since = 0;

	KT_ASSERT(t, mm);
	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	KT_EQ(t, kt_bdev_map(mm, &b, PAGES * PAGE_SIZE, MAP_SHARED), KT_BASE);
	KT_EQ(t, kt_peek(mm, KT_BASE), 0);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
	KT_EQ(t, b.m->nrdirty, 0);
	for (u64 round = 1; round <= 3; round++) {
		KT_EQ(t, kt_poke(mm, KT_BASE, round), 0);
		KT_EQ(t, kt_poke(mm, KT_BASE + PAGE_SIZE, round), 0);
		KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));
		KT_EQ(t, b.m->nrdirty, 2);
		KT_EQ(t, kt_bdev_sync(&b, &since), 0);
		KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
		KT_EXPECT(t, !pte_dirty(kt_pte(mm, KT_BASE)));
		KT_EQ(t, b.m->nrdirty, 0);
		KT_EQ(t, kt_bdev_disk_word(&b, 0), round);
		KT_EQ(t, kt_bdev_disk_word(&b, 1), round);
	}
	/* mprotect there and back does not open a way past the fault. */
	KT_EQ(t, do_mprotect(mm, KT_BASE, PAGE_SIZE, PROT_READ), 0);
	KT_EQ(t, do_mprotect(mm, KT_BASE, PAGE_SIZE, PROT_RW), 0);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
	mmput(mm);
	kt_bdev_free(&b);
}

KTEST(writeback, private_stays_private)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_bdev b;
	errseq_t since = 0;

	KT_ASSERT(t, mm);
	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_map(mm, &b, PAGE_SIZE, MAP_PRIVATE);
	KT_EQ(t, kt_poke(mm, KT_BASE, 5), 0);
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	KT_EQ(t, b.d->seen[BLK_WRITE], 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 0), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 5);
	mmput(mm);
	kt_bdev_free(&b);
}

KTEST(writeback, msync)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_bdev b;

	KT_ASSERT(t, mm);
	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_map(mm, &b, 4 * PAGE_SIZE, MAP_SHARED);
	for (u64 i = 0; i < 4; i++)
		kt_poke(mm, KT_BASE + i * PAGE_SIZE, i + 1);
	KT_EQ(t, do_msync(mm, KT_BASE, PAGE_SIZE, MS_ASYNC), 0);
	KT_EQ(t, do_msync(mm, KT_BASE + PAGE_SIZE, PAGE_SIZE, MS_SYNC), 0);
	KT_EQ(t, b.m->nrdirty, 3);
	KT_EQ(t, kt_bdev_disk_word(&b, 1), 2);
	KT_EQ(t, kt_bdev_disk_word(&b, 2), 0);
	do_munmap(mm, KT_BASE + 2 * PAGE_SIZE, PAGE_SIZE);
	KT_EQ(t, do_msync(mm, KT_BASE, 4 * PAGE_SIZE, MS_SYNC), -ENOMEM);
	KT_EQ(t, kt_bdev_disk_word(&b, 3), 4);	/* behind the hole too */
	kt_disk_fail_nth(b.d, BLK_WRITE, 1);
	kt_poke(mm, KT_BASE, 9);
	KT_EQ(t, do_msync(mm, KT_BASE, PAGE_SIZE, MS_SYNC), -EIO);
	KT_EQ(t, do_msync(mm, KT_BASE, PAGE_SIZE, MS_SYNC), 0);
	mmput(mm);
	kt_bdev_free(&b);
}

/* W6: each observer hears of a failed write once. */
KTEST(writeback, errors_once_each)
{
	struct kt_bdev b;
	errseq_t one = 0, two = 0, late;
	struct page *p;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_disk_fail_nth(b.d, BLK_WRITE, 1);
	kt_bdev_write(t, &b, 3, 33);
	KT_EQ(t, kt_bdev_sync(&b, &one), -EIO);
	KT_EQ(t, kt_bdev_sync(&b, &one), 0);
	KT_EQ(t, kt_bdev_sync(&b, &two), -EIO);
	KT_EQ(t, kt_bdev_sync(&b, &two), 0);
	p = find_get_page(b.m, 3);
	KT_EXPECT(t, page_test(p, PG_error) && !page_test(p, PG_dirty));
	put_page(p);
	KT_EQ(t, kt_bdev_check(&b), 0);		/* known to differ */
	kt_bdev_write(t, &b, 3, 34);
	late = errseq_sample(&b.m->wb_err);
	KT_EQ(t, kt_bdev_sync(&b, &late), 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 3), 34);
	kt_disk_fail_nth(b.d, BLK_FLUSH, 1);
	KT_EQ(t, kt_bdev_sync(&b, &one), -EIO);
	KT_EQ(t, kt_bdev_sync(&b, &one), 0);
	kt_bdev_free(&b);
}

/* What was dirty at the call is written, what comes later is not waited for. */
KTEST(writeback, range_and_limit)
{
	struct kt_bdev b;
	struct wb_range r;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	for (u64 i = 0; i < PAGES; i++)
		kt_bdev_write(t, &b, i, i + 1);
	r = (struct wb_range){ b.m, 2, 4, WB_ALL };
	KT_EQ(t, write_mapping_pages(&r, U64_MAX), 3);
	wait_mapping_pages(b.m, 0, U64_MAX);
	KT_EQ(t, b.m->nrdirty, PAGES - 3);
	KT_EQ(t, kt_bdev_disk_word(&b, 1), 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 4), 5);
	r = WB_WHOLE(b.m, WB_NONE);
	KT_EQ(t, write_mapping_pages(&r, U64_MAX), PAGES - 3);
	wait_mapping_pages(b.m, 0, U64_MAX);
	KT_EQ(t, kt_bdev_disk_word(&b, 7), 8);
	kt_bdev_free(&b);
}

/* K3: the disk ends inside its last page. */
KTEST(writeback, odd_size)
{
	struct kt_bdev b;
	errseq_t since = 0;
	u8 buf[512];

	if (!kt_bdev_create(t, &b, 9))
		return;
	memset(b.d->data, 'd', 9 * BLK_SECTOR);
	KT_EQ(t, filemap_read(b.m, buf, 8 * BLK_SECTOR, 512), 512);
	KT_EQ(t, buf[511], 'd');
	KT_EQ(t, filemap_read(b.m, buf, 9 * BLK_SECTOR, 512), 0);
	buf[0] = 'x';
	KT_EQ(t, filemap_write(b.m, buf, 9 * BLK_SECTOR - 1, 1), 1);
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	KT_EQ(t, b.d->data[9 * BLK_SECTOR - 1], 'x');
	KT_EQ(t, kt_bdev_check(&b), 0);
	kt_bdev_free(&b);
}

static void writer(void *arg)
{
	struct kt_bdev *b = arg;
	const struct wb_range r = WB_WHOLE(b->m, WB_ALL);

	settle_mapping(&r);
}

/* W1: dirtied again while it is being written: written again. */
KTEST(writeback, dirty_again)
{
	struct kt_team team = { .nr = 0 };
	struct kt_bdev b;
	errseq_t since = 0;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_write(t, &b, 0, 1);
	kt_disk_hold(b.d, BIT(BLK_WRITE));
	kt_spawn(t, &team, -1, writer, &b);
	KT_EXPECT(t, kt_disk_wait_held(b.d, 1));
	KT_EXPECT(t, kt_bdev_tagged(&b, 0, TAG_WRITEBACK));
	KT_EXPECT(t, !kt_bdev_tagged(&b, 0, TAG_DIRTY));
	kt_bdev_write(t, &b, 0, 2);
	KT_EXPECT(t, kt_bdev_tagged(&b, 0, TAG_DIRTY));
	KT_EXPECT(t, kt_bdev_tagged(&b, 0, TAG_WRITEBACK));
	kt_disk_release(b.d);
	kt_join(&team);
	KT_EQ(t, b.m->nrdirty, 1);
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 0), 2);
	KT_EQ(t, b.d->seen[BLK_WRITE], 2);
	kt_bdev_free(&b);
}

static struct {
	struct kt_bdev b;
	u32 returned;
} waits;

static void syncer(void *arg)
{
	errseq_t since = 0;

	(void)arg;
	(void)kt_bdev_sync(&waits.b, &since);
	WRITE_ONCE(waits.returned, 1);
}

/* fsync returns when the device has answered, the write and the flush. */
KTEST(writeback, sync_waits)
{
	struct kt_team team = { .nr = 0 };

	WRITE_ONCE(waits.returned, 0);
	if (!kt_bdev_create(t, &waits.b, SECTORS))
		return;
	kt_bdev_write(t, &waits.b, 0, 1);
	kt_disk_hold(waits.b.d, BIT(BLK_WRITE) | BIT(BLK_FLUSH));
	kt_spawn(t, &team, -1, syncer, NULL);
	KT_EXPECT(t, kt_disk_wait_held(waits.b.d, 1));
	for (u32 i = 0; i < 50; i++)
		yield();
	KT_EQ(t, waits.b.d->seen[BLK_FLUSH], 0);	/* not before it */
	KT_EQ(t, READ_ONCE(waits.returned), 0);
	kt_disk_release(waits.b.d);
	kt_join(&team);
	KT_EQ(t, waits.returned, 1);
	KT_EQ(t, waits.b.d->unflushed, 0);
	kt_bdev_free(&waits.b);
}

static void truncater(void *arg)
{
	truncate_pagecache(((struct kt_bdev *)arg)->m, 0);
}

/* W3: truncate waits for the write, and drops the page then. */
KTEST(writeback, truncate_waits)
{
	struct kt_team team = { .nr = 0 };
	struct kt_bdev b;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_write(t, &b, 0, 7);
	kt_disk_hold(b.d, BIT(BLK_WRITE));
	kt_spawn(t, &team, -1, writer, &b);
	KT_EXPECT(t, kt_disk_wait_held(b.d, 1));
	kt_spawn(t, &team, -1, truncater, &b);
	KT_EXPECT(t, kt_wait_for(!READ_ONCE(b.m->size)));
	for (u32 i = 0; i < 50; i++)
		yield();
	KT_EQ(t, b.m->nrpages, 1);
	kt_disk_release(b.d);
	kt_join(&team);
	KT_EQ(t, b.m->nrpages, 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 0), 7);
	kt_bdev_free(&b);
}

/* A dirty page that is truncated is not counted dirty any more. */
KTEST(writeback, truncate_dirty)
{
	u64 before = nr_dirty_pages();
	struct kt_bdev b;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_write(t, &b, 0, 7);
	kt_bdev_write(t, &b, 3, 7);
	truncate_pagecache(b.m, PAGE_SIZE);
	KT_EQ(t, b.m->nrdirty, 1);
	truncate_pagecache(b.m, 0);
	KT_EQ(t, b.m->nrdirty, 0);
	kt_bdev_free(&b);
	KT_EQ(t, nr_dirty_pages(), before);
}

KTEST(writeback, replace_page)
{
	struct page *old, *new = alloc_page(ALLOC_PLAIN);
	struct kt_bdev b;
	errseq_t since = 0;

	KT_ASSERT(t, new);
	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	kt_bdev_write(t, &b, 1, 41);
	old = find_get_page(b.m, 1);
	lock_page(old);
	KT_EXPECT(t, trylock_page(new));
	get_page(old);
	KT_EQ(t, replace_page_cache_page(old, new), -EBUSY);
	put_page(old);
	copy_page(page_address(new), page_address(old));
	KT_EQ(t, replace_page_cache_page(old, new), 0);
	KT_EQ(t, page_count(old), 1);
	KT_EXPECT(t, !old->mapping && !page_test(old, PG_dirty));
	KT_EXPECT(t, page_test(new, PG_dirty) && page_test(new, PG_uptodate));
	unlock_page(old);
	unlock_page(new);
	put_page(old);
	put_page(new);
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 1), 41);
	kt_bdev_free(&b);
}

/* L2, and that the flusher comes when asked. */
KTEST(writeback, flusher)
{
	struct kt_bdev b;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	writeback_register(b.m);
	kt_bdev_write(t, &b, 4, 44);
	flusher_wake();
	KT_EXPECT(t, kt_wait_for(kt_bdev_disk_word(&b, 4) == 44));
	kt_bdev_write(t, &b, 4, 45);
	sync_all_mappings();
	KT_EQ(t, kt_bdev_disk_word(&b, 4), 45);
	KT_EQ(t, b.d->unflushed, 0);
	writeback_unregister(b.m);
	wait_mapping_pages(b.m, 0, U64_MAX);
	kt_bdev_free(&b);
}

/* K2: without memory for a bio the pages go one by one. */
KTEST(writeback, no_memory)
{
	struct kt_bdev b;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	for (u64 i = 0; i < PAGES; i++)
		kt_bdev_write(t, &b, i, i + 70);
	for (u32 n = 1; n <= 3; n++) {
		const struct wb_range r = WB_WHOLE(b.m, WB_ALL);

		alloc_fail_nth(n);
		settle_mapping(&r);
		alloc_fail_nth(0);
		KT_EQ(t, b.m->nrdirty, 0);
		for (u64 i = 0; i < PAGES; i++) {
			KT_EQ(t, kt_bdev_disk_word(&b, i), i + 69 + n);
			kt_bdev_write(t, &b, i, i + 70 + n);
		}
	}
	kt_bdev_free(&b);
}

/* A whole page is not read before it is overwritten; a part of one is. */
KTEST(writeback, overwrite_reads_nothing)
{
	u64 *buf = kzalloc(2 * PAGE_SIZE);
	errseq_t since = 0;
	struct kt_bdev b;

	KT_ASSERT(t, buf);
	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	buf[0] = 7;
	buf[512] = 8;
	KT_EQ(t, filemap_write(b.m, buf, PAGE_SIZE, 2 * PAGE_SIZE),
	      2 * PAGE_SIZE);
	KT_EQ(t, b.d->seen[BLK_READ], 0);
	KT_EQ(t, b.m->nrdirty, 2);
	KT_EQ(t, filemap_write(b.m, buf, PAGE_SIZE / 2, PAGE_SIZE), PAGE_SIZE);
	KT_EQ(t, b.d->seen[BLK_READ], 1);	/* page 0; 1 is there */
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	KT_EQ(t, kt_bdev_disk_word(&b, 2), 8);
	KT_EQ(t, *(u64 *)(b.d->data + PAGE_SIZE / 2), 7);
	KT_EQ(t, kt_bdev_check(&b), 0);
	kt_bdev_free(&b);
	kfree(buf);
}

static void fill_all(void *arg)
{
	struct kt_bdev *b = arg;
	u64 word = 5;

	for (u64 i = 0; i < PAGES; i++)
		(void)filemap_write(b->m, &word, i * PAGE_SIZE, 8);
}

/* L1: writers wait while too much is unclean, under write-back included. */
KTEST(writeback, writers_wait)
{
	struct kt_team team = { .nr = 0 };
	u64 before = writeback_throttled();
	errseq_t since = 0;
	struct kt_bdev b;

	if (!kt_bdev_create(t, &b, SECTORS))
		return;
	fill_all(&b);				/* all pages are cached */
	KT_EQ(t, kt_bdev_sync(&b, &since), 0);
	writeback_register(b.m);
	writeback_set_limit(nr_dirty_pages() + 3);
	kt_disk_hold(b.d, BIT(BLK_WRITE));
	kt_spawn(t, &team, -1, fill_all, &b);
	KT_EXPECT(t, kt_wait_for(writeback_throttled() != before));
	kt_disk_release(b.d);
	kt_join(&team);
	writeback_set_limit(0);
	sync_all_mappings();
	writeback_unregister(b.m);
	KT_EQ(t, kt_bdev_disk_word(&b, PAGES - 1), 5);
	kt_bdev_free(&b);
}
