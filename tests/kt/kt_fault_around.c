/* SPDX-License-Identifier: MIT */
/* Tests of mm/fault_around.c. */
#include "tests/kt/kt_mm.h"

#define PAGES	40

/* Pages [0, PAGES) of a file, all in the cache but those in `out`. */
static struct kt_file *cached_file(u64 out)
{
	struct kt_file *f = kt_file_create(9, PAGES * PAGE_SIZE);
	struct page *p;

	for (u64 i = 0; f && i < PAGES; i++) {
		if (out & BIT(i))
			continue;
		p = read_cache_page(&f->m, i);
		if (!IS_ERR(p))
			put_page(p);
	}
	return f;
}

static bool mapped(struct mm_struct *mm, u64 page)
{
	return pte_mapped(kt_pte(mm, KT_BASE + page * PAGE_SIZE));
}

KTEST(mm, fault_around_window)
{
	struct kt_file *f = cached_file(BIT(5) | BIT(6));
	struct mm_struct *mm = mm_alloc();
	struct fault_stats a, b;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, PAGES * PAGE_SIZE, MAP_SHARED);
	fault_stats(&a);
	KT_EQ(t, kt_peek(mm, KT_BASE + 3 * PAGE_SIZE), kt_word(9, 3));
	fault_stats(&b);
	KT_EQ(t, b.around - a.around, 13);	/* 16 less two less its own */
	for (u64 i = 0; i < PAGES; i++)
		KT_EQ(t, mapped(mm, i), i < 16 && i != 5 && i != 6);
	KT_EQ(t, atomic64_read(&mm->rss_file), 14);
	KT_EXPECT(t, pte_young(kt_pte(mm, KT_BASE + 3 * PAGE_SIZE)));
	KT_EXPECT(t, !pte_young(kt_pte(mm, KT_BASE + 4 * PAGE_SIZE)));
	for (u64 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * PAGE_SIZE), kt_word(9, i));
	mmput(mm);
	kt_file_put(f);
}

/* The vma's ends, a private mapping, pages mapped before, the file's end. */
KTEST(mm, fault_around_limits)
{
	struct kt_file *f = cached_file(0);
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, PAGES * PAGE_SIZE, MAP_PRIVATE);
	do_munmap(mm, KT_BASE + 4 * PAGE_SIZE, PAGE_SIZE);
	KT_EQ(t, kt_poke(mm, KT_BASE + 2 * PAGE_SIZE, 7), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), kt_word(9, 0));
	KT_EXPECT(t, mapped(mm, 3) && !mapped(mm, 4) && !mapped(mm, 5));
	KT_EQ(t, kt_peek(mm, KT_BASE + 2 * PAGE_SIZE), 7);	/* stays */
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE + PAGE_SIZE)));
	f->m.size = 35 * PAGE_SIZE;
	KT_EQ(t, kt_peek(mm, KT_BASE + 33 * PAGE_SIZE), kt_word(9, 33));
	KT_EXPECT(t, mapped(mm, 32) && mapped(mm, 34) && !mapped(mm, 35));
	f->m.size = PAGES * PAGE_SIZE;
	mmput(mm);
	kt_file_put(f);
}

/* A page that is locked, or was never filled, is left alone. */
KTEST(mm, fault_around_skips)
{
	struct kt_file *f = cached_file(0);
	struct mm_struct *mm = mm_alloc();
	struct page *locked, *empty;

	KT_ASSERT(t, mm && f);
	locked = find_get_page(&f->m, 1);
	empty = find_get_page(&f->m, 2);
	KT_ASSERT(t, locked && empty);
	KT_EXPECT(t, trylock_page(locked));
	page_clear(empty, PG_uptodate);
	kt_map_file(mm, f, 0, PAGES * PAGE_SIZE, MAP_SHARED);
	KT_EQ(t, kt_peek(mm, KT_BASE), kt_word(9, 0));
	KT_EXPECT(t, !mapped(mm, 1) && !mapped(mm, 2) && mapped(mm, 3));
	page_set(empty, PG_uptodate);
	unlock_page(locked);
	put_page(locked);
	put_page(empty);
	mmput(mm);
	kt_file_put(f);
}

/* No memory for the table: that is said, and not taken for done. */
KTEST(mm, fault_around_no_table)
{
	struct kt_file *f = cached_file(0);
	struct mm_struct *mm = mm_alloc();
	struct vm_area_struct *vma;
	enum fault_result res;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, PAGES * PAGE_SIZE, MAP_SHARED);
	mmap_read_lock(mm);
	vma = vma_lookup(mm, KT_BASE);
	alloc_fail_from(1);
	res = handle_mm_fault(vma, KT_BASE, FAULT_USER);
	alloc_fail_nth(0);
	mmap_read_unlock(mm);
	KT_EQ(t, res, FAULT_OOM);
	KT_EXPECT(t, !mapped(mm, 0));
	KT_EQ(t, kt_peek(mm, KT_BASE), kt_word(9, 0));
	mmput(mm);
	kt_file_put(f);
}
