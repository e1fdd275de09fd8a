/* SPDX-License-Identifier: MIT */
/*
 * /dev/vda and its like: open files of block devices.  Their bytes are pages
 * of the page cache, so read, write and mmap share them (mm/bdev.c).
 *
 * Writes of one device exclude each other by i_rwsem, as a regular file's do.
 * A device never grows: a write beyond its end is short, or -ENOSPC.  One that
 * is read-only opens for writing, and refuses each write with -EPERM.
 * Tests: tests/drive/disk.py
 */
#include "arch/layout.h"
#include "arch/uaccess.h"
#include "lib/err.h"
#include "mm/bdev.h"
#include "mm/filemap.h"
#include "mm/writeback.h"
#include "sys/file.h"
#include "sys/fs.h"

#define BLKROGET	0x125e
#define BLKGETSIZE	0x1260
#define BLKFLSBUF	0x1261
#define BLKSSZGET	0x1268
#define BLKPBSZGET	0x127b
#define BLKBSZGET	0x80081270U
#define BLKGETSIZE64	0x80081272U

struct address_space *inode_mapping(struct inode *inode)
{
	if (S_ISREG(inode->mode))
		return &inode->mapping;
	if (inode->fops == &blkdev_fops)
		return bdev_mapping(inode->priv);
	return NULL;
}

bool blkdev_read_only(const struct inode *inode)
{
	const struct block_device *bd = inode->priv;

	return inode->fops == &blkdev_fops && bd->read_only;
}

static s64 blkdev_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	struct address_space *m = inode_mapping(f->inode);
	s64 n = m ? filemap_read_ahead(m, &f->ra, to, *pos, len) : -ENOMEM;

	if (n > 0)
		*pos += (u64)n;
	return n;
}

/* O_DSYNC: what was just written, at [pos, pos + n).  n or -Exxx. */
static s64 write_through(struct address_space *m, u64 pos, s64 n,
			 errseq_t since)
{
	const struct wb_range r = {
		m, pos >> PAGE_SHIFT, (pos + (u64)n - 1) >> PAGE_SHIFT, WB_ALL,
	};
	int err = sync_mapping(&r, &since);

	return err ? err : n;
}

static s64 blkdev_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	struct inode *inode = f->inode;
	struct address_space *m = inode_mapping(inode);
	errseq_t since;
	s64 n;

	if (!m)
		return -ENOMEM;
	if (blkdev_read_only(inode))
		return -EPERM;
	if (!len)
		return 0;
	if (*pos >= m->size)
		return -ENOSPC;
	since = READ_ONCE(m->wb_err);
	down_write(&inode->i_rwsem);
	n = filemap_write_user(m, from, *pos, min(len, m->size - *pos));
	up_write(&inode->i_rwsem);
	if (n > 0 && (f->flags & O_DSYNC))
		n = write_through(m, *pos, n, since);
	if (n > 0)
		*pos += (u64)n;
	return n;
}

static s64 put_u64(vaddr_t to, u64 v)
{
	return copy_to_user(to, &v, sizeof(v)) ? -EFAULT : 0;
}

static s64 put_u32(vaddr_t to, u32 v)
{
	return copy_to_user(to, &v, sizeof(v)) ? -EFAULT : 0;
}

static s64 flush_buffers(struct file *f)
{
	struct address_space *m = inode_mapping(f->inode);
	const struct wb_range r = WB_WHOLE(m, WB_ALL);

	if (!m)
		return -ENOMEM;
	settle_mapping(&r);
	(void)invalidate_mapping_pages(m, DROP_UNMAPPED);
	return 0;
}

static s64 blkdev_ioctl(struct file *f, u32 cmd, u64 arg)
{
	const struct block_device *bd = f->inode->priv;

	switch (cmd) {
	case BLKGETSIZE64:
		return put_u64(arg, bd->nr_sectors << BLK_SECTOR_SHIFT);
	case BLKGETSIZE:
		return put_u64(arg, bd->nr_sectors);
	case BLKSSZGET:
	case BLKPBSZGET:
		return put_u32(arg, bd->block_size);
	case BLKBSZGET:
		return put_u32(arg, PAGE_SIZE);
	case BLKROGET:
		return put_u32(arg, bd->read_only);
	case BLKFLSBUF:
		return flush_buffers(f);
	default:
		return -ENOTTY;
	}
}

const struct file_ops blkdev_fops = {
	.read = blkdev_read,
	.write = blkdev_write,
	.ioctl = blkdev_ioctl,
	.flags = FOP_SEEK,
};
