/* SPDX-License-Identifier: MIT */
/* For tests of mm/ksm*.c: memory that may be merged. */
#ifndef TESTS_KT_KT_KSM_H
#define TESTS_KT_KT_KSM_H

#include "mm/ksm.h"
#include "mm/madvise.h"
#include "tests/kt/kt_mm.h"

#define P(n)	(KT_BASE + ((u64)(n) << PAGE_SHIFT))

static inline struct page *ksm_at(struct mm_struct *mm, vaddr_t va)
{
	pte_t e = kt_pte(mm, va);

	return pte_mapped(e) ? pte_page(e) : NULL;
}

/* pages pages at KT_BASE, mergeable; word i of page n: word(n). */
static inline struct mm_struct *kt_mergeable(struct kt *t, u64 pages, u64 word,
					     u64 step)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm))
		return NULL;
	kt_map(mm, 0, pages << PAGE_SHIFT, PROT_RW);
	for (u64 i = 0; i < pages; i++)
		kt_poke(mm, KT_BASE + (i << PAGE_SHIFT), word + i * step);
	KT_EQ(t, do_madvise(mm, KT_BASE, pages << PAGE_SHIFT, MADV_MERGEABLE),
	      0);
	return mm;
}

/* Two passes: checksums, then merging. */
static inline void kt_merge(void) { ksm_scan_passes(2); }

static inline bool kt_merged(struct mm_struct *mm, vaddr_t va)
{
	struct page *p = ksm_at(mm, va);

	return p && page_is_ksm(p) && !pte_write(kt_pte(mm, va));
}

#endif
