/* SPDX-License-Identifier: MIT */
/*
 * The three MMU primitives of a CPU: load root, flush page, flush all.  No
 * policy: who must be flushed and when is mm/tlb.c's business.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include "arch/cpu.h"
#include "arch/layout.h"

/* Drops every non-global translation and paging structure [SDM 3A 4.10.4.1]. */
static inline void mmu_load_root(phys_t root) { write_cr3(root); }
static inline phys_t mmu_root(void) { return read_cr3() & ~0xfffUL; }
/* The page's entries, and all paging-structure entries of this PCID. */
static inline void mmu_flush_page(vaddr_t va)
{
	asm volatile("invlpg (%0)" :: "r"(va) : "memory");
}
/* Everything, global entries too: toggles CR4.PGE. */
void mmu_flush_all(void);

#endif
