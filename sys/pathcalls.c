/* SPDX-License-Identifier: MIT */
/*
 * System calls that name files by path.
 * Tests: tests/abi/t_files
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/syscall.h"

/* A user's path and where it starts. */
static s64 path_get(struct fs_path *p, s32 dfd, vaddr_t upath)
{
	char *name = getname(upath);
	struct inode *base;

	if (IS_ERR(name))
		return PTR_ERR(name);
	base = fs_base(dfd, name);
	if (IS_ERR(base)) {
		kfree(name);
		return PTR_ERR(base);
	}
	p->base = base;
	p->path = name;
	return 0;
}

static void path_put(struct fs_path *p)
{
	inode_put(p->base);
	kfree(p->path);
}

static u32 masked(u64 mode)
{
	return (u32)mode & 07777 & ~READ_ONCE(cur_proc()->fs->umask);
}

static s64 do_mkdir(s32 dfd, vaddr_t upath, u64 mode)
{
	struct fs_path p;
	s64 ret = path_get(&p, dfd, upath);

	if (ret)
		return ret;
	ret = fs_mkdir(p.base, p.path, masked(mode));
	path_put(&p);
	return ret;
}

SYSCALL_FN(mkdir) { return do_mkdir(AT_FDCWD, s->a[0], s->a[1]); }
SYSCALL_FN(mkdirat) { return do_mkdir((s32)s->a[0], s->a[1], s->a[2]); }

static s64 do_unlink(s32 dfd, vaddr_t upath, u32 flags)
{
	struct fs_path p;
	s64 ret;

	if (flags & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	ret = path_get(&p, dfd, upath);
	if (ret)
		return ret;
	ret = flags ? fs_rmdir(p.base, p.path) : fs_unlink(p.base, p.path);
	path_put(&p);
	return ret;
}

SYSCALL_FN(unlink) { return do_unlink(AT_FDCWD, s->a[0], 0); }
SYSCALL_FN(rmdir) { return do_unlink(AT_FDCWD, s->a[0], AT_REMOVEDIR); }
SYSCALL_FN(unlinkat)
{
	return do_unlink((s32)s->a[0], s->a[1], (u32)s->a[2]);
}

/* Calls fn for two paths. */
static s64 two_paths(const u64 *a, u32 flags,
		     int (*fn)(const struct fs_path *from,
			       const struct fs_path *to, u32 flags))
{
	struct fs_path from, to;
	s64 ret = path_get(&from, (s32)a[0], a[1]);

	if (ret)
		return ret;
	ret = path_get(&to, (s32)a[2], a[3]);
	if (!ret) {
		ret = fn(&from, &to, flags);
		path_put(&to);
	}
	path_put(&from);
	return ret;
}

#define CWD	((u64)AT_FDCWD)

SYSCALL_FN(rename)
{
	u64 a[4] = { CWD, s->a[0], CWD, s->a[1] };

	return two_paths(a, 0, fs_rename);
}

SYSCALL_FN(renameat) { return two_paths(s->a, 0, fs_rename); }
SYSCALL_FN(renameat2) { return two_paths(s->a, (u32)s->a[4], fs_rename); }

SYSCALL_FN(link)
{
	u64 a[4] = { CWD, s->a[0], CWD, s->a[1] };

	return two_paths(a, 0, fs_link);
}

SYSCALL_FN(linkat)
{
	if ((u32)s->a[4] & ~(u32)AT_SYMLINK_FOLLOW)
		return -EINVAL;
	return two_paths(s->a, (u32)s->a[4], fs_link);
}

static s64 do_symlink(vaddr_t utarget, s32 dfd, vaddr_t upath)
{
	char *target = getname(utarget);
	struct fs_path p;
	s64 ret;

	if (IS_ERR(target))
		return PTR_ERR(target);
	ret = path_get(&p, dfd, upath);
	if (!ret) {
		ret = fs_symlink(target, p.base, p.path);
		path_put(&p);
	}
	kfree(target);
	return ret;
}

SYSCALL_FN(symlink) { return do_symlink(s->a[0], AT_FDCWD, s->a[1]); }
SYSCALL_FN(symlinkat)
{
	return do_symlink(s->a[0], (s32)s->a[1], s->a[2]);
}

/* The inode at a path, referenced; ERR_PTR. */
static struct inode *inode_at(s32 dfd, vaddr_t upath, u32 walk)
{
	struct inode *inode;
	struct fs_path p;
	s64 err = path_get(&p, dfd, upath);

	if (err)
		return ERR_PTR(err);
	inode = fs_lookup(p.base, p.path, walk);
	path_put(&p);
	return inode;
}

static s64 do_readlink(s32 dfd, vaddr_t upath, vaddr_t to, s64 size)
{
	struct inode *inode, *exe;
	const char *text;
	s64 ret;

	if (size <= 0)
		return -EINVAL;
	inode = inode_at(dfd, upath, 0);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if (!S_ISLNK(inode->mode)) {
		inode_put(inode);
		return -EINVAL;
	}
	exe = inode->follow ? inode->follow(inode) : NULL;
	text = exe ? exe->path : inode->target;
	ret = -ENOENT;
	if (text) {
		ret = min((s64)strlen(text), size);
		if (copy_to_user(to, text, (u64)ret))
			ret = -EFAULT;
	}
	inode_put(exe);
	inode_put(inode);
	return ret;
}

SYSCALL_FN(readlink)
{
	return do_readlink(AT_FDCWD, s->a[0], s->a[1], (s32)s->a[2]);
}

SYSCALL_FN(readlinkat)
{
	return do_readlink((s32)s->a[0], s->a[1], s->a[2], (s32)s->a[3]);
}

/* As root: everything but executing what nobody may. */
static s64 do_access(s32 dfd, vaddr_t upath, u32 mode, u32 flags)
{
	struct inode *inode;
	s64 ret = 0;

	if ((mode & ~7U) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	inode = inode_by_path(dfd, upath, flags);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if ((mode & 1) && !S_ISDIR(inode->mode) && !(inode->mode & 0111))
		ret = -EACCES;
	inode_put(inode);
	return ret;
}

SYSCALL_FN(access)
{
	return do_access(AT_FDCWD, s->a[0], (u32)s->a[1], 0);
}

SYSCALL_FN(faccessat)
{
	return do_access((s32)s->a[0], s->a[1], (u32)s->a[2], 0);
}

SYSCALL_FN(faccessat2)
{
	return do_access((s32)s->a[0], s->a[1], (u32)s->a[2], (u32)s->a[3]);
}

static s64 set_cwd(struct inode *dir)
{
	s64 ret = S_ISDIR(dir->mode) ? 0 : -ENOTDIR;

	if (!ret)
		fs_set_cwd(cur_proc()->fs, dir);
	inode_put(dir);
	return ret;
}

SYSCALL_FN(chdir)
{
	struct inode *dir = inode_at(AT_FDCWD, s->a[0], WALK_FOLLOW);

	return IS_ERR(dir) ? PTR_ERR(dir) : set_cwd(dir);
}

SYSCALL_FN(fchdir)
{
	struct file *f = fget_raw(s->a[0]);
	s64 ret = -ENOTDIR;

	if (!f)
		return -EBADF;
	if (f->inode)
		ret = set_cwd(inode_get(f->inode));
	file_put(f);
	return ret;
}

SYSCALL_FN(getcwd)
{
	struct inode *dir = fs_base(AT_FDCWD, "");
	char *buf = kmalloc(PATH_MAX);
	s64 ret = -ENOMEM;

	if (buf)
		ret = fs_dir_path(dir, buf, PATH_MAX);
	inode_put(dir);
	if (ret >= 0) {
		ret++;			/* with the NUL */
		if ((u64)ret > s->a[1])
			ret = -ERANGE;
		else if (copy_to_user(s->a[0], buf, (u64)ret))
			ret = -EFAULT;
	}
	kfree(buf);
	return ret;
}

SYSCALL_FN(truncate)
{
	s64 ret = -EINVAL, size = (s64)s->a[1];
	struct inode *inode;

	if (size < 0)
		return -EINVAL;
	inode = inode_at(AT_FDCWD, s->a[0], WALK_FOLLOW);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if (S_ISDIR(inode->mode)) {
		ret = -EISDIR;
	} else if (S_ISREG(inode->mode)) {
		down_write(&inode->i_rwsem);
		ret = inode_truncate(inode, (u64)size);
		up_write(&inode->i_rwsem);
	}
	inode_put(inode);
	return ret;
}

static s64 do_chmod(struct inode *inode, u64 mode)
{
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	WRITE_ONCE(inode->mode, (inode->mode & S_IFMT) | ((u32)mode & 07777));
	inode_put(inode);
	return 0;
}

static s64 do_chown(struct inode *inode, u64 uid, u64 gid)
{
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if ((u32)uid != ~0U)
		WRITE_ONCE(inode->uid, (u32)uid);
	if ((u32)gid != ~0U)
		WRITE_ONCE(inode->gid, (u32)gid);
	inode_put(inode);
	return 0;
}

/* The inode of an open file, referenced; ERR_PTR. */
static struct inode *inode_of(u64 fd)
{
	struct file *f = fget(fd);
	struct inode *inode;

	if (!f)
		return ERR_PTR(-EBADF);
	inode = inode_get(f->inode);
	file_put(f);
	return inode ? inode : ERR_PTR(-EINVAL);
}

SYSCALL_FN(chmod)
{
	return do_chmod(inode_at(AT_FDCWD, s->a[0], WALK_FOLLOW), s->a[1]);
}
SYSCALL_FN(fchmod) { return do_chmod(inode_of(s->a[0]), s->a[1]); }
SYSCALL_FN(fchmodat)
{
	return do_chmod(inode_at((s32)s->a[0], s->a[1], WALK_FOLLOW), s->a[2]);
}
SYSCALL_FN(chown)
{
	return do_chown(inode_at(AT_FDCWD, s->a[0], WALK_FOLLOW), s->a[1],
			s->a[2]);
}
SYSCALL_FN(lchown)
{
	return do_chown(inode_at(AT_FDCWD, s->a[0], 0), s->a[1], s->a[2]);
}
SYSCALL_FN(fchown) { return do_chown(inode_of(s->a[0]), s->a[1], s->a[2]); }

/* Devices are the kernel's to make. */
SYSCALL_NOARG(mknod) { return -EPERM; }

SYSCALL_FN(umask)
{
	return xchg(&cur_proc()->fs->umask, (u32)s->a[0] & 0777);
}
