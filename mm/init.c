/* SPDX-License-Identifier: MIT */
/*
 * Bringing memory up, in the only order that works:
 *
 *	(1) bootmem		early direct map only: frames below 4 GiB
 *	(2) struct pages	needs (1); mapped in the boot tables
 *	(3) buddy, low frames	needs (2); from here on tables have locks
 *	(4) kernel tables	needs (3); loaded: all of RAM is mapped
 *	(5) buddy, high frames	needs (4)
 *	(6) slab, kernel areas, TLB state, the caches of the upper half of mm/
 *
 * Boot CPU only, interrupts off, no threads.
 * Tests: every boot, from 32 MiB to 16 GiB.
 */
#include "mm/init.h"
#include "boot/bootinfo.h"
#include "kernel/printk.h"
#include "mm/bootmem.h"
#include "mm/early.h"
#include "mm/kasan.h"
#include "mm/lru.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/page_owner.h"
#include "mm/swap.h"
#include "mm/slab.h"
#include "mm/zpool.h"

#define EARLY_MAPPED	(4UL << 30)

struct mm_struct init_mm = {
	.pgt.root_lock = SPINLOCK_INIT(LOCK_PT_ROOT),
	.mmap_lock = RWSEM_INIT(init_mm.mmap_lock, LOCK_MMAP),
	.mm_users = ATOMIC_INIT(1),
	.mm_count = ATOMIC_INIT(1),
	.mm_list = LIST_HEAD_INIT(init_mm.mm_list),
};

/* Hands the free frames of [from, to) to the buddy allocator. */
static void add_frames(phys_t from, phys_t to)
{
	const struct phys_range *r;

	for (u32 i = 0; (r = bootmem_free(i)); i++) {
		phys_t start = max(r->start, from), end = min(r->end, to);

		if (start < end)
			page_alloc_add(start >> PAGE_SHIFT, end >> PAGE_SHIFT);
	}
}

void mm_init(struct bootinfo *bi)
{
	struct page_stats s;

	bootmem_init(bi);				/* (1) */
	vmemmap_init();					/* (2) */
	lru_init();
	page_alloc_init();				/* (3) */
	add_frames(0, EARLY_MAPPED);
	kmap_init();					/* (4) */
	add_frames(EARLY_MAPPED, ~0UL);			/* (5) */
	kasan_init();
	page_alloc_set_watermarks();
	slab_init();					/* (6) */
	vmalloc_init();
	page_owner_init();
	tlb_init();
	mm_high_init();
	swap_cache_init();
	zpool_init();
	page_alloc_stats(&s);
	mem_usable_bytes = s.total << PAGE_SHIFT;
	pr_info("mm: %llu MiB of RAM, %llu MiB managed, %llu MiB free\n",
		mem_total_bytes >> 20, mem_usable_bytes >> 20,
		s.free >> (20 - PAGE_SHIFT));
}
