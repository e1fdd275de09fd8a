/* SPDX-License-Identifier: MIT */
/*
 * read and write in all their forms.
 *
 * Lengths are clamped to MAX_RW_COUNT and addresses checked against USER_END
 * before a file's operation sees them.  A file with a position is read and
 * written under its pos_lock; positioned calls take the caller's instead.
 * Tests: tests/abi/t_files, t_badptr
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "kernel/upcall.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"

enum rw_dir { RW_READ, RW_WRITE };

struct rw {
	struct file *f;
	enum rw_dir dir;
	u64 *pos;
};

static s64 rw_one(const struct rw *rw, vaddr_t addr, u64 len)
{
	struct file *f = rw->f;

	if (!access_ok(addr, len))
		return -EFAULT;
	len = min(len, MAX_RW_COUNT);
	if ((f->ops->flags & FOP_SEEK) && *rw->pos > (u64)S64_MAX - len)
		return -EINVAL;
	if (rw->dir == RW_READ)
		return f->ops->read ? f->ops->read(f, addr, len, rw->pos) :
		       -EINVAL;
	return f->ops->write ? f->ops->write(f, addr, len, rw->pos) : -EINVAL;
}

/* The file, open for that direction, or an ERR_PTR. */
static struct file *rw_get(u64 fd, enum rw_dir dir)
{
	struct file *f = fget(fd);

	if (!f)
		return ERR_PTR(-EBADF);
	if (dir == RW_READ ? !file_readable(f) : !file_writable(f)) {
		file_put(f);
		return ERR_PTR(-EBADF);
	}
	return f;
}

static s64 do_rw(u64 fd, enum rw_dir dir, vaddr_t addr, u64 len)
{
	struct rw rw = { rw_get(fd, dir), dir, NULL };
	bool seek;
	s64 ret;

	if (IS_ERR(rw.f))
		return PTR_ERR(rw.f);
	rw.pos = &rw.f->pos;
	seek = rw.f->ops->flags & FOP_SEEK;
	if (seek)
		mutex_lock(&rw.f->pos_lock);
	ret = rw_one(&rw, addr, len);
	if (seek)
		mutex_unlock(&rw.f->pos_lock);
	file_put(rw.f);
	return ret;
}

SYSCALL_FN(read)
{
	return do_rw(s->a[0], RW_READ, s->a[1], s->a[2]);
}

SYSCALL_FN(write)
{
	return do_rw(s->a[0], RW_WRITE, s->a[1], s->a[2]);
}

static s64 do_prw(u64 fd, enum rw_dir dir, const struct linux_iovec *io, u64 at)
{
	struct rw rw = { NULL, dir, &at };
	s64 ret = -ESPIPE;

	if ((s64)at < 0)
		return -EINVAL;
	rw.f = rw_get(fd, dir);
	if (IS_ERR(rw.f))
		return PTR_ERR(rw.f);
	if (rw.f->ops->flags & FOP_SEEK)
		ret = rw_one(&rw, io->base, io->len);
	file_put(rw.f);
	return ret;
}

SYSCALL_FN(pread64)
{
	struct linux_iovec io = { s->a[1], s->a[2] };

	return do_prw(s->a[0], RW_READ, &io, s->a[3]);
}

SYSCALL_FN(pwrite64)
{
	struct linux_iovec io = { s->a[1], s->a[2] };

	return do_prw(s->a[0], RW_WRITE, &io, s->a[3]);
}

struct linux_iovec *get_iovec(vaddr_t from, u64 nr, enum iovec_side side)
{
	struct linux_iovec *iov;
	u64 total = 0;

	if (nr > IOV_MAX)
		return ERR_PTR(-EINVAL);
	iov = kmalloc(max(nr, 1ULL) * sizeof(*iov));
	if (!iov)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(iov, from, nr * sizeof(*iov))) {
		kfree(iov);
		return ERR_PTR(-EFAULT);
	}
	for (u64 i = 0; i < nr && side == IOVEC_LOCAL; i++) {
		s64 err = 0;

		if ((s64)iov[i].len < 0)
			err = -EINVAL;
		else if (!access_ok(iov[i].base, iov[i].len))
			err = -EFAULT;
		if (err) {
			kfree(iov);
			return ERR_PTR(err);
		}
		iov[i].len = min(iov[i].len, MAX_RW_COUNT - total);
		total += iov[i].len;
	}
	return iov;
}

/* What comes as it comes: a read that has something does not wait for more. */
static bool would_wait(const struct rw *rw)
{
	struct file *f = rw->f;

	return rw->dir == RW_READ && f->ops->poll &&
	       !(f->ops->poll(f, NULL) & POLLIN);
}

static s64 rw_vector(const struct rw *rw, const struct linux_iovec *iov, u64 nr)
{
	s64 done = 0, n;

	for (u64 i = 0; i < nr; i++) {
		if (!iov[i].len)
			continue;
		if (done && would_wait(rw))
			break;
		n = rw_one(rw, iov[i].base, iov[i].len);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((u64)n < iov[i].len)
			break;
	}
	return done;
}

static s64 do_rwv(u64 fd, enum rw_dir dir, vaddr_t vec, u64 nr)
{
	struct rw rw = { rw_get(fd, dir), dir, NULL };
	struct linux_iovec *iov;
	bool seek;
	s64 ret;

	if (IS_ERR(rw.f))
		return PTR_ERR(rw.f);
	iov = get_iovec(vec, nr, IOVEC_LOCAL);
	if (IS_ERR(iov)) {
		file_put(rw.f);
		return PTR_ERR(iov);
	}
	rw.pos = &rw.f->pos;
	seek = rw.f->ops->flags & FOP_SEEK;
	if (seek)
		mutex_lock(&rw.f->pos_lock);
	ret = rw_vector(&rw, iov, nr);
	if (seek)
		mutex_unlock(&rw.f->pos_lock);
	file_put(rw.f);
	kfree(iov);
	return ret;
}

SYSCALL_FN(readv)
{
	return do_rwv(s->a[0], RW_READ, s->a[1], s->a[2]);
}

SYSCALL_FN(writev)
{
	return do_rwv(s->a[0], RW_WRITE, s->a[1], s->a[2]);
}

/* Through no buffer of ours: callers fall back to read and write. */
SYSCALL_NOARG(sendfile)
{
	return -EINVAL;
}
