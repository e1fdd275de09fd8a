/* SPDX-License-Identifier: MIT */
/* Shared memory that goes to swap, for its tests and its races. */
#ifndef TESTS_KT_KT_SHMEM_H
#define TESTS_KT_KT_SHMEM_H

#include "mm/shmem.h"
#include "tests/kt/kt_swap.h"

/* An mm with `pages` of shared memory at KT_BASE, page i's first word first + i. */
static inline struct mm_struct *kt_shared(struct kt *t, u64 pages, u64 first)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm && kt_mmap(mm, KT_BASE, pages * PAGE_SIZE, PROT_RW,
					MAP_SHARED | MAP_ANONYMOUS |
					MAP_FIXED) > 0))
		return NULL;
	for (u64 i = 0; i < pages; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE, first + i), 0);
	return mm;
}

static inline struct address_space *kt_mapping(struct mm_struct *mm)
{
	struct address_space *m;

	mmap_read_lock(mm);
	m = vma_lookup(mm, KT_BASE)->vm_mapping;
	mmap_read_unlock(mm);
	return m;
}

/* Reclaims m's page, whoever maps it, as kswapd does: pages freed. */
static inline u32 kt_shrink(struct address_space *m, u64 index)
{
	struct scan_control sc = { .flags = SCAN_IGNORE_REFERENCES };
	struct page *p = find_get_page(m, index);
	LIST_HEAD(pages);
	bool ours;

	if (!p)
		return 0;
	ours = lru_isolate_page(p);
	put_page(p);
	if (!ours)
		return 0;
	list_add(&p->lru, &pages);
	return shrink_page_list(&pages, &sc);
}

#endif
