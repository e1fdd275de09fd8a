/* SPDX-License-Identifier: MIT */
/* Steps of mm_init(), each in its own file.  Boot CPU only. */
#ifndef MM_EARLY_H
#define MM_EARLY_H

#include "lib/types.h"
#include "arch/pte.h"

/* vmemmap.c: the struct page array, mapped in the boot tables. */
void vmemmap_init(void);
/*
 * Move the array's own tables from the boot tables into init_mm's, and make
 * their struct pages those of table pages.
 */
void vmemmap_adopt(void);
/* kmap.c: build init_mm's tables and load them. */
void kmap_init(void);
/* page_alloc.c: empty lists; then frames for them. */
void page_alloc_init(void);
void page_alloc_add(pfn_t start, pfn_t end);
/* tlb.c: the boot CPU has init_mm's root loaded. */
void tlb_init(void);
/* vmalloc.c */
void vmalloc_init(void);

#endif
