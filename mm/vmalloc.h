/* SPDX-License-Identifier: MIT */
/* Kernel virtual areas: stacks with guard pages, device registers. */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include "lib/types.h"

void *vmalloc(u64 bytes);		/* zeroed, NULL on failure; sleeps */
void vfree(void *p);			/* sleeps: flushes all CPUs first */
void *ioremap(phys_t pa, u64 len);	/* uncached, NX, never freed */
u64 vmalloc_pages_inuse(void);
/*
 * Calls fn for every frame of ours that is mapped here; device registers and
 * boot memory are left out.  Locks: vmalloc_lock while it runs.
 */
enum vmalloc_kind { VMALLOC_AREA, VMALLOC_STACK };
void vmalloc_for_each_frame(void (*fn)(const void *va, pfn_t pfn,
				       enum vmalloc_kind kind));
/* Kernel mappings (init.c, vmalloc.c): every range W^X. 0 or -ENOMEM. */
int kmap_range(vaddr_t va, phys_t pa, u64 len, u64 prot);

#endif
