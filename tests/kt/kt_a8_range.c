/* SPDX-License-Identifier: MIT */
/*
 * Table A8, operations on ranges of addresses: event, range and order of each
 * (kt_a8.h says what the letters mean).  Pages: kt_a8_page.c.
 */
#include "mm/madvise.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_a8.h"

#define VA	KT_BASE
#define GIB	0x40000000UL
#define FAR	0x10000000UL		/* other tables */

static bool begin_anon(struct a8 *a, struct kt *t, u32 pages)
{
	if (!a8_begin(a, t))
		return false;
	kt_map(a->mm, 0, pages * PAGE_SIZE, PROT_RW);
	for (u32 i = 0; i < pages; i++)
		KT_EQ(t, kt_poke(a->mm, VA + i * PAGE_SIZE, i), 0);
	return true;
}

/* UNMAP, the whole hole, one section for two vmas; tables, flush, then free. */
KTEST_FLAGS(a8, munmap, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 4));
	KT_EQ(t, do_mprotect(a.mm, VA + 0x2000, 0x2000, PROT_READ), 0);
	a8_watch(&a, VA, VA + 0x4000);
	KT_EQ(t, do_munmap(a.mm, VA, 0x4000), 0);
	a8_expect(&a, "SLCULCUEFX");
	a8_section(&a, 0, MMU_NOTIFY_UNMAP, VA, VA + 0x4000);
	a8_done(&a);
}

/* The same of a dirty file page: its rmap goes after a flush of its own. */
KTEST_FLAGS(a8, munmap_dirty_file, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x2000);
	struct a8 a;

	KT_ASSERT(t, f && a8_begin(&a, t));
	kt_map_file(a.mm, f, 0, 0x1000, MAP_SHARED);
	KT_EQ(t, kt_poke(a.mm, VA, 1), 0);
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, do_munmap(a.mm, VA, 0x1000), 0);
	a8_expect(&a, "SLCFUEF");
	a8_section(&a, 0, MMU_NOTIFY_UNMAP, VA, VA + 0x1000);
	a8_done(&a);
	kt_file_put(f);
}

/* Exit, and exec's old mm: release before anything goes; then as munmap. */
KTEST_FLAGS(a8, exit, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 2));
	a8_watch(&a, VA, VA + 0x2000);
	mmput(a.mm);
	a8_expect(&a, "RSLCUEFX");
	a8_section(&a, 0, MMU_NOTIFY_UNMAP, 0, USER_END);
	a8_done_after_exit(&a);
}

/* CLEAR for each vma; the end before the flush and the free. */
KTEST_FLAGS(a8, truncate, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x4000);
	struct a8 a;

	KT_ASSERT(t, f && a8_begin(&a, t));
	kt_map_file(a.mm, f, 0, 0x4000, MAP_SHARED);
	kt_map_file(a.mm, f, FAR, 0x2000, MAP_SHARED);
	kt_peek(a.mm, VA + 0x1000);
	kt_peek(a.mm, VA + FAR + 0x1000);
	a8_watch(&a, VA + 0x1000, VA + FAR + 0x2000);
	truncate_pagecache(&f->m, 0x1000);
	a8_expect(&a, "SLCUEFSLCUEFX");
	a8_section(&a, 0, MMU_NOTIFY_CLEAR, VA + 0x1000, VA + 0x4000);
	a8_section(&a, 1, MMU_NOTIFY_CLEAR, VA + FAR + 0x1000, VA + FAR + 0x2000);
	a8_done(&a);
	kt_file_put(f);
}

/* A hole is punched page by page, under the page's lock. */
KTEST_FLAGS(a8, punch_hole, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x4000);
	struct a8 a;

	KT_ASSERT(t, f && a8_begin(&a, t));
	kt_map_file(a.mm, f, 0, 0x4000, MAP_SHARED);
	kt_peek(a.mm, VA + 0x1000);
	a8_watch(&a, VA + 0x1000, VA + 0x2000);
	punch_pagecache(&f->m, 1, 2);
	a8_expect(&a, "SLCFUEX");
	a8_section(&a, 0, MMU_NOTIFY_CLEAR, VA + 0x1000, VA + 0x2000);
	a8_done(&a);
	kt_file_put(f);
}

KTEST_FLAGS(a8, dontneed, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 4));
	a8_watch(&a, VA + 0x1000, VA + 0x3000);
	KT_EQ(t, do_madvise_dontneed(a.mm, VA + 0x1000, 0x2000), 0);
	a8_expect(&a, "SLCUEFX");
	a8_section(&a, 0, MMU_NOTIFY_CLEAR, VA + 0x1000, VA + 0x3000);
	a8_done(&a);
}

/* The entries stay; A and D go, and no CPU keeps them. */
KTEST_FLAGS(a8, madvise_free, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 4));
	a8_watch(&a, VA + 0x1000, VA + 0x3000);
	KT_EQ(t, do_madvise(a.mm, VA + 0x1000, 0x2000, MADV_FREE), 0);
	a8_expect(&a, "SLMUEF");
	a8_section(&a, 0, MMU_NOTIFY_CLEAR, VA + 0x1000, VA + 0x3000);
	a8_done(&a);
}

/* Advice that takes no right away tells nobody. */
KTEST_FLAGS(a8, madvise_cold, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 1));
	a8_watch(&a, VA, VA + 0x1000);
	KT_EQ(t, do_madvise(a.mm, VA, 0x1000, MADV_COLD), 0);
	a8_expect(&a, "LMU");
	a8_done(&a);
}

/* One flush for all vmas, behind their sections. */
KTEST_FLAGS(a8, mprotect, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 4));
	a8_watch(&a, VA + 0x1000, VA + 0x3000);
	KT_EQ(t, do_mprotect(a.mm, VA + 0x1000, 0x2000, PROT_READ), 0);
	a8_expect(&a, "SLMUEF");
	a8_section(&a, 0, MMU_NOTIFY_PROTECTION_VMA, VA + 0x1000, VA + 0x3000);
	/* More rights: a section, nothing to flush (G5). */
	a8_watch(&a, VA + 0x1000, VA + 0x3000);
	KT_EQ(t, do_mprotect(a.mm, VA + 0x1000, 0x2000, PROT_RW), 0);
	a8_expect(&a, "SLMUE");
	/* Two vmas: two sections, one flush. */
	KT_EQ(t, do_mprotect(a.mm, VA + 0x1000, 0x1000, PROT_READ), 0);
	a8_watch(&a, VA, VA + 0x4000);
	KT_EQ(t, do_mprotect(a.mm, VA, 0x4000, PROT_NONE), 0);
	a8_expect(&a, "SLMUESLMUESLMUEF");
	a8_section(&a, 1, MMU_NOTIFY_PROTECTION_VMA, VA + 0x1000, VA + 0x2000);
	a8_done(&a);
}

/*
 * A section for each top-level entry that is populated, from its first table
 * on; none where there is nothing.
 */
KTEST_FLAGS(a8, mprotect_top_entries, KTF_LAB_ONLY)
{
	vaddr_t base = 512 * GIB, last = base + 1024 * GIB + GIB;
	struct a8 a;

	KT_ASSERT(t, a8_begin(&a, t));
	KT_EQ(t, kt_mmap(a.mm, base, 1026 * GIB, PROT_RW,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), base);
	KT_EQ(t, kt_poke(a.mm, base + 3 * GIB, 1), 0);
	KT_EQ(t, kt_poke(a.mm, last, 1), 0);
	a8_watch(&a, base, base + 1026 * GIB);
	KT_EQ(t, do_mprotect(a.mm, base, 1026 * GIB, PROT_READ), 0);
	a8_expect(&a, "SLMUESLMUEF");
	a8_section(&a, 0, MMU_NOTIFY_PROTECTION_VMA, base + 3 * GIB,
		   base + 512 * GIB);
	a8_section(&a, 1, MMU_NOTIFY_PROTECTION_VMA, last,
		   base + 1026 * GIB);
	a8_watch(&a, base, base + 1024 * GIB);
	KT_EQ(t, do_mprotect(a.mm, base + 512 * GIB, 512 * GIB, PROT_RW), 0);
	a8_expect(&a, "");
	/* What lies behind the end stays as it is. */
	KT_EQ(t, kt_poke(a.mm, base + 512 * GIB, 1), 0);
	KT_EQ(t, do_mprotect(a.mm, base, 512 * GIB, PROT_NONE), 0);
	KT_EXPECT(t, pte_write(kt_pte(a.mm, base + 512 * GIB)));
	a8_done(&a);
}

/* The old range only; flushed before either table is let go. */
KTEST_FLAGS(a8, mremap, KTF_LAB_ONLY)
{
	vaddr_t to = VA + FAR;
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 2));
	a8_watch(&a, VA, VA + 0x2000);
	KT_EQ(t, kt_mremap(a.mm, VA, 0x2000, 0x2000, to), to);
	a8_expect(&a, "SLULCFUE*");	/* then munmap of the old vma */
	a8_section(&a, 0, MMU_NOTIFY_UNMAP, VA, VA + 0x2000);
	KT_EQ(t, kt_peek(a.mm, to + 0x1000), 1);
	a8_done(&a);
}

/* The parent's vma; its CPUs are flushed after the end. */
KTEST_FLAGS(a8, fork, KTF_LAB_ONLY)
{
	struct mm_struct *child = mm_alloc();
	struct kt_file *f = kt_file_create(1, 0x2000);
	struct a8 a;

	KT_ASSERT(t, child && f && begin_anon(&a, t, 2));
	kt_map_file(a.mm, f, FAR, 0x2000, MAP_SHARED);
	kt_poke(a.mm, VA + FAR, 1);
	a8_watch(&a, VA, VA + 0x2000);
	KT_EQ(t, dup_mmap(child, a.mm), 0);
	a8_expect(&a, "SLULMUEF");
	a8_section(&a, 0, MMU_NOTIFY_PROTECTION_PAGE, VA, VA + 0x2000);
	mmput(child);
	/* A shared mapping is not write-protected: nobody is told. */
	child = mm_alloc();
	KT_ASSERT(t, child);
	a8_watch(&a, VA + FAR, VA + FAR + 0x2000);
	KT_EQ(t, dup_mmap(child, a.mm), 0);
	a8_expect(&a, "F");
	mmput(child);
	a8_done(&a);
	kt_file_put(f);
}

/* Another part of the file in its place: the old pages go, as by munmap. */
KTEST_FLAGS(a8, remap_file_pages, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x4000);
	struct a8 a;

	KT_ASSERT(t, f && a8_begin(&a, t));
	kt_map_file(a.mm, f, 0, 0x2000, MAP_SHARED);
	kt_peek(a.mm, VA);
	a8_watch(&a, VA, VA + 0x2000);
	KT_EQ(t, do_remap_file_pages(a.mm, VA, 0x2000, 2), 0);
	a8_expect(&a, "SLCUEF*");		/* then faults fill it */
	a8_section(&a, 0, MMU_NOTIFY_UNMAP, VA, VA + 0x2000);
	a8_done(&a);
	kt_file_put(f);
}

/* Nothing changes for whoever caches translations: no section (D6). */
KTEST_FLAGS(a8, relocation, KTF_LAB_ONLY)
{
	struct ptmigrate_result res;
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 2));
	a8_watch(&a, VA, VA + 0x2000);
	KT_EQ(t, mm_relocate_tables(a.mm, PTMIGRATE_LIVE, &res), 0);
	a8_expect(&a, "TFTF");		/* PTE tables, then the PMD table */
	KT_EXPECT(t, res.moved[1]);
	a8_watch(&a, VA, VA + 0x2000);
	KT_EQ(t, mm_relocate_tables(a.mm, PTMIGRATE_STOP, &res), 0);
	a8_expect(&a, "TF");
	a8_done(&a);
}

/* Everything, in one section; the flush before its end. */
KTEST_FLAGS(a8, clear_soft_dirty, KTF_LAB_ONLY)
{
	struct a8 a;

	KT_ASSERT(t, begin_anon(&a, t, 2));
	a8_watch(&a, VA, VA + 0x2000);
	mm_clear_soft_dirty(a.mm);
	a8_expect(&a, "SLMUFE");
	a8_section(&a, 0, MMU_NOTIFY_SOFT_DIRTY, 0, USER_END);
	a8_done(&a);
}
