/* SPDX-License-Identifier: MIT */
/* What the files of the lower half of mm/ share and nobody else needs. */
#ifndef MM_INTERNAL_LOW_H
#define MM_INTERNAL_LOW_H

#include "mm/pgtable.h"

/* pgtable_table.c: makes page a table of pt, not yet published. */
void table_ctor(struct page *page, struct pgtable *pt, int level, vaddr_t va);
/* Flags of an entry of pt that points to a table. */
u64 table_flags(const struct pgtable *pt);
/* After this a new top-level entry of the kernel is a bug. */
void pgtable_seal_kernel(void);

/* pgtable_entry.c: publish or detach the table below pos (R5). */
void pte_set_table(struct pt_pos *pos, pte_t e);
pte_t pte_clear_table(struct pt_pos *pos);

/* page_alloc.c: what it has, without reclaiming; not prepared.  NULL. */
struct page *alloc_attempt(u32 order, u32 flags);
void page_alloc_set_watermarks(void);

/* slab.c, vmalloc.c: give cached memory back, for exact leak gates. */
void slab_shrink_all(void);
u64 slab_pages(void);
void vmalloc_drain(void);

#endif
