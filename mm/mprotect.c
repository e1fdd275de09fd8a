/* SPDX-License-Identifier: MIT */
/*
 * mprotect: new rights for a range, vma by vma.
 *
 * W1. An entry of a private mapping gets W only if its page is anonymous and
 *     exclusive; all others keep faulting, and the fault decides (reuse or
 *     copy).  So no page shared by fork is ever writable.
 *     A shared page of a file that is written back keeps the W it has and gets
 *     none: the fault must see its first write (mm/writeback.c, W4).  So it is
 *     with a page that is not soft-dirty where that is looked for.
 * W2. Rights that shrink are flushed once for all vmas, before mmap_lock is
 *     released.  Also when nothing was found but a gather is open on the mm: it
 *     has cleared entries whose flush is still owed, and after us nobody may
 *     write through them.
 * W3. PROT_NONE entries keep page, A and D under PTE_PROTNONE with P clear.
 * W4. A section for each top-level entry (512 GiB), from its first table on:
 *     what is empty disturbs no device.
 *
 * Vmas before the first failure stay changed, as in Linux.
 * Locks: mmap_lock write, the vma marked.  Tests: tests/kt/kt_mmap.c
 */
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmap.h"
#include "mm/mmu_notifier.h"
#include "mm/swapops.h"
#include "mm/tlb_batch.h"
#include "mm/writeback.h"

#define PROT_BITS	(PTE_P | PTE_W | PTE_U | PTE_NX | PTE_PROTNONE)

/* Returns whether a right was taken away. */
static bool protect_entry(struct pt_pos *pos, struct vm_area_struct *vma)
{
	u64 vm_flags = vma->vm_flags;
	pte_t e = pte_read(pos->ptep);
	u64 want = vma_pte_flags(vm_flags);
	bool may_write = (vm_flags & VM_SHARED) &&
			 (pte_write(e) || !vma_wants_writenotify(vma));

	if (pte_nonpresent(e))
		nonpresent_protect(pos, vma);
	if (!pte_mapped(e))
		return false;
	if (!pte_special(e) && page_is_anon(pte_page(e)))
		may_write = page_test(pte_page(e), PG_anon_exclusive) &&
			    (pte_soft_dirty(e) || !vma_soft_dirty_enabled(vma));
	else if (pte_special(e))
		may_write = false;
	if (!may_write)
		want &= ~PTE_W;				/* W1 */
	if ((e.val & PROT_BITS) == want)
		return false;
	pte_modify(pos, PROT_BITS & ~want, want);
	return (e.val & ~want & (PTE_P | PTE_W)) || (want & ~e.val & PTE_NX);
}

static vaddr_t protect_table(struct vm_area_struct *vma, vaddr_t va,
			     vaddr_t end, bool *flush)
{
	struct pt_pos pos;
	vaddr_t next;

	lock_leaf(&vma->vm_mm->pgt, va, &pos);
	next = pos_end(&pos);
	flush_tlb_batched_pending(vma->vm_mm);
	while (pos.level == 1) {
		*flush |= protect_entry(&pos, vma);
		next = pos.va + PAGE_SIZE;
		if (next >= end || !pos_next(&pos))
			break;
	}
	unlock_table(&pos);
	return next;
}

/* W4.  [va, end) lies below one top-level entry. */
static void protect_part(struct vm_area_struct *vma, vaddr_t va, vaddr_t end,
			 bool *flush)
{
	struct pgtable *pt = &vma->vm_mm->pgt;
	struct mmu_notifier_range range;

	va = pgtable_next_table(pt, va, end, 2);
	if (va >= end)
		return;
	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, vma->vm_mm,
				va, end);
	mmu_notifier_invalidate_range_start(&range);
	while (va < end) {
		va = protect_table(vma, va, end, flush);
		if (va < end)
			va = pgtable_next_table(pt, va, end, 1);
	}
	mmu_notifier_invalidate_range_end(&range);
}

/* vma->vm_flags are the new ones already. */
static void change_protection(struct vm_area_struct *vma, bool *flush)
{
	const u64 span = pt_size(PT_LEVELS);
	vaddr_t va = vma->vm_start, next;

	for (; va < vma->vm_end; va = next) {
		next = min((va & ~(span - 1)) + span, vma->vm_end);
		protect_part(vma, va, next, flush);
	}
}

/* One vma's part of [start, end).  0, -EACCES, -ENOMEM. */
static int protect_vma(struct vm_area_struct **vmap, vaddr_t start,
		       vaddr_t end, u64 rights, bool *flush)
{
	struct vm_area_struct *vma = *vmap;
	u64 flags = (vma->vm_flags & ~(VM_READ | VM_WRITE | VM_EXEC)) | rights;

	if (rights & ~(vma->vm_flags / VM_MAYREAD))
		return -EACCES;
	if (flags == vma->vm_flags)
		return 0;
	vma = vma_isolate(vma, start, end);
	if (!vma)
		return -ENOMEM;
	/* commit */
	vma_start_write(vma);
	vma->vm_flags = flags;
	change_protection(vma, flush);
	*vmap = vma_merge(vma);
	return 0;
}

static_assert(VM_MAYREAD / VM_READ == 16 && VM_MAYWRITE / VM_WRITE == 16 &&
	      VM_MAYEXEC / VM_EXEC == 16 && VM_MAYREAD == 16);

static int protect_locked(struct mm_struct *mm, vaddr_t start, vaddr_t end,
			  u64 rights)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);
	bool flush = false;
	vaddr_t va = start;
	int err = 0;

	while (!err && va < end) {
		if (!vma || vma->vm_start > va) {
			err = -ENOMEM;
			break;
		}
		err = protect_vma(&vma, va, min(end, vma->vm_end), rights,
				  &flush);
		va = vma->vm_end;
		vma = vma_next(vma);
	}
	if (flush || atomic_read(&mm->tlb_flush_pending))	/* W2 */
		flush_tlb_mm_range(mm, start, end, TLB_LEAVES);
	return err;
}

int do_mprotect(struct mm_struct *mm, vaddr_t addr, u64 len, int prot)
{
	u64 rights = 0;
	int err;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	len = PAGE_ALIGN(len);
	if (!len || addr + len <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | 8 /* PROT_SEM */))
		return -EINVAL;
	rights |= prot & PROT_READ ? VM_READ : 0;
	rights |= prot & PROT_WRITE ? VM_WRITE : 0;
	rights |= prot & PROT_EXEC ? VM_EXEC : 0;
	mmap_write_lock(mm);
	err = protect_locked(mm, addr, addr + len, rights);
	mmap_write_unlock(mm);
	return err;
}
