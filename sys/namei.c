/* SPDX-License-Identifier: MIT */
/*
 * From paths to inodes.
 *
 * W1. A walk happens inside one hold of fs_names, so nothing in it that has a
 *     name needs a reference; whoever wants to keep an inode takes one before
 *     unlocking.
 * W2. At most MAX_LINKS symbolic links are followed in one walk, which bounds
 *     the recursion of walk_path() too.
 * W3. What has no name of its own (a process's directory in /proc, what a link
 *     of the kernel leads to) is referenced by w->held, the last one only: what
 *     came before it is not needed any more, or pinned by fs_names (procfs.c).
 *
 * Tests: tests/abi/t_files
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"

#define MAX_LINKS	16	/* Linux: 40; each costs us kernel stack */

static int walk_path(struct walk *w, struct inode *base, const char *path,
		     u32 flags);

/* W3.  Takes the reference. */
static void hold(struct walk *w, struct inode *inode)
{
	struct inode *old = w->held;

	if (!inode)
		return;
	w->held = inode;
	inode_put(old);
}

/* One component into w; ".." and "." have no name of their own. */
static int find_component(struct walk *w, struct inode *dir, const char *name,
			  u32 len)
{
	struct dirent *de;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	w->dir = dir;
	w->name = name;
	w->len = len;
	if (len == 1 && name[0] == '.') {
		w->inode = dir;
		w->len = 0;
		return 0;
	}
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		w->inode = dir->parent;
		w->len = 0;
		return dir->parent ? 0 : -ENOENT;
	}
	de = dir_find(dir, name, len);
	w->inode = de ? de->inode : NULL;
	if (!de && dir->lookup) {
		w->inode = dir->lookup(dir, name, len);
		hold(w, w->inode);
	}
	return 0;
}

/* w->inode is a symbolic link in w->dir: what it leads to becomes w->inode. */
static int follow_link(struct walk *w)
{
	struct inode *link = w->inode, *to;
	struct walk sub = { .links = w->links + 1 };
	int err;

	if (sub.links > MAX_LINKS)				/* W2 */
		return -ELOOP;
	if (link->follow) {
		to = link->follow(link);
		if (!to)
			return -ENOENT;
		w->inode = to;
		w->len = 0;	/* `to` has no name here */
		hold(w, to);
		return 0;
	}
	err = walk_path(&sub, w->dir, link->target, WALK_FOLLOW | WALK_CREATE);
	w->links = sub.links;
	hold(w, sub.held);
	if (err)
		return err;
	w->inode = sub.inode;
	w->dir = sub.dir;
	w->name = sub.name;
	w->len = sub.len;
	return 0;
}

static int walk_path(struct walk *w, struct inode *base, const char *path,
		     u32 flags)
{
	struct inode *dir = *path == '/' ? fs_root : base;
	bool last = false;
	u32 len;
	int err;

	w->inode = w->dir = dir;
	w->len = 0;
	while (*path == '/')
		path++;
	while (*path) {
		for (len = 0; path[len] && path[len] != '/'; len++)
			;
		err = find_component(w, dir, path, len);
		if (err)
			return err;
		path += len;
		w->want_dir = *path == '/';
		while (*path == '/')
			path++;
		last = !*path;
		if (w->inode && S_ISLNK(w->inode->mode) &&
		    (!last || w->want_dir || (flags & WALK_FOLLOW))) {
			err = follow_link(w);
			if (err)
				return err;
		}
		if (!w->inode && !last)
			return -ENOENT;
		dir = w->inode;
	}
	return 0;
}

int fs_walk(struct walk *w, struct inode *base, const char *path, u32 flags)
{
	int err;

	*w = (struct walk){ 0 };
	if (!*path)
		return -ENOENT;
	err = walk_path(w, base ? base : fs_root, path, flags);
	if (err)
		return err;
	if (!w->inode)
		return flags & WALK_CREATE ? 0 : -ENOENT;
	if (w->want_dir && !S_ISDIR(w->inode->mode))
		return -ENOTDIR;
	return 0;
}

struct inode *fs_lookup(struct inode *base, const char *path, u32 flags)
{
	struct walk w;
	int err;

	down_read(&fs_names);
	err = fs_walk(&w, base, path, flags & ~WALK_CREATE);
	if (!err)
		inode_get(w.inode);				/* W1 */
	up_read(&fs_names);
	inode_put(w.held);
	return err ? ERR_PTR(err) : w.inode;
}

struct inode *fs_base(s32 dfd, const char *path)
{
	struct fs_context *fs = cur_proc()->fs;
	struct inode *inode;
	struct file *f;

	if (*path == '/')
		return inode_get(fs_root);
	if (dfd == AT_FDCWD) {
		spin_lock(&fs->lock);
		inode = inode_get(fs->cwd);
		spin_unlock(&fs->lock);
		return inode;
	}
	f = fget_raw((u64)dfd);
	if (!f)
		return ERR_PTR(-EBADF);
	inode = inode_get(f->inode);
	file_put(f);
	if (!inode || (*path && !S_ISDIR(inode->mode))) {
		inode_put(inode);
		return ERR_PTR(-ENOTDIR);
	}
	return inode;
}

char *getname(vaddr_t from)
{
	char *name = kmalloc(PATH_MAX);
	ssize_t len;

	if (!name)
		return ERR_PTR(-ENOMEM);
	len = strncpy_from_user(name, from, PATH_MAX);
	if (len < 0) {
		kfree(name);
		return ERR_PTR(len);
	}
	return name;
}

/* The name dir has in its parent, put before buf[at]; the new at, or -Exxx. */
static s64 prepend_name(struct inode *dir, char *buf, s64 at)
{
	struct dirent *de;

	list_for_each_entry(de, &dir->parent->entries, link) {
		if (de->inode != dir)
			continue;
		at -= (s64)de->len + 1;
		if (at < 0)
			return -ERANGE;
		buf[at] = '/';
		memcpy(buf + at + 1, de->name, de->len);
		return at;
	}
	return -ENOENT;
}

s64 fs_dir_path(struct inode *dir, char *buf, u64 size)
{
	s64 at = (s64)size - 1;

	if (at < 1)
		return -ERANGE;
	buf[at] = 0;
	down_read(&fs_names);
	if (dir == fs_root)
		buf[--at] = '/';
	while (at >= 0 && dir != fs_root) {
		at = dir->parent ? prepend_name(dir, buf, at) : -ENOENT;
		dir = dir->parent;
	}
	up_read(&fs_names);
	if (at < 0)
		return at;
	memmove(buf, buf + at, size - (u64)at);
	return (s64)size - at - 1;
}

struct fs_context *fs_alloc(void)
{
	struct fs_context *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	atomic_set(&fs->refs, 1);
	spin_lock_init(&fs->lock, LOCK_FILES);
	fs->cwd = inode_get(fs_root);
	fs->umask = 022;
	return fs;
}

struct fs_context *fs_get(struct fs_context *fs)
{
	atomic_inc(&fs->refs);
	return fs;
}

struct fs_context *fs_dup(struct fs_context *fs)
{
	struct fs_context *copy = fs_alloc();
	struct inode *root;

	if (!copy)
		return NULL;
	root = copy->cwd;
	spin_lock(&fs->lock);
	copy->cwd = inode_get(fs->cwd);
	copy->umask = fs->umask;
	spin_unlock(&fs->lock);
	inode_put(root);
	return copy;
}

void fs_put(struct fs_context *fs)
{
	if (!atomic_dec_and_test(&fs->refs))
		return;
	inode_put(fs->cwd);
	kfree(fs);
}

void fs_set_cwd(struct fs_context *fs, struct inode *dir)
{
	struct inode *old;

	down_write(&fs_names);					/* W3 */
	spin_lock(&fs->lock);
	old = fs->cwd;
	fs->cwd = inode_get(dir);
	spin_unlock(&fs->lock);
	up_write(&fs_names);
	inode_put(old);
}
