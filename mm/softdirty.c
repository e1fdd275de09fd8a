/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/clear_refs: from now on, which pages are written (4), which are
 * used (1 to 3)?
 *
 * Soft-dirty: pagemap's bit 55 says of a page that it may have been written
 * since it was last cleared, or was mapped there since.  It is so when its vma
 * has VM_SOFTDIRTY (every new one; one that merged with such a one), or its
 * entry PTE_SOFT_DIRTY.
 *
 * S1. In a vma without VM_SOFTDIRTY an entry that is writable is soft-dirty: a
 *     store through it leaves no other trace.  So clearing write-protects, and
 *     whoever gives W for anything else than a write asks first
 *     (vma_soft_dirty_enabled: mprotect, swap-in, shared read faults); a fault
 *     that writes sets both (PTE_WRITTEN).
 * S2. The bit goes where the page goes: fork, swap and migration entries keep
 *     it, mremap sets it, ksm's replacement keeps it.
 * S3. A pinned page stays soft-dirty and writable: nobody tells when a device
 *     writes to it.  The entry loses W (a full barrier), then the count is
 *     read: the mirror of gup_fast.
 *
 * Order (A8): marks; section start; entries; flush; section end.  A store
 * through a stale translation before the flush came before the clearing.
 *
 * Locks: mmap_lock write (4), read (1 to 3); section, table.
 * Bug switch: soft_dirty_late_flush.
 * Tests: tests/kt/kt_softdirty.c, tests/abi/t_softdirty
 */
#include "kernel/racepoint.h"
#include "mm/gup.h"
#include "mm/internal.h"
#include "mm/mmap.h"
#include "mm/mmu_notifier.h"
#include "mm/swapops.h"
#include "mm/tlb_batch.h"

static bool pinned(pte_t e)
{
	return !pte_special(e) && page_is_anon(pte_page(e)) &&
	       page_test(pte_page(e), PG_anon_exclusive) &&
	       page_maybe_dma_pinned(pte_page(e));
}

static void clear_mapped(struct pt_pos *pos)
{
	pte_t e = pte_read(pos->ptep);

	if (!(e.val & (PTE_W | PTE_SOFT_DIRTY)) && !pinned(e))
		return;
	e = pte_modify(pos, PTE_W | PTE_SOFT_DIRTY, 0);
	if (pinned(e))						/* S3 */
		pte_modify(pos, 0, PTE_SOFT_DIRTY | (e.val & PTE_W));
}

static void clear_entry(struct pt_pos *pos, struct vm_area_struct *vma)
{
	pte_t e = pte_read(pos->ptep);

	if (pte_mapped(e)) {
		clear_mapped(pos);
	} else if (pte_nonpresent(e)) {
		nonpresent_protect(pos, vma);
		e = pte_read(pos->ptep);
		if (e.val & SWP_SOFT_DIRTY)
			pte_replace(pos, __pte(e.val & ~SWP_SOFT_DIRTY));
	}
}

static void clear_entry_young(struct pt_pos *pos, struct vm_area_struct *vma)
{
	pte_t e = pte_read(pos->ptep);

	(void)vma;
	if (!pte_mapped(e) || pte_special(e))
		return;
	pte_modify(pos, PTE_A, 0);
	page_clear(pte_page(e), PG_referenced);
}

static void each_entry(struct vm_area_struct *vma,
		       void (*fn)(struct pt_pos *, struct vm_area_struct *))
{
	vaddr_t va = vma->vm_start;
	struct pt_pos pos;
	bool more;

	while (va < vma->vm_end) {
		lock_leaf(&vma->vm_mm->pgt, va, &pos);
		flush_tlb_batched_pending(vma->vm_mm);
		for (more = true; more && pos.va < vma->vm_end;
		     more = pos_next(&pos)) {
			va = pos_end(&pos);
			if (pos.level == 1)
				fn(&pos, vma);
		}
		unlock_table(&pos);
	}
}

/*
 * As it once was (lab): under mmap_lock for reading, and flushed late.  Until
 * then the entries say what no CPU knows, and others may act upon them.
 */
static void clear_and_flush_late(struct mm_struct *mm)
{
	struct mmu_notifier_range range;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, mm, 0, USER_END);
	mmu_notifier_invalidate_range_start(&range);
	for_each_vma(mm, vma)
		each_entry(vma, clear_entry);
	RACE_POINT("softdirty:before_flush");
	flush_tlb_mm(mm);
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(mm);
}

void mm_clear_soft_dirty(struct mm_struct *mm)
{
	struct mmu_notifier_range range;
	struct vm_area_struct *vma;

	if (BUG_SWITCH("soft_dirty_late_flush")) {
		clear_and_flush_late(mm);
		return;
	}
	mmap_write_lock(mm);
	for_each_vma(mm, vma) {
		vma_start_write(vma);
		vma->vm_flags &= ~VM_SOFTDIRTY;
	}
	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, mm, 0, USER_END);
	mmu_notifier_invalidate_range_start(&range);
	for_each_vma(mm, vma)
		each_entry(vma, clear_entry);
	flush_tlb_mm(mm);
	mmu_notifier_invalidate_range_end(&range);
	mmap_write_unlock(mm);
}

void mm_clear_young(struct mm_struct *mm, enum clear_refs which)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for_each_vma(mm, vma) {
		if ((which == CLEAR_REFS_ANON && vma->vm_mapping) ||
		    (which == CLEAR_REFS_MAPPED && !vma->vm_mapping))
			continue;
		each_entry(vma, clear_entry_young);
	}
	flush_tlb_mm(mm);		/* so that the next use is seen */
	mmap_read_unlock(mm);
}
