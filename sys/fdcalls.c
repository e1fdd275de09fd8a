/* SPDX-License-Identifier: MIT */
/*
 * System calls about descriptors: close, dup, fcntl, ioctl, lseek.
 * Tests: tests/abi/t_files
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/syscall.h"

#define SETTABLE_FLAGS	(O_APPEND | O_NONBLOCK)

SYSCALL_FN(close)
{
	struct file *f = files_take(cur_proc()->files, (u32)s->a[0]);

	if (!f)
		return -EBADF;
	file_close(f);
	return 0;
}

SYSCALL_FN(dup)
{
	struct file *f = fget_raw(s->a[0]);

	return f ? fd_add(f, 0) : -EBADF;
}

/* Puts f at number fd, whatever is there.  f's reference is taken. */
static s64 dup_to(struct file *f, u32 fd, u32 flags)
{
	struct files *fs = cur_proc()->files;
	s64 ret = -EBADF;

	if (fd < min(READ_ONCE(cur_proc()->rlim[RLIMIT_NOFILE].cur),
		     (u64)FILES_MAX))
		ret = files_replace(fs, fd, &f, flags);
	if (f && ret)
		file_put(f);
	else if (f)
		file_close(f);
	return ret ? ret : fd;
}

static s64 do_dup3(u32 from, u32 to, u32 flags)
{
	struct file *f = fget_raw(from);

	if (!f)
		return -EBADF;
	return dup_to(f, to, flags);
}

SYSCALL_FN(dup2)
{
	struct file *f;

	if ((u32)s->a[0] != (u32)s->a[1])
		return do_dup3((u32)s->a[0], (u32)s->a[1], 0);
	f = fget_raw(s->a[0]);
	if (!f)
		return -EBADF;
	file_put(f);
	return (s64)s->a[0];
}

SYSCALL_FN(dup3)
{
	if ((u32)s->a[2] & ~(u32)O_CLOEXEC)
		return -EINVAL;
	if ((u32)s->a[0] == (u32)s->a[1])
		return -EINVAL;
	return do_dup3((u32)s->a[0], (u32)s->a[1], (u32)s->a[2]);
}

static s64 set_cloexec(u32 fd, u64 flags)
{
	struct files *fs = cur_proc()->files;

	spin_lock(&fs->lock);
	if (flags & FD_CLOEXEC)
		__set_bit(fd, fs->cloexec);
	else
		__clear_bit(fd, fs->cloexec);
	spin_unlock(&fs->lock);
	return 0;
}

static s64 dup_from(struct file *f, u64 from, u32 flags)
{
	int fd;

	if (from >= FILES_MAX)
		return -EINVAL;
	fd = fd_reserve((u32)from, flags);
	if (fd >= 0)
		fd_install(fd, file_get(f));
	return fd;
}

static bool fcntl_of_path(u32 cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD ||
	       cmd == F_SETFD || cmd == F_GETFL;
}

static s64 do_fcntl(struct file *f, u32 fd, u32 cmd, u64 arg)
{
	if ((f->flags & O_PATH) && !fcntl_of_path(cmd))
		return -EBADF;
	switch (cmd) {
	case F_DUPFD:
		return dup_from(f, (u32)arg, 0);
	case F_DUPFD_CLOEXEC:
		return dup_from(f, (u32)arg, O_CLOEXEC);
	case F_GETFD:
		return test_bit(fd, cur_proc()->files->cloexec);
	case F_SETFD:
		return set_cloexec(fd, arg);
	case F_GETFL:
		return f->flags | O_LARGEFILE;
	case F_SETFL:
		WRITE_ONCE(f->flags, (f->flags & ~(u32)SETTABLE_FLAGS) |
			   ((u32)arg & SETTABLE_FLAGS));
		return 0;
	case F_SETLK:			/* one user, no conflicts kept */
	case F_SETLKW:
		return 0;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return f->inode ? -EBADF : 65536;
	case F_ADD_SEALS:
		return memfd_add_seals(f, (u32)arg);
	case F_GET_SEALS:
		return memfd_get_seals(f);
	default:
		return -EINVAL;
	}
}

SYSCALL_FN(fcntl)
{
	struct file *f = fget_raw(s->a[0]);
	s64 ret;

	if (!f)
		return -EBADF;
	ret = do_fcntl(f, (u32)s->a[0], (u32)s->a[1], s->a[2]);
	file_put(f);
	return ret;
}

SYSCALL_FN(ioctl)
{
	struct file *f = fget(s->a[0]);
	s64 ret = -ENOTTY;

	if (!f)
		return -EBADF;
	if (f->ops->ioctl)
		ret = f->ops->ioctl(f, (u32)s->a[1], s->a[2]);
	file_put(f);
	return ret;
}

static u64 file_end(const struct file *f)
{
	struct address_space *m = inode_mapping(f->inode);

	return m ? READ_ONCE(m->size) : 0;
}

static s64 do_lseek(struct file *f, s64 off, u32 whence)
{
	s64 base;

	if (!(f->ops->flags & FOP_SEEK))
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = (s64)f->pos;
		break;
	case SEEK_END:
		if (f->ops->flags & FOP_NO_END)
			return -EINVAL;
		base = (s64)file_end(f);
		break;
	case SEEK_DATA:			/* no hole is known: all is data */
	case SEEK_HOLE:
		if ((u64)off >= file_end(f))
			return -ENXIO;
		base = whence == SEEK_HOLE ? (s64)file_end(f) - off : 0;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &base) || base < 0)
		return -EINVAL;
	f->pos = (u64)base;
	return base;
}

SYSCALL_FN(lseek)
{
	struct file *f = fget(s->a[0]);
	s64 ret;

	if (!f)
		return -EBADF;
	mutex_lock(&f->pos_lock);
	ret = do_lseek(f, (s64)s->a[1], (u32)s->a[2]);
	mutex_unlock(&f->pos_lock);
	file_put(f);
	return ret;
}

SYSCALL_FN(getdents64)
{
	struct file *f = fget(s->a[0]);
	s64 ret = -ENOTDIR;

	if (!f)
		return -EBADF;
	if (f->ops->getdents) {
		mutex_lock(&f->pos_lock);
		ret = f->ops->getdents(f, s->a[1], (u32)s->a[2]);
		mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return ret;
}

SYSCALL_FN(ftruncate)
{
	struct file *f = fget(s->a[0]);
	s64 ret = -EINVAL, size = (s64)s->a[1];

	if (!f)
		return -EBADF;
	if (size >= 0 && f->inode && S_ISREG(f->inode->mode) &&
	    file_writable(f)) {
		down_write(&f->inode->i_rwsem);
		ret = inode_truncate(f->inode, (u64)size);
		up_write(&f->inode->i_rwsem);
	}
	file_put(f);
	return ret;
}

#define CLOSE_RANGE_UNSHARE	2U
#define CLOSE_RANGE_CLOEXEC	4U

SYSCALL_FN(close_range)
{
	u32 first = (u32)s->a[0], last = (u32)s->a[1], flags = (u32)s->a[2];
	struct files *fs = cur_proc()->files;
	struct file *f;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) ||
	    first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		if (files_unshare(cur_proc()))
			return -ENOMEM;
		fs = cur_proc()->files;
	}
	last = min(last, READ_ONCE(fs->max) - 1);
	for (u32 fd = first; fd <= last; fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC) {
			set_cloexec(fd, FD_CLOEXEC);
			continue;
		}
		f = files_take(fs, fd);
		if (f)
			file_close(f);
	}
	return 0;
}
