/* SPDX-License-Identifier: MIT */
/*
 * The adversarial software MMU of lab builds: what QEMU's TCG hides.
 *
 * For every CPU it remembers leaf translations and pointers to tables the way
 * the worst legal hardware may: it never evicts, may pre-fill anything that is
 * reachable from the loaded root at any time (lazy CPUs too), and delays
 * accessed and dirty writes until it must drain, which is when the CPU
 * acknowledges a flush.  It hooks the kernel's own flush primitives, so a flush
 * left out leaves an entry behind, and the check at the next free, retire or
 * walk panics: CPU, stale entry, table or page, who changed it, flush owed.
 */
#ifndef MM_MMU_MODEL_H
#define MM_MMU_MODEL_H

#include "mm/mm_types.h"

struct pt_pos;

/* From mm/tlb.c, on the CPU concerned, irqs off. */
void mmu_model_load_root(struct mm_struct *mm, const pte_t *root);
void mmu_model_flush_range(struct mm_struct *mm, vaddr_t start, vaddr_t end);
void mmu_model_flush_all(void);
/*
 * From the migrator, table locks held, before the parent entry switches: every
 * CPU with mm loaded may have cached `table` and will set A/D in it until it
 * drains.
 */
void mmu_model_table_moving(struct mm_struct *mm, struct page *old, struct page *new);
/* After the harvest: bits set through the old table must stand in the new. */
void mmu_model_table_settled(struct mm_struct *mm, struct page *old, struct page *new);
/* From pte verbs: an entry was cleared or downgraded; CPUs may cache it. */
void mmu_model_pte_changed(const struct pt_pos *pos, struct mm_struct *mm, pte_t old, pte_t new);
/* From the allocator's free path and the table destructor. */
void mmu_model_page_free(struct page *p, u32 order);
void mmu_model_table_free(struct page *table);
/* Entries cached on all CPUs now, checks done so far: for `mem` and tests. */
/* dropped: records that found no room; the model may have missed those. */
struct mmu_model_stats { u64 entries, prefills, drains, checks, ad_writes, dropped; };
void mmu_model_stats(struct mmu_model_stats *s);

/* A table of mm was unlinked from its parent for good (munmap). */
void mmu_model_table_detached(struct mm_struct *mm, struct page *table);
/*
 * A device's shadow entry for pfn at va comes or goes.  dev: its number.  From
 * under the lock that guards the entry.
 */
void mmu_model_secondary_add(u32 dev, vaddr_t va, pfn_t pfn);
void mmu_model_secondary_del(u32 dev, vaddr_t va, pfn_t pfn);
/* Prints the report and panics, or counts it while a test expects reports. */
void mmu_model_report(const char *fmt, ...) __printf(1, 2);

/*
 * Reports are those of kernel/report.h: 1 expects them, 0 does not any more;
 * returns the number since the last call.
 */
void mmu_model_expect(u32 on);
u32 mmu_model_reports(void);
/*
 * Is it on?  What it thinks this CPU has loaded must be what mm/tlb.c does.
 * Number of problems, which it prints.  For a check after each test.
 */
u32 mmu_model_check(void);

#endif
