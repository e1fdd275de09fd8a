/* SPDX-License-Identifier: MIT */
/*
 * stat and its relatives, and setting times.
 * Tests: tests/abi/t_files
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define RAMFS_MAGIC	0x858458f6
#define UTIME_NOW	0x3fffffff
#define UTIME_OMIT	0x3ffffffe

static void fill_stat(struct linux_stat *st, struct inode *inode)
{
	u64 size = 0;

	if (S_ISREG(inode->mode))
		size = READ_ONCE(inode->mapping.size);
	else if (S_ISLNK(inode->mode) && inode->target)
		size = strlen(inode->target);
	inode_settle_times(inode);
	memset(st, 0, sizeof(*st));
	st->st_dev = 1;
	st->st_ino = inode->ino;
	st->st_nlink = inode->nlink;
	st->st_mode = inode->mode;
	st->st_uid = inode->uid;
	st->st_gid = inode->gid;
	st->st_rdev = inode->rdev;
	st->st_size = (s64)size;
	st->st_blksize = PAGE_SIZE;
	st->st_blocks = (s64)DIV_ROUND_UP(size, 512);
	st->st_atime = inode->atime_ns / NSEC_PER_SEC;
	st->st_atime_ns = inode->atime_ns % NSEC_PER_SEC;
	st->st_mtime = inode->mtime_ns / NSEC_PER_SEC;
	st->st_mtime_ns = inode->mtime_ns % NSEC_PER_SEC;
	st->st_ctime = inode->ctime_ns / NSEC_PER_SEC;
	st->st_ctime_ns = inode->ctime_ns % NSEC_PER_SEC;
}

static s64 stat_fd(u64 fd, struct linux_stat *st)
{
	struct file *f = fget_raw(fd);

	if (!f)
		return -EBADF;
	if (f->inode) {
		fill_stat(st, f->inode);
	} else {
		memset(st, 0, sizeof(*st));
		st->st_mode = S_IFIFO | 0600;
		st->st_nlink = 1;
		st->st_blksize = PAGE_SIZE;
	}
	file_put(f);
	return 0;
}

struct inode *inode_by_path(s32 dfd, vaddr_t upath, u32 flags)
{
	u32 walk = flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	struct inode *base, *inode;
	char *path = getname(upath);

	if (IS_ERR(path))
		return ERR_CAST(path);
	base = fs_base(dfd, path);
	inode = base;
	if (!IS_ERR(base) && (*path || !(flags & AT_EMPTY_PATH))) {
		inode = fs_lookup(base, path, walk);
		inode_put(base);
	}
	kfree(path);
	return inode;
}

static s64 stat_path(s32 dfd, vaddr_t upath, u32 flags, struct linux_stat *st)
{
	struct inode *inode;
	char first = 1;

	/* fstat by another name: the file may be a pipe. */
	if ((flags & AT_EMPTY_PATH) && dfd >= 0 &&
	    (!upath || (!get_user_val(first, upath) && !first)))
		return stat_fd((u64)dfd, st);
	inode = inode_by_path(dfd, upath, flags);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	fill_stat(st, inode);
	inode_put(inode);
	return 0;
}

static s64 do_stat(s32 dfd, vaddr_t upath, vaddr_t to, u32 flags)
{
	struct linux_stat st;
	s64 ret = stat_path(dfd, upath, flags, &st);

	return ret ? ret : put_user_val(to, st);
}

SYSCALL_FN(stat) { return do_stat(AT_FDCWD, s->a[0], s->a[1], 0); }
SYSCALL_FN(lstat)
{
	return do_stat(AT_FDCWD, s->a[0], s->a[1], AT_SYMLINK_NOFOLLOW);
}
SYSCALL_FN(fstat)
{
	struct linux_stat st;
	s64 ret = stat_fd(s->a[0], &st);

	return ret ? ret : put_user_val(s->a[1], st);
}

SYSCALL_FN(newfstatat)
{
	u32 flags = (u32)s->a[3];

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH |
			   AT_NO_AUTOMOUNT))
		return -EINVAL;
	return do_stat((s32)s->a[0], s->a[1], s->a[2], flags);
}

static struct linux_statx_time statx_time(u64 sec, u64 nsec)
{
	return (struct linux_statx_time){ .sec = (s64)sec, .nsec = (u32)nsec };
}

static void statx_of(struct linux_statx *x, const struct linux_stat *st)
{
	*x = (struct linux_statx){
		.mask = STATX_BASIC_STATS, .blksize = (u32)st->st_blksize,
		.nlink = (u32)st->st_nlink, .uid = st->st_uid,
		.gid = st->st_gid, .mode = (u16)st->st_mode, .ino = st->st_ino,
		.size = (u64)st->st_size, .blocks = (u64)st->st_blocks,
		.rdev_major = (u32)(st->st_rdev >> 8),
		.rdev_minor = (u32)(st->st_rdev & 0xff),
		.dev_minor = (u32)st->st_dev,
		.atime = statx_time(st->st_atime, st->st_atime_ns),
		.mtime = statx_time(st->st_mtime, st->st_mtime_ns),
		.ctime = statx_time(st->st_ctime, st->st_ctime_ns),
	};
}

/* All there is is told, whatever was asked for. */
SYSCALL_FN(statx)
{
	u32 flags = (u32)s->a[2], mask = (u32)s->a[3];
	struct linux_stat st;
	struct linux_statx x;
	s64 ret;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH |
			   AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	ret = stat_path((s32)s->a[0], s->a[1], flags, &st);
	if (ret)
		return ret;
	statx_of(&x, &st);
	return put_user_val(s->a[4], x);
}

static s64 put_statfs(vaddr_t to)
{
	struct linux_statfs sf = {
		.f_type = RAMFS_MAGIC, .f_bsize = PAGE_SIZE,
		.f_namelen = NAME_MAX, .f_frsize = PAGE_SIZE,
	};
	struct page_stats ps;

	page_alloc_stats(&ps);
	sf.f_blocks = ps.total;
	sf.f_bfree = sf.f_bavail = nr_free_pages();
	return put_user_val(to, sf);
}

SYSCALL_FN(statfs)
{
	struct inode *inode = inode_by_path(AT_FDCWD, s->a[0], 0);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode_put(inode);
	return put_statfs(s->a[1]);
}

SYSCALL_FN(fstatfs)
{
	struct file *f = fget_raw(s->a[0]);

	if (!f)
		return -EBADF;
	file_put(f);
	return put_statfs(s->a[1]);
}

static void set_time(u64 *field, const struct linux_timespec *ts)
{
	if (ts->nsec == UTIME_OMIT)
		return;
	WRITE_ONCE(*field, ts->nsec == UTIME_NOW ? realtime_ns() :
		   (u64)ts->sec * NSEC_PER_SEC + (u64)ts->nsec);
}

static bool time_ok(const struct linux_timespec *ts)
{
	return ts->nsec == UTIME_NOW || ts->nsec == UTIME_OMIT ||
	       (u64)ts->nsec < NSEC_PER_SEC;
}

static s64 set_times(struct inode *inode, const struct linux_timespec ts[2])
{
	if (!time_ok(&ts[0]) || !time_ok(&ts[1]))
		return -EINVAL;
	set_time(&inode->atime_ns, &ts[0]);
	set_time(&inode->mtime_ns, &ts[1]);
	return 0;
}

static const struct linux_timespec both_now[2] = {
	{ 0, UTIME_NOW }, { 0, UTIME_NOW },
};

SYSCALL_FN(utimensat)
{
	struct linux_timespec ts[2] = { both_now[0], both_now[1] };
	struct inode *inode;
	struct file *f;
	s64 ret;

	if (s->a[2] && get_user_val(ts, s->a[2]))
		return -EFAULT;
	if (s->a[1]) {
		inode = inode_by_path((s32)s->a[0], s->a[1], (u32)s->a[3]);
		if (IS_ERR(inode))
			return PTR_ERR(inode);
	} else {
		f = fget(s->a[0]);
		if (!f)
			return -EBADF;
		inode = inode_get(f->inode);
		file_put(f);
	}
	ret = inode ? set_times(inode, ts) : 0;
	inode_put(inode);
	return ret;
}

SYSCALL_FN(utimes)
{
	struct linux_timespec ts[2] = { both_now[0], both_now[1] };
	struct linux_timeval tv[2];
	struct inode *inode;
	s64 ret;

	if (s->a[1]) {
		if (get_user_val(tv, s->a[1]))
			return -EFAULT;
		for (int i = 0; i < 2; i++) {
			if ((u64)tv[i].usec >= 1000000)
				return -EINVAL;
			ts[i].sec = tv[i].sec;
			ts[i].nsec = tv[i].usec * 1000;
		}
	}
	inode = inode_by_path(AT_FDCWD, s->a[0], 0);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	ret = set_times(inode, ts);
	inode_put(inode);
	return ret;
}
