/* SPDX-License-Identifier: MIT */
/*
 * read and write through the page cache, from kernel buffers and from user
 * memory.
 *
 * F1. No page lock is held while user memory is touched: that may fault, and
 *     the fault may want the very page.
 * F2. A write counts only when its page was still the file's afterwards,
 *     looked at under the page lock; else truncate took it, and we do it
 *     again.  Dirty is set under that lock, and the size grows there.
 * F3. The size is looked at before the page and again after: a page found
 *     beyond a truncation is not read from.
 *
 * Writers of one file are serialised by the file's owner, against truncate
 * too.  Tests: tests/kt/kt_filemap.c
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/motion.h"
#include "mm/page_alloc.h"
#include "mm/readahead.h"
#include "mm/writeback.h"

/* Where bytes go to or come from: kernel memory, or current's. */
struct io_side {
	void *kernel;
	vaddr_t user;
	struct file_ra *ra;		/* a reader's window, or NULL */
};

static struct page *io_page(struct address_space *m, const struct io_side *s,
			    u64 pos, u64 left)
{
	u64 index = pos >> PAGE_SHIFT;

	if (s->ra && mapping_can_readahead(m))
		return read_page_ahead(m, s->ra, index,
				       ((pos + left - 1) >> PAGE_SHIFT) -
				       index + 1);
	return read_cache_page(m, index);
}

/* Bytes copied; fewer than n: user memory ended. */
static u64 copy_out(const struct io_side *s, u64 done, const void *from, u64 n)
{
	if (s->kernel) {
		memcpy((char *)s->kernel + done, from, n);
		return n;
	}
	return n - copy_to_user(s->user + done, from, n);
}

static u64 copy_in(const struct io_side *s, u64 done, void *to, u64 n)
{
	if (s->kernel) {
		memcpy(to, (char *)s->kernel + done, n);
		return n;
	}
	/* `to` is a page of the file: what was not copied must stay. */
	return n - copy_from_user_keep(to, s->user + done, n);
}

static u64 clip(struct address_space *m, u64 pos, u64 n)
{
	u64 size = READ_ONCE(m->size);

	if (pos >= size)
		return 0;
	return min(n, size - pos);
}

static ssize_t do_read(struct address_space *m, const struct io_side *s,
		       u64 pos, size_t len)
{
	u64 done = 0, n, copied;
	struct page *p;

	while (done < len) {
		n = min((u64)len - done, PAGE_SIZE - (pos & ~PAGE_MASK));
		if (!clip(m, pos, n))
			break;
		p = io_page(m, s, pos, len - done);
		if (IS_ERR(p))
			return done ? (ssize_t)done : PTR_ERR(p);
		n = clip(m, pos, n);				/* F3 */
		copied = copy_out(s, done, (char *)page_address(p) +
				  (pos & ~PAGE_MASK), n);
		put_page(p);
		done += copied;
		pos += copied;
		if (copied < n)
			return done ? (ssize_t)done : -EFAULT;
		if (!n)
			break;
	}
	return (ssize_t)done;
}

/* The page that ends there is locked, or a writer's alone. */
static void grow_size(struct address_space *m, u64 end)
{
	if (end > READ_ONCE(m->size))
		WRITE_ONCE(m->size, end);
}

/* F2.  True: the bytes are in the file. */
static bool commit_write(struct address_space *m, struct page *p, u64 end)
{
	bool ours;

	page_motion_begin();
	lock_page(p);
	ours = READ_ONCE(p->mapping) == m;
	if (ours) {
		set_page_dirty(p);
		grow_size(m, end);
	}
	unlock_page(p);
	page_motion_end();
	return ours;
}

/* p is locked, uptodate, and nobody else's. */
static bool insert_dirty(struct address_space *m, struct page *p, u64 pos)
{
	bool ok;

	page_motion_begin();
	ok = !add_to_page_cache(p, m, pos >> PAGE_SHIFT);
	if (ok) {
		set_page_dirty(p);
		grow_size(m, pos + PAGE_SIZE);
	}
	unlock_page(p);
	page_motion_end();
	return ok;
}

/*
 * A whole page that is not in the cache need not be read first: its new bytes
 * are copied before anybody can find it (F1).  False: nothing was done.
 */
static bool write_new_page(struct address_space *m, const struct io_side *s,
			   u64 done, u64 pos)
{
	struct page *p = find_get_page(m, pos >> PAGE_SHIFT);
	bool ok = false;

	if (p) {
		put_page(p);
		return false;
	}
	p = alloc_page(ALLOC_RECLAIM);
	if (!p)
		return false;
	page_set(p, PG_locked);
	if (copy_in(s, done, page_address(p), PAGE_SIZE) == PAGE_SIZE) {
		page_set(p, PG_uptodate);	/* published by the insert */
		ok = insert_dirty(m, p, pos);
	} else {
		unlock_page(p);
	}
	put_page(p);
	return ok;
}

static ssize_t do_write(struct address_space *m, const struct io_side *s,
			u64 pos, size_t len)
{
	u64 done = 0, n, copied;
	struct page *p;
	bool ours;

	while (done < len) {
		n = min((u64)len - done, PAGE_SIZE - (pos & ~PAGE_MASK));
		if (n == PAGE_SIZE && mapping_can_writeback(m) &&
		    write_new_page(m, s, done, pos)) {
			balance_dirty_pages();
			done += n;
			pos += n;
			continue;
		}
		p = io_page(m, s, pos, len - done);
		if (IS_ERR(p))
			return done ? (ssize_t)done : PTR_ERR(p);
		copied = copy_in(s, done, (char *)page_address(p) +
				 (pos & ~PAGE_MASK), n);
		ours = !copied || commit_write(m, p, pos + copied);
		put_page(p);
		if (mapping_can_writeback(m))
			balance_dirty_pages();
		if (!ours)
			continue;
		done += copied;
		pos += copied;
		if (copied < n)
			return done ? (ssize_t)done : -EFAULT;
	}
	return (ssize_t)done;
}

ssize_t filemap_read(struct address_space *m, void *buf, u64 pos, size_t len)
{
	struct io_side s = { .kernel = buf };

	return do_read(m, &s, pos, len);
}

ssize_t filemap_write(struct address_space *m, const void *buf, u64 pos,
		      size_t len)
{
	struct io_side s = { .kernel = (void *)(u64)buf };

	return do_write(m, &s, pos, len);
}

ssize_t filemap_read_user(struct address_space *m, vaddr_t to, u64 pos,
			  size_t len)
{
	struct io_side s = { .user = to };

	return do_read(m, &s, pos, len);
}

ssize_t filemap_read_ahead(struct address_space *m, struct file_ra *ra,
			   vaddr_t to, u64 pos, size_t len)
{
	struct io_side s = { .user = to, .ra = ra };

	return do_read(m, &s, pos, len);
}

ssize_t filemap_write_user(struct address_space *m, vaddr_t from, u64 pos,
			   size_t len)
{
	struct io_side s = { .user = from };

	return do_write(m, &s, pos, len);
}
