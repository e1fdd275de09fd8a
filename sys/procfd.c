/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/fd: a link for each open file, made for the walk that asks.
 * Tests: tests/abi/t_proc
 */
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sys/procfs.h"

#define FD_COOKIES	16U		/* behind "." and ".." */

/* With a reference; NULL. */
static struct files *files_of(const struct inode *inode)
{
	struct process *p = proc_process(inode);
	struct files *fs;

	if (!p)
		return NULL;
	spin_lock(&proc_lock);
	fs = p->files ? files_get(p->files) : NULL;
	spin_unlock(&proc_lock);
	process_put(p);
	return fs;
}

/* The file, referenced; NULL. */
static struct file *file_of(const struct inode *inode, u64 fd)
{
	struct files *fs = files_of(inode);
	struct file *f = NULL;

	if (!fs)
		return NULL;
	spin_lock(&fs->lock);
	if (fd < fs->max && fs->fd[fd])
		f = file_get(fs->fd[fd]);
	spin_unlock(&fs->lock);
	files_put(fs);
	return f;
}

static struct inode *follow_fd(const struct inode *link)
{
	struct file *f = file_of(link, (u64)link->priv);
	struct inode *inode;

	if (!f)
		return NULL;
	inode = inode_get(f->inode);
	file_put(f);
	return inode;
}

/* What readlink says of a file that has no inode. */
static void name_pipe(struct inode *link)
{
	char *text = kmalloc(32);

	if (text)
		snprintf(text, 32, "pipe:[%u]", link->ino);
	link->target = text;
}

struct inode *proc_fd_lookup(struct inode *dir, const char *name, u32 len)
{
	struct inode *link;
	struct file *f;
	char path[16];
	u64 fd = 0;

	if (!len || len > 4 || (*name == '0' && len > 1))
		return NULL;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return NULL;
		fd = fd * 10 + (u64)(name[i] - '0');
	}
	f = file_of(dir, fd);
	if (!f)
		return NULL;
	snprintf(path, sizeof(path), "fd/%llu", fd);
	link = proc_inode(S_IFLNK | 0700, dir->proc_pid, path);
	if (link) {
		link->priv = (void *)fd;
		link->follow = follow_fd;
		if (!f->inode)
			name_pipe(link);
	}
	file_put(f);
	return link;
}

static bool emit_files(struct dir_reader *rd, struct files *fs, s64 *err)
{
	char name[12];
	bool used;

	for (u32 fd = 0; fd < FILES_MAX; fd++) {
		struct dir_item item = {
			name, FD_COOKIES + fd, FD_COOKIES + fd, S_IFLNK,
		};

		spin_lock(&fs->lock);
		used = fd < fs->max && fs->fd[fd];
		spin_unlock(&fs->lock);
		snprintf(name, sizeof(name), "%u", fd);
		if (used && !dir_emit(rd, &item, err))
			return false;
	}
	return true;
}

static s64 fd_getdents(struct file *f, vaddr_t to, u64 len)
{
	struct files *fs = files_of(f->inode);
	struct dir_reader rd = { to, len, 0, f->pos };
	struct dir_item dot = { ".", 1, f->inode->ino, S_IFDIR };
	struct dir_item dotdot = { "..", 2, f->inode->ino, S_IFDIR };
	s64 err = 0;
	bool all;

	if (!fs)
		return -ENOENT;
	all = dir_emit(&rd, &dot, &err) && dir_emit(&rd, &dotdot, &err) &&
	      emit_files(&rd, fs, &err);
	files_put(fs);
	f->pos = rd.pos;
	if (rd.done)
		return (s64)rd.done;
	if (err)
		return err;
	return all ? 0 : -EINVAL;	/* not even one fits */
}

const struct file_ops proc_fd_fops = {
	.getdents = fd_getdents,
	.flags = FOP_SEEK | FOP_DIR,
};
