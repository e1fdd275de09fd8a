/* SPDX-License-Identifier: MIT */
/*
 * msync: the shared mappings of a range, vma by vma.
 *
 * Y1. The file is written without mmap_lock, which a device's answer must not
 *     hold up: the mapping keeps a reference meanwhile, and the next vma is
 *     looked up again.
 * Y2. A hole makes the whole call -ENOMEM, after everything else was written,
 *     as in Linux.
 *
 * MS_ASYNC needs nothing: what was written through the mapping is dirty
 * already, and the flusher will come.
 * Tests: tests/kt/kt_writeback.c, tests/abi/t_sync
 */
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/writeback.h"

/* A vma's part of the range, taken out of it. */
struct msync_part {
	struct address_space *m;	/* with a reference; NULL: nothing */
	u64 first, last;
	vaddr_t next;			/* where to go on */
};

/* mmap_lock read held. */
static void cut_part(struct vm_area_struct *vma, vaddr_t start, vaddr_t end,
		     struct msync_part *p)
{
	p->next = min(end, vma->vm_end);
	if (!(vma->vm_flags & VM_SHARED) || !vma->vm_mapping)
		return;
	p->m = vma->vm_mapping;
	p->m->a_ops->get(p->m);
	p->first = linear_page_index(vma, start);
	p->last = linear_page_index(vma, p->next - 1);
}

static int write_part(const struct msync_part *p)
{
	const struct wb_range r = { p->m, p->first, p->last, WB_ALL };
	errseq_t since = READ_ONCE(p->m->wb_err);

	return mapping_can_writeback(p->m) ? sync_mapping(&r, &since) : 0;
}

int do_msync(struct mm_struct *mm, vaddr_t start, u64 len, u32 flags)
{
	vaddr_t end = start + len;
	bool hole = false;
	int err = 0;

	while (start < end && !err) {
		struct msync_part p = { .next = end };
		struct vm_area_struct *vma;

		down_read(&mm->mmap_lock);
		vma = find_vma(mm, start);
		if (!vma || vma->vm_start > start)
			hole = true;				/* Y2 */
		if (vma && vma->vm_start < end)
			cut_part(vma, max(start, vma->vm_start), end, &p);
		up_read(&mm->mmap_lock);
		if (p.m && (flags & MS_SYNC))
			err = write_part(&p);			/* Y1 */
		if (p.m)
			p.m->a_ops->put(p.m);
		start = p.next;
	}
	return err ? err : hole ? -ENOMEM : 0;
}
