/* SPDX-License-Identifier: MIT */
/*
 * Changes of names: create, mkdir, link, unlink, rename.
 *
 * Each takes fs_names for write, walks, checks in Linux's order, and commits.
 * An inode whose last name goes is put after the lock is dropped: that may
 * free its pages.
 * Tests: tests/abi/t_files
 */
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sys/fs.h"

/* Walks to a name that must be free.  fs_names write held. */
static int walk_new(struct walk *w, struct inode *base, const char *path,
		    u32 flags)
{
	int err = fs_walk(w, base, path, WALK_CREATE | flags);

	if (err)
		return err;
	if (w->inode)
		return -EEXIST;
	/* Of a directory that was removed meanwhile. */
	if (w->dir != fs_root && !w->dir->parent)
		return -ENOENT;
	return 0;
}

/* A new inode with the path its name has.  NULL: no memory. */
static struct inode *new_inode(const struct walk *w, u32 mode)
{
	const char *dir = w->dir->path;
	size_t size = strlen(dir) + w->len + 2;
	struct inode *inode;
	char *path = kmalloc(size);

	if (!path)
		return NULL;
	snprintf(path, size, "%s/%.*s", dir[1] ? dir : "", (int)w->len,
		 w->name);
	inode = inode_alloc(mode, path);
	kfree(path);
	return inode;
}

/* inode (NULL: no memory) under w's name; its reference stays the caller's. */
static int add_new(const struct walk *w, struct inode *inode)
{
	return inode ? dir_add(w->dir, w->name, w->len, inode) : -ENOMEM;
}

struct inode *fs_create(struct inode *base, const char *path, u32 mode)
{
	struct inode *inode = NULL;
	struct walk w = { 0 };
	int err;

	down_write(&fs_names);
	/* Through a link that leads nowhere, as open does. */
	err = walk_new(&w, base, path, WALK_FOLLOW);
	if (!err && w.want_dir)
		err = -EISDIR;
	if (!err) {
		inode = new_inode(&w, S_IFREG | (mode & 07777));
		err = add_new(&w, inode);
	}
	up_write(&fs_names);
	inode_put(w.held);
	if (!err)
		return inode;
	inode_put(inode);
	return ERR_PTR(err);
}

int fs_mkdir(struct inode *base, const char *path, u32 mode)
{
	struct inode *inode = NULL;
	struct walk w = { 0 };
	int err;

	down_write(&fs_names);
	err = walk_new(&w, base, path, 0);
	if (!err) {
		inode = new_inode(&w, S_IFDIR | (mode & 01777));
		err = add_new(&w, inode);
	}
	up_write(&fs_names);
	inode_put(w.held);
	inode_put(inode);
	return err;
}

int fs_symlink(const char *target, struct inode *base, const char *path)
{
	size_t len = strlen(target) + 1;
	struct inode *inode = NULL;
	struct walk w = { 0 };
	char *copy;
	int err;

	if (len == 1)
		return -ENOENT;
	copy = kmalloc(len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, target, len);
	down_write(&fs_names);
	err = walk_new(&w, base, path, 0);
	if (!err && w.want_dir)
		err = -ENOENT;
	if (!err) {
		inode = new_inode(&w, S_IFLNK | 0777);
		if (inode) {
			inode->target = copy;	/* inode_put frees it */
			copy = NULL;
		}
		err = add_new(&w, inode);
	}
	up_write(&fs_names);
	inode_put(w.held);
	inode_put(inode);
	kfree(copy);
	return err;
}

int fs_unlink(struct inode *base, const char *path)
{
	struct inode *gone = NULL;
	struct walk w = { 0 };
	int err;

	down_write(&fs_names);
	err = fs_walk(&w, base, path, 0);
	if (!err && (!w.len || S_ISDIR(w.inode->mode)))
		err = -EISDIR;
	if (!err)
		gone = dir_remove(w.dir, dir_find(w.dir, w.name, w.len));
	up_write(&fs_names);
	inode_put(w.held);
	inode_put(gone);
	return err;
}

/* The last name of a path, for rmdir's errors. */
static bool ends_in(const char *path, const char *name)
{
	size_t end = strlen(path), len = strlen(name);

	while (end && path[end - 1] == '/')
		end--;
	return end >= len && !memcmp(path + end - len, name, len) &&
	       (end == len || path[end - len - 1] == '/');
}

int fs_rmdir(struct inode *base, const char *path)
{
	struct inode *gone = NULL;
	struct walk w = { 0 };
	int err;

	down_write(&fs_names);
	err = fs_walk(&w, base, path, 0);
	if (err)
		;
	else if (ends_in(path, ".."))
		err = -ENOTEMPTY;
	else if (ends_in(path, "."))
		err = -EINVAL;
	else if (!S_ISDIR(w.inode->mode))
		err = -ENOTDIR;
	else if (w.inode == fs_root || !w.len)
		err = -EBUSY;
	else if (!dir_empty(w.inode))
		err = -ENOTEMPTY;
	if (!err)
		gone = dir_remove(w.dir, dir_find(w.dir, w.name, w.len));
	up_write(&fs_names);
	inode_put(w.held);
	inode_put(gone);
	return err;
}

int fs_link(const struct fs_path *from, const struct fs_path *to, u32 flags)
{
	struct walk w = { 0 }, old = { 0 };
	int err;

	down_write(&fs_names);
	err = fs_walk(&old, from->base, from->path,
		      flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0);
	if (!err)
		err = walk_new(&w, to->base, to->path, 0);
	if (!err && w.want_dir)
		err = -ENOENT;
	if (!err && S_ISDIR(old.inode->mode))
		err = -EPERM;
	if (!err)
		err = dir_add(w.dir, w.name, w.len, old.inode);
	up_write(&fs_names);
	inode_put(w.held);
	inode_put(old.held);
	return err;
}

/* Is a an ancestor of b, or b itself? */
static bool is_ancestor(const struct inode *a, const struct inode *b)
{
	while (b != a && b != fs_root && b)
		b = b->parent;
	return b == a;
}

#define RENAME_NOREPLACE	1

static int check_rename(const struct walk *old, const struct walk *new,
			u32 flags)
{
	bool is_dir = S_ISDIR(old->inode->mode);

	if (!old->len || (new->inode && !new->len))
		return -EBUSY;
	if (new->dir != fs_root && !new->dir->parent)
		return -ENOENT;
	if (new->inode && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (is_dir && is_ancestor(old->inode, new->dir))
		return -EINVAL;
	if (!is_dir && (old->want_dir || new->want_dir))
		return -ENOTDIR;
	if (!new->inode || new->inode == old->inode)
		return 0;
	if (is_dir && !S_ISDIR(new->inode->mode))
		return -ENOTDIR;
	if (!is_dir && S_ISDIR(new->inode->mode))
		return -EISDIR;
	if (is_dir && !dir_empty(new->inode))
		return -ENOTEMPTY;
	return 0;
}

int fs_rename(const struct fs_path *from, const struct fs_path *to, u32 flags)
{
	struct inode *gone = NULL, *moved = NULL;
	struct dirent *de;
	struct walk w = { 0 }, old = { 0 };
	int err;

	if (flags & ~(u32)RENAME_NOREPLACE)
		return -EINVAL;
	down_write(&fs_names);
	err = fs_walk(&old, from->base, from->path, 0);
	if (!err)
		err = fs_walk(&w, to->base, to->path, WALK_CREATE);
	if (!err)
		err = check_rename(&old, &w, flags);
	if (err || w.inode == old.inode)
		goto out;
	/* The new name first: only that can fail. */
	de = w.inode ? dir_find(w.dir, w.name, w.len) : NULL;
	err = dir_add(w.dir, w.name, w.len, old.inode);
	if (err)
		goto out;
	/* commit */
	if (de)
		gone = dir_remove(w.dir, de);
	moved = dir_remove(old.dir, dir_find(old.dir, old.name, old.len));
	if (S_ISDIR(moved->mode))
		moved->parent = w.dir;		/* dir_remove cleared it */
out:
	up_write(&fs_names);
	inode_put(w.held);
	inode_put(old.held);
	inode_put(gone);
	inode_put(moved);
	return err;
}
