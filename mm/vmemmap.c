/* SPDX-License-Identifier: MIT */
/*
 * The struct page array, virtually contiguous at VMEMMAP_START, backed only
 * where there is RAM.
 *
 * V1  pfn_valid(pfn) <=> pfn's struct page is mapped.  That holds for the
 *     first MiB and all managed RAM, rounded outwards to the 64 frames whose
 *     structures fill one page.
 * V2  A valid frame that is not in the allocator is PG_reserved with one
 *     reference for ever (image, modules, firmware, holes, this array).
 *
 * The array is needed before any table page can have a lock (the lock lies in
 * it).  So its own tables are made by early_map(), the one place besides
 * mm/pgtable.c that steps through tables: boot only, one CPU, nobody else
 * looks.  vmemmap_adopt() then gives them the struct pages they lacked, and
 * from there on they are ordinary tables of init_mm.
 * Tests: every boot; kt_page_alloc.c
 */
#include "arch/mmu.h"
#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/bootmem.h"
#include "mm/early.h"
#include "mm/internal_low.h"
#include "mm/page.h"
#include "mm/pgtable.h"

#define PER_PAGE	(PAGE_SIZE / sizeof(struct page))	/* 64 */
#define LOW_PFNS	(0x100000UL >> PAGE_SHIFT)
#define EARLY_TABLE	(PTE_P | PTE_W | PTE_A)

static struct { pfn_t start, end; } valid[BOOTMEM_REGIONS + 1];
static u32 nr_valid;
static u64 array_bytes;
pfn_t max_pfn;

bool pfn_valid(pfn_t pfn)
{
	for (u32 i = 0; i < nr_valid; i++)
		if (pfn >= valid[i].start && pfn < valid[i].end)
			return true;
	return false;
}

/* By ascending address; merges with the last one (V1). */
static void add_valid(pfn_t start, pfn_t end)
{
	start = round_down(start, PER_PAGE);
	end = round_up(end, PER_PAGE);
	max_pfn = end;
	if (nr_valid && start <= valid[nr_valid - 1].end) {
		valid[nr_valid - 1].end = end;
		return;
	}
	valid[nr_valid].start = start;
	valid[nr_valid++].end = end;
}

static pte_t *early_root(void)
{
	return phys_to_virt(mmu_root());
}

static void early_map(vaddr_t va, phys_t pa, int leaf_level)
{
	pte_t *table = early_root();

	for (int level = PT_LEVELS; level > leaf_level; level--) {
		pte_t *e = &table[pt_index(va, level)];

		if (pte_none(*e))
			e->val = bootmem_alloc(PAGE_SIZE, PAGE_SIZE) |
				 EARLY_TABLE;
		table = phys_to_virt(pte_phys(*e));
	}
	table[pt_index(va, leaf_level)].val =
		pa | KPROT_RW | (leaf_level > 1 ? PTE_PS : 0);
}

static void map_array(pfn_t start, pfn_t end)
{
	vaddr_t va = VMEMMAP_START + start * sizeof(struct page);
	vaddr_t stop = VMEMMAP_START + end * sizeof(struct page);

	while (va < stop) {
		int level = 1;

		if (IS_ALIGNED(va, pt_size(2)) && stop - va >= pt_size(2))
			level = 2;
		early_map(va, bootmem_alloc(pt_size(level), pt_size(level)),
			  level);
		va += pt_size(level);
		array_bytes += pt_size(level);
	}
	for (pfn_t pfn = start; pfn < end; pfn++)
		atomic_set(&pfn_to_page(pfn)->_mapcount, -1);
}

static void reserve_frames(pfn_t start, pfn_t end)
{
	for (pfn_t pfn = start; pfn < end; pfn++) {
		page_set(pfn_to_page(pfn), PG_reserved);
		atomic_set(&pfn_to_page(pfn)->_refcount, 1);
	}
}

/* V2: what lies between the free ranges. */
static void reserve_gaps(pfn_t start, pfn_t end)
{
	const struct phys_range *r;

	for (u32 i = 0; (r = bootmem_free(i)) && start < end; i++) {
		pfn_t from = r->start >> PAGE_SHIFT, to = r->end >> PAGE_SHIFT;

		if (to <= start)
			continue;
		if (from >= end)
			break;
		reserve_frames(start, max(start, from));
		start = to;
	}
	reserve_frames(min(start, end), end);
}

void vmemmap_init(void)
{
	const struct phys_range *r;

	add_valid(0, LOW_PFNS);
	for (u32 i = 0; (r = bootmem_usable(i)); i++)
		add_valid(r->start >> PAGE_SHIFT, r->end >> PAGE_SHIFT);
	for (u32 i = 0; i < nr_valid; i++)
		map_array(valid[i].start, valid[i].end);
	/* Bootmem hands out nothing after this. */
	for (u32 i = 0; i < nr_valid; i++)
		reserve_gaps(valid[i].start, valid[i].end);
	pr_info("mm: struct pages for %llu frames, %llu KiB\n",
		array_bytes / sizeof(struct page), array_bytes >> 10);
}

/* `table` maps from va on, at `level`: recursion of depth 3. */
static void adopt(pte_t *table, int level, vaddr_t va)
{
	struct page *page = virt_to_page(table);

	page->flags = 0;
	atomic_set(&page->_refcount, 0);
	table_ctor(page, &init_mm.pgt, level, va);
	for (u32 i = 0; i < PT_ENTRIES; i++) {
		if (pte_none(table[i]))
			continue;
		page->pt_nr++;
		if (pte_table(table[i], level))
			adopt(phys_to_virt(pte_phys(table[i])), level - 1,
			      va + i * pt_size(level));
	}
}

void vmemmap_adopt(void)
{
	struct pt_pos pos;
	pte_t *boot = early_root();

	for (u32 i = pt_index(VMEMMAP_START, PT_LEVELS);
	     i < pt_index(KERNEL_VMA, PT_LEVELS); i++) {
		vaddr_t va = ~0UL << 48 | i * pt_size(PT_LEVELS);

		if (pte_none(boot[i]))
			continue;
		adopt(phys_to_virt(pte_phys(boot[i])), PT_LEVELS - 1, va);
		if (lock_table(&init_mm.pgt, va, PT_LEVELS, &pos))
			BUG();
		pte_set_table(&pos, boot[i]);
		unlock_table(&pos);
	}
}
