/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own tables, built once by mm_init():
 *
 *	image		.text RX, .rodata RO, .data and .bss RW; the guard page
 *			below the boot stack is not mapped
 *	direct map	RAM RW; firmware's regions below 4 GiB RO; the aliases
 *			of .boot, .text and .rodata RO; all NX
 *	vmemmap		adopted from the boot tables
 *
 * N1  No mapping is both writable and executable, and no frame with code or
 *     constants is writable through any alias.
 * N2  Nothing is mapped below the kernel half: a NULL pointer faults.
 * N3  All 256 top-level slots of the kernel half have their table before the
 *     first user root copies them, and never change.
 *
 * The boot tables lie in .bss and simply stay there.
 * Tests: tests/kt/kt_pgtable.c
 */
#include "arch/mmu.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/err.h"
#include "mm/bootmem.h"
#include "mm/early.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/vmalloc.h"

#define MIB		(phys_t)(1UL << 20)
#define FOUR_GIB	(phys_t)(4UL << 30)
#define VGA_START	0xa0000UL
#define VGA_END		0xc0000UL

extern char _boot_start[], _text[], _etext[], _rodata[], _erodata[], _data[];
extern char _end[], boot_stack_guard[];

static void must_map(vaddr_t va, phys_t pa, u64 len, u64 prot)
{
	const struct pt_mapping map = { va, pa, len, prot, 2 };
	int err = pgtable_map(&init_mm.pgt, &map);

	if (err == -ENOMEM)
		panic("too little memory: none for the kernel's page tables");
	if (err)
		panic("kernel map of %llx at %llx overlaps another", pa, va);
}

static void map_image(const char *start, const char *end, u64 prot)
{
	vaddr_t from = (vaddr_t)start & PAGE_MASK;
	vaddr_t to = PAGE_ALIGN((vaddr_t)end);

	if (from < to && kmap_range(from, virt_to_phys(start) & PAGE_MASK,
				    to - from, prot))
		panic("too little memory: none for the kernel's page tables");
}

static void map_direct(phys_t start, phys_t end, u64 prot)
{
	if (start < end)
		must_map((vaddr_t)phys_to_virt(start), start, end - start,
			 prot);
}

/* RAM, without the frames whose contents must not change (N1). */
static void map_ram(phys_t start, phys_t end)
{
	phys_t ro_start = (phys_t)_boot_start & PAGE_MASK;
	phys_t ro_end = PAGE_ALIGN(virt_to_phys(_erodata));

	map_direct(start, min(end, max(start, ro_start)), KPROT_RW);
	map_direct(max(start, ro_start), min(end, ro_end), KPROT_RO);
	map_direct(max(start, ro_end), end, KPROT_RW);
}

static void map_regions(void)
{
	const struct phys_range *r;

	map_direct(0, VGA_START, KPROT_RW);
	map_direct(VGA_START, VGA_END, KPROT_RW | PTE_PCD | PTE_PWT);
	map_direct(VGA_END, MIB, KPROT_RO);
	for (u32 i = 0; (r = bootmem_usable(i)); i++)
		map_ram(max(r->start, MIB), r->end);
	for (u32 i = 0; (r = bootmem_firmware(i)); i++)
		map_direct(max(r->start, MIB), min(r->end, FOUR_GIB), KPROT_RO);
}

/* N3. */
static void fill_top_level(void)
{
	for (u32 i = PT_ENTRIES / 2; i < PT_ENTRIES; i++) {
		vaddr_t va = ~0UL << 48 | i * pt_size(PT_LEVELS);
		struct pt_pos pos;

		if (lock_table_alloc(&init_mm.pgt, va, PT_LEVELS - 1, &pos))
			panic("too little memory: none for the kernel's page tables");
		unlock_table(&pos);
	}
	pgtable_seal_kernel();
}

void kmap_init(void)
{
	if (pgtable_init(&init_mm.pgt, &init_mm, PGT_KERNEL))
		panic("too little memory: none for the kernel's page tables");
	vmemmap_adopt();
	map_image(_text, _etext, KPROT_RX);
	map_image(_rodata, _erodata, KPROT_RO);
	map_image(_data, boot_stack_guard, KPROT_RW);
	map_image(boot_stack_guard + PAGE_SIZE, _end, KPROT_RW);
	map_regions();
	fill_top_level();
	mmu_load_root(virt_to_phys(init_mm.pgt.pgd));
	mmu_flush_all();
	pr_info("mm: kernel tables: %lld pages\n",
		(long long)atomic64_read(&init_mm.pgt.nr_tables));
}
