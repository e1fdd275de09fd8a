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

struct dir_reader {
	vaddr_t to;
	u64 room, done;
	u64 pos;		/* the last cookie that was given */
};

/* False: no room, or user memory ended (then *err). */
static bool emit(struct dir_reader *rd, const char *name, u64 cookie,
		 const struct inode *inode, s64 *err)
{
	u64 buf[DIRENT_MAX / sizeof(u64)];
	struct linux_dirent64 *d = (struct linux_dirent64 *)buf;
	u64 len = strlen(name);
	u64 size = ALIGN(sizeof(*d) + len + 1, 8);

	if (rd->done + size > rd->room)
		return false;
	memset(buf, 0, sizeof(buf));
	d->d_ino = inode->ino;
	d->d_off = (s64)cookie;
	d->d_reclen = (u16)size;
	d->d_type = (u8)((inode->mode & S_IFMT) >> 12);
	memcpy(d->d_name, name, len + 1);
	if (copy_to_user(rd->to + rd->done, buf, size)) {
		*err = -EFAULT;
		return false;
	}
	rd->done += size;
	rd->pos = cookie;
	return true;
}

static s64 emit_all(struct dir_reader *rd, struct inode *dir)
{
	struct inode *parent = dir->parent ? dir->parent : dir;
	struct dirent *de;
	s64 err = 0;

	if (rd->pos < COOKIE_DOT && !emit(rd, ".", COOKIE_DOT, dir, &err))
		return err;
	if (rd->pos < COOKIE_DOTDOT &&
	    !emit(rd, "..", COOKIE_DOTDOT, parent, &err))
		return err;
	list_for_each_entry(de, &dir->entries, link) {
		if (de->cookie + COOKIE_FIRST <= rd->pos)
			continue;
		if (!emit(rd, de->name, de->cookie + COOKIE_FIRST, de->inode,
			  &err))
			return err;
	}
	return 1;		/* the end */
}

static s64 dir_getdents(struct file *f, vaddr_t to, u64 len)
{
	struct dir_reader rd = { to, len, 0, f->pos };
	s64 end;

	down_read(&fs_names);
	if (!f->inode->nlink || (f->inode != fs_root && !f->inode->parent))
		end = -ENOENT;
	else
		end = emit_all(&rd, f->inode);
	up_read(&fs_names);
	f->pos = rd.pos;
	if (rd.done)
		return (s64)rd.done;
	if (end < 0)
		return end;
	return end ? 0 : -EINVAL;	/* not even one fits */
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
