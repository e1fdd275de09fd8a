/* SPDX-License-Identifier: MIT */
/*
 * The importer's side of an XPMEM-like device: faults in its window.  Steps and
 * invariants stand in xpmem.c.
 *
 * The window is a shared mapping whose entries are ours (VM_PFNMAP): special,
 * without rmap and counts, at one place of one mm.
 *
 * Locks: called with the importer's mmap_lock or vma lock; lock.
 * Tests: tests/kt/kt_xpmem.c, tests/race/race_xpmem.c
 */
#include "drivers/shadow/xpmem.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/fault.h"
#include "mm/gup.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/vma.h"

struct window_fault {
	struct xpmem *x;
	struct vm_area_struct *vma;
	vaddr_t va;
	u64 index;
	u32 write;
};

/* (2).  X4.  0, -EAGAIN, -EFAULT, -ENOMEM. */
static int pin_exporter(const struct window_fault *f, struct page **page)
{
	struct mm_struct *mm = f->x->dev.mm;
	vaddr_t va = f->x->start + f->index * PAGE_SIZE;
	bool writable;
	int err = -EFAULT;

	if (!down_read_trylock(&mm->mmap_lock)) {
		yield();
		return -EAGAIN;
	}
	/*
	 * With users, and even if the last leaves now, the teardown waits for
	 * mmap_lock.  A stack is not grown: that would drop the lock.
	 */
	if (atomic_read(&mm->mm_users) && vma_lookup(mm, va))
		err = get_user_page_locked(mm, va, FOLL_PIN |
					   (f->write ? FOLL_WRITE : 0), page,
					   &writable);
	mmap_read_unlock(mm);
	return err == -EINTR ? -EAGAIN : err;
}

/* lock held.  The page into the tree; a second pin of it is given back. */
static int remember(const struct window_fault *f, struct page *page)
{
	struct radix_tree_root *tree = &f->x->pins.i_pages;
	void *item = (void *)((u64)page | (f->write ? XPMEM_WRITABLE : 0));
	void *old = radix_tree_lookup(tree, f->index);
	int err;

	if (!old) {
		err = radix_tree_insert(tree, f->index, item);
		if (err)
			return err;
		shadow_count(&f->x->dev, SHADOW_INSTALLS, 1);
		shadow_count(&f->x->dev, SHADOW_ENTRIES, 1);
		return 0;
	}
	if (pin_page(old) != page)
		return -EAGAIN;		/* somebody is at (B) */
	if (f->write)
		radix_tree_replace(tree, f->index, item);
	unpin_user_page(page);
	return 0;
}

/* lock held, the page in the tree. */
static int set_entry(const struct window_fault *f, const struct page *page)
{
	u64 prot = vma_pte_flags(f->vma->vm_flags) | PTE_SPECIAL | PTE_A;
	struct pt_pos pos;

	if (lock_table_alloc(&f->vma->vm_mm->pgt, f->va, 1, &pos))
		return -ENOMEM;
	if (f->write)
		prot |= PTE_D;
	else
		prot &= ~PTE_W;
	if (pte_none(pte_read(pos.ptep)))
		pte_set(&pos, pte_make(page_to_pfn(page), prot));
	else if (f->write)
		pte_modify(&pos, 0, prot & (PTE_W | PTE_D));
	unlock_table(&pos);
	return 0;
}

/* (3) and (4).  The pin passes to the tree, or is given back. */
static int install(const struct window_fault *f, u64 seq, struct page *page)
{
	struct xpmem *x = f->x;
	int err = -EAGAIN;

	mutex_lock(&x->lock);
	if (x->dev.dead)
		err = -EFAULT;
	else if (((u64)atomic64_read(&x->seq) == seq ||
		  BUG_SWITCH("xpmem_no_seq")) &&
		 !xpmem_is_torn(x, f->index))
		err = remember(f, page);
	if (err)
		unpin_user_page(page);
	else
		err = set_entry(f, page);
	mutex_unlock(&x->lock);
	return err;
}

/* One mm, one place.  While nothing is pinned the place may change. */
static bool place_is_ours(const struct window_fault *f)
{
	vaddr_t base = f->va - f->index * PAGE_SIZE;
	struct xpmem *x = f->x;
	bool ours;

	mutex_lock(&x->lock);
	if (radix_tree_empty(&x->pins.i_pages))
		x->base = base;
	ours = x->base == base && f->vma->vm_mm == x->imm && !x->dev.dead &&
		f->index < x->pages;
	mutex_unlock(&x->lock);
	return ours;
}

static int window_fault(struct vm_area_struct *vma, vaddr_t va, u32 flags)
{
	struct window_fault f = {
		.x = vma->vm_mapping->host, .vma = vma, .va = va,
		.index = linear_page_index(vma, va),
		.write = flags & FAULT_WRITE,
	};
	u64 seq = (u64)atomic64_read(&f.x->seq);		/* (1) */
	struct page *page;
	int err;

	smp_rmb();		/* partner: (B), after the entries changed */
	if (!place_is_ours(&f))
		return FAULT_SIGBUS;
	if (xpmem_is_torn(f.x, f.index)) {
		wait_event(&f.x->settled, !xpmem_is_torn(f.x, f.index));
		return FAULT_RETRY;
	}
	err = pin_exporter(&f, &page);				/* (2) */
	if (err)
		return fault_result_of(err);
	RACE_POINT("xpmem:after_pin");
	return fault_result_of(install(&f, seq, page));
}

/*
 * References of vmas.
 */
void xpmem_put(struct xpmem *x)
{
	if (!atomic_dec_and_test(&x->refs))
		return;
	address_space_destroy(&x->mapping);
	if (x->imm)
		mmdrop(x->imm);
	mmdrop(x->dev.mm);
	kfree(x);
}

static void window_get(struct address_space *m)
{
	struct xpmem *x = m->host;

	atomic_inc(&x->refs);
	atomic_inc(&x->vmas);
}

/* With the last vma the pins go: nobody can see them any more. */
static void window_put(struct address_space *m)
{
	struct xpmem *x = m->host;

	if (atomic_dec_and_test(&x->vmas))
		xpmem_tear_down(x, 0, ~0ULL, XPMEM_OUTSIDE);
	xpmem_put(x);
}

static const char *window_name(struct address_space *m)
{
	(void)m;
	return "/dev/shadow-xpmem";
}

const struct address_space_operations xpmem_aops = {
	.fault = window_fault,
	.get = window_get,
	.put = window_put,
	.name = window_name,
};
