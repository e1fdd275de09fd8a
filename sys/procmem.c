/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells about a process's memory: maps, smaps, pagemap; and
 * clear_refs, which has part of that begin anew.
 * Tests: tests/abi/t_proc, t_softdirty
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/mm_types.h"
#include "mm/mmap.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vmastat.h"
#include "kernel/upcall.h"
#include "sys/procfs.h"

#define PAGEMAP_CHUNK	64U		/* entries at a time */

static const char *vma_name(struct vm_area_struct *vma)
{
	if (vma->vm_mapping)
		return vma->vm_mapping->a_ops->name(vma->vm_mapping);
	if (vma->vm_flags & VM_STACK)
		return "[stack]";
	return vma->vm_flags & VM_HEAP ? "[heap]" : "";
}

static void map_line(struct text *t, struct vm_area_struct *vma)
{
	u64 f = vma->vm_flags;
	struct inode *inode = vma->vm_mapping ?
			      mapping_inode(vma->vm_mapping) : NULL;

	text_add(t, "%08llx-%08llx %c%c%c%c %08llx 00:%02x %u %s\n",
		 vma->vm_start, vma->vm_end, f & VM_READ ? 'r' : '-',
		 f & VM_WRITE ? 'w' : '-', f & VM_EXEC ? 'x' : '-',
		 f & VM_SHARED ? 's' : 'p',
		 vma->vm_mapping ? vma->vm_pgoff << PAGE_SHIFT : 0,
		 inode ? 1 : 0, inode ? inode->ino : 0, vma_name(vma));
}

static void smap_lines(struct text *t, struct vm_area_struct *vma)
{
	u64 f = vma->vm_flags;
	struct vma_stat s;

	vma_stat(vma, &s);
	text_add(t, "Size:           %8llu kB\nKernelPageSize:        4 kB\n"
		 "MMUPageSize:           4 kB\nRss:            %8llu kB\n"
		 "Pss:            %8llu kB\n", vma_pages(vma) * 4, s.rss * 4,
		 s.pss_bytes / 1024);
	text_add(t, "Shared_Clean:   %8llu kB\nShared_Dirty:   %8llu kB\n"
		 "Private_Clean:  %8llu kB\nPrivate_Dirty:  %8llu kB\n",
		 s.shared_clean * 4, s.shared_dirty * 4, s.private_clean * 4,
		 s.private_dirty * 4);
	text_add(t, "Referenced:     %8llu kB\nAnonymous:      %8llu kB\n"
		 "Swap:           %8llu kB\nLocked:         %8llu kB\n",
		 s.referenced * 4, s.anon * 4, s.swap * 4,
		 f & VM_LOCKED ? s.pss_bytes / 1024 : 0);
	text_add(t, "VmFlags: %s%s%s%s%s%s%s%s%s\n", f & VM_READ ? "rd " : "",
		 f & VM_WRITE ? "wr " : "", f & VM_EXEC ? "ex " : "",
		 f & VM_SHARED ? "sh " : "", f & VM_MAYREAD ? "mr " : "",
		 f & VM_MAYWRITE ? "mw " : "", f & VM_GROWSDOWN ? "gd " : "",
		 f & VM_LOCKED ? "lo " : "", f & VM_SOFTDIRTY ? "sd " : "");
}

enum detail { MAPS, SMAPS };

static void each_vma(struct text *t, struct process *p, enum detail detail)
{
	struct mm_struct *mm = proc_mm(p);
	struct vm_area_struct *vma;

	if (!mm)
		return;
	mmap_read_lock(mm);
	for_each_vma(mm, vma) {
		map_line(t, vma);
		if (detail == SMAPS)
			smap_lines(t, vma);
	}
	mmap_read_unlock(mm);
	mmput(mm);
}

void proc_make_maps(struct text *t, struct process *p)
{
	each_vma(t, p, MAPS);
}

void proc_make_smaps(struct text *t, struct process *p)
{
	each_vma(t, p, SMAPS);
}

/* Entry n at position 8 * n: page n of the address space. */
static s64 pagemap_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	struct process *p = proc_process(f->inode);
	u64 buf[PAGEMAP_CHUNK], done = 0, n;
	struct mm_struct *mm;
	s64 err = 0;

	if (!p)
		return -ESRCH;
	mm = proc_mm(p);
	process_put(p);
	if (!mm)
		return 0;
	if ((*pos | len) & 7)
		err = -EINVAL;
	while (!err && done < len) {
		u64 page = *pos / sizeof(u64);

		if (page >= USER_END >> PAGE_SHIFT)
			break;
		n = min((len - done) / sizeof(u64), (u64)PAGEMAP_CHUNK);
		n = min(n, (USER_END >> PAGE_SHIFT) - page);
		mm_pagemap(mm, page << PAGE_SHIFT, buf, n);
		if (copy_to_user(to + done, buf, n * sizeof(u64)))
			err = -EFAULT;
		else
			done += n * sizeof(u64);
		*pos += err ? 0 : n * sizeof(u64);
	}
	mmput(mm);
	return done ? (s64)done : err;
}

const struct file_ops proc_pagemap_fops = {
	.read = pagemap_read,
	.flags = FOP_SEEK,
};

static s64 clear_refs(struct process *p, u32 which)
{
	struct mm_struct *mm;

	if (which < CLEAR_REFS_ALL || which >= CLEAR_REFS_LAST)
		return -EINVAL;
	mm = proc_mm(p);
	if (!mm)
		return 0;
	if (which == CLEAR_REFS_SOFT_DIRTY)
		mm_clear_soft_dirty(mm);
	else if (which != CLEAR_REFS_PEAK_RSS)	/* no peak is kept */
		mm_clear_young(mm, (enum clear_refs)which);
	mmput(mm);
	return 0;
}

static s64 clear_refs_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	struct process *p;
	char after;
	u32 which;
	s64 err = proc_get_number(from, len, &which, &after);

	if (err)
		return err;
	p = proc_process(f->inode);
	if (!p)
		return -ESRCH;
	err = clear_refs(p, which);
	process_put(p);
	*pos += err ? 0 : len;
	return err ? err : (s64)len;
}

const struct file_ops proc_clear_refs_fops = {
	.write = clear_refs_write,
	.flags = FOP_SEEK,
};
