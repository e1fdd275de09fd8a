/* SPDX-License-Identifier: MIT */
/* mm/readahead.c: windows, marks, hints, errors, on a disk in memory. */
#include "mm/readahead.h"
#include "tests/kt/kt_bdev.h"

#define PAGES	256
#define SECTORS	(PAGES * 8)

/* Pages hold their index; the disk is never written through the cache. */
static bool create(struct kt *t, struct kt_bdev *b)
{
	if (!kt_bdev_create(t, b, SECTORS))
		return false;
	for (u64 i = 0; i < PAGES; i++)
		*(u64 *)(b->d->data + i * PAGE_SIZE) = i;
	return true;
}

/* The page's word; U64_MAX on an error. */
static u64 read_one(struct kt_bdev *b, struct file_ra *ra, u64 index)
{
	struct page *p = read_page_ahead(b->m, ra, index, 1);
	u64 word;

	if (IS_ERR(p))
		return U64_MAX;
	word = *(u64 *)page_address(p);
	put_page(p);
	return word;
}

KTEST(readahead, sequential_grows)
{
	struct file_ra ra = { 0 };
	struct kt_bdev b;
	u32 last = 0;

	if (!create(t, &b))
		return;
	for (u64 i = 0; i < PAGES; i++) {
		KT_EQ(t, read_one(&b, &ra, i), i);
		KT_EXPECT(t, ra.size >= last && ra.size <= RA_MAX);
		last = ra.size;
	}
	KT_EQ(t, last, RA_MAX);
	KT_EQ(t, b.m->nrpages, PAGES);
	/* 8 segments a request: at least PAGES / 8, and not many more. */
	KT_EXPECT(t, b.d->seen[BLK_READ] <= PAGES / 8 + 6);
	kt_bdev_free(&b);
}

/* The next window is under way before the reader needs it. */
KTEST(readahead, ahead_of_the_reader)
{
	struct file_ra ra = { 0 };
	struct kt_bdev b;

	if (!create(t, &b))
		return;
	KT_EQ(t, read_one(&b, &ra, 0), 0);
	KT_EQ(t, b.m->nrpages, 4);
	KT_EQ(t, read_one(&b, &ra, 1), 1);		/* the mark */
	KT_EQ(t, b.m->nrpages, 4 + 8);
	KT_EQ(t, read_one(&b, &ra, 2), 2);
	KT_EQ(t, read_one(&b, &ra, 3), 3);
	KT_EQ(t, b.m->nrpages, 12);
	KT_EQ(t, read_one(&b, &ra, 4), 4);		/* and the next */
	KT_EQ(t, b.m->nrpages, 12 + 16);
	kt_bdev_free(&b);
}

KTEST(readahead, jumps_read_what_they_need)
{
	struct file_ra ra = { .hint = RA_NORMAL }, rnd = { .hint = RA_RANDOM };
	struct kt_bdev b;

	if (!create(t, &b))
		return;
	for (u64 i = 0; i < 5; i++)
		KT_EQ(t, read_one(&b, &ra, 200 - i * 13), 200 - i * 13);
	KT_EQ(t, b.m->nrpages, 5);
	for (u64 i = 0; i < 5; i++)
		KT_EQ(t, read_one(&b, &rnd, i), i);
	KT_EQ(t, b.m->nrpages, 10);
	kt_bdev_free(&b);
}

KTEST(readahead, sequential_hint_reads_more)
{
	struct file_ra ra = { .hint = RA_SEQUENTIAL };
	struct kt_bdev b;

	if (!create(t, &b))
		return;
	for (u64 i = 0; i < 100; i++)
		KT_EQ(t, read_one(&b, &ra, i), i);
	KT_EQ(t, ra.size, 2 * RA_MAX);
	KT_EQ(t, start_readahead(b.m, PAGES - 4, 100), 4);	/* WILLNEED */
	KT_EQ(t, start_readahead(b.m, PAGES, 1), 0);
	kt_bdev_free(&b);
}

/* A2: a failed read-ahead is read again when it is needed. */
KTEST(readahead, errors)
{
	struct file_ra ra = { 0 };
	struct kt_bdev b;

	if (!create(t, &b))
		return;
	kt_disk_fail_nth(b.d, BLK_READ, 1);
	KT_EQ(t, read_one(&b, &ra, 0), 0);
	KT_EQ(t, b.d->seen[BLK_READ], 2);
	b.d->fail_always = BIT(BLK_READ);
	KT_EQ(t, read_one(&b, &ra, 50), U64_MAX);
	b.d->fail_always = 0;
	KT_EQ(t, read_one(&b, &ra, 50), 50);
	KT_EQ(t, kt_bdev_check(&b), 0);
	kt_bdev_free(&b);
}

/* A1: early readers wait for the page. */
static struct {
	struct kt_bdev b;
	u64 word;
} early;

static void early_reader(void *arg)
{
	struct file_ra ra = { 0 };

	(void)arg;
	WRITE_ONCE(early.word, read_one(&early.b, &ra, 2));
}

KTEST(readahead, early_reader_waits)
{
	struct kt_team team = { .nr = 0 };

	if (!create(t, &early.b))
		return;
	early.word = 99;
	kt_disk_hold(early.b.d, BIT(BLK_READ));
	KT_EQ(t, start_readahead(early.b.m, 0, 4), 4);
	kt_spawn(t, &team, -1, early_reader, NULL);
	for (u32 i = 0; i < 50; i++)
		yield();
	KT_EQ(t, READ_ONCE(early.word), 99);
	kt_disk_release(early.b.d);
	kt_join(&team);
	KT_EQ(t, early.word, 2);
	kt_bdev_free(&early.b);
}

KTEST(readahead, faults_read_around)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_bdev b;

	KT_ASSERT(t, mm);
	if (!create(t, &b))
		return;
	kt_bdev_map(mm, &b, PAGES * PAGE_SIZE, MAP_SHARED);
	KT_EQ(t, kt_peek(mm, KT_BASE + 20 * PAGE_SIZE), 20);
	KT_EQ(t, b.m->nrpages, 16);
	KT_EQ(t, kt_peek(mm, KT_BASE + 31 * PAGE_SIZE), 31);	/* the mark */
	KT_EQ(t, b.m->nrpages, 32);
	mmput(mm);
	kt_bdev_free(&b);
}

KTEST(readahead, no_memory)
{
	struct kt_bdev b;
	bool fired = true;

	if (!create(t, &b))
		return;
	for (u32 n = 1; fired && n < 60; n++) {
		struct file_ra ra = { 0 };
		u64 word;

		alloc_fail_nth(n);
		word = read_one(&b, &ra, 0);
		fired = alloc_failed_nth();
		alloc_fail_nth(0);
		KT_EXPECT(t, !word || word == U64_MAX);
		truncate_pagecache(b.m, 0);
		b.m->size = SECTORS * BLK_SECTOR;
	}
	KT_EXPECT(t, !fired);
	kt_bdev_free(&b);
}
