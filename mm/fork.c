/* SPDX-License-Identifier: MIT */
/*
 * fork: the child gets every vma, and copy-on-write entries for the pages that
 * a fault could not find again (vmas that have an anon_vma).  Each of the
 * parent's vmas is marked, so no fault of a thread of its is half way.
 *
 * Order for one copied vma, both mmap_locks held for write:
 *	(1) child's vma enters the rmap trees, after the parent's: a walker that
 *	    visits both sees an entry in the first or in the second
 *	(2) section start (PROTECTION_PAGE over the parent's vma)
 *	(3) both table locks: the parent's entry loses W, the page is no longer
 *	    exclusive, its counts grow; the child's entry is set
 *	(4) section end
 * and once for the mm: (5) flush the parent before its mmap_lock is dropped.
 * Between (3) and (5) a thread of the parent may still write through a stale
 * writable entry: that write comes before the fork as far as anyone can tell,
 * since the child has not run and nobody copies or reuses the page while
 * mmap_lock is held for write.
 *
 * A page that somebody has pinned (mm/gup.h) is copied for the child instead of
 * shared, while write_protect_seq is odd: see gup_fast.c.  The copy is made
 * from a page allocated before the tables are locked.
 *
 * Empty regions are skipped a table at a time, at any level.
 *
 * Memory: the child's tables are as many as the parent's, far more than the
 * reserve may hold, and nobody may reclaim inside a section (alloc_slow.c, D1).
 * So whoever finds none closes the section, reclaims with the two mmap_locks
 * held, and goes on where it stopped in a section of its own over the rest.
 * Meanwhile reclaim may take what was shared: both vmas are in the rmap trees.
 * On -ENOMEM the child has no vmas left, and the parent's entries may stay
 * write-protected, which costs it a fault each and nothing else.
 * Tests: tests/kt/kt_fork.c
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/gup.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/mmap.h"
#include "mm/mmu_notifier.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swapops.h"
#include "mm/vmscan.h"

/* A parent's vma to its child's. */
struct copier {
	struct vm_area_struct *child, *parent;
	struct page *spare;	/* for the next pinned page */
};

/* Rule of pins: the page stays the parent's alone. */
static bool must_copy(const struct page *p)
{
	bool pinned = page_is_anon(p) && page_test(p, PG_anon_exclusive) &&
		      page_maybe_dma_pinned(p);

	RACE_POINT("fork:pin_tested");
	return pinned;
}

static int copy_pinned(struct copier *c, struct pt_pos *to, struct page *p)
{
	struct page *copy = c->spare;

	if (!copy)
		return -EAGAIN;
	c->spare = NULL;
	copy_page(page_address(copy), page_address(p));
	page_add_new_anon_rmap(copy, c->child, to->va);
	pte_set(to, pte_make(page_to_pfn(copy),
			     vma_pte_flags(c->child->vm_flags) | PTE_D |
			     PTE_SOFT_DIRTY));
	return 0;
}

static void share_page(struct copier *c, struct page *p)
{
	get_page(p);
	if (page_is_anon(p)) {
		page_clear(p, PG_anon_exclusive);		/* P3 */
		page_add_anon_rmap(p, c->child);
	} else {
		page_add_file_rmap(p, c->child);
	}
}

/* (3) for one entry.  0, -ENOMEM, or -EAGAIN: needs a spare page. */
static int copy_entry(struct copier *c, struct pt_pos *from, struct pt_pos *to)
{
	pte_t e = pte_read(from->ptep);

	if (pte_none(e) || !pte_none(pte_read(to->ptep)))
		return 0;
	if (pte_nonpresent(e))
		return nonpresent_dup(from, to, c->child);
	if (!pte_special(e) && must_copy(pte_page(e)))
		return copy_pinned(c, to, pte_page(e));
	if (is_cow_mapping(c->child->vm_flags) && pte_write(e))
		e = pte_wrprotect(pte_modify(from, PTE_W, 0));
	if (!pte_special(e))
		share_page(c, pte_page(e));
	if (c->child->vm_flags & VM_SHARED)
		e = pte_mkclean(e);		/* the parent's keeps its D */
	pte_set(to, pte_mkold(e));
	return 0;
}

/* From *va on within one pair of tables; moves *va.  As copy_entry. */
static int copy_locked(struct copier *c, struct pt_pos *from,
		       struct pt_pos *to, vaddr_t *va)
{
	int err;

	do {
		err = copy_entry(c, from, to);
		if (err)
			break;
		*va = from->va + PAGE_SIZE;
	} while (*va < c->parent->vm_end && pos_next(from) && pos_next(to));
	return err;
}

/* From *va on within one table; moves *va.  0 or -ENOMEM. */
static int copy_table(struct copier *c, vaddr_t *va)
{
	struct pt_pos from = { .pt = &c->parent->vm_mm->pgt, .va = *va };
	struct pt_pos to = { .pt = &c->child->vm_mm->pgt, .va = *va };
	struct pt_pos pos;
	vaddr_t end;
	int level, err;

	lock_leaf(from.pt, *va, &pos);
	level = pos.level;
	end = pos_end(&pos);
	unlock_table(&pos);
	if (level > 1) {
		*va = end;
		return 0;
	}
	if (lock_table_alloc(to.pt, *va, 1, &pos))
		return -ENOMEM;
	unlock_table(&pos);
	if (lock_table_pair(&from, &to))
		BUG();		/* mmap_lock write: no table goes away */
	err = copy_locked(c, &from, &to, va);
	unlock_table_pair(&from, &to);
	if (err != -EAGAIN)
		return err;
	c->spare = alloc_page(ALLOC_PLAIN);
	return c->spare ? 0 : -ENOMEM;
}

/* (F) and (I) in gup_fast.c; mmap_lock write makes it one at a time. */
static void write_protect_begin(struct mm_struct *mm)
{
	WRITE_ONCE(mm->write_protect_seq, mm->write_protect_seq + 1);
	smp_mb();	/* before any count is read; partner: gup's (3) */
}

static void write_protect_end(struct mm_struct *mm)
{
	smp_store_release(&mm->write_protect_seq, mm->write_protect_seq + 1);
}

/* A section over the rest of the vma; moves *va.  0 or -ENOMEM. */
static int copy_section(struct copier *c, vaddr_t *va)
{
	struct mm_struct *mm = c->parent->vm_mm;
	struct mmu_notifier_range range;
	int err = 0;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, mm, *va,
				c->parent->vm_end);
	mmu_notifier_invalidate_range_start(&range);		/* (2) */
	write_protect_begin(mm);
	while (!err && *va < c->parent->vm_end)
		err = copy_table(c, va);
	write_protect_end(mm);
	mmu_notifier_invalidate_range_end(&range);		/* (4) */
	return err;
}

static int copy_page_range(struct vm_area_struct *child,
			   struct vm_area_struct *parent)
{
	struct copier c = { .child = child, .parent = parent };
	vaddr_t va = parent->vm_start, before;
	u32 attempt = 0;
	int err;

	do {
		before = va;
		noreclaim_begin();
		err = copy_section(&c, &va);
		noreclaim_end();
		if (va > before)
			attempt = 0;
	} while (err == -ENOMEM && reclaim_for_retry(attempt++));
	if (c.spare)
		put_page(c.spare);
	return err;
}

/* The child's copy of a vma, in no tree yet.  NULL: no memory. */
static struct vm_area_struct *copy_vma(struct mm_struct *child,
				       struct vm_area_struct *pvma)
{
	struct vm_area_struct *vma = vma_dup(pvma);

	if (!vma)
		return NULL;
	vma->vm_mm = child;
	if (anon_vma_fork(vma, pvma)) {
		vma_free(vma);
		return NULL;
	}
	vma->vm_flags &= ~VM_LOCK_FLAGS;
	return vma;
}

static int dup_vma(struct mm_struct *child, struct vm_area_struct *pvma)
{
	struct vm_area_struct *vma;
	u32 attempt = 0;

	vma_start_write(pvma);
	do
		vma = copy_vma(child, pvma);
	while (!vma && reclaim_for_retry(attempt++));
	if (!vma)
		return -ENOMEM;
	vma_link(child, vma);					/* (1) */
	if (!pvma->anon_vma || (vma->vm_flags & VM_WIPEONFORK))
		return 0;		/* faults will find it all again */
	return copy_page_range(vma, pvma);
}

int dup_mmap(struct mm_struct *child, struct mm_struct *parent)
{
	struct vm_area_struct *vma;
	int err = 0;

	mmap_write_lock(parent);
	/* Nobody else can wait for the child's lock with a lock of ours. */
	down_write_nest_lock(&child->mmap_lock, &parent->mmap_lock);
	child->mmap_base = parent->mmap_base;
	child->start_brk = parent->start_brk;
	child->brk = parent->brk;
	child->start_stack = parent->start_stack;
	child->arg_start = parent->arg_start;
	child->arg_end = parent->arg_end;
	child->limit_as = parent->limit_as;
	child->limit_data = parent->limit_data;
	child->limit_locked = parent->limit_locked;
	child->limit_stack = parent->limit_stack;
	err = ksm_fork(child, parent);
	for_each_vma(parent, vma) {
		if (err)
			break;
		if (!(vma->vm_flags & VM_DONTCOPY))
			err = dup_vma(child, vma);
	}
	flush_tlb_mm(parent);					/* (5) */
	if (err)
		unmap_all_locked(child);
	mmap_write_unlock(child);
	mmap_write_unlock(parent);
	return err;
}
