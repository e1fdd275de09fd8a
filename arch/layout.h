/* SPDX-License-Identifier: MIT */
/*
 * The virtual address space.  Everything above USER_END is the kernel's and
 * the same in every address space: its 256 top-level slots are filled once at
 * boot and never change (so nothing has to be synchronised while a PGD moves).
 *
 *	0000000000001000 - 00007fffffffefff	programs
 *	ffff888000000000   64 TiB		direct map of all frames (RW, NX)
 *	ffffc90000000000   32 TiB		vmalloc: stacks, MMIO
 *	ffffea0000000000    1 TiB		struct page array (vmemmap)
 *	ffffec0000000000   16 TiB		shadow of the kernel half (KASAN=1)
 *	ffffffff80000000    2 GiB		kernel image, linked here
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#include "lib/types.h"

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	(((x) + PAGE_SIZE - 1) & PAGE_MASK)

#define USER_END	0x00007ffffffff000UL	/* first address past user space */
#define MMAP_MIN_ADDR	0x10000UL

#define PAGE_OFFSET	0xffff888000000000UL
#define DIRECT_MAP_SIZE	(64UL << 40)
#define VMALLOC_START	0xffffc90000000000UL
#define VMALLOC_END	0xffffe90000000000UL
#define VMEMMAP_START	0xffffea0000000000UL
#define KERNEL_VMA	0xffffffff80000000UL

static inline void *phys_to_virt(phys_t p) { return (void *)(p + PAGE_OFFSET); }

/* Of a direct-map address or of one inside the kernel image. */
static inline phys_t virt_to_phys(const void *v)
{
	u64 a = (u64)v;

	return a >= KERNEL_VMA ? a - KERNEL_VMA : a - PAGE_OFFSET;
}

#endif
