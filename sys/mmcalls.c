/* SPDX-License-Identifier: MIT */
/*
 * System calls about memory: arguments as Linux checks them, then mm/.
 * Tests: tests/abi/t_mmap
 */
#include "arch/layout.h"
#include "arch/uaccess.h"
#include "lib/err.h"
#include "mm/mmap.h"
#include "mm/vmastat.h"
#include "mm/writeback.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/syscall.h"


/* A driver's device.  As request_file. */
static s64 request_device(struct mmap_request *rq, struct file *f)
{
	u32 writable = 0;

	rq->mapping = f->inode ? chardev_mapping(f, &writable) : NULL;
	rq->may = VM_MAYREAD;
	if (writable && file_writable(f))
		rq->may |= VM_MAYWRITE;
	return rq->mapping ? 0 : -ENODEV;
}

/* What the file allows and where its pages are.  0 or -Exxx. */
static s64 request_file(struct mmap_request *rq, struct file *f)
{
	struct inode *inode = f->inode;

	if ((rq->flags & MAP_TYPE) == MAP_SHARED && (rq->prot & PROT_WRITE) &&
	    !file_writable(f))
		return -EACCES;
	if (!file_readable(f))
		return -EACCES;
	if (inode && S_ISCHR(inode->mode) && inode->rdev == (1 << 8 | 5)) {
		rq->flags |= MAP_ANONYMOUS;		/* /dev/zero */
		return 0;
	}
	if (!inode || (inode->fops != &regular_fops &&
		       inode->fops != &blkdev_fops))
		return request_device(rq, f);
	rq->mapping = inode_mapping(inode);
	if (!rq->mapping)
		return -ENOMEM;
	rq->may = VM_MAYREAD | VM_MAYEXEC;
	if ((rq->flags & MAP_TYPE) == MAP_PRIVATE ||
	    (file_writable(f) && !blkdev_read_only(inode)))
		rq->may |= VM_MAYWRITE;
	return 0;
}

SYSCALL_FN(mmap)
{
	struct mmap_request rq = {
		.addr = s->a[0], .len = s->a[1], .prot = (int)s->a[2],
		.flags = (int)s->a[3], .pgoff = s->a[5] >> PAGE_SHIFT,
	};
	struct file *f = NULL;
	s64 ret = 0;

	if (s->a[5] & ~PAGE_MASK)
		return -EINVAL;
	if ((rq.flags & (MAP_TYPE | MAP_ANONYMOUS)) == MAP_SHARED_VALIDATE) {
		if (rq.flags & ~MAP_KNOWN)
			return -EOPNOTSUPP;
		rq.flags = (rq.flags & ~MAP_TYPE) | MAP_SHARED;
	}
	if (!(rq.flags & MAP_ANONYMOUS)) {
		f = fget(s->a[4]);
		if (!f)
			return -EBADF;
		ret = request_file(&rq, f);
	}
	if (!ret)
		ret = f && f->inode && f->inode->sealable ?
		      memfd_mmap(f->inode, &rq) :
		      do_mmap(cur_proc()->mm, &rq);
	if (ret > 0 && rq.mapping)
		inode_accessed(f->inode);
	if (f)
		file_put(f);	/* the vma has its own reference */
	return ret;
}

SYSCALL_FN(munmap)
{
	return do_munmap(cur_proc()->mm, s->a[0], s->a[1]);
}

SYSCALL_FN(mprotect)
{
	return do_mprotect(cur_proc()->mm, s->a[0], s->a[1], (int)s->a[2]);
}

SYSCALL_FN(brk)
{
	return (s64)do_brk(cur_proc()->mm, s->a[0]);
}

SYSCALL_FN(mremap)
{
	struct mremap_request rq = {
		.old = s->a[0], .old_len = s->a[1], .new_len = s->a[2],
		.flags = (int)s->a[3], .new_addr = s->a[4],
	};

	return do_mremap(cur_proc()->mm, &rq);
}

SYSCALL_FN(madvise)
{
	return do_madvise(cur_proc()->mm, s->a[0], s->a[1], (u32)s->a[2]);
}

SYSCALL_FN(remap_file_pages)
{
	if (s->a[2])			/* rights: only those it has */
		return -EINVAL;
	return do_remap_file_pages(cur_proc()->mm, s->a[0], s->a[1], s->a[3]);
}

SYSCALL_FN(msync)
{
	u32 flags = (u32)s->a[2];
	u64 len = PAGE_ALIGN(s->a[1]);

	if (flags & ~(u32)(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
		return -EINVAL;
	if ((flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (s->a[0] & ~PAGE_MASK)
		return -EINVAL;
	if (s->a[0] + len < s->a[0])
		return -ENOMEM;
	return do_msync(cur_proc()->mm, s->a[0], len, flags);
}

SYSCALL_FN(mincore)
{
	u64 pages = PAGE_ALIGN(s->a[1]) >> PAGE_SHIFT, done = 0, n;
	u8 vec[128];
	s64 err;

	if (s->a[0] & ~PAGE_MASK)
		return -EINVAL;
	if (!access_ok(s->a[0], s->a[1]))
		return -ENOMEM;
	if (!access_ok(s->a[2], pages))
		return -EFAULT;
	for (; done < pages; done += n) {
		n = min(pages - done, (u64)sizeof(vec));
		err = mm_mincore(cur_proc()->mm, s->a[0] + done * PAGE_SIZE,
				 vec, n);
		if (err)
			return err;
		if (copy_to_user(s->a[2] + done, vec, n))
			return -EFAULT;
	}
	return 0;
}
