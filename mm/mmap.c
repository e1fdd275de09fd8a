/* SPDX-License-Identifier: MIT */
/*
 * mmap: check everything in Linux's order, find a place, make the vma.
 *
 * Places are searched from mmap_base downwards, lowest MMAP_MIN_ADDR, and keep
 * STACK_GUARD_GAP free below a stack.  MAP_FIXED unmaps what is in the way;
 * that and the vma itself are all that can fail after the checks, and the vma
 * is allocated first, so a failure leaves the address space as it was.
 *
 * Locks: mmap_lock write.  Tests: tests/kt/kt_mmap.c
 */
#include "lib/err.h"
#include "mm/fault.h"
#include "mm/internal.h"
#include "mm/mmap.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/vmscan.h"

/* Is [addr, addr + len) free, guard gaps included? */
static bool range_free(struct mm_struct *mm, vaddr_t addr, u64 len)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return !vma || addr + len <= vma_gap_start(vma);
}

s64 find_unmapped_area(struct mm_struct *mm, vaddr_t hint, u64 len)
{
	vaddr_t at;

	if (len > USER_END - MMAP_MIN_ADDR)
		return -ENOMEM;
	hint = PAGE_ALIGN(hint);
	if (hint) {
		hint = max(hint, (vaddr_t)MMAP_MIN_ADDR);
		if (hint <= USER_END - len && range_free(mm, hint, len))
			return (s64)hint;
	}
	at = vma_find_room(mm, len, MMAP_MIN_ADDR, mm->mmap_base);
	return at ? (s64)at : -ENOMEM;
}

/* Where the new mapping goes.  MAP_FIXED's is not yet unmapped. */
static s64 choose_address(struct mm_struct *mm, const struct mmap_request *rq,
			  u64 len)
{
	struct vm_area_struct *vma;
	vaddr_t addr = rq->addr;

	if (!(rq->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return find_unmapped_area(mm, addr, len);
	if (len > USER_END || addr > USER_END - len)
		return -ENOMEM;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr < MMAP_MIN_ADDR)
		return -EPERM;
	vma = find_vma(mm, addr);
	if ((rq->flags & MAP_FIXED_NOREPLACE) && vma &&
	    vma->vm_start < addr + len)
		return -EEXIST;
	return (s64)addr;
}

/* vm_flags of the request, or a negative error. */
static s64 request_flags(const struct mmap_request *rq)
{
	u64 may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, f = rq->extra;

	f |= rq->prot & PROT_READ ? VM_READ : 0;
	f |= rq->prot & PROT_WRITE ? VM_WRITE : 0;
	f |= rq->prot & PROT_EXEC ? VM_EXEC : 0;
	if (rq->mapping) {
		may = rq->may;
		if (!(may & VM_MAYREAD))
			return -EACCES;
	}
	switch (rq->flags & MAP_TYPE) {
	case MAP_SHARED:
		if ((f & VM_WRITE) && !(may & VM_MAYWRITE))
			return -EACCES;
		f |= VM_SHARED;
		break;
	case MAP_PRIVATE:
		may |= VM_MAYWRITE;
		break;
	default:
		return -EINVAL;
	}
	if ((f & VM_EXEC) && !(may & VM_MAYEXEC))
		return -EPERM;
	if (rq->flags & MAP_LOCKED)
		f |= VM_LOCKED;
	if (rq->mapping && rq->mapping->a_ops->fault) {
		if (!(f & VM_SHARED))
			return -EINVAL;
		f |= VM_PFNMAP | VM_DONTCOPY;
	}
	if (rq->flags & MAP_GROWSDOWN) {
		if (rq->mapping || (f & VM_SHARED))
			return -EINVAL;
		f |= VM_GROWSDOWN;
	}
	return (s64)(f | may);
}

/* The vma, its mapping referenced.  NULL: no memory. */
static struct vm_area_struct *build_vma(struct mm_struct *mm,
					const struct mmap_request *rq,
					vaddr_t addr, u64 len, u64 flags)
{
	struct vm_area_struct *vma = vma_alloc(mm, addr, addr + len, flags);
	struct address_space *shm;

	if (!vma)
		return NULL;
	if (rq->mapping) {
		vma_set_mapping(vma, rq->mapping);
		vma->vm_pgoff = rq->pgoff;
	} else if (flags & VM_SHARED) {
		shm = shmem_create(len);
		if (!shm) {
			vma_free(vma);
			return NULL;
		}
		vma->vm_mapping = shm;		/* the creator's reference */
		vma->vm_pgoff = 0;
	}
	return vma;
}

bool mm_may_map(const struct mm_struct *mm, u64 pages)
{
	return mm->total_vm + pages <= READ_ONCE(mm->limit_as) >> PAGE_SHIFT;
}

/* Pages of vmas in [start, end). */
static u64 mapped_pages(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct vm_area_struct *vma;
	u64 n = 0;

	for (vma = find_vma(mm, start); vma && vma->vm_start < end;
	     vma = vma_next(vma))
		n += min(end, vma->vm_end) - max(start, vma->vm_start);
	return n >> PAGE_SHIFT;
}

/* The process's limits: 0, -ENOMEM, -EAGAIN.  What is replaced goes first. */
static s64 check_limits(struct mm_struct *mm, vaddr_t addr, u64 len, u64 flags)
{
	u64 pages = len >> PAGE_SHIFT;

	if (!mm_may_map(mm, pages) &&
	    !mm_may_map(mm, pages - mapped_pages(mm, addr, addr + len)))
		return -ENOMEM;
	return (flags & VM_LOCKED) && !mm_may_lock(mm, pages) ? -EAGAIN : 0;
}

static s64 mmap_locked(struct mm_struct *mm, const struct mmap_request *rq,
		       u64 len)
{
	struct vm_area_struct *vma;
	s64 addr, flags, err;

	if (mm->map_count > MAX_MAP_COUNT - 1)
		return -ENOMEM;
	addr = choose_address(mm, rq, len);
	if (addr < 0)
		return addr;
	flags = request_flags(rq);
	if (flags < 0)
		return flags;
	flags |= (s64)mm->def_flags;
	err = check_limits(mm, (vaddr_t)addr, len, (u64)flags);
	if (err)
		return err;
	vma = build_vma(mm, rq, (vaddr_t)addr, len, (u64)flags);
	if (!vma)
		return -ENOMEM;
	if (munmap_locked(mm, (vaddr_t)addr, (vaddr_t)addr + len)) {
		vma_free(vma);
		return -ENOMEM;
	}
	/* commit */
	vma_link(mm, vma);
	vma_merge(vma);
	return addr;
}

s64 do_mmap(struct mm_struct *mm, const struct mmap_request *rq)
{
	u64 len = PAGE_ALIGN(rq->len);
	bool locked;
	s64 addr;

	reclaim_throttle();
	if (!rq->len)
		return -EINVAL;
	if (!len || len > USER_END)
		return -ENOMEM;
	if (rq->mapping && rq->pgoff > ((u64)S64_MAX - len) >> PAGE_SHIFT)
		return -EOVERFLOW;
	mmap_write_lock(mm);
	addr = mmap_locked(mm, rq, len);
	locked = (mm->def_flags & VM_LOCK_FLAGS) == VM_LOCKED ||
		 (rq->flags & MAP_LOCKED);
	mmap_write_unlock(mm);
	if (addr >= 0 && ((rq->flags & MAP_POPULATE) || locked))
		(void)mm_populate(mm, (vaddr_t)addr, (vaddr_t)addr + len);
	return addr;
}

int mm_populate(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct vm_area_struct *vma;
	int err = 0;
	u32 flags;

	mmap_read_lock(mm);
	for (vaddr_t va = start; va < end; va += PAGE_SIZE) {
		vma = vma_lookup(mm, va);
		err = -ENOMEM;
		if (!vma)
			break;
		flags = FAULT_USER | FAULT_REMOTE;
		if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
			flags |= FAULT_WRITE;
		if (handle_mm_fault(vma, va, flags) > FAULT_DONE ||
		    signal_pending())
			break;
		err = 0;
	}
	mmap_read_unlock(mm);
	return err;
}

int map_anon_locked(struct mm_struct *mm, vaddr_t start, vaddr_t end, u64 flags)
{
	struct vm_area_struct *vma;

	if (mm->map_count > MAX_MAP_COUNT - 1)
		return -ENOMEM;
	flags |= mm->def_flags;
	if (check_limits(mm, start, end - start, flags))
		return -ENOMEM;
	vma = vma_alloc(mm, start, end, flags | VM_MAYREAD | VM_MAYWRITE |
			VM_MAYEXEC);
	if (!vma)
		return -ENOMEM;
	vma_link(mm, vma);
	vma_merge(vma);
	return 0;
}
