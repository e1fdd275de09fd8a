/* SPDX-License-Identifier: MIT */
/*
 * madvise: what a program says about its pages.
 *
 * A range is worked on vma by vma; a hole in it does not stop the rest, and is
 * -ENOMEM in the end, as in Linux.  Advice falls into three kinds:
 *	(a) a flag of the vma (mmap_lock write): NORMAL, RANDOM, SEQUENTIAL,
 *	    DONTFORK, DOFORK, WIPEONFORK, KEEPONFORK, MERGEABLE, UNMERGEABLE
 *	    (which first gives back what was merged, mm/ksm.c)
 *	(b) something done to its pages now (mmap_lock read, the vmas stay):
 *	    DONTNEED, FREE, COLD, PAGEOUT (mm/reclaim_hint.c)
 *	(c) pages brought in (the lock comes and goes): POPULATE_READ, _WRITE
 * and hints that are checked and otherwise ignored.
 *
 * Tests: tests/kt/kt_mmap.c, kt_madvise.c, tests/abi/t_madvise
 */
#include "lib/err.h"
#include "mm/fault.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/madvise.h"
#include "mm/mmap.h"
#include "mm/reclaim_hint.h"

enum advice_kind { ADVICE_NONE, ADVICE_FLAG, ADVICE_PAGES, ADVICE_POPULATE,
		   ADVICE_HINT };

static enum advice_kind kind_of(u32 advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
		return ADVICE_FLAG;
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return ADVICE_PAGES;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return ADVICE_POPULATE;
	case MADV_WILLNEED:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return ADVICE_HINT;
	default:
		return ADVICE_NONE;
	}
}

/* (a): the flags of a vma after the advice, or a negative error. */
static s64 advised_flags(const struct vm_area_struct *vma, u32 advice)
{
	u64 f = vma->vm_flags;

	switch (advice) {
	case MADV_RANDOM:
		return (s64)((f & ~VM_SEQ_READ) | VM_RAND_READ);
	case MADV_SEQUENTIAL:
		return (s64)((f & ~VM_RAND_READ) | VM_SEQ_READ);
	case MADV_DONTFORK:
		return (s64)(f | VM_DONTCOPY);
	case MADV_DOFORK:
		return f & VM_PFNMAP ? -EINVAL : (s64)(f & ~VM_DONTCOPY);
	case MADV_WIPEONFORK:
		if (vma->vm_mapping || (f & VM_SHARED))
			return -EINVAL;
		return (s64)(f | VM_WIPEONFORK);
	case MADV_KEEPONFORK:
		return (s64)(f & ~VM_WIPEONFORK);
	case MADV_MERGEABLE:
		return (s64)(f & VM_SHARED ? f : f | VM_MERGEABLE);
	case MADV_UNMERGEABLE:
		return (s64)(f & ~VM_MERGEABLE);
	default:
		return (s64)(f & ~(VM_SEQ_READ | VM_RAND_READ));
	}
}

static int advise_flag(struct vm_area_struct **vmap, vaddr_t start,
		       vaddr_t end, u32 advice)
{
	s64 flags = advised_flags(*vmap, advice);
	int err = flags < 0 ? (int)flags :
			      ksm_advise(*vmap, start, end, (u64)flags);

	return err ? err : vma_set_flags(vmap, start, end, (u64)flags);
}

/* (b) */
static int advise_pages(struct vm_area_struct *vma, vaddr_t start, vaddr_t end,
			u32 advice)
{
	if (vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	if (advice == MADV_FREE && !vma_is_anon(vma))
		return -EINVAL;
	switch (advice) {
	case MADV_DONTNEED:
		zap_vma_range(vma, start, end);
		break;
	case MADV_FREE:
		madvise_free_range(vma, start, end);
		break;
	case MADV_COLD:
		madvise_cold_range(vma, start, end);
		break;
	default:
		madvise_pageout_range(vma, start, end);
		break;
	}
	return 0;
}

static int advise_vmas(struct mm_struct *mm, vaddr_t start, vaddr_t end,
		       u32 advice)
{
	struct vm_area_struct *vma;
	enum advice_kind kind = kind_of(advice);
	vaddr_t at = start, to;
	int hole = 0, err = 0;

	for (vma = find_vma(mm, start); !err && vma && vma->vm_start < end;
	     vma = vma_next(vma)) {
		if (at < vma->vm_start)
			hole = -ENOMEM;		/* go on, say so */
		to = min(end, vma->vm_end);
		at = max(start, vma->vm_start);
		if (kind == ADVICE_FLAG)
			err = advise_flag(&vma, at, to, advice);
		else if (kind == ADVICE_PAGES)
			err = advise_pages(vma, at, to, advice);
		/* One that merged covers more, with the same flags. */
		at = min(end, vma->vm_end);
	}
	return err ? err : at < end ? -ENOMEM : hole;
}

/* (c) */
static int populate(struct mm_struct *mm, vaddr_t start, vaddr_t end,
		    u32 fault_flags)
{
	enum fault_result res;
	int err = 0;

	for (vaddr_t va = start; va < end && !err; va += PAGE_SIZE) {
		struct vm_area_struct *vma;

		if (signal_pending())
			return -EINTR;
		mmap_read_lock(mm);
		vma = vma_lookup(mm, va);
		res = vma ? handle_mm_fault(vma, va, fault_flags | FAULT_USER |
					    FAULT_REMOTE) :
			    FAULT_SIGSEGV_MAPERR;
		mmap_read_unlock(mm);
		if (res == FAULT_RETRY)
			va -= PAGE_SIZE;	/* the same again */
		else if (res == FAULT_SIGSEGV_ACCERR)
			err = -EINVAL;
		else if (res == FAULT_SIGBUS)
			err = -EFAULT;
		else if (res != FAULT_DONE)
			err = -ENOMEM;
	}
	return err;
}

int do_madvise(struct mm_struct *mm, vaddr_t addr, u64 len, u32 advice)
{
	enum advice_kind kind = kind_of(advice);
	vaddr_t end;
	int err;

	if (kind == ADVICE_NONE || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (len && !PAGE_ALIGN(len))
		return -EINVAL;
	end = addr + PAGE_ALIGN(len);
	if (end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (kind == ADVICE_POPULATE)
		return populate(mm, addr, end, advice == MADV_POPULATE_WRITE ?
				FAULT_WRITE : 0);
	if (kind == ADVICE_FLAG)
		mmap_write_lock(mm);
	else
		mmap_read_lock(mm);
	err = advise_vmas(mm, addr, end, advice);
	if (kind == ADVICE_FLAG)
		mmap_write_unlock(mm);
	else
		mmap_read_unlock(mm);
	return err;
}

int do_madvise_dontneed(struct mm_struct *mm, vaddr_t addr, u64 len)
{
	return do_madvise(mm, addr, len, MADV_DONTNEED);
}
