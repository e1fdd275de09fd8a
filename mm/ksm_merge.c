/* SPDX-License-Identifier: MIT */
/*
 * Merging two equal pages while programs and devices use them.
 *
 *	ksmd, page locked			somebody who writes
 *	(1) section start (rw -> ro)		store through a CPU's or device's
 *	(2) table lock; clear, flush		translation; or
 *	(3) count == mapcount + 1?		(A) gup_fast adds to the count
 *	    else the old entry back		(B) entry still there? else undone
 *	(4) set read-only, not exclusive;	(C) writes through its reference
 *	    unlock; section end
 *	(5) bytes equal? else leave it		(D) write fault: page lock busy or
 *	(6) section start (ro -> ro)		    not alone: copies
 *	(7) table lock; entry as left by (4)?
 *	(8) clear, flush; entry -> KSM page
 *	(9) unlock; section end; put the old page
 *
 * W1. After (4) nobody writes the page: no CPU has a writable translation (2),
 *     no device after change_pte in (4), nobody who took a reference before
 *     (2) is left by (3), and nobody gets one to write with later: a pin
 *     needs exclusivity, which only a fault under the page lock gives back
 *     (K1 of cow.c).  (2) is a full barrier: the mirror of gup_fast.
 * W2. So (5) compares what cannot change, and what (8) shows is what was
 *     there.  A store before (4) is seen by (5); one after (4) faults, and
 *     its copy changes the entry, which (7) sees.
 * W3. Both sections carry USE_CHANGE_PTE: write to read-only of one frame,
 *     read-only to another frame with the same bytes, or nothing at all.
 *     A device keeps reading meanwhile.
 * W4. The place of the new mapping is known to the KSM page before (8), under
 *     its lock: a walk finds every mapper.
 * W5. A page becomes a KSM page where it is: its one place is then what its
 *     ->mapping and ->index said, so every relative that maps it is found.
 * W6. Two page locks are had by trylock only.
 *
 * Not merged: pages of the swap cache, lazyfree, held by anybody, PROT_NONE.
 * Bug switches: ksm_no_count (3 left out), ksm_compare_first (5 before 1),
 * ksm_trusts_entry (no flush in 2 of an entry that is read-only: another's
 * flush may be owed still), change_pte_no_flag (W3: devices lose their entries
 * at each step).
 * Locks: ksm_mutex, mmap_lock read, page locks, section, table.
 * Tests: tests/kt/kt_ksm.c, tests/race/race_ksm.c
 */
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/ksm_impl.h"
#include "mm/lru.h"
#include "mm/mmu_notifier.h"
#include "mm/motion.h"
#include "mm/slab.h"
#include "mm/swap.h"

atomic64_t ksm_nr_merged, ksm_nr_busy;

struct vm_area_struct *ksm_vma(struct mm_struct *mm, vaddr_t va)
{
	struct vm_area_struct *vma;

	if (!atomic_read(&mm->mm_users))
		return NULL;			/* exit_mmap waits for us */
	vma = vma_lookup(mm, va);
	return vma && (vma->vm_flags & VM_MERGEABLE) && vma->anon_vma ? vma :
									NULL;
}

bool ksm_candidate(pte_t e)
{
	return pte_present(e) && !pte_special(e) && page_is_anon(pte_page(e)) &&
	       !page_is_ksm(pte_page(e));
}

/* p is locked.  It may still turn out to be held. */
static bool may_merge(struct page *p)
{
	if (!page_is_anon(p) || page_is_ksm(p) || !page_test(p, PG_swapbacked))
		return false;
	try_to_free_swap(p);
	return !page_test(p, PG_swapcache);
}

static void range_init(struct mmu_notifier_range *r, struct mm_struct *mm,
		       vaddr_t va)
{
	mmu_notifier_range_init(r, MMU_NOTIFY_CLEAR, mm, va, va + PAGE_SIZE);
	if (!BUG_SWITCH("change_pte_no_flag"))
		r->flags |= MMU_NOTIFIER_USE_CHANGE_PTE;	/* W3 */
}

/* (2)-(4).  *e: the entry as it is left. */
static int protect_entry(struct page *p, struct pt_pos *pos, pte_t *e)
{
	pte_t old = pte_clear(pos);				/* (2) */

	if (pte_write(old) || !BUG_SWITCH("ksm_trusts_entry"))
		flush_tlb_page(pos->pt->mm, pos->va);
	RACE_POINT("ksm:cleared");
	if (page_count(p) != page_mapcount(p) + 1 &&
	    !BUG_SWITCH("ksm_no_count")) {			/* (3) */
		pte_set(pos, old);
		return -EBUSY;
	}
	if (pte_dirty(old))
		set_page_dirty(p);
	page_clear(p, PG_anon_exclusive);
	*e = pte_mkclean(pte_wrprotect(old));
	set_pte_at_notify(pos, *e);				/* (4) */
	return 0;
}

static int write_protect_page(struct vm_area_struct *vma, vaddr_t va,
			      struct page *p, pte_t *e)
{
	struct mmu_notifier_range range;
	struct pt_pos pos;
	int err = -EAGAIN;

	range_init(&range, vma->vm_mm, va);
	mmu_notifier_invalidate_range_start(&range);		/* (1) */
	if (page_vma_mapped(p, vma, va, &pos)) {
		if (pte_present(pte_read(pos.ptep)))
			err = protect_entry(p, &pos, e);
		unlock_table(&pos);
	}
	mmu_notifier_invalidate_range_end(&range);
	return err;
}

/* A CPU may have read it meanwhile. */
static bool same_but_young(pte_t a, pte_t b)
{
	return !((a.val ^ b.val) & ~(u64)PTE_A);
}

/* (8).  The lock of the table is held. */
static void repoint(struct vm_area_struct *vma, struct pt_pos *pos,
		    struct page *p, struct page *kpage)
{
	u64 prot = vma_pte_flags(vma->vm_flags) & ~PTE_W;
	pte_t old = pte_clear(pos);

	flush_tlb_page(vma->vm_mm, pos->va);
	prot |= old.val & (PTE_A | PTE_SOFT_DIRTY);
	get_page(kpage);				/* the entry's */
	page_restore_anon_rmap(kpage, vma);
	set_pte_at_notify(pos, pte_make(page_to_pfn(kpage), prot));
	page_remove_rmap(p, vma);
	if (vma->vm_flags & VM_LOCKED)
		lru_munlock(p);
}

/* (6)-(9).  seen: what (4) left. */
static int replace_page(struct ksm_item *item, struct vm_area_struct *vma,
			pte_t seen, struct page *p, struct page *kpage)
{
	struct mmu_notifier_range range;
	bool same = false;
	struct pt_pos pos;

	range_init(&range, vma->vm_mm, item->va);
	mmu_notifier_invalidate_range_start(&range);		/* (6) */
	if (page_vma_mapped(p, vma, item->va, &pos)) {		/* (7) */
		same = same_but_young(pte_read(pos.ptep), seen);
		if (same)
			repoint(vma, &pos, p, kpage);
		unlock_table(&pos);
	}
	mmu_notifier_invalidate_range_end(&range);		/* (9) */
	if (same)
		put_page(p);
	return same ? 0 : -EAGAIN;
}

/* (1)-(9).  Both pages are locked.  *place is NULL if it was used. */
static int merge_locked(struct ksm_item *item, struct vm_area_struct *vma,
			struct page *p, struct page *kpage,
			struct ksm_place **place)
{
	bool before = BUG_SWITCH("ksm_compare_first"), equal = false;
	int err;
	pte_t e;

	if (!may_merge(p))
		return -EBUSY;
	if (before)
		equal = !ksm_compare(p, kpage);
	RACE_POINT("ksm:before_protect");
	err = write_protect_page(vma, item->va, p, &e);
	if (err)
		return err;
	RACE_POINT("ksm:protected");
	if (!before)
		equal = !ksm_compare(p, kpage);			/* (5) */
	if (!equal)
		return -EAGAIN;
	if (ksm_node_add(ksm_node_of(kpage), *place, vma->anon_vma,
			 linear_page_index(vma, item->va)))	/* W4 */
		*place = NULL;
	RACE_POINT("ksm:compared");
	return replace_page(item, vma, e, p, kpage);
}

/* W6. */
static bool trylock_pages(struct page *p, struct page *q)
{
	if (!trylock_page(p))
		return false;
	if (trylock_page(q))
		return true;
	unlock_page(p);
	return false;
}

static int count_result(int err)
{
	if (err == -EBUSY)
		atomic64_inc(&ksm_nr_busy);
	else if (!err)
		atomic64_inc(&ksm_nr_merged);
	return err;
}

int ksm_merge_into(struct ksm_item *item, struct page *p, struct page *kpage)
{
	struct ksm_place *place = kzalloc(sizeof(*place));
	struct mm_struct *mm = item->slot->mm;
	struct vm_area_struct *vma;
	int err = -EAGAIN;

	if (!place)
		return -ENOMEM;
	if (!ksm_mmap_trylock(mm)) {
		kfree(place);
		return count_result(-EBUSY);
	}
	vma = ksm_vma(mm, item->va);
	if (vma && !trylock_pages(p, kpage)) {
		err = -EBUSY;
	} else if (vma) {
		err = merge_locked(item, vma, p, kpage, &place);
		unlock_page(kpage);
		unlock_page(p);
	}
	mmap_read_unlock(mm);
	kfree(place);
	return count_result(err);
}

/* W5.  p is locked and write-protected; av: its own. */
static void become_ksm(struct page *p, struct anon_vma *av,
		       struct ksm_node *node, struct ksm_place *place)
{
	node->page = p;
	node->own = av;
	BUG_ON(!ksm_node_add(node, place, av, p->index));
	/* The node before the way to it; partner: the page's lock. */
	WRITE_ONCE(p->mapping, (void *)((u64)node | PAGE_MAPPING_KSM));
}

static int make_locked(struct ksm_item *item, struct vm_area_struct *vma,
		       struct page *p, struct ksm_node *node,
		       struct ksm_place *place)
{
	struct anon_vma *av;
	int err = -EBUSY;
	pte_t e;

	if (may_merge(p))
		err = write_protect_page(vma, item->va, p, &e);
	if (err)
		return err;
	av = page_get_anon_vma(p);
	if (!av)
		return -EAGAIN;			/* unmapped by now */
	become_ksm(p, av, node, place);
	put_anon_vma(av);
	return 0;
}

static int make_with_mmap_lock(struct ksm_item *item, struct page *p,
			       struct ksm_node *node, struct ksm_place *place)
{
	struct vm_area_struct *vma = ksm_vma(item->slot->mm, item->va);
	int err;

	if (!vma)
		return -EAGAIN;
	if (!trylock_page(p))
		return -EBUSY;
	err = make_locked(item, vma, p, node, place);
	unlock_page(p);
	return err;
}

int ksm_make(struct ksm_item *item, struct page *p)
{
	struct ksm_node *node = kzalloc(sizeof(*node));
	struct ksm_place *place = kzalloc(sizeof(*place));
	struct mm_struct *mm = item->slot->mm;
	int err = -ENOMEM;

	if (node && place && !ksm_mmap_trylock(mm)) {
		err = -EBUSY;
	} else if (node && place) {
		err = make_with_mmap_lock(item, p, node, place);
		mmap_read_unlock(mm);
	}
	if (err) {
		kfree(place);
		kfree(node);
	}
	return count_result(err);
}

void ksm_unmake(struct page *p)
{
	struct ksm_node *node = ksm_node_of(p);

	KASSERT(!node->in_tree);
	page_motion_begin();		/* no mmap_lock is held */
	lock_page(p);
	/* Nothing was merged: its own place (W5) is all there is. */
	WRITE_ONCE(p->mapping, (void *)((u64)node->own | PAGE_MAPPING_ANON));
	unlock_page(p);
	page_motion_end();
	ksm_node_free(node);
}

int ksm_merge_two(struct ksm_item *item, struct page *p,
		  struct ksm_item *other, struct page *other_page)
{
	int err = ksm_make(item, p);

	if (err)
		return err;
	err = ksm_merge_into(other, other_page, p);
	if (err)
		ksm_unmake(p);
	else
		ksm_stable_insert(ksm_node_of(p));
	return err;
}
