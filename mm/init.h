/* SPDX-License-Identifier: MIT */
/* Bringing memory up. */
#ifndef MM_INIT_H
#define MM_INIT_H

#include "lib/types.h"

struct bootinfo;
/*
 * From the boot memory map: early allocator, struct pages, the kernel's own
 * tables (W^X, direct map, no identity map), buddy, slab, vmalloc.  Modules
 * stay reserved.  Panics with a clear message when memory is too little.
 */
void mm_init(struct bootinfo *bi);
/*
 * Caches of vmas, mms, anon_vmas, page-cache nodes; the zero page.  From
 * mm_init, last, when slab and vmalloc work (mm/mm.c).
 */
void mm_high_init(void);
/* Bytes of RAM in the memory map, and of those handed to the allocator. */
extern u64 mem_total_bytes, mem_usable_bytes;

#endif
