/* SPDX-License-Identifier: MIT */
/*
 * Kernel virtual areas, each followed or preceded by an unmapped page.
 *
 *	VMALLOC_START		kernel stacks: slots of one guard page, below
 *				CONFIG_STACK_PAGES pages of stack
 *	VMALLOC_START + 4 GiB	areas of any size, first fit by address
 *
 * M1  An address range is given out again only after every CPU was flushed
 *     of its last mapping: unmap, flush, free the frames, free the range.
 * M2  All mappings are W^X; the frames are frozen (count 0).
 * M3  Tables of this region are never freed: they are few, and the kernel
 *     half stays the same in every root.
 * M4  A few stacks of dead threads stay mapped for the next ones.
 *
 * Lock: vmalloc_lock, for both maps and the cache; never across an allocation
 * or a flush.  Works before there are threads (device registers, early stacks).
 * Tests: tests/kt/kt_vmalloc.c
 */
#include "mm/vmalloc.h"
#include "arch/upcall.h"
#include "kernel/config.h"
#include "kernel/panic.h"
#include "lib/bitmap.h"
#include "lib/err.h"
#include "mm/early.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/tlb.h"

#define STACK_BYTES	(CONFIG_STACK_PAGES * PAGE_SIZE)
#define SLOT_BYTES	(STACK_BYTES + PAGE_SIZE)
#define NR_SLOTS	32768
#define AREA_START	(VMALLOC_START + (4UL << 30))
#define STACK_CACHE	16

static_assert(NR_SLOTS * SLOT_BYTES <= AREA_START - VMALLOC_START);

struct vm_area {
	struct list_head link;		/* by address */
	vaddr_t start;
	u64 len;			/* mapped bytes, guard page excluded */
};

static DEFINE_SPINLOCK(vmalloc_lock, LOCK_VMALLOC);
static LIST_HEAD(areas);
static DECLARE_BITMAP(slots, NR_SLOTS);
static void *stack_cache[STACK_CACHE];
static u32 nr_cached;
static atomic64_t pages_inuse;

void vmalloc_init(void)
{
	/* The first table pages now, not in the middle of a leak gate. */
	void *stack = kstack_alloc();

	if (!stack)
		panic("too little memory: none for a kernel stack");
	kstack_free(stack);
}

u64 vmalloc_pages_inuse(void)
{
	return (u64)atomic64_read(&pages_inuse);
}

int kmap_range(vaddr_t va, phys_t pa, u64 len, u64 prot)
{
	const struct pt_mapping map = { va, pa, len, prot, 1 };

	KASSERT(!(prot & PTE_W) || prot & PTE_NX);		/* M2 */
	return pgtable_map(&init_mm.pgt, &map);
}

/* Unmap what is mapped of [va, va+len), flush, free the frames (M1). */
static void unmap_free(vaddr_t va, u64 len)
{
	LIST_HEAD(frames);
	struct page *p, *next;

	for (u64 off = 0; off < len; off += PAGE_SIZE) {
		struct pt_pos pos;
		pte_t e;

		if (lock_table(&init_mm.pgt, va + off, 1, &pos))
			continue;
		e = pte_clear(&pos);
		unlock_table(&pos);
		if (!pte_present(e))
			continue;
		p = pte_page(e);
		list_add(&p->lru, &frames);
	}
	if (list_empty(&frames))
		return;
	flush_tlb_kernel_range(va, va + len);
	list_for_each_entry_safe(p, next, &frames, lru)
		free_page(p);
}

/* Frames for [va, va+len).  0 or -ENOMEM with nothing mapped. */
static int map_frames(vaddr_t va, u64 len, u32 flags)
{
	for (u64 off = 0; off < len; off += PAGE_SIZE) {
		struct page *p = alloc_page(ALLOC_FROZEN | flags);

		if (p && !kmap_range(va + off, page_to_phys(p), PAGE_SIZE,
				     KPROT_RW))
			continue;
		if (p)
			free_page(p);
		unmap_free(va, off);
		return -ENOMEM;
	}
	return 0;
}

/* First hole of len bytes and a guard page.  a: where to note it. */
static int area_insert(struct vm_area *a, u64 len)
{
	vaddr_t at = AREA_START;
	struct list_head *before = &areas;
	struct vm_area *other;

	a->len = len;
	spin_lock(&vmalloc_lock);
	list_for_each_entry(other, &areas, link) {
		if (other->start - at >= len + PAGE_SIZE) {
			before = &other->link;
			break;
		}
		at = other->start + other->len + PAGE_SIZE;
	}
	a->start = at;
	if (VMALLOC_END - at >= len + PAGE_SIZE)
		list_add_tail(&a->link, before);
	else
		at = 0;
	spin_unlock(&vmalloc_lock);
	return at ? 0 : -ENOMEM;
}

static void area_remove(struct vm_area *a)
{
	spin_lock(&vmalloc_lock);
	list_del(&a->link);
	spin_unlock(&vmalloc_lock);
	kfree(a);
}

static struct vm_area *area_create(u64 len)
{
	struct vm_area *a = kmalloc(sizeof(*a));

	if (a && area_insert(a, len)) {
		kfree(a);
		a = NULL;
	}
	return a;
}

void *vmalloc(u64 bytes)
{
	struct vm_area *a;

	if (!bytes || bytes > VMALLOC_END - AREA_START)
		return NULL;
	a = area_create(PAGE_ALIGN(bytes));
	if (!a)
		return NULL;
	if (map_frames(a->start, a->len, ALLOC_ZERO)) {
		area_remove(a);
		return NULL;
	}
	/* commit */
	atomic64_add((s64)(a->len / PAGE_SIZE), &pages_inuse);
	return (void *)a->start;
}

static struct vm_area *area_find(vaddr_t va)
{
	struct vm_area *a, *found = NULL;

	spin_lock(&vmalloc_lock);
	list_for_each_entry(a, &areas, link)
		if (a->start == va)
			found = a;
	spin_unlock(&vmalloc_lock);
	return found;
}

void vfree(void *p)
{
	struct vm_area *a;

	if (!p)
		return;
	a = area_find((vaddr_t)p);
	if (!a)
		panic("vfree: %p is not an area", p);
	unmap_free(a->start, a->len);
	atomic64_sub((s64)(a->len / PAGE_SIZE), &pages_inuse);
	area_remove(a);
}

void *ioremap(phys_t pa, u64 len)
{
	u64 off = pa & ~PAGE_MASK;
	struct vm_area *a;

	if (!len || pa + len < pa || pa + len > PTE_ADDR)
		return NULL;
	a = area_create(PAGE_ALIGN(off + len));
	if (!a)
		return NULL;
	if (kmap_range(a->start, pa - off, a->len,
		       KPROT_RW | PTE_PCD | PTE_PWT))
		return NULL;		/* the range stays taken */
	return (void *)(a->start + off);
}

static void visit(vaddr_t va, u64 len, enum vmalloc_kind kind,
		  void (*fn)(const void *va, pfn_t pfn, enum vmalloc_kind))
{
	for (u64 off = 0; off < len; off += PAGE_SIZE) {
		int level;
		pte_t e = pgtable_read(&init_mm.pgt, va + off, &level, NULL);

		if (pte_present(e) && level == 1 && pfn_valid(pte_pfn(e)) &&
		    !page_test(pte_page(e), PG_reserved))
			fn((const void *)(va + off), pte_pfn(e), kind);
	}
}

static vaddr_t slot_stack(u64 slot)
{
	return VMALLOC_START + slot * SLOT_BYTES + PAGE_SIZE;
}

static void *stack_map(void)
{
	u64 slot;

	spin_lock(&vmalloc_lock);
	slot = find_first_zero_bit(slots, NR_SLOTS);
	if (slot < NR_SLOTS)
		__set_bit(slot, slots);
	spin_unlock(&vmalloc_lock);
	if (slot == NR_SLOTS)
		return NULL;
	if (!map_frames(slot_stack(slot), STACK_BYTES, ALLOC_PLAIN))
		return (void *)slot_stack(slot);
	spin_lock(&vmalloc_lock);
	__clear_bit(slot, slots);
	spin_unlock(&vmalloc_lock);
	return NULL;
}

static void stack_unmap(void *stack)
{
	u64 slot = ((vaddr_t)stack - VMALLOC_START) / SLOT_BYTES;

	unmap_free((vaddr_t)stack, STACK_BYTES);
	spin_lock(&vmalloc_lock);
	__clear_bit(slot, slots);
	spin_unlock(&vmalloc_lock);
}

void *kstack_alloc(void)
{
	void *stack = NULL;

	if (should_fail_alloc())
		return NULL;
	spin_lock(&vmalloc_lock);
	if (nr_cached)
		stack = stack_cache[--nr_cached];
	spin_unlock(&vmalloc_lock);
	if (!stack)
		stack = stack_map();
	if (stack)
		atomic64_add(CONFIG_STACK_PAGES, &pages_inuse);
	return stack;
}

void kstack_free(void *stack)
{
	bool cached = false;

	if (!stack)
		return;
	atomic64_sub(CONFIG_STACK_PAGES, &pages_inuse);
	spin_lock(&vmalloc_lock);
	if (nr_cached < STACK_CACHE) {
		stack_cache[nr_cached++] = stack;
		cached = true;
	}
	spin_unlock(&vmalloc_lock);
	if (!cached)
		stack_unmap(stack);
}

void vmalloc_for_each_frame(void (*fn)(const void *va, pfn_t pfn,
				       enum vmalloc_kind kind))
{
	struct vm_area *a;
	u64 slot;

	spin_lock(&vmalloc_lock);		/* and so an RCU section */
	list_for_each_entry(a, &areas, link)
		visit(a->start, a->len, VMALLOC_AREA, fn);
	for_each_set_bit(slot, slots, NR_SLOTS)
		visit(slot_stack(slot), STACK_BYTES, VMALLOC_STACK, fn);
	spin_unlock(&vmalloc_lock);
}

void vmalloc_drain(void)
{
	for (;;) {
		void *stack = NULL;

		spin_lock(&vmalloc_lock);
		if (nr_cached)
			stack = stack_cache[--nr_cached];
		spin_unlock(&vmalloc_lock);
		if (!stack)
			return;
		stack_unmap(stack);
	}
}

void *upcall_ioremap(phys_t pa, u64 len)
{
	return ioremap(pa, len);
}

void *upcall_alloc_stack(void)
{
	void *stack = kstack_alloc();

	return stack ? (char *)stack + STACK_BYTES : NULL;
}

void *upcall_alloc_zeroed(u64 bytes)
{
	struct page *p;
	u32 order = 0;

	while (order < MAX_ORDER && (PAGE_SIZE << order) < bytes)
		order++;
	p = alloc_pages(order, ALLOC_ZERO | ALLOC_FROZEN);
	return p ? page_address(p) : NULL;
}
