/* SPDX-License-Identifier: MIT */
/*
 * remap_file_pages: another part of the same file, in place.  As in today's
 * Linux it is a new mapping over the old one.
 * Tests: tests/abi/t_madvise
 */
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmap.h"

/* The request that maps the same file anew; its mapping is referenced. */
static s64 fill_request(struct mm_struct *mm, struct mmap_request *rq)
{
	struct vm_area_struct *vma;
	s64 err = -EINVAL;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, rq->addr);
	if (vma && (vma->vm_flags & VM_SHARED) && vma->vm_mapping &&
	    rq->len <= vma->vm_end - rq->addr) {
		rq->prot |= vma->vm_flags & VM_READ ? PROT_READ : 0;
		rq->prot |= vma->vm_flags & VM_WRITE ? PROT_WRITE : 0;
		rq->prot |= vma->vm_flags & VM_EXEC ? PROT_EXEC : 0;
		rq->flags |= vma->vm_flags & VM_LOCKED ? MAP_LOCKED : 0;
		rq->may = vma->vm_flags & (VM_MAYREAD | VM_MAYWRITE |
					   VM_MAYEXEC);
		rq->mapping = vma->vm_mapping;
		if (rq->mapping->a_ops->get)
			rq->mapping->a_ops->get(rq->mapping);
		err = 0;
	}
	mmap_read_unlock(mm);
	return err;
}

s64 do_remap_file_pages(struct mm_struct *mm, vaddr_t addr, u64 len, u64 pgoff)
{
	struct mmap_request rq = {
		.addr = addr & PAGE_MASK, .len = len & PAGE_MASK,
		.flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE, .pgoff = pgoff,
	};
	s64 ret;

	if (rq.addr + rq.len <= rq.addr ||
	    pgoff + (rq.len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	ret = fill_request(mm, &rq);
	if (ret)
		return ret;
	ret = do_mmap(mm, &rq);
	if (rq.mapping->a_ops->put)
		rq.mapping->a_ops->put(rq.mapping);
	return ret < 0 ? ret : 0;
}
