/* SPDX-License-Identifier: MIT */
/* Tests of mm/migrate.c and mm/migrate_rmap.c. */
#include "mm/lru.h"
#include "mm/migrate.h"
#include "tests/kt/kt_holder.h"

static struct page *page_of(struct mm_struct *mm, vaddr_t va)
{
	return pte_page(kt_pte(mm, va));
}

KTEST(mm, migrate_anon)
{
	struct mm_struct *mm = mm_alloc();
	struct page *old;
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x2000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_poke(mm, KT_BASE + 0xff8, 2);
	old = page_of(mm, KT_BASE);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	KT_EXPECT(t, page_of(mm, KT_BASE) != old);
	e = kt_pte(mm, KT_BASE);
	KT_EXPECT(t, pte_write(e) && pte_dirty(e));
	KT_EXPECT(t, page_test(pte_page(e), PG_anon_exclusive));
	KT_EQ(t, page_count(pte_page(e)), 1);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0xff8), 2);
	KT_EQ(t, kt_poke(mm, KT_BASE, 3), 0);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);			/* and again */
	KT_EQ(t, kt_peek(mm, KT_BASE), 3);
	KT_EQ(t, kt_move_page(mm, KT_BASE + 0x1000), -ENOENT);
	kt_peek(mm, KT_BASE + 0x1000);
	KT_EQ(t, kt_move_page(mm, KT_BASE + 0x1000), -EFAULT);	/* the zero page */
	KT_EQ(t, kt_move_page(mm, KT_BASE + 0x2000), -EFAULT);
	mmput(mm);
}

/* Shared over forks: all mappings follow, and copy on write goes on. */
KTEST(mm, migrate_forked)
{
	struct mm_struct *mm[3];
	struct page *p;

	for (u32 i = 0; i < 3; i++)
		KT_ASSERT(t, (mm[i] = mm_alloc()));
	kt_map(mm[0], 0, 0x1000, PROT_RW);
	kt_poke(mm[0], KT_BASE, 1);
	KT_EQ(t, dup_mmap(mm[1], mm[0]), 0);
	KT_EQ(t, dup_mmap(mm[2], mm[1]), 0);
	p = page_of(mm[0], KT_BASE);
	KT_EQ(t, page_mapcount(p), 3);
	KT_EQ(t, kt_move_page(mm[1], KT_BASE), 0);
	KT_EXPECT(t, page_of(mm[0], KT_BASE) != p);
	p = page_of(mm[0], KT_BASE);
	KT_EXPECT(t, page_of(mm[1], KT_BASE) == p && page_of(mm[2], KT_BASE) == p);
	KT_EQ(t, page_mapcount(p), 3);
	KT_EXPECT(t, !page_test(p, PG_anon_exclusive));
	KT_EQ(t, kt_poke(mm[1], KT_BASE, 2), 0);
	KT_EQ(t, kt_peek(mm[0], KT_BASE), 1);
	mmap_read_lock(mm[0]);
	KT_EQ(t, PTR_ERR(isolate_mapped_page(mm[0], KT_BASE, MOVE_SOLE)),
	      -EACCES);
	mmap_read_unlock(mm[0]);
	for (u32 i = 0; i < 3; i++)
		mmput(mm[i]);
}

KTEST(mm, migrate_file)
{
	struct kt_file *f = kt_file_create(5, 0x3000);
	struct mm_struct *mm = mm_alloc();
	struct page *old, *p;
	u64 w = 0;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x3000, MAP_SHARED);
	kt_map_file(mm, f, 0x10000, 0x3000, MAP_PRIVATE);
	kt_poke(mm, KT_BASE, 9);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x10000), 9);
	old = page_of(mm, KT_BASE);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	p = page_of(mm, KT_BASE);
	KT_EXPECT(t, p != old && page_of(mm, KT_BASE + 0x10000) == p);
	KT_EXPECT(t, page_test(p, PG_dirty) && page_test(p, PG_uptodate));
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE + 0x10000)));
	KT_EQ(t, filemap_read(&f->m, &w, 0, 8), 8);
	KT_EQ(t, w, 9);
	KT_EQ(t, kt_poke(mm, KT_BASE, 10), 0);
	KT_EQ(t, filemap_read(&f->m, &w, 0, 8), 8);
	KT_EQ(t, w, 10);
	KT_EQ(t, f->m.nrpages, 1);
	/* Cached and mapped nowhere. */
	do_munmap(mm, KT_BASE, 0x20000);
	KT_EXPECT(t, lru_isolate_page(p));
	KT_EQ(t, migrate_page(p, new_page_anywhere, NULL), 0);
	KT_EQ(t, filemap_read(&f->m, &w, 0, 8), 8);
	KT_EQ(t, w, 10);
	mmput(mm);
	kt_file_put(f);
}

/* Whoever holds the page keeps it where it is, and nothing else changes. */
KTEST(mm, migrate_held)
{
	struct kt_file *f = kt_file_create(5, 0x1000);
	struct mm_struct *mm = mm_alloc();
	struct page *p, *q;
	pte_t e;
	bool w;

	KT_ASSERT(t, mm && f);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	e = kt_pte(mm, KT_BASE);
	KT_EQ(t, pin_user_pages(mm, KT_BASE, 1, FOLL_WRITE, &p), 1);
	KT_EQ(t, kt_move_page(mm, KT_BASE), -EBUSY);
	KT_EXPECT(t, pte_same(kt_pte(mm, KT_BASE), e));
	KT_EXPECT(t, page_test(p, PG_anon_exclusive) && page_test(p, PG_lru));
	unpin_user_page(p);
	KT_EQ(t, get_user_page(mm, KT_BASE, 0, &p, &w), 0);
	KT_EQ(t, kt_move_page(mm, KT_BASE), -EBUSY);
	KT_EXPECT(t, page_of(mm, KT_BASE) == p);
	KT_EXPECT(t, page_test(p, PG_anon_exclusive));
	put_page(p);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	kt_map_file(mm, f, 0x10000, 0x1000, MAP_SHARED);
	kt_peek(mm, KT_BASE + 0x10000);
	q = find_get_page(&f->m, 0);
	KT_EQ(t, kt_move_page(mm, KT_BASE + 0x10000), -EBUSY);
	KT_EXPECT(t, page_of(mm, KT_BASE + 0x10000) == q);
	put_page(q);
	mmput(mm);
	kt_file_put(f);
}

KTEST(mm, migrate_rights)
{
	struct mm_struct *mm = mm_alloc();
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	do_mprotect(mm, KT_BASE, 0x1000, PROT_NONE);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	KT_EXPECT(t, pte_protnone(kt_pte(mm, KT_BASE)));
	do_mprotect(mm, KT_BASE, 0x1000, PROT_READ);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	e = kt_pte(mm, KT_BASE);
	KT_EXPECT(t, pte_present(e) && !pte_write(e));
	KT_EXPECT(t, page_test(pte_page(e), PG_anon_exclusive));
	do_mprotect(mm, KT_BASE, 0x1000, PROT_RW);
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));	/* exclusive still */
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	mmput(mm);
}

/* A CPU that writes through its old translation would write the old frame. */
KTEST(mm, migrate_under_a_cpu)
{
	struct mm_struct *mm = mm_alloc();
	struct holder h;

	KT_ASSERT(t, mm);
	if (!kt_other_cpu()) {
		mmput(mm);
		KT_SKIP(t, "needs two CPUs");
	}
	kt_map(mm, 0, 0x1000, PROT_RW);
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	holder_touch(&h, KT_BASE);
	KT_EQ(t, kt_poke(mm, KT_BASE + 8, 2), 0);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 0), 0);
	holder_touch(&h, KT_BASE);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + 8), 2);
	holder_stop(&h);
	mmput(mm);
}

KTEST(mm, migrate_no_memory)
{
	struct mm_struct *mm = mm_alloc();
	struct page *p;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	p = page_of(mm, KT_BASE);
	alloc_fail_nth(1);
	KT_EQ(t, kt_move_page(mm, KT_BASE), -ENOMEM);
	alloc_fail_nth(0);
	KT_EXPECT(t, page_of(mm, KT_BASE) == p && page_test(p, PG_lru));
	mmput(mm);
}
