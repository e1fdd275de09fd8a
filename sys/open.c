/* SPDX-License-Identifier: MIT */
/*
 * open and what belongs to it.
 * Tests: tests/abi/t_files
 */
#include "kernel/upcall.h"
#include "lib/err.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/syscall.h"

static int check_open(const struct inode *inode, u32 flags)
{
	if (flags & O_PATH)
		return (flags & O_DIRECTORY) && !S_ISDIR(inode->mode) ?
		       -ENOTDIR : 0;
	if (S_ISLNK(inode->mode))
		return -ELOOP;			/* only with O_NOFOLLOW */
	if (S_ISDIR(inode->mode) &&
	    ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT)))
		return -EISDIR;
	if ((flags & O_DIRECTORY) && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (!inode->fops)
		return -ENXIO;
	return 0;
}

static int truncate_for_open(struct inode *inode, u32 flags)
{
	int err;

	if (!(flags & O_TRUNC) || !S_ISREG(inode->mode) || (flags & O_PATH))
		return 0;
	down_write(&inode->i_rwsem);
	err = inode_truncate(inode, 0);
	up_write(&inode->i_rwsem);
	return err;
}

static const struct file_ops path_fops;		/* O_PATH: no operations */

/* f becomes an open file of inode, whose reference is used up.  0 or -Exxx. */
static int open_as(struct file *f, struct inode *inode, u32 flags)
{
	int err = check_open(inode, flags);

	if (!err)
		err = truncate_for_open(inode, flags);
	if (err) {
		inode_put(inode);
		return err;
	}
	file_attach(f, inode, flags & O_PATH ? &path_fops : inode->fops);
	return f->ops->open ? f->ops->open(f) : 0;
}

static int walk_and_open(struct file *f, const struct fs_path *at, u32 flags,
			 u32 mode)
{
	u32 walk = flags & (O_NOFOLLOW | O_EXCL) ? 0 : WALK_FOLLOW;
	struct inode *inode;

	if (!(flags & O_CREAT) && !(flags & O_NOFOLLOW))
		walk = WALK_FOLLOW;
	for (;;) {
		inode = fs_lookup(at->base, at->path, walk);
		if (!IS_ERR(inode)) {
			if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
				inode_put(inode);
				return -EEXIST;
			}
			return open_as(f, inode, flags);
		}
		if (PTR_ERR(inode) != -ENOENT || !(flags & O_CREAT))
			return (int)PTR_ERR(inode);
		inode = fs_create(at->base, at->path, mode);
		/* Somebody else was quicker: open theirs. */
		if (PTR_ERR_OR_ZERO(inode) == -EEXIST && !(flags & O_EXCL))
			continue;
		if (IS_ERR(inode))
			return (int)PTR_ERR(inode);
		return open_as(f, inode, flags & ~(u32)O_TRUNC);
	}
}

/* What can fail for want of memory comes before a file is made or cut. */
static struct file *file_prepare(u32 flags)
{
	struct file *f = file_alloc(NULL, &path_fops, flags);

	return f ? f : ERR_PTR(-ENOMEM);
}

static struct file *opened(struct file *f, int err)
{
	if (!err)
		return f;
	file_put(f);
	return ERR_PTR(err);
}

struct file *inode_open(struct inode *inode, u32 flags)
{
	struct file *f = file_prepare(flags);

	if (IS_ERR(f)) {
		inode_put(inode);
		return f;
	}
	return opened(f, open_as(f, inode, flags));
}

struct file *fs_open(struct inode *base, const char *path, u32 flags, u32 mode)
{
	struct fs_path at = { base, path };
	struct file *f = file_prepare(flags);

	return IS_ERR(f) ? f : opened(f, walk_and_open(f, &at, flags, mode));
}

static s64 do_openat(s32 dfd, vaddr_t upath, u32 flags, u32 mode)
{
	char *path = getname(upath);
	struct inode *base;
	struct file *f;
	s64 ret;
	int fd;

	if (IS_ERR(path))
		return PTR_ERR(path);
	fd = fd_reserve(0, flags);
	ret = fd;
	if (fd < 0)
		goto free_path;
	base = fs_base(dfd, path);
	if (IS_ERR(base)) {
		ret = PTR_ERR(base);
		goto unreserve;
	}
	mode &= 07777 & ~READ_ONCE(cur_proc()->fs->umask);
	f = fs_open(base, path, flags, mode);
	inode_put(base);
	if (IS_ERR(f)) {
		ret = PTR_ERR(f);
		goto unreserve;
	}
	fd_install(fd, f);
	goto free_path;
unreserve:
	fd_unreserve(fd);
free_path:
	kfree(path);
	return ret;
}

SYSCALL_FN(open)
{
	return do_openat(AT_FDCWD, s->a[0], (u32)s->a[1], (u32)s->a[2]);
}

SYSCALL_FN(openat)
{
	return do_openat((s32)s->a[0], s->a[1], (u32)s->a[2], (u32)s->a[3]);
}

SYSCALL_FN(creat)
{
	return do_openat(AT_FDCWD, s->a[0], O_CREAT | O_WRONLY | O_TRUNC,
			 (u32)s->a[1]);
}
