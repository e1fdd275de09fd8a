/* SPDX-License-Identifier: MIT */
/*
 * Open regular files and directories.
 *
 * A read takes no lock: the page cache gives each page whole or not at all.
 * Writes and truncations of one file exclude each other by i_rwsem, so an
 * append lands behind the one before it.
 * Tests: tests/abi/t_files
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/times.h"

static s64 regular_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	s64 n = filemap_read_user(&f->inode->mapping, to, *pos, len);

	if (n > 0) {
		*pos += (u64)n;
		inode_accessed(f->inode);
	}
	return n;
}

static s64 regular_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	struct inode *inode = f->inode;
	s64 n;

	if (!len)
		return 0;
	down_write(&inode->i_rwsem);
	if (f->flags & O_APPEND)
		*pos = READ_ONCE(inode->mapping.size);
	if (*pos > (u64)S64_MAX - len)
		n = -EFBIG;
	else if (seal_check_write(inode, *pos, len))
		n = -EPERM;
	else
		n = filemap_write_user(&inode->mapping, from, *pos, len);
	if (n > 0) {
		*pos += (u64)n;
		inode->mtime_ns = inode->ctime_ns = realtime_ns();
	}
	up_write(&inode->i_rwsem);
	return n == -ENOMEM ? -ENOSPC : n;
}

const struct file_ops regular_fops = {
	.read = regular_read,
	.write = regular_write,
	.flags = FOP_SEEK,
};

#define DIRENT_MAX	ALIGN(sizeof(struct linux_dirent64) + NAME_MAX + 1, 8)
#define COOKIE_DOT	1
#define COOKIE_DOTDOT	2
#define COOKIE_FIRST	2	/* + an entry's own, which starts at 1 */

bool dir_emit(struct dir_reader *rd, const struct dir_item *item, s64 *err)
{
	u64 buf[DIRENT_MAX / sizeof(u64)];
	struct linux_dirent64 *d = (struct linux_dirent64 *)buf;
	u64 len = strlen(item->name);
	u64 size = ALIGN(sizeof(*d) + len + 1, 8);

	if (item->cookie <= rd->pos)
		return true;
	if (rd->done + size > rd->room)
		return false;
	memset(buf, 0, sizeof(buf));
	d->d_ino = item->ino;
	d->d_off = (s64)item->cookie;
	d->d_reclen = (u16)size;
	d->d_type = (u8)((item->mode & S_IFMT) >> 12);
	memcpy(d->d_name, item->name, len + 1);
	if (copy_to_user(rd->to + rd->done, buf, size)) {
		*err = -EFAULT;
		return false;
	}
	rd->done += size;
	rd->pos = item->cookie;
	return true;
}

static bool emit_inode(struct dir_reader *rd, const char *name, u64 cookie,
		       const struct inode *inode, s64 *err)
{
	struct dir_item item = { name, cookie, inode->ino, inode->mode };

	return dir_emit(rd, &item, err);
}

/* 1: all; 0: no room for more; -EFAULT. */
static s64 emit_entries(struct dir_reader *rd, struct inode *dir)
{
	struct inode *parent = dir->parent ? dir->parent : dir;
	struct dirent *de;
	s64 err = 0;

	if (!emit_inode(rd, ".", COOKIE_DOT, dir, &err) ||
	    !emit_inode(rd, "..", COOKIE_DOTDOT, parent, &err))
		return err;
	list_for_each_entry(de, &dir->entries, link) {
		if (!emit_inode(rd, de->name, de->cookie + COOKIE_FIRST,
				de->inode, &err))
			return err;
	}
	return 1;
}

s64 dir_list(struct file *f, vaddr_t to, u64 len,
	     bool (*more)(struct dir_reader *rd, s64 *err))
{
	struct dir_reader rd = { to, len, 0, f->pos };
	s64 end, err = 0;

	down_read(&fs_names);
	if (!f->inode->nlink || (f->inode != fs_root && !f->inode->parent))
		end = -ENOENT;
	else
		end = emit_entries(&rd, f->inode);
	if (end == 1 && more)
		end = more(&rd, &err) ? 1 : err;
	up_read(&fs_names);
	f->pos = rd.pos;
	if (rd.done)
		return (s64)rd.done;
	if (end < 0)
		return end;
	return end ? 0 : -EINVAL;	/* not even one fits */
}

static s64 dir_getdents(struct file *f, vaddr_t to, u64 len)
{
	return dir_list(f, to, len, NULL);
}

static s64 dir_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	(void)f;
	(void)to;
	(void)len;
	(void)pos;
	return -EISDIR;
}

const struct file_ops dir_fops = {
	.read = dir_read,
	.getdents = dir_getdents,
	.flags = FOP_SEEK | FOP_DIR,
};
