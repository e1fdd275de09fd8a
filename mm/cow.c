/* SPDX-License-Identifier: MIT */
/*
 * A write to a page that is mapped read-only: share, reuse, or copy.
 *
 * K1. Reuse (set W in place) iff the page is anonymous and PG_anon_exclusive,
 *     or its only reference is this entry's: decided under the page lock and
 *     the table lock from the one value page_count(p) == 1.  A speculative
 *     getter that comes later finds the page already private; one that came
 *     earlier shows in the count, and we copy.
 * K2. Never reuse because an entry is dirty: exclusivity alone decides.
 * K4. A pin for reading (FAULT_UNSHARE) asks for the same without W: the page
 *     becomes exclusive by reuse or copy, so that no later write, here or in a
 *     forked relative, takes it away from under the pin.
 * K5. A KSM page is never reused, however few map it: the stable tree has it by
 *     its bytes (T1 of ksm_tree.c).
 * K3. Copy first, then the section, then the lock; if the entry changed
 *     meanwhile (other than A and D) all is undone and the access retried.
 *
 * The order in which a copy replaces the original:
 *	(1) copy the bytes (the original stays read-only for everybody)
 *	(2) section start		secondaries drop or keep read-only
 *	(3) table lock; entry as seen?
 *	(4) clear the entry, flush	no CPU reads the original through it
 *	(5) rmap of the copy
 *	(6) change_pte, set the entry	secondaries first (set_pte_at_notify)
 *	(7) rmap of the original away	not before (6): its owner may reuse it
 *	(8) unlock, section end
 *	(9) put the original
 *
 * The section carries USE_CHANGE_PTE: read-only to writable, other frame with
 * equal bytes, is what the flag allows.
 * Tests: tests/kt/kt_fault.c, tests/kt/kt_fork.c, tests/race/race_cow.c
 */
#include "kernel/racepoint.h"
#include "mm/cow.h"
#include "mm/filemap.h"
#include "mm/mmu_notifier.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "mm/writeback.h"

static bool same_but_ad(pte_t a, pte_t b)
{
	return !((a.val ^ b.val) & ~(u64)PTE_AD);
}

/* Lock va's entry if it is still `seen`.  False: nothing is locked. */
static bool lock_if_same(struct fault_ctx *f, pte_t seen, struct pt_pos *pos)
{
	lock_leaf(&f->mm->pgt, f->va, pos);
	if (pos->level == 1 && same_but_ad(pte_read(pos->ptep), seen))
		return true;
	unlock_table(pos);
	return false;
}

/*
 * What was believed to be enough, and was not (lab).  By mapcount: whoever
 * read the page through a mapping that is gone by now still holds it.  By two
 * counters: "nobody but mappings holds it", then "only mine maps it", are each
 * true when asked, and never together.
 */
static bool reuse_by_counters(const struct page *p)
{
	bool no_holders;

	if (BUG_SWITCH("cow_by_mapcount"))
		return page_mapcount(p) == 1;
	no_holders = page_count(p) == page_mapcount(p);
	RACE_POINT("cow:decide");
	return no_holders && page_mapcount(p) == 1;
}

/* K1.  The table lock is held, so the entry pins the page. */
static bool may_reuse(struct page *p)
{
	bool alone;

	if (!page_is_anon(p))
		return false;
	if (page_test(p, PG_anon_exclusive))
		return true;
	if (BUG_SWITCH("cow_by_mapcount") || BUG_SWITCH("cow_two_counters"))
		return reuse_by_counters(p);
	RACE_POINT("cow:decide");
	if (!trylock_page(p))
		return false;
	if (page_count(p) == 2)
		try_to_free_swap(p);	/* the swap cache's, if it has one */
	alone = page_count(p) == 1;
	if (page_is_ksm(p))
		alone = false;					/* K5 */
	if (alone)
		page_set(p, PG_anon_exclusive);
	unlock_page(p);
	return alone;
}

/* A forced write leaves the entry as read-only as its vma is. */
static void make_writable(const struct fault_ctx *f, struct pt_pos *pos)
{
	pte_modify(pos, 0, PTE_WRITTEN |
		   (f->vma->vm_flags & VM_WRITE ? PTE_W : 0));
}

/* The page that va's entry names, if it is still `seen`, with a reference. */
static struct page *get_if_same(struct fault_ctx *f, pte_t seen)
{
	struct page *p = pte_page(seen);
	struct pt_pos pos;

	if (!lock_if_same(f, seen, &pos))
		return NULL;
	get_page(p);
	unlock_table(&pos);
	return p;
}

/*
 * Shared mapping: the page is the file's, and dirty before it is writable.
 * Where the file is written back, the page lock makes the two one step for
 * whoever cleans the page (writeback.c, W4).
 */
static enum fault_result shared_write(struct fault_ctx *f, pte_t seen)
{
	enum fault_result res = FAULT_RETRY;
	struct page *p = NULL;
	struct pt_pos pos;

	KASSERT(f->vma->vm_flags & VM_WRITE);	/* no force in shared ones */
	if (vma_wants_writenotify(f->vma)) {
		p = get_if_same(f, seen);
		if (!p)
			return FAULT_RETRY;
		RACE_POINT("shared_write:before_lock");
		lock_page(p);
	}
	if (lock_if_same(f, seen, &pos)) {
		set_page_dirty(pte_page(seen));
		mapping_note_write(f->vma->vm_mapping);
		make_writable(f, &pos);
		unlock_table(&pos);
		this_cpu_inc(fault_counts.file);
		res = FAULT_DONE;
	}
	if (p) {
		unlock_page(p);
		put_page(p);
	}
	return res;
}

/* (2)-(8).  True: `copy` is mapped, old's mapping is gone. */
static bool replace_page(struct fault_ctx *f, pte_t seen, struct page *old,
			 struct page *copy)
{
	u64 prot = vma_pte_flags(f->vma->vm_flags) | PTE_WRITTEN;
	struct mmu_notifier_range range;
	struct pt_pos pos;
	bool same;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, f->mm, f->va,
				f->va + PAGE_SIZE);
	if (!BUG_SWITCH("change_pte_no_flag"))
		range.flags |= MMU_NOTIFIER_USE_CHANGE_PTE;
	mmu_notifier_invalidate_range_start(&range);		/* (2) */
	RACE_POINT("cow:after_start");
	same = lock_if_same(f, seen, &pos);			/* (3) */
	if (same) {
		pte_clear(&pos);				/* (4) */
		flush_tlb_page(f->mm, f->va);
		page_add_new_anon_rmap(copy, f->vma, f->va);	/* (5) */
		set_pte_at_notify(&pos, pte_make(page_to_pfn(copy), prot));
		if (old)
			page_remove_rmap(old, f->vma);		/* (7) */
		unlock_table(&pos);				/* (8) */
	}
	mmu_notifier_invalidate_range_end(&range);
	return same;
}

/* old (NULL: the zero page) has a reference of ours. */
static enum fault_result copy_and_replace(struct fault_ctx *f, pte_t seen,
					  struct page *old)
{
	struct page *copy;

	copy = alloc_page(ALLOC_RECLAIM | (old ? ALLOC_PLAIN : ALLOC_ZERO));
	if (!copy)
		return FAULT_OOM;
	if (old)
		copy_page(page_address(copy), page_address(old)); /* (1) */
	RACE_POINT("cow:after_copy");
	if (!replace_page(f, seen, old, copy)) {
		put_page(copy);
		return FAULT_RETRY;				/* K3 */
	}
	if (old && page_is_ksm(old))
		count_vm_event(COW_KSM);
	if (old)
		put_page_and_swap(old);				/* (9) */
	this_cpu_inc(fault_counts.cow);
	return FAULT_DONE;
}

/*
 * The mapped page can stay, exclusive by now if it is anonymous: *old NULL.
 * Else it has a reference of ours.  FAULT_RETRY: the entry is another.
 */
static enum fault_result try_reuse(struct fault_ctx *f, pte_t seen,
				   struct page **old)
{
	struct page *p = pte_page(seen);
	struct pt_pos pos;
	bool stays;

	if (!lock_if_same(f, seen, &pos))
		return FAULT_RETRY;
	/* Unsharing is for anonymous pages: a file's is nobody's own (K4). */
	stays = !(f->flags & FAULT_WRITE) && !page_is_anon(p);
	if (!stays && may_reuse(p)) {
		if (f->flags & FAULT_WRITE)
			make_writable(f, &pos);
		this_cpu_inc(fault_counts.cow_reuse);
		stays = true;
	}
	if (!stays) {
		get_page(p);
		*old = p;
	}
	unlock_table(&pos);
	return FAULT_DONE;
}

enum fault_result wp_fault(struct fault_ctx *f, pte_t seen)
{
	struct page *old = NULL;
	enum fault_result res;

	if (f->vma->vm_flags & VM_SHARED)
		return shared_write(f, seen);
	if (anon_vma_prepare(f->vma))
		return FAULT_OOM;
	if (!pte_special(seen)) {
		res = try_reuse(f, seen, &old);
		if (res != FAULT_DONE || !old)
			return res;
	}
	res = copy_and_replace(f, seen, old);
	if (old)
		put_page(old);
	return res;
}
