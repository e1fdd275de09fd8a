/* SPDX-License-Identifier: MIT */
/*
 * fallocate: room in a file, or a hole.
 *
 * Files are memory, so room is only a size: a later write may still find no
 * memory.  A hole gives its pages back.  The archive's bytes behind a hole
 * must not show through: where the hole reaches their end they are cut off,
 * else zeros are written over them (N2 of ramfs.c).
 * Tests: tests/abi/t_memfd
 */
#include "arch/layout.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define FALLOC_KEEP_SIZE	1U
#define FALLOC_PUNCH_HOLE	2U

static const u8 zeros[PAGE_SIZE];

/* [pos, end) becomes zeros, in pages.  0 or -Exxx. */
static s64 write_zeros(struct address_space *m, u64 pos, u64 end)
{
	while (pos < end) {
		u64 n = min(end - pos, PAGE_SIZE - (pos & ~PAGE_MASK));
		ssize_t done = filemap_write(m, zeros, pos, n);

		if (done < 0)
			return done;
		pos += (u64)done;
	}
	return 0;
}

/* Whole pages of [pos, end) go; what is left of it at both ends is zeroed. */
static s64 drop_range(struct address_space *m, u64 pos, u64 end)
{
	u64 first = DIV_ROUND_UP(pos, PAGE_SIZE), last = end >> PAGE_SHIFT;
	s64 err;

	if (first > last)
		return write_zeros(m, pos, end);
	err = write_zeros(m, pos, first << PAGE_SHIFT);
	if (!err)
		err = write_zeros(m, last << PAGE_SHIFT, end);
	if (!err && first < last)
		punch_pagecache(m, first, last - 1);
	return err;
}

/* i_rwsem write held. */
static s64 punch_hole(struct inode *inode, u64 pos, u64 end)
{
	u64 size = READ_ONCE(inode->mapping.size), data_end;
	s64 err;

	if (seal_check_write(inode, pos, 0))
		return -EPERM;
	end = min(end, size);
	if (pos >= end)
		return 0;
	if (end >= inode->data_len && pos < inode->data_len)
		WRITE_ONCE(inode->data_len, pos);
	data_end = min(end, PAGE_ALIGN(inode->data_len));
	if (pos < data_end) {
		err = write_zeros(&inode->mapping, pos, data_end);
		if (err)
			return err;
		pos = data_end;
	}
	return drop_range(&inode->mapping, pos, end);
}

/* i_rwsem write held. */
static s64 allocate(struct inode *inode, u64 end, u32 mode)
{
	if ((mode & FALLOC_KEEP_SIZE) || end <= READ_ONCE(inode->mapping.size))
		return 0;
	return inode_truncate(inode, end);
}

static s64 do_fallocate(struct file *f, u32 mode, s64 off, s64 len)
{
	struct inode *inode = f->inode;
	s64 end, ret;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_PUNCH_HOLE) && !(mode & FALLOC_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!file_writable(f))
		return -EBADF;
	if (!inode)
		return -ESPIPE;
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (S_ISBLK(inode->mode))
		return -EOPNOTSUPP;
	if (!S_ISREG(inode->mode))
		return -ENODEV;
	if (__builtin_add_overflow(off, len, &end))
		return -EFBIG;
	down_write(&inode->i_rwsem);
	ret = mode & FALLOC_PUNCH_HOLE ?
	      punch_hole(inode, (u64)off, (u64)end) :
	      allocate(inode, (u64)end, mode);
	inode->mtime_ns = inode->ctime_ns = realtime_ns();
	up_write(&inode->i_rwsem);
	return ret;
}

SYSCALL_FN(fallocate)
{
	struct file *f = fget(s->a[0]);
	s64 ret;

	if (!f)
		return -EBADF;
	ret = do_fallocate(f, (u32)s->a[1], (s64)s->a[2], (s64)s->a[3]);
	file_put(f);
	return ret;
}
