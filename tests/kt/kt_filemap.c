/* SPDX-License-Identifier: MIT */
/* Tests of mm/filemap.c, filemap_io.c, truncate.c. */
#include "kernel/thread.h"
#include "lib/prng.h"
#include "lib/string.h"
#include "tests/kt/kt_mm.h"

KTEST(mm, filemap_read_write)
{
	struct kt_file *f = kt_file_create(4, 0x1808);
	u64 w[2] = { 1, 2 };
	char c[16];

	KT_ASSERT(t, f);
	KT_EQ(t, filemap_read(&f->m, c, 0x1800, 16), 8);	/* short at EOF */
	KT_EQ(t, filemap_read(&f->m, c, 0x1808, 16), 0);
	KT_EQ(t, filemap_read(&f->m, c, 0x100000, 16), 0);
	KT_EQ(t, filemap_write(&f->m, w, 0x2ff8, 16), 16);	/* two pages */
	KT_EQ(t, f->m.size, 0x3008);
	memset(w, 0, sizeof(w));
	KT_EQ(t, filemap_read(&f->m, w, 0x2ff8, 16), 16);
	KT_EXPECT(t, w[0] == 1 && w[1] == 2);
	f->fail = -EIO;
	KT_EQ(t, filemap_read(&f->m, c, 0, 16), -EIO);
	f->fail = 0;
	KT_EQ(t, filemap_read(&f->m, c, 0, 16), 16);
	KT_EQ(t, f->m.nrpages, 4);
	kt_file_put(f);
}

KTEST(mm, filemap_truncate)
{
	struct kt_file *f = kt_file_create(6, 0x4000);
	struct mm_struct *mm = mm_alloc();
	u64 w;

	KT_ASSERT(t, f && mm);
	kt_map_file(mm, f, 0, 0x4000, MAP_SHARED);
	kt_map_file(mm, f, 0x10000, 0x4000, MAP_PRIVATE);
	for (u64 i = 0; i < 4; i++) {
		kt_peek(mm, KT_BASE + i * PAGE_SIZE);
		kt_poke(mm, KT_BASE + 0x10000 + i * PAGE_SIZE, i);
	}
	truncate_pagecache(&f->m, 0x1010);
	KT_EQ(t, f->m.nrpages, 2);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1008), kt_word(6, 1));
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1010), 0);	/* U2, mapped */
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2000), KT_NONE);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x12000), KT_NONE); /* copies too */
	KT_EQ(t, atomic64_read(&mm->rss_anon), 2);
	f->m.size = 0x2000;
	KT_EQ(t, filemap_read(&f->m, &w, 0x1800, 8), 8);
	KT_EQ(t, w, 0);
	mmput(mm);
	kt_file_put(f);
}

KTEST(mm, filemap_invalidate)
{
	struct kt_file *f = kt_file_create(6, 0x5000);
	struct mm_struct *mm = mm_alloc();
	struct page *held;
	u64 w = 1;

	KT_ASSERT(t, f && mm);
	for (u64 i = 0; i < 5; i++)
		filemap_read(&f->m, &w, i * PAGE_SIZE, 8);
	filemap_write(&f->m, &w, 0, 8);			/* 0 dirty */
	/* Pages 1 and 2 only: a fault maps its neighbours too. */
	kt_map_file(mm, f, 0, 0x3000, MAP_SHARED);
	do_munmap(mm, KT_BASE, 0x1000);
	kt_peek(mm, KT_BASE + 0x1000);			/* 1 mapped */
	kt_poke(mm, KT_BASE + 0x2000, 1);		/* 2 mapped, dirty */
	held = find_get_page(&f->m, 3);			/* 3 referenced */
	KT_EQ(t, invalidate_mapping_pages(&f->m, DROP_UNMAPPED), 1);
	KT_EQ(t, invalidate_mapping_pages(&f->m, DROP_MAPPED_TOO), 1);
	put_page(held);
	KT_EQ(t, invalidate_mapping_pages(&f->m, DROP_UNMAPPED), 1);
	KT_EQ(t, f->m.nrpages, 2);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2000), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), kt_word(6, 1));
	mmput(mm);
	kt_file_put(f);
}

/* Dirty is looked at after the freeze, mapped too; then nothing has changed. */
KTEST(mm, filemap_remove_refuses)
{
	struct kt_file *f = kt_file_create(6, 0x1000);
	struct page *p;
	u64 w = 1;

	KT_ASSERT(t, f);
	filemap_write(&f->m, &w, 0, 8);
	p = find_get_page(&f->m, 0);
	lock_page(p);
	KT_EQ(t, remove_mapping(p), -EBUSY);
	KT_EQ(t, page_count(p), 2);
	page_clear(p, PG_dirty);
	get_page(p);
	KT_EQ(t, remove_mapping(p), -EBUSY);
	put_page(p);
	KT_EQ(t, f->m.nrpages, 1);
	KT_EQ(t, remove_mapping(p), 0);
	KT_EQ(t, f->m.nrpages, 0);
	kt_file_put(f);
}

KTEST(mm, filemap_no_memory)
{
	struct kt_file *f = kt_file_create(6, 0x100000);
	bool fired = true;
	ssize_t n;
	u64 w;

	KT_ASSERT(t, f);
	for (u32 i = 1; fired && i < 30; i++) {
		alloc_fail_nth(i);
		n = filemap_read(&f->m, &w, 0x80000, 8);
		fired = alloc_failed_nth();
		alloc_fail_nth(0);
		KT_EQ(t, n, fired ? -ENOMEM : 8);
		truncate_pagecache(&f->m, 0);
		f->m.size = 0x100000;
	}
	KT_EXPECT(t, !fired);
	kt_file_put(f);
}

/*
 * Lookers against truncate and reinsertion at the same indices: a page handed
 * out must carry the tag and index that were asked for.
 */
#define TORTURE_PAGES	4
#define TORTURE_ROUNDS	400

struct torture {
	struct kt_file *f;
	u32 stop, lookups, wrong;
};

static void looker(void *arg)
{
	struct torture *tt = arg;
	struct prng rng;

	prng_seed(&rng, current()->tid);
	while (!READ_ONCE(tt->stop)) {
		u64 index = prng_below(&rng, TORTURE_PAGES);
		struct page *p = read_cache_page(&tt->f->m, index);
		const u64 *words;

		if (IS_ERR(p))
			continue;
		words = page_address(p);
		if (words[prng_below(&rng, 512)] != kt_word(tt->f->tag, index))
			__atomic_fetch_add(&tt->wrong, 1, __ATOMIC_RELAXED);
		put_page(p);
		__atomic_fetch_add(&tt->lookups, 1, __ATOMIC_RELAXED);
	}
}

KTEST(mm, filemap_torture)
{
	struct torture tt = { .f = kt_file_create(9, 0x4000) };
	struct thread *th[3];
	struct prng rng;

	KT_ASSERT(t, tt.f);
	prng_seed(&rng, 1);
	for (u32 i = 0; i < ARRAY_SIZE(th); i++)
		th[i] = kthread_run("looker", -1, looker, &tt);
	while (!READ_ONCE(tt.lookups))
		yield();
	for (u32 i = 0; i < TORTURE_ROUNDS; i++) {
		if (prng_below(&rng, 2)) {
			invalidate_mapping_pages(&tt.f->m, DROP_UNMAPPED);
		} else {
			u64 keep = prng_below(&rng, TORTURE_PAGES);

			truncate_pagecache(&tt.f->m, keep << PAGE_SHIFT);
			WRITE_ONCE(tt.f->m.size, 0x4000);
		}
		if (!(i & 31))
			yield();
	}
	WRITE_ONCE(tt.stop, 1);
	for (u32 i = 0; i < ARRAY_SIZE(th); i++)
		thread_join(th[i]);
	KT_EQ(t, tt.wrong, 0);
	kt_file_put(tt.f);
}
