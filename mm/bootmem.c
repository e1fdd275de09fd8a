/* SPDX-License-Identifier: MIT */
/*
 * Memory before there is an allocator.
 *
 * Two sorted arrays: the RAM the kernel manages, and what of it is free.
 *
 * B1  Never free: the first MiB (firmware, AP trampoline), the kernel image
 *     with its boot tables, the modules.
 * B2  bootmem_alloc() gives frames below 4 GiB only: the early direct map
 *     reaches no further.  It goes from the top down, so that low memory
 *     stays in one piece.
 * B3  RAM whose struct pages would take more than half of the low memory is
 *     not managed; a message says how much.
 *
 * Boot CPU only, no locks.  When the buddy allocator has taken the free
 * ranges over, nothing here changes any more.
 * Tests: every boot, from 32 MiB to 16 GiB (tests/cases.cfg).
 */
#include "mm/bootmem.h"
#include "arch/layout.h"
#include "boot/bootinfo.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/init.h"
#include "mm/mm_types.h"

#define LOW_END		(1UL << 20)
#define EARLY_MAPPED	(4UL << 30)
#define MIN_USABLE	(20UL << 20)
#define FREE_RANGES	(BOOTMEM_REGIONS + BOOTINFO_MODULES + 32)

extern char _boot_start[], _end_phys[];

u64 mem_total_bytes, mem_usable_bytes;

static struct phys_range usable[BOOTMEM_REGIONS], firmware[BOOTMEM_REGIONS];
static struct phys_range free_ranges[FREE_RANGES];
static u32 nr_usable, nr_firmware, nr_free;

static_assert(BOOTMEM_REGIONS >= BOOTINFO_REGIONS);

const struct phys_range *bootmem_usable(u32 i)
{
	return i < nr_usable ? &usable[i] : NULL;
}

const struct phys_range *bootmem_firmware(u32 i)
{
	return i < nr_firmware ? &firmware[i] : NULL;
}

const struct phys_range *bootmem_free(u32 i)
{
	return i < nr_free ? &free_ranges[i] : NULL;
}

static void insert_at(u32 i, phys_t start, phys_t end)
{
	if (nr_free == FREE_RANGES)
		panic("the memory map is in more than %d pieces", FREE_RANGES);
	memmove(&free_ranges[i + 1], &free_ranges[i],
		(nr_free - i) * sizeof(free_ranges[0]));
	free_ranges[i].start = start;
	free_ranges[i].end = end;
	nr_free++;
}

static void remove_at(u32 i)
{
	nr_free--;
	memmove(&free_ranges[i], &free_ranges[i + 1],
		(nr_free - i) * sizeof(free_ranges[0]));
}

/* [start, end), rounded outwards to frames, is not free any more. */
static void reserve(phys_t start, phys_t end)
{
	start &= PAGE_MASK;
	end = PAGE_ALIGN(end);
	for (u32 i = 0; i < nr_free; i++) {
		struct phys_range *r = &free_ranges[i];
		phys_t tail = r->end;

		if (r->end <= start || r->start >= end)
			continue;
		r->end = max(r->start, start);
		if (tail > end)
			insert_at(i + 1, end, tail);
		if (r->start == r->end)
			remove_at(i--);
	}
}

/* Bytes of RAM that B3 lets us manage. */
static u64 manageable(const struct bootinfo *bi)
{
	u64 low = 0;

	for (int i = 0; i < bi->nr_mem; i++) {
		const struct mem_region *m = &bi->mem[i];
		u64 end = min_t(u64, m->base + m->len, EARLY_MAPPED);

		if (m->type == MEM_USABLE && m->base < end)
			low += end - m->base;
	}
	return low / 2 / sizeof(struct page) * PAGE_SIZE;
}

/* As much of the RAM in r as B3 allows; bytes taken. */
static u64 take_ram(struct phys_range r, u64 limit)
{
	phys_t end = min_t(phys_t, r.end, DIRECT_MAP_SIZE);
	u64 take = 0;

	if (r.start < end)
		take = min_t(u64, end - r.start, limit) & PAGE_MASK;
	if (take) {
		r.end = r.start + take;
		usable[nr_usable++] = r;
		insert_at(nr_free, r.start, r.end);
	}
	return take;
}

static void take_regions(const struct bootinfo *bi)
{
	u64 limit = manageable(bi), left_out = 0;

	for (int i = 0; i < bi->nr_mem; i++) {
		const struct mem_region *m = &bi->mem[i];
		struct phys_range r = { m->base, m->base + m->len };
		u64 take;

		if (m->type != MEM_USABLE) {
			firmware[nr_firmware++] = r;
			continue;
		}
		take = take_ram(r, limit);
		mem_total_bytes += m->len;
		left_out += m->len - take;
		limit -= take;
	}
	if (left_out)
		pr_warn("mm: %llu MiB of RAM stay unused: no room to describe them\n",
			left_out >> 20);
}

void bootmem_init(const struct bootinfo *bi)
{
	take_regions(bi);
	if (mem_total_bytes < MIN_USABLE)
		panic("too little memory: %llu MiB usable, %lu MiB are needed",
		      mem_total_bytes >> 20, MIN_USABLE >> 20);
	reserve(0, LOW_END);					/* B1 */
	reserve((phys_t)_boot_start, (phys_t)_end_phys);
	for (int i = 0; i < bi->nr_modules; i++)
		reserve(bi->modules[i].start, bi->modules[i].end);
	if (!nr_free)
		panic("too little memory: the boot modules leave none");
}

phys_t bootmem_alloc(u64 bytes, u64 align)
{
	for (u32 i = nr_free; i-- > 0;) {
		const struct phys_range *r = &free_ranges[i];
		phys_t end = min_t(phys_t, r->end, EARLY_MAPPED);
		phys_t start;

		if (r->start >= end || end - r->start < bytes)
			continue;
		start = (end - bytes) & ~(align - 1);
		if (start < r->start)
			continue;
		reserve(start, start + bytes);
		memset(phys_to_virt(start), 0, bytes);
		return start;
	}
	panic("too little memory: no %llu KiB in one piece", bytes >> 10);
}
