/* SPDX-License-Identifier: MIT */
/*
 * System calls that bring bytes to the medium, or say how they will be read.
 *
 * Regular files live in memory alone: for them these calls check their
 * arguments.  A block device is written back, flushed, and each open file of
 * it hears of each failed write once (lib/errseq.h).
 * Tests: tests/abi/t_sync, tests/drive/disk.py
 */
#include "arch/layout.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/writeback.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/syscall.h"

#define SYNC_WAIT_BEFORE	1
#define SYNC_WRITE		2
#define SYNC_WAIT_AFTER		4

#define FADV_NORMAL	0
#define FADV_RANDOM	1
#define FADV_SEQUENTIAL	2
#define FADV_WILLNEED	3
#define FADV_DONTNEED	4
#define FADV_NOREUSE	5

/* An error of a write since the file's last report.  0 or -Exxx. */
static s64 report_error(struct file *f, struct address_space *m)
{
	s64 err;

	mutex_lock(&f->pos_lock);
	err = errseq_check_and_advance(&m->wb_err, &f->wb_err);
	mutex_unlock(&f->pos_lock);
	return err;
}

static s64 file_sync(struct file *f)
{
	struct address_space *m = inode_mapping(f->inode);
	const struct wb_range r = WB_WHOLE(m, WB_ALL);

	if (!m)
		return 0;
	settle_mapping(&r);
	return report_error(f, m);
}

static s64 do_fsync(u64 fd)
{
	struct file *f = fget(fd);
	s64 ret = -EINVAL;

	if (!f)
		return -EBADF;
	if (f->inode && !S_ISCHR(f->inode->mode))
		ret = file_sync(f);
	file_put(f);
	return ret;
}

SYSCALL_FN(fsync) { return do_fsync(s->a[0]); }
SYSCALL_FN(fdatasync) { return do_fsync(s->a[0]); }

SYSCALL_NOARG(sync)
{
	sync_all_mappings();
	return 0;
}

SYSCALL_FN(syncfs)
{
	struct file *f = fget(s->a[0]);

	if (!f)
		return -EBADF;
	sync_all_mappings();
	file_put(f);
	return 0;
}

/* Pages of [off, off + n); n 0: to the end.  0 or -EINVAL. */
static s64 page_range(s64 off, s64 n, struct wb_range *r)
{
	s64 end;

	if (off < 0 || n < 0 || __builtin_add_overflow(off, n, &end))
		return -EINVAL;
	r->first = (u64)off >> PAGE_SHIFT;
	r->last = n ? ((u64)end - 1) >> PAGE_SHIFT : U64_MAX;
	return 0;
}

static s64 do_sync_range(struct file *f, struct wb_range *r, u32 flags)
{
	if (!f->inode || S_ISCHR(f->inode->mode))
		return -ESPIPE;
	r->mapping = inode_mapping(f->inode);
	r->mode = flags & SYNC_WAIT_AFTER ? WB_ALL : WB_NONE;
	if (!r->mapping || !mapping_can_writeback(r->mapping))
		return 0;
	if (flags & SYNC_WAIT_BEFORE)
		wait_mapping_pages(r->mapping, r->first, r->last);
	if (flags & SYNC_WRITE)
		(void)write_mapping_pages(r, U64_MAX);
	if (flags & SYNC_WAIT_AFTER)
		wait_mapping_pages(r->mapping, r->first, r->last);
	return flags & (SYNC_WAIT_BEFORE | SYNC_WAIT_AFTER) ?
	       report_error(f, r->mapping) : 0;
}

SYSCALL_FN(sync_file_range)
{
	struct file *f = fget(s->a[0]);
	u32 flags = (u32)s->a[3];
	struct wb_range r;
	s64 ret;

	if (!f)
		return -EBADF;
	ret = page_range((s64)s->a[1], (s64)s->a[2], &r);
	if (flags > 7)
		ret = -EINVAL;
	if (!ret)
		ret = do_sync_range(f, &r, flags);
	file_put(f);
	return ret;
}

/* Best effort; never more than the cache may sensibly hold at once. */
#define WILLNEED_MAX	1024ULL

static void will_need(struct address_space *m, const struct wb_range *r)
{
	u64 nr = r->last - r->first;

	(void)start_readahead(m, r->first,
			      nr < WILLNEED_MAX ? nr + 1 : WILLNEED_MAX);
}

static s64 do_fadvise(struct file *f, struct wb_range *r, u32 advice)
{
	static const u8 hint[] = {
		[FADV_NORMAL] = RA_NORMAL, [FADV_RANDOM] = RA_RANDOM,
		[FADV_SEQUENTIAL] = RA_SEQUENTIAL,
	};
	struct address_space *m = f->inode ? inode_mapping(f->inode) : NULL;

	if (!f->inode)
		return -ESPIPE;
	if (advice > FADV_NOREUSE)
		return -EINVAL;
	if (advice <= FADV_SEQUENTIAL)
		WRITE_ONCE(f->ra.hint, hint[advice]);
	else if (m && advice == FADV_WILLNEED)
		will_need(m, r);
	else if (m && advice == FADV_DONTNEED && mapping_can_writeback(m))
		(void)invalidate_mapping_pages(m, DROP_UNMAPPED);
	return 0;
}

SYSCALL_FN(fadvise64)
{
	struct file *f = fget(s->a[0]);
	struct wb_range r;
	s64 ret;

	if (!f)
		return -EBADF;
	ret = (s64)s->a[2] < 0 ? -EINVAL :
	      page_range((s64)s->a[1] & S64_MAX, 0, &r);
	if (!ret && s->a[2])
		r.last = (s->a[1] + s->a[2] - 1) >> PAGE_SHIFT;
	if (!ret)
		ret = do_fadvise(f, &r, (u32)s->a[3]);
	file_put(f);
	return ret;
}

SYSCALL_FN(readahead)
{
	struct file *f = fget(s->a[0]);
	struct wb_range r;
	s64 ret = -EINVAL;

	if (!f)
		return -EBADF;
	if (!file_readable(f))
		ret = -EBADF;
	else if (f->inode && inode_mapping(f->inode))
		ret = page_range((s64)s->a[1], (s64)s->a[2], &r);
	if (!ret && s->a[2])
		will_need(inode_mapping(f->inode), &r);
	file_put(f);
	return ret;
}
