/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages, the way with locks: fault until the entry allows what is
 * wanted, and take the page under the table's lock.
 *
 * U1. What is wanted is asked of the entry each time round, never of what a
 *     fault did before: a copy that was thrown away between fault and look is
 *     made again, never bypassed (Dirty COW, CVE-2016-5195).
 * U2. A forced write (FOLL_FORCE, a private mapping without VM_WRITE) may use a
 *     read-only entry iff its page is anonymous and exclusive.  That an entry
 *     is dirty proves nothing: fork leaves D in both copies of it.
 * U3. A pinned anonymous page is exclusive when the pin is taken, under the
 *     table's lock; fork then copies it, and no write fault replaces it.  The
 *     zero page is never pinned nor counted: it has no owner and no end.
 *
 * Bug switches: gup_drops_write (U1: the second look asks for reading only),
 * gup_dirty_is_cow (U2).
 * Locks: mmap_lock read; inside it what faults take; the table's lock.
 * Tests: tests/kt/kt_gup.c, tests/race/race_cow.c, race_pin.c
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/gup.h"
#include "mm/internal.h"

int gup_grab(struct page *p, u32 foll)
{
	if (!(foll & FOLL_PIN)) {
		get_page(p);		/* the zero page's count never ends */
		return 0;
	}
	if (p == zero_page)
		return 0;					/* U3 */
	return page_ref_add_unless_zero(p, GUP_PIN_COUNTING_BIAS) ? 0 :
	       -ENOMEM;
}

void unpin_user_page(struct page *p)
{
	if (p != zero_page)
		page_put_refs(p, GUP_PIN_COUNTING_BIAS);
}

void unpin_user_pages(struct page **pages, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		unpin_user_page(pages[i]);
}

static bool private_page(pte_t e)
{
	return !pte_special(e) && page_is_anon(pte_page(e)) &&
	       page_test(pte_page(e), PG_anon_exclusive);
}

/* U2. */
static bool may_force_write(const struct vm_area_struct *vma, pte_t e,
			    u32 foll)
{
	if (!(foll & FOLL_FORCE) || (vma->vm_flags & VM_WRITE))
		return false;
	if (vma_soft_dirty_enabled(vma) && !pte_soft_dirty(e))
		return false;			/* the fault is to see it */
	if (BUG_SWITCH("gup_dirty_is_cow"))
		return pte_dirty(e);
	return private_page(e);
}

static bool entry_allows(const struct vm_area_struct *vma, pte_t e, u32 foll)
{
	if (!pte_mapped(e) || (!pte_present(e) && !(foll & FOLL_FORCE)))
		return false;
	if ((foll & FOLL_WRITE) && !pte_write(e) &&
	    !may_force_write(vma, e, foll))
		return false;
	if ((foll & FOLL_PIN) && !pte_special(e) &&
	    page_is_anon(pte_page(e)))
		return private_page(e);				/* U3 */
	return true;
}

/* 0, or -EAGAIN when the entry does not (yet) allow it; -ENOMEM. */
static int follow(struct vm_area_struct *vma, vaddr_t va, u32 foll,
		  struct page **page, bool *writable)
{
	struct pt_pos pos;
	int err = -EAGAIN;
	pte_t e;

	lock_leaf(&vma->vm_mm->pgt, va, &pos);
	e = pte_read(pos.ptep);
	if (pos.level == 1 && entry_allows(vma, e, foll)) {
		*page = pte_page(e);
		*writable = pte_write(e);
		err = gup_grab(*page, foll);
	}
	unlock_table(&pos);
	return err;
}

/* Linux's check_vma_flags. */
static int check_vma(const struct vm_area_struct *vma, u32 foll)
{
	u64 f = vma->vm_flags;

	if (f & VM_PFNMAP)
		return -EFAULT;		/* no references on what is there */
	if (foll & FOLL_WRITE) {
		if (f & VM_WRITE)
			return 0;
		return (foll & FOLL_FORCE) && is_cow_mapping(f) ? 0 : -EFAULT;
	}
	if (f & VM_READ)
		return 0;
	return (foll & FOLL_FORCE) && (f & VM_MAYREAD) ? 0 : -EFAULT;
}

static u32 fault_flags(u32 foll)
{
	u32 f = FAULT_REMOTE | (foll & FOLL_WRITE ? FAULT_WRITE : 0);

	f |= foll & FOLL_FORCE ? FAULT_FORCE : 0;
	/* A write makes it exclusive anyway. */
	if ((foll & (FOLL_PIN | FOLL_WRITE)) == FOLL_PIN)
		f |= FAULT_UNSHARE;
	return f;
}

static int fault_error(enum fault_result res)
{
	switch (res) {
	case FAULT_DONE:
	case FAULT_RETRY:
		return 0;
	case FAULT_OOM:
		return -ENOMEM;
	default:
		return -EFAULT;
	}
}

/* The way it was before 4.9: the copy is made, reading will do now. */
static u32 after_fault(const struct vm_area_struct *vma, u32 foll)
{
	if (BUG_SWITCH("gup_drops_write") && (foll & FOLL_FORCE) &&
	    !(vma->vm_flags & VM_WRITE))
		return foll & ~(u32)FOLL_WRITE;
	return foll;
}

int get_user_page_locked(struct mm_struct *mm, vaddr_t va, u32 foll,
			 struct page **page, bool *writable)
{
	struct vm_area_struct *vma;
	int err;

	if (va >= USER_END)
		return -EFAULT;
	va &= PAGE_MASK;
	for (;;) {
		vma = fault_find_vma(mm, va);
		err = vma ? check_vma(vma, foll) : -EFAULT;
		if (!err)
			err = follow(vma, va, foll, page, writable);
		if (err != -EAGAIN)
			return err;
		RACE_POINT("gup:before_fault");
		err = fault_error(handle_mm_fault(vma, va, fault_flags(foll)));
		foll = after_fault(vma, foll);
		RACE_POINT("gup:after_fault");
		if (err)
			return err;
		/* Looked at once: it may come at any moment. */
		if (signal_pending()) {
			err = follow(vma, va, foll, page, writable);
			return err == -EAGAIN ? -EINTR : err;
		}
		RACE_POINT("gup:after_signal_test");
	}
}

int get_user_page(struct mm_struct *mm, vaddr_t va, u32 foll,
		  struct page **page, bool *writable)
{
	int err;

	mmap_read_lock(mm);
	err = get_user_page_locked(mm, va, foll, page, writable);
	mmap_read_unlock(mm);
	return err;
}

s64 get_user_pages(struct mm_struct *mm, vaddr_t start, u64 nr, u32 foll,
		   struct page **pages)
{
	bool writable;
	u64 done = 0;
	int err = 0;

	mmap_read_lock(mm);
	while (done < nr) {
		err = get_user_page_locked(mm, start + done * PAGE_SIZE, foll,
					   &pages[done], &writable);
		if (err)
			break;
		done++;
	}
	mmap_read_unlock(mm);
	return done || !nr ? (s64)done : err;
}

s64 pin_user_pages(struct mm_struct *mm, vaddr_t start, u64 nr, u32 foll,
		   struct page **pages)
{
	return get_user_pages(mm, start, nr, foll | FOLL_PIN, pages);
}
