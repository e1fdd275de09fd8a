/* SPDX-License-Identifier: MIT */
/*
 * Dirty bits in the demo: clearing them all while the program runs, and
 * looking for a page that was written and is not dirty.
 *
 * Clearing takes no right away: the next write through a translation loaded
 * after the flush sets the bit again, in the CPU, without a fault.  The device
 * has its entries withdrawn all the same: it is told of each page it may write
 * only when it asks.
 */
#include "lib/err.h"
#include "mm/mmap_lock.h"
#include "mm/mmu_notifier.h"
#include "mm/pgtable.h"
#include "mm/tlb.h"
#include "tests/demo/demo.h"

struct dirt { u64 clean, missing; };

static void look_at_leaf(const struct pt_pos *pos, struct dirt *dirt)
{
	pte_t e = pte_read(pos->ptep);

	if (pos->level != 1 || !pte_mapped(e))
		dirt->missing++;
	else if (!pte_dirty(e) && !page_test(pte_page(e), PG_dirty))
		dirt->clean++;
}

static void look_at_range(struct demo *d, vaddr_t va, u64 pages,
			  struct dirt *dirt)
{
	vaddr_t end = va + (pages << PAGE_SHIFT);
	struct pt_pos pos;

	mmap_read_lock(d->mm);
	while (va < end) {
		lock_leaf(&d->mm->pgt, va, &pos);
		do {
			look_at_leaf(&pos, dirt);
			va = pos_end(&pos);
		} while (va < end && pos_next(&pos));
		unlock_table(&pos);
	}
	mmap_read_unlock(d->mm);
}

int demo_check_dirty(struct demo *d)
{
	struct dirt dirt = { 0, 0 };

	look_at_range(d, PATTERN_ANON, d->ctl->anon_pages, &dirt);
	look_at_range(d, PATTERN_FILE, d->ctl->file_pages, &dirt);
	if (!dirt.clean && !dirt.missing)
		return 0;
	return demo_fail(d, "of %llu pages written %llu are clean and %llu not "
			 "mapped", d->pages, dirt.clean, dirt.missing);
}

/* One table's share of [va, end); the first address behind it. */
static vaddr_t clean_table(struct demo *d, vaddr_t va, vaddr_t end, u64 *n)
{
	struct mmu_notifier_range range;
	vaddr_t stop = min((va | (pt_size(2) - 1)) + 1, end), at = va;
	struct pt_pos pos;

	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, d->mm, va, stop);
	mmu_notifier_invalidate_range_start(&range);
	lock_leaf(&d->mm->pgt, va, &pos);
	do {
		at = pos_end(&pos);
		if (pos.level != 1 || !pte_dirty(pte_read(pos.ptep)))
			continue;
		pte_modify(&pos, PTE_D, 0);
		++*n;
	} while (at < stop && pos_next(&pos));
	unlock_table(&pos);
	flush_tlb_mm_range(d->mm, va, stop, TLB_LEAVES);
	mmu_notifier_invalidate_range_end(&range);
	return at;
}

u64 demo_clean_pages(struct demo *d)
{
	vaddr_t va = PATTERN_ANON;
	vaddr_t end = va + (d->ctl->anon_pages << PAGE_SHIFT);
	u64 n = 0;

	mmap_read_lock(d->mm);
	while (va < end)
		va = clean_table(d, va, end, &n);
	mmap_read_unlock(d->mm);
	return n;
}
