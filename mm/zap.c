/* SPDX-License-Identifier: MIT */
/*
 * Taking mappings away: clear the entries, flush everybody, then free.
 *
 * Z1. Everything here runs inside a notifier section (G1) and through a
 *     gather: a page is put only after every CPU was flushed.
 * Z2. A dirty file page leaves the rmap only after its entry's flush, under
 *     the same table lock.  Else page_mkclean could find it unmapped and clean
 *     while some CPU still writes through a stale entry whose D is set.
 *
 *	zap, table locked		page_mkclean, then write-back
 *	(1) clear entry, D -> page	(A) page mapped?
 *	(2) flush CPUs			(B) table lock, look at the entry
 *	(3) mapcount--, unlock		(C) clear page dirty, write it back
 * (A) before (3): (B) waits for (3).  (3) before (A): no CPU can write.
 *
 * Locks: the caller keeps the vma alive by mmap_lock (either way) or by its
 * mapping's i_mmap_rwsem.  Tests: tests/kt/kt_mmap.c, kt_filemap.c
 */
#include "kernel/racepoint.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"
#include "mm/swapops.h"
#include "mm/tlb_batch.h"

#define ZAP_DELAYED 32

/* One stay under one table's lock. */
struct zap_run {
	struct mmu_gather *tlb;
	struct vm_area_struct *vma;
	vaddr_t end;
	vaddr_t dirty_start, dirty_end;
	u32 nr;
	struct page *delayed[ZAP_DELAYED];	/* Z2: rmap to be removed */
};

enum { ZAP_GO_ON, ZAP_FLUSH };

static int zap_entry(struct zap_run *run, struct pt_pos *pos)
{
	pte_t e = pte_clear(pos);
	struct page *p;

	tlb_note(run->tlb, pos->va, pos->level);
	if (pte_special(e))
		return ZAP_GO_ON;
	p = pte_page(e);
	if (page_is_anon(p) || !pte_dirty(e)) {
		page_remove_rmap(p, run->vma);
	} else {
		set_page_dirty(p);
		if (!run->nr)
			run->dirty_start = pos->va;
		run->dirty_end = pos->va + PAGE_SIZE;
		run->delayed[run->nr++] = p;
	}
	if (run->vma->vm_flags & VM_LOCKED)
		lru_munlock(p);		/* another mapping may let it go */
	if (!page_is_anon(p) && pte_young(e))
		page_set(p, PG_referenced);
	return tlb_remove_page(run->tlb, p) || run->nr == ZAP_DELAYED ?
	       ZAP_FLUSH : ZAP_GO_ON;
}

static void zap_settle_dirty(struct zap_run *run)
{
	if (!run->nr)
		return;
	RACE_POINT("zap:dirty_before_flush");
	flush_tlb_mm_range(run->vma->vm_mm, run->dirty_start, run->dirty_end,
			   TLB_LEAVES);
	for (u32 i = 0; i < run->nr; i++)
		page_remove_rmap(run->delayed[i], run->vma);
	run->nr = 0;
}

/* From va on, within one table.  Returns where to go on. */
static vaddr_t zap_table(struct zap_run *run, vaddr_t va)
{
	struct pt_pos pos;
	int what = ZAP_GO_ON;
	vaddr_t next;

	lock_leaf(&run->vma->vm_mm->pgt, va, &pos);
	if (pos.level > 1) {
		next = pos_end(&pos);
		unlock_table(&pos);
		return next;
	}
	flush_tlb_batched_pending(run->vma->vm_mm);
	for (;;) {
		pte_t e = pte_read(pos.ptep);

		if (pte_mapped(e))
			what = zap_entry(run, &pos);
		else if (pte_nonpresent(e))
			nonpresent_drop(&pos, run->vma);
		next = pos.va + PAGE_SIZE;
		if (what == ZAP_FLUSH || next >= run->end || !pos_next(&pos))
			break;
	}
	zap_settle_dirty(run);
	unlock_table(&pos);
	if (what == ZAP_FLUSH) {
		tlb_flush_mmu(run->tlb);
		RACE_POINT("zap:freed");
	}
	return next;
}

void zap_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
	       vaddr_t start, vaddr_t end)
{
	struct zap_run run = { .tlb = tlb, .vma = vma, .end = end };
	vaddr_t va = start;

	while (va < end)
		va = zap_table(&run, va);
}

void zap_vma_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	struct mmu_notifier_range range;
	struct mmu_gather tlb;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, vma->vm_mm, start,
				end);
	tlb_gather_mmu(&tlb, vma->vm_mm);
	mmu_notifier_invalidate_range_start(&range);
	RACE_POINT("zap:after_start");
	zap_range(&tlb, vma, start, end);
	RACE_POINT("zap:before_end");
	mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);
}

void unmap_mapping_range(struct address_space *mapping, u64 first, u64 last)
{
	struct interval_tree_node *n;

	down_read(&mapping->i_mmap_rwsem);
	interval_tree_for_each(n, &mapping->i_mmap, first, last) {
		struct vm_area_struct *vma =
			container_of(n, struct vm_area_struct, shared);
		u64 from = max(first, vma->vm_pgoff) - vma->vm_pgoff;
		u64 to = min(last - vma->vm_pgoff, vma_pages(vma) - 1);

		zap_vma_range(vma, vma->vm_start + (from << PAGE_SHIFT),
			      vma->vm_start + ((to + 1) << PAGE_SHIFT));
	}
	up_read(&mapping->i_mmap_rwsem);
}
