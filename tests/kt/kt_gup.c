/* SPDX-License-Identifier: MIT */
/* Tests of mm/gup.c. */
#include "lib/string.h"
#include "mm/tlb.h"
#include "tests/kt/kt_mm.h"

KTEST(mm, gup_fast_refuses)
{
	struct mm_struct *mm = mm_alloc();
	struct page *p;
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	KT_EQ(t, gup_fast(mm, KT_BASE, 0, &p, &e), -EAGAIN);	/* nothing */
	kt_peek(mm, KT_BASE);
	KT_EQ(t, gup_fast(mm, KT_BASE, 0, &p, &e), -EAGAIN);	/* special */
	kt_poke(mm, KT_BASE + 0x1000, 1);
	do_mprotect(mm, KT_BASE + 0x1000, 0x1000, PROT_READ);
	KT_EQ(t, gup_fast(mm, KT_BASE + 0x1000, FAULT_WRITE, &p, &e), -EAGAIN);
	KT_EQ(t, gup_fast(mm, KT_BASE + 0x1000, 0, &p, &e), 0);
	put_page(p);
	do_mprotect(mm, KT_BASE + 0x1000, 0x1000, PROT_NONE);
	KT_EQ(t, gup_fast(mm, KT_BASE + 0x1000, 0, &p, &e), -EAGAIN);
	KT_EQ(t, gup_fast(mm, USER_END, 0, &p, &e), -EFAULT);
	mmput(mm);
}

KTEST(mm, gup_page_outlives_mapping)
{
	struct mm_struct *mm = mm_alloc();
	struct page *p, *q;
	bool w;
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	KT_EQ(t, get_user_page(mm, KT_BASE, FAULT_WRITE, &p, &w), 0);
	KT_EXPECT(t, w);
	KT_EQ(t, gup_fast(mm, KT_BASE, FAULT_WRITE, &q, &e), 0);
	KT_EXPECT(t, p == q);
	put_page(q);
	*(u64 *)page_address(p) = 3;
	KT_EQ(t, kt_peek(mm, KT_BASE), 3);
	do_munmap(mm, KT_BASE, 0x1000);
	KT_EQ(t, page_count(p), 1);
	KT_EQ(t, *(u64 *)page_address(p), 3);
	put_page(p);
	KT_EQ(t, get_user_page(mm, KT_BASE, 0, &p, &w), -EFAULT);
	mmput(mm);
}

KTEST(mm, gup_copies)
{
	struct mm_struct *mm = mm_alloc();
	static char out[5000], in[5000];

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	for (u32 i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7);
	KT_EQ(t, copy_to_mm(mm, KT_BASE + 0xf00, out, sizeof(out)), 0);
	KT_EQ(t, copy_from_mm(mm, in, KT_BASE + 0xf00, sizeof(in)), 0);
	KT_EQ(t, memcmp(in, out, sizeof(in)), 0);
	KT_EQ(t, copy_to_mm(mm, KT_BASE + 0x2ff0, out, 100), 84);
	KT_EQ(t, copy_from_mm(mm, in, USER_END - 8, 100), 100);
	mmput(mm);
}

/* A pinned page stays the parent's: fork copies it. */
KTEST(mm, pin_survives_fork)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct page *p[2];

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x3000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	kt_poke(mm, KT_BASE + 0x2000, 3);
	KT_EQ(t, pin_user_pages(mm, KT_BASE, 2, FOLL_WRITE, p), 2);
	KT_EXPECT(t, page_maybe_dma_pinned(p[0]));
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EXPECT(t, pte_page(kt_pte(child, KT_BASE)) != p[0]);
	KT_EXPECT(t, page_test(p[0], PG_anon_exclusive));
	KT_EXPECT(t, pte_write(kt_pte(mm, KT_BASE)));
	KT_EXPECT(t, pte_page(kt_pte(child, KT_BASE + 0x2000)) ==
		     pte_page(kt_pte(mm, KT_BASE + 0x2000)));
	KT_EQ(t, kt_poke(mm, KT_BASE, 2), 0);
	KT_EQ(t, *(u64 *)page_address(p[0]), 2);
	*(u64 *)page_address(p[1]) = 5;			/* the device writes */
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 5);
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	KT_EQ(t, kt_poke(child, KT_BASE, 6), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 2);
	unpin_user_pages(p, 2);
	KT_EQ(t, page_count(p[0]), 1);
	mmput(mm);
	mmput(child);
}

/* A pin for reading makes a shared page exclusive first. */
KTEST(mm, pin_unshares)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct page *p, *q;
	pte_t e;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, gup_fast(child, KT_BASE, FOLL_PIN, &p, &e), -EAGAIN);
	KT_EQ(t, pin_user_pages(child, KT_BASE, 1, 0, &p), 1);
	KT_EXPECT(t, p != pte_page(kt_pte(mm, KT_BASE)));
	KT_EQ(t, gup_fast(child, KT_BASE, FOLL_PIN, &q, &e), 0);
	KT_EXPECT(t, p == q);
	unpin_user_page(q);
	KT_EQ(t, kt_poke(child, KT_BASE, 2), 0);
	KT_EQ(t, *(u64 *)page_address(p), 2);		/* in place */
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	/* The last one that maps it: nothing to copy. */
	q = pte_page(kt_pte(mm, KT_BASE));
	unpin_user_page(p);
	KT_EQ(t, pin_user_pages(mm, KT_BASE, 1, 0, &p), 1);
	KT_EXPECT(t, p == q);
	unpin_user_page(p);
	mmput(mm);
	mmput(child);
}

KTEST(mm, pin_zero_and_file)
{
	struct kt_file *f = kt_file_create(1, 0x1000);
	struct mm_struct *mm = mm_alloc();
	struct page *p;
	int count;

	KT_ASSERT(t, mm && f);
	kt_map(mm, 0, 0x1000, PROT_RW);
	count = page_count(zero_page);
	KT_EQ(t, pin_user_pages(mm, KT_BASE, 1, 0, &p), 1);
	KT_EXPECT(t, p == zero_page && page_count(p) == count);
	unpin_user_page(p);
	kt_map_file(mm, f, 0x10000, 0x1000, MAP_SHARED);
	KT_EQ(t, pin_user_pages(mm, KT_BASE + 0x10000, 1, FOLL_WRITE, &p), 1);
	KT_EXPECT(t, p->mapping == &f->m && page_maybe_dma_pinned(p));
	unpin_user_page(p);
	KT_EXPECT(t, !page_maybe_dma_pinned(p));
	mmput(mm);
	kt_file_put(f);
}

/* Several at once, up to a hole, of current and of another. */
KTEST(mm, gup_many)
{
	struct mm_struct *mm = mm_alloc();
	struct page *p[4];

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	kt_poke(mm, KT_BASE + 0x1000, 1);
	KT_EQ(t, get_user_pages(mm, KT_BASE, 4, FOLL_WRITE, p), 3);
	KT_EQ(t, *(u64 *)page_address(p[1]), 1);
	for (u32 i = 0; i < 3; i++)
		put_page(p[i]);
	KT_EQ(t, get_user_pages(mm, KT_BASE + 0x3000, 1, 0, p), -EFAULT);
	KT_EQ(t, get_user_pages(mm, KT_BASE, 0, 0, p), 0);
	activate_mm(mm);
	do_madvise_dontneed(mm, KT_BASE + 0x2000, 0x1000);
	KT_EQ(t, get_user_pages_fast(KT_BASE, 4, FOLL_WRITE, p), 3);
	for (u32 i = 0; i < 3; i++)
		put_page(p[i]);
	KT_EQ(t, pin_user_pages_fast(KT_BASE, 2, FOLL_WRITE, p), 2);
	unpin_user_pages(p, 2);
	KT_EQ(t, get_user_pages_fast(KT_BASE + 0x3000, 1, 0, p), -EFAULT);
	deactivate_mm();
	mmput(mm);
}

KTEST(mm, gup_force)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct kt_file *f = kt_file_create(4, 0x1000);
	struct page *p;
	u64 w = 9;

	KT_ASSERT(t, mm && child && f);
	kt_map(mm, 0, 0x2000, PROT_NONE);
	KT_EQ(t, get_user_pages(mm, KT_BASE, 1, 0, &p), -EFAULT);
	KT_EQ(t, access_remote_vm(mm, KT_BASE, &w, 8, FOLL_FORCE), 8);
	KT_EQ(t, w, 0);
	w = 5;
	KT_EQ(t, access_remote_vm(mm, KT_BASE, &w, 8, FOLL_FORCE | FOLL_WRITE),
	      8);
	KT_EXPECT(t, pte_protnone(kt_pte(mm, KT_BASE)));
	KT_EQ(t, access_remote_vm(mm, KT_BASE + 0x1000, &w, 8,
				  FOLL_FORCE | FOLL_WRITE), 8);
	do_mprotect(mm, KT_BASE, 0x2000, PROT_READ);
	KT_EQ(t, kt_peek(mm, KT_BASE), 5);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 5);
	KT_EQ(t, get_user_pages(mm, KT_BASE, 1, FOLL_WRITE, &p), -EFAULT);
	/* Reused after a fork: exclusive again, and still read-only. */
	KT_EQ(t, dup_mmap(child, mm), 0);
	mmput(child);
	KT_EQ(t, access_remote_vm(mm, KT_BASE, &w, 8, FOLL_FORCE | FOLL_WRITE),
	      8);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
	kt_map_file(mm, f, 0x10000, 0x1000, MAP_SHARED);
	do_mprotect(mm, KT_BASE + 0x10000, 0x1000, PROT_READ);
	KT_EQ(t, access_remote_vm(mm, KT_BASE + 0x10000, &w, 8,
				  FOLL_FORCE | FOLL_WRITE), 0);
	mmput(mm);
	kt_file_put(f);
}
