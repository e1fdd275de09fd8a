/* SPDX-License-Identifier: MIT */
/* Tests of mm/ksm.c, ksm_tree.c and ksm_merge.c. */
#include "kernel/upcall.h"
#include "mm/lru.h"
#include "mm/migrate.h"
#include "mm/ptmigrate.h"
#include "mm/vmscan.h"
#include "tests/kt/kt_ksm.h"

KTEST(ksm, equal_pages_become_one)
{
	struct mm_struct *mm = kt_mergeable(t, 4, 7, 0);
	struct ksm_stats s;
	struct page *p;

	KT_ASSERT(t, mm);
	ksm_scan_passes(1);
	KT_EXPECT(t, !kt_merged(mm, P(0)));	/* one look is too early */
	ksm_scan_passes(1);
	p = ksm_at(mm, P(0));
	for (u32 i = 0; i < 4; i++) {
		KT_EXPECT(t, kt_merged(mm, P(i)) && ksm_at(mm, P(i)) == p);
		KT_EQ(t, kt_peek(mm, P(i)), 7);
	}
	KT_EQ(t, page_mapcount(p), 4);
	KT_EQ(t, page_count(p), 4);
	KT_EXPECT(t, !page_test(p, PG_anon_exclusive));
	KT_EQ(t, atomic64_read(&mm->rss_anon), 4);
	ksm_stats(&s);
	KT_EQ(t, s.shared, 1);
	KT_EQ(t, s.sharing, 3);
	KT_EQ(t, s.items, 0);
	KT_EXPECT(t, s.places >= 4);
	mmput(mm);
	ksm_stats(&s);
	KT_EQ(t, s.shared + s.sharing + s.slots + s.places, 0);
}

/* The last word decides as well; what differs stays, and is counted. */
KTEST(ksm, different_pages_stay)
{
	struct mm_struct *mm = kt_mergeable(t, 4, 1, 1);
	struct ksm_stats s;

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 4; i++)
		kt_poke(mm, P(i), 5);
	kt_poke(mm, P(3) + 0xff8, 1);
	kt_merge();
	KT_EXPECT(t, kt_merged(mm, P(0)) && kt_merged(mm, P(2)));
	KT_EXPECT(t, !kt_merged(mm, P(3)));
	KT_EXPECT(t, pte_write(kt_pte(mm, P(3))));
	ksm_scan_passes(1);
	ksm_stats(&s);
	KT_EQ(t, s.unshared, 1);
	KT_EQ(t, s.volatile_, 0);
	kt_poke(mm, P(3), 6);
	ksm_scan_passes(1);
	ksm_stats(&s);
	KT_EQ(t, s.unshared, 0);
	KT_EQ(t, s.volatile_, 1);
	mmput(mm);
}

KTEST(ksm, write_takes_a_copy)
{
	struct mm_struct *mm = kt_mergeable(t, 3, 7, 0);
	struct page *p;

	KT_ASSERT(t, mm);
	kt_merge();
	p = ksm_at(mm, P(0));
	KT_EQ(t, kt_poke(mm, P(1), 8), 0);
	KT_EXPECT(t, !kt_merged(mm, P(1)) && pte_write(kt_pte(mm, P(1))));
	KT_EQ(t, kt_peek(mm, P(0)), 7);
	KT_EQ(t, kt_peek(mm, P(1)), 8);
	KT_EQ(t, page_mapcount(p), 2);
	/* Not even the last one writes into it: others may be on their way. */
	KT_EQ(t, kt_poke(mm, P(0), 9), 0);
	KT_EQ(t, kt_poke(mm, P(2), 10), 0);
	KT_EXPECT(t, ksm_at(mm, P(2)) != p);
	KT_EQ(t, kt_peek(mm, P(0)), 9);
	/* And equal again. */
	for (u32 i = 0; i < 3; i++)
		kt_poke(mm, P(i), 11);
	kt_merge();
	KT_EQ(t, page_mapcount(ksm_at(mm, P(0))), 3);
	mmput(mm);
}

/* A page that comes later joins at once: it is found by its bytes. */
KTEST(ksm, joins_a_stable_page)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct mm_struct *late;

	KT_ASSERT(t, mm);
	kt_merge();
	late = kt_mergeable(t, 2, 7, 1);
	KT_ASSERT(t, late);
	ksm_scan_passes(1);
	KT_EXPECT(t, ksm_at(late, P(0)) == ksm_at(mm, P(0)));
	KT_EXPECT(t, !kt_merged(late, P(1)));
	mmput(mm);
	KT_EQ(t, kt_peek(late, P(0)), 7);
	KT_EQ(t, page_mapcount(ksm_at(late, P(0))), 1);
	mmput(late);
}

KTEST(ksm, unmergeable_gives_back)
{
	struct mm_struct *mm = kt_mergeable(t, 4, 7, 0);

	KT_ASSERT(t, mm);
	kt_merge();
	do_mprotect(mm, P(3), PAGE_SIZE, PROT_NONE);
	KT_EQ(t, do_madvise(mm, P(1), 3 * PAGE_SIZE, MADV_UNMERGEABLE), 0);
	KT_EXPECT(t, kt_merged(mm, P(0)));
	for (u32 i = 1; i < 4; i++)
		KT_EXPECT(t, !page_is_ksm(ksm_at(mm, P(i))));
	KT_EXPECT(t, pte_protnone(kt_pte(mm, P(3))));
	do_mprotect(mm, P(3), PAGE_SIZE, PROT_RW);
	KT_EQ(t, kt_peek(mm, P(3)), 7);
	kt_merge();				/* and it stays like that */
	KT_EXPECT(t, !kt_merged(mm, P(1)) && !kt_merged(mm, P(2)));
	mmput(mm);
}

/* No memory for the copies: what was not given back is still merged. */
KTEST(ksm, unmerge_no_memory)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);

	KT_ASSERT(t, mm);
	kt_merge();
	alloc_fail_nth(1);
	KT_EQ(t, do_madvise(mm, P(0), 2 * PAGE_SIZE, MADV_UNMERGEABLE),
	      -ENOMEM);
	alloc_fail_nth(0);
	KT_EXPECT(t, kt_merged(mm, P(0)) && kt_merged(mm, P(1)));
	KT_EQ(t, do_madvise(mm, P(0), 2 * PAGE_SIZE, MADV_UNMERGEABLE), 0);
	KT_EXPECT(t, !kt_merged(mm, P(0)));
	mmput(mm);
}

KTEST(ksm, scan_no_memory)
{
	struct mm_struct *mm;

	for (u32 nth = 1; nth < 12; nth++) {
		mm = kt_mergeable(t, 3, 7, 0);
		KT_ASSERT(t, mm);
		alloc_fail_nth(nth);
		kt_merge();
		alloc_fail_nth(0);
		for (u32 i = 0; i < 3; i++)
			KT_EQ(t, kt_peek(mm, P(i)), 7);
		kt_merge();
		KT_EQ(t, page_mapcount(ksm_at(mm, P(0))), 3);
		mmput(mm);
	}
}

struct finds {
	struct { struct mm_struct *mm; vaddr_t va; } at[64];
	u32 nr;
};

static int note_mapping(struct page *p, struct vm_area_struct *vma, vaddr_t va,
			void *arg)
{
	struct finds *f = arg;
	struct pt_pos pos;
	u32 i = 0;

	if (!page_vma_mapped(p, vma, va, &pos))
		return 0;
	unlock_table(&pos);
	while (i < f->nr && (f->at[i].mm != vma->vm_mm || f->at[i].va != va))
		i++;
	if (i < ARRAY_SIZE(f->at)) {
		f->at[i].mm = vma->vm_mm;
		f->at[i].va = va;
		f->nr = max(f->nr, i + 1);
	}
	return 0;
}

/* How many mappings a walk finds; some it finds twice. */
static u32 found(struct page *p)
{
	struct finds *f = kzalloc(sizeof(*f));
	u32 n;

	if (!f)
		return 0;
	get_page(p);
	lock_page(p);
	rmap_walk(p, note_mapping, f);
	unlock_page(p);
	put_page(p);
	n = f->nr;
	kfree(f);
	return n;
}

/*
 * T4: whatever happens to mappings, the walk finds all of them: pages of
 * relatives, of strangers, moved, inherited, and those left when the one that
 * was scanned is gone.
 */
KTEST(ksm, walk_finds_every_mapper)
{
	struct mm_struct *mm = kt_mergeable(t, 4, 7, 0), *child = mm_alloc();
	struct mm_struct *other = kt_mergeable(t, 2, 7, 0);
	struct page *p;

	KT_ASSERT(t, mm && other && child);
	kt_merge();
	p = ksm_at(mm, P(0));
	KT_EQ(t, page_mapcount(p), 6);
	KT_EQ(t, found(p), 6);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, page_mapcount(p), 10);
	KT_EQ(t, found(p), 10);
	KT_EQ(t, kt_mremap(mm, P(1), 2 * PAGE_SIZE, 2 * PAGE_SIZE, P(64)),
	      P(64));
	KT_EQ(t, found(p), 10);
	kt_poke(mm, P(0), 1);			/* the child's has its place */
	KT_EQ(t, found(p), 9);
	do_munmap(mm, P(3), PAGE_SIZE);
	ksm_scan_passes(1);
	KT_EQ(t, found(p), 8);
	mmput(mm);
	KT_EQ(t, page_mapcount(p), 6);
	KT_EQ(t, found(p), 6);
	kt_mremap(child, P(0), 4 * PAGE_SIZE, 4 * PAGE_SIZE, P(128));
	KT_EQ(t, found(p), 6);
	mmput(other);
	KT_EQ(t, found(p), 4);
	KT_EQ(t, kt_peek(child, P(130)), 7);
	mmput(child);
}

/* T5: places of mappings that are gone do not pile up. */
KTEST(ksm, places_are_dropped)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct ksm_stats s;

	KT_ASSERT(t, mm);
	kt_merge();
	for (u32 i = 2; i < 40; i++) {
		kt_map(mm, i << PAGE_SHIFT, PAGE_SIZE, PROT_RW);
		kt_poke(mm, P(i), 7);
		do_madvise(mm, P(i), PAGE_SIZE, MADV_MERGEABLE);
		ksm_scan_passes(1);
		KT_EXPECT(t, kt_merged(mm, P(i)));
		kt_poke(mm, P(i), 8);
		do_munmap(mm, P(i), PAGE_SIZE);
	}
	ksm_stats(&s);
	KT_EXPECT(t, s.places <= 2 * 3 + 8 + 1);
	KT_EQ(t, found(ksm_at(mm, P(0))), 2);
	mmput(mm);
}

/* Pages shared over a fork are one already; merging them loses nobody. */
KTEST(ksm, forked_pages)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0), *child = mm_alloc();
	struct page *p;

	KT_ASSERT(t, mm && child);
	KT_EQ(t, dup_mmap(child, mm), 0);
	kt_merge();
	ksm_scan_passes(1);
	p = ksm_at(mm, P(0));
	for (u32 i = 0; i < 2; i++) {
		KT_EXPECT(t, ksm_at(mm, P(i)) == p);
		KT_EXPECT(t, ksm_at(child, P(i)) == p);
	}
	KT_EQ(t, page_mapcount(p), 4);
	KT_EQ(t, found(p), 4);
	kt_poke(child, P(0), 8);
	KT_EQ(t, kt_peek(mm, P(0)), 7);
	mmput(mm);
	KT_EQ(t, kt_peek(child, P(1)), 7);
	/* The child is looked at on its own account. */
	kt_poke(child, P(1), 8);
	kt_merge();
	KT_EXPECT(t, kt_merged(child, P(0)) && kt_merged(child, P(1)));
	mmput(child);
}

/* Whoever holds a page keeps it as it is (W1). */
KTEST(ksm, held_pages_stay)
{
	struct mm_struct *mm = kt_mergeable(t, 3, 7, 0);
	struct page *p, *q;
	bool w;

	KT_ASSERT(t, mm);
	KT_EQ(t, pin_user_pages(mm, P(0), 1, FOLL_WRITE, &p), 1);
	KT_EQ(t, get_user_page(mm, P(1), FOLL_WRITE, &q, &w), 0);
	kt_merge();
	for (u32 i = 0; i < 3; i++)
		KT_EXPECT(t, !page_is_ksm(ksm_at(mm, P(i))));
	KT_EXPECT(t, ksm_at(mm, P(0)) == p && ksm_at(mm, P(1)) == q);
	*(u64 *)page_address(p) = 9;
	KT_EQ(t, kt_peek(mm, P(0)), 9);
	unpin_user_page(p);
	put_page(q);
	kt_merge();
	KT_EXPECT(t, kt_merged(mm, P(1)) && kt_merged(mm, P(2)));
	/* A pin for reading is a pin: it gets a page of its own. */
	KT_EQ(t, pin_user_pages(mm, P(1), 1, 0, &p), 1);
	KT_EXPECT(t, !page_is_ksm(p) && page_test(p, PG_anon_exclusive));
	KT_EQ(t, kt_poke(mm, P(1), 10), 0);
	KT_EQ(t, *(u64 *)page_address(p), 10);
	unpin_user_page(p);
	/* A reference for reading does not. */
	KT_EQ(t, get_user_page(mm, P(2), 0, &p, &w), 0);
	KT_EXPECT(t, page_is_ksm(p));
	put_page(p);
	mmput(mm);
}

KTEST(ksm, migrates)
{
	struct mm_struct *mm = kt_mergeable(t, 3, 7, 0);
	struct mm_struct *late;
	struct page *p, *q;

	KT_ASSERT(t, mm);
	kt_merge();
	p = ksm_at(mm, P(0));
	KT_EQ(t, kt_move_page(mm, P(1)), 0);
	q = ksm_at(mm, P(0));
	KT_EXPECT(t, q != p && page_is_ksm(q));
	for (u32 i = 0; i < 3; i++)
		KT_EXPECT(t, ksm_at(mm, P(i)) == q && kt_merged(mm, P(i)));
	KT_EQ(t, found(q), 3);
	KT_EQ(t, kt_peek(mm, P(2)), 7);
	late = kt_mergeable(t, 1, 7, 0);
	KT_ASSERT(t, late);
	ksm_scan_passes(1);
	KT_EXPECT(t, ksm_at(late, P(0)) == q);
	mmput(mm);
	mmput(late);
}

/* K5 of shrink.c: put aside, not swapped; MADV_FREE leaves it alone. */
KTEST(ksm, reclaim_leaves_it)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct mm_struct *other = kt_mergeable(t, 1, 7, 0);
	struct page *p;

	KT_ASSERT(t, mm && other);
	kt_merge();
	p = ksm_at(mm, P(0));
	do_madvise(mm, P(0), 2 * PAGE_SIZE, MADV_PAGEOUT);
	kt_poke(mm, P(0), 1);
	kt_poke(mm, P(1), 1);
	KT_EQ(t, page_mapcount(p), 1);
	do_madvise(other, P(0), PAGE_SIZE, MADV_FREE);
	KT_EXPECT(t, page_test(p, PG_swapbacked));
	do_madvise(other, P(0), PAGE_SIZE, MADV_PAGEOUT);
	KT_EXPECT(t, kt_merged(other, P(0)));
	KT_EXPECT(t, page_test(p, PG_unevictable));
	KT_EQ(t, kt_peek(other, P(0)), 7);
	mmput(mm);
	mmput(other);
}

/* What the program said is not wanted may be gone, and is not merged. */
KTEST(ksm, lazyfree_stays)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);

	KT_ASSERT(t, mm);
	do_madvise(mm, P(0), 2 * PAGE_SIZE, MADV_FREE);
	kt_merge();
	KT_EXPECT(t, !page_is_ksm(ksm_at(mm, P(0))));
	KT_EXPECT(t, !page_is_ksm(ksm_at(mm, P(1))));
	mmput(mm);
}

/* Pages that came back from swap are merged when no slot counts them. */
KTEST(ksm, swapped_pages)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);

	KT_ASSERT(t, mm);
	do_madvise(mm, P(0), 2 * PAGE_SIZE, MADV_PAGEOUT);
	KT_EQ(t, kt_peek(mm, P(0)), 7);
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	kt_merge();
	KT_EXPECT(t, kt_merged(mm, P(0)) && kt_merged(mm, P(1)));
	KT_EQ(t, atomic64_read(&mm->swap_ents), 0);
	mmput(mm);
}

/* Shared and file pages are nobody's to merge; private copies are. */
KTEST(ksm, what_is_mergeable)
{
	struct kt_file *f = kt_file_create(5, 0x2000);
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	kt_map_file(mm, f, 0x10000, 0x2000, MAP_PRIVATE);
	KT_EQ(t, do_madvise(mm, KT_BASE, 0x2000, MADV_MERGEABLE), 0);
	KT_EQ(t, do_madvise(mm, P(16), 0x2000, MADV_MERGEABLE), 0);
	mmap_read_lock(mm);
	KT_EXPECT(t, !(vma_lookup(mm, P(0))->vm_flags & VM_MERGEABLE));
	mmap_read_unlock(mm);
	kt_poke(mm, P(0), 1);
	for (u32 i = 0; i < 512; i++) {
		kt_poke(mm, P(16) + i * 8, 3);
		kt_poke(mm, P(17) + i * 8, 3);
	}
	kt_merge();
	KT_EXPECT(t, !page_is_ksm(ksm_at(mm, P(0))));
	KT_EXPECT(t, kt_merged(mm, P(16)) && kt_merged(mm, P(17)));
	KT_EQ(t, found(ksm_at(mm, P(16))), 2);
	mmput(mm);
	kt_file_put(f);
}

/* Tables move under merged pages, and merging goes on in moved tables. */
KTEST(ksm, relocated_tables)
{
	struct mm_struct *mm = kt_mergeable(t, 32, 7, 0);
	struct ptmigrate_result r;

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 4; i++) {
		KT_EQ(t, mm_relocate_tables(mm, i & 1 ? PTMIGRATE_STOP :
					    PTMIGRATE_LIVE, &r), 0);
		ksm_scan_passes(1);
	}
	KT_EQ(t, page_mapcount(ksm_at(mm, P(0))), 32);
	KT_EQ(t, found(ksm_at(mm, P(0))), 32);
	kt_poke(mm, P(5), 8);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	KT_EQ(t, kt_peek(mm, P(5)), 8);
	KT_EQ(t, kt_peek(mm, P(6)), 7);
	mmput(mm);
}
