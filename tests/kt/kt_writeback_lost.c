/* SPDX-License-Identifier: MIT */
/* mm/writeback.c: nothing that was stored is lost, whatever happens around it. */
#include "lib/prng.h"
#include "tests/kt/kt_bdev.h"

#define PAGES	8
#define SECTORS	(PAGES * 8)

/*
 * F25: a page that was cleaned and stored to again, then loses its mapping in
 * one way or another, is still written.
 */
enum way_out { BY_MUNMAP, BY_DONTNEED, BY_MREMAP, BY_EXIT, BY_DROP, WAYS };

static void leave(struct mm_struct *mm, struct kt_bdev *b, enum way_out way)
{
	if (way == BY_MUNMAP)
		do_munmap(mm, KT_BASE, PAGE_SIZE);
	else if (way == BY_DONTNEED)
		do_madvise_dontneed(mm, KT_BASE, PAGE_SIZE);
	else if (way == BY_MREMAP)
		kt_mremap(mm, KT_BASE, PAGE_SIZE, PAGE_SIZE,
			  KT_BASE + 0x100000);
	else if (way == BY_DROP)
		invalidate_mapping_pages(b->m, DROP_MAPPED_TOO);
}

KTEST(writeback, dirty_on_the_way_out)
{
	for (enum way_out way = BY_MUNMAP; way < WAYS; way++) {
		struct mm_struct *mm = mm_alloc();
		errseq_t since = 0;
		struct kt_bdev b;

		KT_ASSERT(t, mm);
		if (!kt_bdev_create(t, &b, SECTORS))
			return;
		kt_bdev_map(mm, &b, PAGE_SIZE, MAP_SHARED);
		kt_poke(mm, KT_BASE, 1);
		KT_EQ(t, kt_bdev_sync(&b, &since), 0);
		kt_poke(mm, KT_BASE, 2);
		leave(mm, &b, way);
		if (way != BY_EXIT)
			KT_EQ(t, kt_bdev_sync(&b, &since), 0);
		mmput(mm);
		KT_EQ(t, kt_bdev_sync(&b, &since), 0);
		KT_EQ(t, kt_bdev_disk_word(&b, 0), 2);
		kt_bdev_free(&b);
	}
}

/*
 * Writers through the cache and through a mapping, write-back with delays,
 * batch look-ups: at the end the device has the last word of each page.
 */
#define TORTURE_ROUNDS	100

static struct {
	struct kt_bdev b;
	struct mm_struct *mm;
	u32 stop, writing, wrong, batches;
	u64 last[2][PAGES];		/* by writer; each has its half */
} tort;

static void tort_writer(void *arg)
{
	u64 me = (u64)arg, word;
	struct prng rng;

	prng_seed(&rng, me + 1);
	for (u32 i = 1; i <= TORTURE_ROUNDS; i++) {
		u64 index = prng_below(&rng, PAGES);
		u64 pos = index * PAGE_SIZE + me * 64;

		word = me << 32 | i;
		if (prng_below(&rng, 2))
			(void)filemap_write(tort.b.m, &word, pos, 8);
		else
			(void)kt_poke(tort.mm, KT_BASE + pos, word);
		tort.last[me][index] = word;
		if (!(i & 7))
			yield();
	}
	__atomic_fetch_sub(&tort.writing, 1, __ATOMIC_SEQ_CST);
}

static void tort_syncer(void *arg)
{
	errseq_t since = 0;

	(void)arg;
	while (!READ_ONCE(tort.stop)) {
		(void)kt_bdev_sync(&tort.b, &since);
		yield();
	}
}

static void tort_looker(void *arg)
{
	struct page *pages[GANG];

	(void)arg;
	while (!READ_ONCE(tort.stop)) {
		const struct tag_batch tb = { pages, GANG, TAG_DIRTY };
		u64 next = 0, at = 0;
		u32 n = find_get_pages(tort.b.m, &next, pages);

		n = n ? n : find_get_pages_tag(tort.b.m, &at, U64_MAX, &tb);
		for (u32 i = 0; i < n; i++) {
			if (pages[i]->mapping != tort.b.m ||
			    (i && pages[i]->index <= pages[i - 1]->index))
				WRITE_ONCE(tort.wrong, 1);
			put_page(pages[i]);
		}
		WRITE_ONCE(tort.batches, tort.batches + 1);
		yield();
	}
}

KTEST(writeback, torture)
{
	struct kt_team writers = { .nr = 0 }, others = { .nr = 0 };
	errseq_t since = 0;

	memset(&tort, 0, sizeof(tort));
	tort.mm = mm_alloc();
	KT_ASSERT(t, tort.mm);
	if (!kt_bdev_create(t, &tort.b, SECTORS))
		return;
	kt_bdev_map(tort.mm, &tort.b, PAGES * PAGE_SIZE, MAP_SHARED);
	kt_spawn(t, &others, -1, tort_syncer, NULL);
	kt_spawn(t, &others, -1, tort_looker, NULL);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(tort.batches)));
	tort.writing = 2;
	for (u64 i = 0; i < 2; i++)
		kt_spawn(t, &writers, -1, tort_writer, (void *)i);
	while (READ_ONCE(tort.writing)) {
		kt_disk_hold(tort.b.d, BIT(BLK_WRITE));
		yield();
		kt_disk_release(tort.b.d);
		yield();
	}
	kt_join(&writers);
	WRITE_ONCE(tort.stop, 1);
	kt_join(&others);
	mmput(tort.mm);
	(void)kt_bdev_sync(&tort.b, &since);
	KT_EQ(t, tort.b.m->nrdirty, 0);
	KT_EQ(t, tort.wrong, 0);
	for (u64 i = 0; i < 2 * PAGES; i++)
		KT_EQ(t, *(u64 *)(tort.b.d->data + i / 2 * PAGE_SIZE +
				  (i & 1) * 64), tort.last[i & 1][i / 2]);
	KT_EQ(t, kt_bdev_check(&tort.b), 0);
	kt_bdev_free(&tort.b);
}
