/* SPDX-License-Identifier: MIT */
/*
 * Inodes and directory entries in memory.
 *
 * N1. An entry holds a reference on its inode, a vma and an open file one
 *     each; the last put of an inode drops its pages.  A directory's `parent`
 *     is no reference: removal clears it, and a directory with entries is
 *     never removed.
 * N2. A page of a regular file starts as the archive's bytes, then zeros.
 *     data_len says how much of the archive still counts: it shrinks with a
 *     truncation and never grows, so bytes once cut off do not come back.
 *     A page that was written is dirty and stays in the cache for ever: there
 *     is no other copy.
 * N3. Cookies of a directory ascend and are never used twice: getdents goes on
 *     after the last cookie it gave, whatever happened meanwhile.
 *
 * Locks: fs_names for names; none for references.
 * Tests: tests/abi/t_files
 */
#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/shmem.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/times.h"

struct rwsem fs_names = RWSEM_INIT(fs_names, LOCK_INODE);
struct inode *fs_root;
static atomic_t last_ino;

static int ramfs_read_folio(struct address_space *m, struct page *page)
{
	struct inode *inode = m->host;
	u64 pos = page->index << PAGE_SHIFT, n = 0;
	u64 len = READ_ONCE(inode->data_len);
	u8 *to = page_address(page);

	if (pos < len)					/* N2 */
		n = min(len - pos, (u64)PAGE_SIZE);
	if (n == PAGE_SIZE)
		copy_page(to, inode->data + pos);
	else if (n)
		memcpy(to, inode->data + pos, n);
	if (!n)
		clear_page(to);
	else
		memset(to + n, 0, PAGE_SIZE - n);
	return 0;
}

static void ramfs_get(struct address_space *m)
{
	inode_get(m->host);
}

static void ramfs_put(struct address_space *m)
{
	inode_put(m->host);
}

static const char *ramfs_name(struct address_space *m)
{
	return ((struct inode *)m->host)->path;
}

static const struct address_space_operations ramfs_aops = {
	.read_folio = ramfs_read_folio,
	.get = ramfs_get,
	.put = ramfs_put,
	.name = ramfs_name,
};

struct inode *mapping_inode(struct address_space *m)
{
	return m->a_ops == &ramfs_aops ? m->host : NULL;
}

static char *copy_string(const char *s)
{
	size_t len = strlen(s) + 1;
	char *p = kmalloc(len);

	if (p)
		memcpy(p, s, len);
	return p;
}

struct inode *inode_alloc(u32 mode, const char *path)
{
	struct inode *inode = kzalloc(sizeof(*inode));

	if (!inode)
		return NULL;
	inode->path = copy_string(path);
	if (!inode->path) {
		kfree(inode);
		return NULL;
	}
	atomic_set(&inode->refs, 1);
	inode->ino = (u32)atomic_inc_return(&last_ino);
	inode->mode = mode;
	inode->mtime_ns = inode->ctime_ns = inode->atime_ns = realtime_ns();
	rwsem_init(&inode->i_rwsem, LOCK_INODE);
	INIT_LIST_HEAD(&inode->entries);
	if (S_ISREG(mode)) {
		inode->fops = &regular_fops;
		address_space_init(&inode->mapping, &ramfs_aops, inode);
		mapping_set_kind(&inode->mapping, AS_SWAP);
	} else if (S_ISDIR(mode)) {
		inode->fops = &dir_fops;
		inode->nlink = 1;		/* its "." */
	}
	return inode;
}

struct inode *inode_get(struct inode *inode)
{
	if (inode)
		atomic_inc(&inode->refs);
	return inode;
}

void inode_put(struct inode *inode)
{
	if (!inode || !atomic_dec_and_test(&inode->refs))
		return;
	KASSERT(list_empty(&inode->entries));
	if (S_ISREG(inode->mode))
		address_space_destroy(&inode->mapping);
	kfree(inode->target);
	kfree(inode->path);
	kfree(inode);
}

struct dirent *dir_find(struct inode *dir, const char *name, u32 len)
{
	struct dirent *de;

	list_for_each_entry(de, &dir->entries, link) {
		if (de->len == len && !memcmp(de->name, name, len))
			return de;
	}
	return NULL;
}

int dir_add(struct inode *dir, const char *name, u32 len, struct inode *inode)
{
	struct dirent *de = kmalloc(sizeof(*de) + len + 1);

	if (!de)
		return -ENOMEM;
	de->inode = inode_get(inode);
	de->cookie = ++dir->next_cookie;		/* N3 */
	de->len = len;
	memcpy(de->name, name, len);
	de->name[len] = 0;
	list_add_tail(&de->link, &dir->entries);
	inode->nlink++;
	if (S_ISDIR(inode->mode)) {
		inode->parent = dir;
		dir->nlink++;			/* its ".." */
	}
	dir->mtime_ns = dir->ctime_ns = inode->ctime_ns = realtime_ns();
	return 0;
}

struct inode *dir_remove(struct inode *dir, struct dirent *de)
{
	struct inode *inode = de->inode;

	list_del(&de->link);
	kfree(de);
	inode->nlink--;
	if (S_ISDIR(inode->mode)) {
		inode->parent = NULL;			/* N1 */
		dir->nlink--;
	}
	dir->mtime_ns = dir->ctime_ns = inode->ctime_ns = realtime_ns();
	return inode;
}

#define DAY_NS	(86400 * NSEC_PER_SEC)

void inode_accessed(struct inode *inode)
{
	u64 now = realtime_ns(), last = READ_ONCE(inode->atime_ns);

	if (last <= max(inode->mtime_ns, inode->ctime_ns) ||
	    now - last >= DAY_NS)
		WRITE_ONCE(inode->atime_ns, now);
}

void inode_settle_times(struct inode *inode)
{
	if (S_ISREG(inode->mode) &&
	    test_and_clear_bit(AS_WRITTEN,
			       (unsigned long *)&inode->mapping.flags))
		inode->mtime_ns = inode->ctime_ns = realtime_ns();
}

bool dir_empty(const struct inode *dir)
{
	return list_empty(&dir->entries);
}

int inode_truncate(struct inode *inode, u64 size)
{
	if (size > (u64)S64_MAX)
		return -EFBIG;
	if (seal_check_resize(inode, size))
		return -EPERM;
	/* Before the pages go: one read again must not find the old bytes. */
	if (size < inode->data_len)
		WRITE_ONCE(inode->data_len, size);	/* N2 */
	if (size != READ_ONCE(inode->mapping.size))
		truncate_pagecache(&inode->mapping, size);
	inode->mtime_ns = inode->ctime_ns = realtime_ns();
	return 0;
}
