/* SPDX-License-Identifier: MIT */
/* Tests of mm/rmap.c and mm/anon_vma.c. */
#include "tests/kt/kt_mm.h"

struct seen { u32 mapped, visited; };

static int see(struct page *p, struct vm_area_struct *vma, vaddr_t va,
	       void *arg)
{
	struct seen *s = arg;
	struct pt_pos pos;

	s->visited++;
	if (page_vma_mapped(p, vma, va, &pos)) {
		unlock_table(&pos);
		s->mapped++;
	}
	return 0;
}

/* How many entries the reverse map finds of the page at va. */
static u32 found(struct mm_struct *mm, vaddr_t va)
{
	struct seen s = { 0 };
	struct page *p;
	bool w;

	if (get_user_page(mm, va, 0, &p, &w))
		return ~0U;
	if (!page_is_anon(p))
		lock_page(p);
	rmap_walk(p, see, &s);
	if ((int)s.mapped != page_mapcount(p))
		s.mapped = 1000 + s.mapped;
	if (!page_is_anon(p))
		unlock_page(p);
	put_page(p);
	return s.mapped;
}

KTEST(mm, rmap_anon_fork_split_move)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct mm_struct *grand = mm_alloc();
	s64 at;

	KT_ASSERT(t, mm && child && grand);
	kt_map(mm, 0, 0x4000, PROT_RW);
	for (u64 i = 0; i < 4; i++)
		kt_poke(mm, KT_BASE + i * 0x1000, i);
	KT_EQ(t, found(mm, KT_BASE), 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, dup_mmap(grand, child), 0);
	KT_EQ(t, found(grand, KT_BASE + 0x3000), 3);
	KT_EQ(t, do_mprotect(child, KT_BASE + 0x1000, 0x1000, PROT_READ), 0);
	KT_EQ(t, found(mm, KT_BASE + 0x1000), 3);
	KT_EQ(t, found(mm, KT_BASE + 0x2000), 3);
	at = kt_mremap(grand, KT_BASE + 0x1000, 0x2000, 0x2000,
		       KT_BASE + 0x5ff000);
	KT_EQ(t, at, KT_BASE + 0x5ff000);
	KT_EQ(t, found(mm, KT_BASE + 0x1000), 3);
	KT_EQ(t, found(mm, KT_BASE + 0x2000), 3);
	KT_EQ(t, found(grand, KT_BASE + 0x600000), 3);
	mmput(child);
	KT_EQ(t, found(mm, KT_BASE), 2);
	KT_EQ(t, kt_poke(grand, KT_BASE, 9), 0);
	KT_EQ(t, found(mm, KT_BASE), 1);
	KT_EQ(t, found(grand, KT_BASE), 1);
	mmput(mm);
	KT_EQ(t, found(grand, KT_BASE + 0x3000), 1);
	mmput(grand);
}

KTEST(mm, rmap_file)
{
	struct kt_file *f = kt_file_create(2, 0x4000);
	struct mm_struct *a = mm_alloc(), *b = mm_alloc();

	KT_ASSERT(t, f && a && b);
	kt_map_file(a, f, 0, 0x4000, MAP_SHARED);
	kt_map_file(a, f, 0x100000, 0x4000, MAP_PRIVATE);
	kt_map_file(b, f, 0x7000, 0x4000, MAP_SHARED);
	kt_peek(a, KT_BASE + 0x2000);
	kt_peek(a, KT_BASE + 0x102000);
	kt_peek(b, KT_BASE + 0x9000);
	KT_EQ(t, found(a, KT_BASE + 0x2000), 3);
	do_munmap(a, KT_BASE + 0x1000, 0x2000);
	KT_EQ(t, found(b, KT_BASE + 0x9000), 2);
	kt_poke(a, KT_BASE + 0x102000, 1);
	KT_EQ(t, found(b, KT_BASE + 0x9000), 1);
	KT_EQ(t, found(a, KT_BASE + 0x102000), 1);
	mmput(a);
	mmput(b);
	kt_file_put(f);
}

KTEST(mm, rmap_referenced_mkclean_unmap)
{
	struct kt_file *f = kt_file_create(2, 0x1000);
	struct mm_struct *a = mm_alloc(), *b = mm_alloc();
	struct page *p;

	KT_ASSERT(t, f && a && b);
	kt_map_file(a, f, 0, 0x1000, MAP_SHARED);
	kt_map_file(b, f, 0, 0x1000, MAP_SHARED);
	kt_poke(a, KT_BASE, 1);
	kt_peek(b, KT_BASE);
	p = find_get_page(&f->m, 0);
	KT_ASSERT(t, p);
	lock_page(p);
	KT_EQ(t, page_referenced(p, NULL), 2);
	KT_EQ(t, page_referenced(p, NULL), 0);
	KT_EXPECT(t, page_mkclean(p));
	KT_EXPECT(t, !pte_write(kt_pte(a, KT_BASE)));
	KT_EXPECT(t, !pte_dirty(kt_pte(a, KT_BASE)));
	KT_EXPECT(t, !page_mkclean(p));
	unlock_page(p);
	KT_EQ(t, kt_poke(a, KT_BASE, 2), 0);
	lock_page(p);
	page_clear(p, PG_dirty);
	KT_EXPECT(t, try_to_unmap(p, NULL));
	KT_EXPECT(t, page_test(p, PG_dirty));
	KT_EXPECT(t, pte_none(kt_pte(a, KT_BASE)));
	KT_EQ(t, atomic64_read(&a->rss_file), 0);
	unlock_page(p);
	put_page(p);
	KT_EQ(t, kt_peek(b, KT_BASE), 2);
	mmput(a);
	mmput(b);
	kt_file_put(f);
}

/*
 * An anon_vma whose vmas are gone is taken over by one forked vma at most, and
 * never while another puts pages into it: otherwise, after a split and the
 * wrong merge, a page's anon_vma is freed while the page is mapped.
 */
KTEST(mm, rmap_anon_vma_reuse)
{
	struct mm_struct *mm[4];

	for (u32 i = 0; i < ARRAY_SIZE(mm); i++)
		KT_ASSERT(t, (mm[i] = mm_alloc()));
	kt_map(mm[0], 0, 0x4000, PROT_RW);
	kt_poke(mm[0], KT_BASE, 1);
	KT_EQ(t, dup_mmap(mm[1], mm[0]), 0);
	kt_poke(mm[1], KT_BASE + 0x1000, 2);
	KT_EQ(t, dup_mmap(mm[2], mm[1]), 0);
	mmput(mm[1]);				/* its anon_vma has no vma */
	kt_poke(mm[2], KT_BASE + 0x2000, 3);
	KT_EQ(t, dup_mmap(mm[3], mm[2]), 0);	/* may take it over */
	KT_EQ(t, do_mprotect(mm[3], KT_BASE + 0x1000, 0x1000, PROT_READ), 0);
	kt_poke(mm[3], KT_BASE + 0x3000, 4);
	kt_poke(mm[3], KT_BASE, 5);
	KT_EQ(t, do_mprotect(mm[3], KT_BASE, 0x4000, PROT_RW), 0);
	KT_EQ(t, do_munmap(mm[3], KT_BASE, 0x1000), 0);
	mmput(mm[2]);
	for (u32 i = 1; i < 4; i++) {
		KT_EQ(t, kt_peek(mm[3], KT_BASE + i * PAGE_SIZE), i + 1);
		KT_EQ(t, found(mm[3], KT_BASE + i * PAGE_SIZE), 1);
	}
	mmput(mm[3]);
	KT_EQ(t, kt_peek(mm[0], KT_BASE), 1);
	mmput(mm[0]);
}

static struct anon_vma *anon_vma_at(struct mm_struct *mm, vaddr_t va)
{
	struct anon_vma *av;

	mmap_read_lock(mm);
	av = vma_lookup(mm, va)->anon_vma;
	mmap_read_unlock(mm);
	return av;
}

/* Rule N4: the second child must not take over what the first one did. */
KTEST(mm, rmap_anon_vma_reused_once)
{
	struct mm_struct *mm[5];

	for (u32 i = 0; i < ARRAY_SIZE(mm); i++)
		KT_ASSERT(t, (mm[i] = mm_alloc()));
	kt_map(mm[0], 0, 0x1000, PROT_RW);
	kt_poke(mm[0], KT_BASE, 1);
	KT_EQ(t, dup_mmap(mm[1], mm[0]), 0);
	KT_EQ(t, dup_mmap(mm[2], mm[1]), 0);
	mmput(mm[1]);
	KT_EQ(t, dup_mmap(mm[3], mm[2]), 0);
	KT_EQ(t, dup_mmap(mm[4], mm[2]), 0);
	KT_EXPECT(t, anon_vma_at(mm[3], KT_BASE) != anon_vma_at(mm[4], KT_BASE));
	KT_EQ(t, anon_vma_at(mm[3], KT_BASE)->num_active_vmas, 1);
	KT_EQ(t, found(mm[3], KT_BASE), 4);
	mmput(mm[0]);
	mmput(mm[2]);
	KT_EQ(t, found(mm[4], KT_BASE), 2);
	mmput(mm[3]);
	mmput(mm[4]);
}
