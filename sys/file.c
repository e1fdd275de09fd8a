/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables.
 *
 * D1. A number is used (bit in `used`) from fd_reserve() on; its pointer is
 *     set by fd_install().  Readers see a file or NULL, and take a reference
 *     under the table's lock.
 * D2. Files are put outside the lock: the last put may sleep.
 * D3. fd[] grows once, from the small table to FILES_MAX entries.
 *
 * Tests: tests/abi/t_files
 */
#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"

struct file *file_alloc(struct inode *inode, const struct file_ops *ops,
			u32 flags)
{
	struct file *f = kzalloc(sizeof(*f));

	if (!f) {
		inode_put(inode);
		return NULL;
	}
	atomic_set(&f->refs, 1);
	f->flags = flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC |
				  O_CLOEXEC);
	mutex_init(&f->pos_lock, LOCK_FPOS);
	file_attach(f, inode, ops);
	return f;
}

void file_attach(struct file *f, struct inode *inode,
		 const struct file_ops *ops)
{
	struct address_space *m = inode ? inode_mapping(inode) : NULL;

	f->ops = ops;
	f->inode = inode;
	if (m)
		f->wb_err = errseq_sample(&m->wb_err);
}

struct file *file_get(struct file *f)
{
	atomic_inc(&f->refs);
	return f;
}

void file_put(struct file *f)
{
	if (!atomic_dec_and_test(&f->refs))
		return;
	if (f->ops->release)
		f->ops->release(f);
	inode_put(f->inode);
	kfree(f);
}

void file_close(struct file *f)
{
	if (f->ops->flush)
		f->ops->flush(f);
	file_put(f);
}

struct files *files_alloc(void)
{
	struct files *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	atomic_set(&fs->refs, 1);
	spin_lock_init(&fs->lock, LOCK_FILES);
	fs->max = FILES_SMALL;
	fs->fd = fs->small;
	return fs;
}

struct files *files_get(struct files *fs)
{
	atomic_inc(&fs->refs);
	return fs;
}

/* D3.  0 or -ENOMEM. */
static int files_grow(struct files *fs)
{
	struct file **big = kzalloc(FILES_MAX * sizeof(*big));

	if (!big)
		return -ENOMEM;
	spin_lock(&fs->lock);
	if (fs->max == FILES_SMALL) {
		memcpy(big, fs->small, sizeof(fs->small));
		fs->fd = big;
		fs->max = FILES_MAX;
		big = NULL;
	}
	spin_unlock(&fs->lock);
	kfree(big);
	return 0;
}

struct files *files_dup(struct files *fs)
{
	struct files *copy = files_alloc();
	u64 fd;

	if (!copy)
		return NULL;
	if (READ_ONCE(fs->max) > FILES_SMALL && files_grow(copy)) {
		files_put(copy);
		return NULL;
	}
	spin_lock(&fs->lock);
	if (fs->max > copy->max) {	/* grew meanwhile */
		spin_unlock(&fs->lock);
		files_put(copy);
		return files_dup(fs);
	}
	for_each_set_bit(fd, fs->used, fs->max) {
		if (!fs->fd[fd])
			continue;
		copy->fd[fd] = file_get(fs->fd[fd]);
		__set_bit(fd, copy->used);
		if (test_bit(fd, fs->cloexec))
			__set_bit(fd, copy->cloexec);
	}
	spin_unlock(&fs->lock);
	return copy;
}

int files_unshare(struct process *p)
{
	struct files *old = p->files, *copy;

	if (atomic_read(&old->refs) == 1)
		return 0;
	copy = files_dup(old);
	if (!copy)
		return -ENOMEM;
	spin_lock(&proc_lock);		/* others look through /proc */
	p->files = copy;
	spin_unlock(&proc_lock);
	files_put(old);
	return 0;
}

void files_put(struct files *fs)
{
	u64 fd;

	if (!atomic_dec_and_test(&fs->refs))
		return;
	for_each_set_bit(fd, fs->used, fs->max) {
		if (fs->fd[fd])
			file_close(fs->fd[fd]);
	}
	if (fs->fd != fs->small)
		kfree(fs->fd);
	kfree(fs);
}

struct file *files_take(struct files *fs, u64 fd)
{
	struct file *f = NULL;

	spin_lock(&fs->lock);
	if (fd < fs->max && fs->fd[fd]) {
		f = fs->fd[fd];
		fs->fd[fd] = NULL;
		__clear_bit(fd, fs->used);
		__clear_bit(fd, fs->cloexec);
	}
	spin_unlock(&fs->lock);
	return f;
}

int files_replace(struct files *fs, u32 fd, struct file **f, u32 flags)
{
	int err = 0;

	if (fd >= READ_ONCE(fs->max) && files_grow(fs))
		return -ENOMEM;
	spin_lock(&fs->lock);
	if (!fs->fd[fd] && test_bit(fd, fs->used)) {
		err = -EBUSY;
	} else {
		swap(fs->fd[fd], *f);
		__set_bit(fd, fs->used);
		if (flags & O_CLOEXEC)
			__set_bit(fd, fs->cloexec);
		else
			__clear_bit(fd, fs->cloexec);
	}
	spin_unlock(&fs->lock);
	return err;
}

void files_close_exec(struct files *fs)
{
	struct file *f;
	u64 fd;

	for_each_set_bit(fd, fs->cloexec, FILES_MAX) {
		f = files_take(fs, fd);
		if (f)
			file_close(f);			/* D2 */
	}
}

struct file *fget_raw(u64 fd)
{
	struct files *fs = cur_proc()->files;
	struct file *f = NULL;

	fd = (u32)fd;			/* descriptors are ints */
	spin_lock(&fs->lock);
	if (fd < fs->max && fs->fd[fd])
		f = file_get(fs->fd[fd]);
	spin_unlock(&fs->lock);
	return f;
}

struct file *fget(u64 fd)
{
	struct file *f = fget_raw(fd);

	if (f && (f->flags & O_PATH)) {
		file_put(f);
		f = NULL;
	}
	return f;
}

int fd_reserve(u32 from, u32 flags)
{
	struct process *p = cur_proc();
	u64 limit = min(READ_ONCE(p->rlim[RLIMIT_NOFILE].cur),
			(u64)FILES_MAX);
	struct files *fs = p->files;
	u64 fd;

	if (from >= limit)
		return -EINVAL;
again:
	spin_lock(&fs->lock);
	fd = find_next_zero_bit(fs->used, FILES_MAX, from);
	if (fd < limit && fd < fs->max) {
		__set_bit(fd, fs->used);
		if (flags & O_CLOEXEC)
			__set_bit(fd, fs->cloexec);
		else
			__clear_bit(fd, fs->cloexec);
	}
	spin_unlock(&fs->lock);
	if (fd >= limit)
		return -EMFILE;
	if (fd < READ_ONCE(fs->max))
		return (int)fd;
	if (files_grow(fs))
		return -ENOMEM;
	goto again;
}

void fd_unreserve(int fd)
{
	struct files *fs = cur_proc()->files;

	spin_lock(&fs->lock);
	__clear_bit((u64)fd, fs->used);
	__clear_bit((u64)fd, fs->cloexec);
	spin_unlock(&fs->lock);
}

void fd_install(int fd, struct file *f)
{
	struct files *fs = cur_proc()->files;

	spin_lock(&fs->lock);
	KASSERT(!fs->fd[fd]);
	fs->fd[fd] = f;
	spin_unlock(&fs->lock);
}

s64 fd_add(struct file *f, u32 flags)
{
	int fd = fd_reserve(0, flags);

	if (fd < 0)
		file_put(f);
	else
		fd_install(fd, f);
	return fd;
}

void files_set(struct files *fs, u32 fd, struct file *f)
{
	fs->fd[fd] = f;
	__set_bit(fd, fs->used);
}
