/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages: the page behind a user address, with a reference.
 *
 *	gup_fast (irqs off)		whoever unmaps and frees
 *	(1) walk, remember the path	(A) clear the entry (or a table above)
 *	(2) rights from the entry	(B) flush: every CPU acknowledges
 *	(3) get_page_unless_zero	(C) put: count 0, free
 *	(4) the whole path unchanged?
 * (1) after (A) finds nothing.  (1) before (A): if (3) is before (C), we hold
 * the page, and (4) either sees (A) and gives it back, or was before (A) and
 * the reference is as good as one taken under the lock.  If (3) is after (C)
 * it fails, or took the page's next life, and (4) sees (A).  Tables stay
 * readable from (1) to (4): they are freed after a grace period, and irqs off
 * is a read section.
 *
 * gup_fast refuses special entries and PROT_NONE (no P), and sets no A or D.
 * The slow way takes the reference under the table's lock, and asks for W in
 * the entry itself each time round: a copy that was thrown away between fault
 * and look is made again, never bypassed.
 * Tests: tests/kt/kt_gup.c, tests/race/race_gup.c
 */
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/internal.h"

static bool entry_allows(pte_t e, u32 flags)
{
	u64 need = PTE_P | PTE_U | (flags & FAULT_WRITE ? PTE_W : 0);

	return (e.val & need) == need;
}

static int gup_fast_irqs_off(struct mm_struct *mm, vaddr_t va, u32 flags,
			     struct page **page, pte_t *pte)
{
	struct pt_path path;
	struct page *p;
	int level;
	pte_t e;

	e = pgtable_read(&mm->pgt, va & PAGE_MASK, &level, &path);	/* (1) */
	if (level != 1 || !entry_allows(e, flags) || pte_special(e))	/* (2) */
		return -EAGAIN;
	p = pte_page(e);
	RACE_POINT("gup_fast:before_get");
	if (!get_page_unless_zero(p))				/* (3) */
		return -EAGAIN;
	RACE_POINT("gup_fast:after_get");
	if (!BUG_SWITCH("gup_no_recheck") && !pt_path_same(&path)) {	/* (4) */
		put_page(p);
		return -EAGAIN;
	}
	*page = p;
	*pte = e;
	return 0;
}

int gup_fast(struct mm_struct *mm, vaddr_t va, u32 flags, struct page **page,
	     pte_t *pte)
{
	u64 irq;
	int err;

	if (va >= USER_END)
		return -EFAULT;
	irq = local_irq_save();
	err = gup_fast_irqs_off(mm, va, flags, page, pte);
	local_irq_restore(irq);
	return err;
}

/* 0, or -EAGAIN when the entry does not (yet) allow it.  mmap_lock read. */
static int follow(struct mm_struct *mm, vaddr_t va, u32 flags,
		  struct page **page, bool *writable)
{
	struct pt_pos pos;
	int err = -EAGAIN;
	pte_t e;

	lock_leaf(&mm->pgt, va, &pos);
	e = pte_read(pos.ptep);
	if (pos.level == 1 && entry_allows(e, flags)) {
		*page = pte_page(e);
		*writable = pte_write(e);
		get_page(*page);	/* the zero page's count never ends */
		err = 0;
	}
	unlock_table(&pos);
	return err;
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

/* mmap_lock read held, perhaps dropped and taken again (a stack grows). */
static int get_user_page_locked(struct mm_struct *mm, vaddr_t va, u32 flags,
				struct page **page, bool *writable)
{
	struct vm_area_struct *vma;
	int err = 0;

	if (va >= USER_END)
		return -EFAULT;
	va &= PAGE_MASK;
	while (!err) {
		if (!follow(mm, va, flags, page, writable))
			break;
		RACE_POINT("gup:before_fault");
		vma = fault_find_vma(mm, va);
		if (!vma) {
			err = -EFAULT;
			break;
		}
		err = fault_error(handle_mm_fault(vma, va,
						  flags | FAULT_REMOTE));
		RACE_POINT("gup:after_fault");
		/* Looked at once: it may come at any moment. */
		if (!err && signal_pending()) {
			err = follow(mm, va, flags, page, writable) ?
				-EINTR : 0;
			break;
		}
		RACE_POINT("gup:after_signal_test");
	}
	return err;
}

int get_user_page(struct mm_struct *mm, vaddr_t va, u32 flags,
		  struct page **page, bool *writable)
{
	int err;

	mmap_read_lock(mm);
	err = get_user_page_locked(mm, va, flags, page, writable);
	mmap_read_unlock(mm);
	return err;
}

/*
 * mmap_lock is held over the copy: a fork in between would leave the page,
 * which we still write to, to the child, when the parent copies it.
 */
u64 copy_to_mm(struct mm_struct *mm, vaddr_t to, const void *from, u64 n)
{
	struct page *p;
	bool writable;
	u64 part;
	int err;

	while (n) {
		part = min(n, PAGE_SIZE - (to & ~PAGE_MASK));
		mmap_read_lock(mm);
		err = get_user_page_locked(mm, to, FAULT_WRITE, &p, &writable);
		if (!err) {
			RACE_POINT("copy_to_mm:before_copy");
			memcpy((char *)page_address(p) + (to & ~PAGE_MASK),
			       from, part);
			set_page_dirty(p);
			put_page(p);
		}
		mmap_read_unlock(mm);
		if (err)
			break;
		to += part;
		from = (const char *)from + part;
		n -= part;
	}
	return n;
}

u64 copy_from_mm(struct mm_struct *mm, void *to, vaddr_t from, u64 n)
{
	struct page *p;
	bool writable;
	u64 part;

	while (n) {
		part = min(n, PAGE_SIZE - (from & ~PAGE_MASK));
		if (get_user_page(mm, from, 0, &p, &writable))
			break;
		memcpy(to, (char *)page_address(p) + (from & ~PAGE_MASK), part);
		put_page(p);
		from += part;
		to = (char *)to + part;
		n -= part;
	}
	return n;
}
