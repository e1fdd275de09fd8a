/* SPDX-License-Identifier: MIT */
/*
 * /dev: null, zero, full, random, urandom, the terminal, and the devices and
 * disks that drivers have registered under these names.
 * Tests: tests/abi/t_files, tests/drive/shadow.py
 */
#include "arch/uaccess.h"
#include "kernel/blkdev.h"
#include "kernel/dev.h"
#include "kernel/init.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/random.h"

static s64 null_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	(void)f;
	(void)to;
	(void)len;
	(void)pos;
	return 0;
}

static s64 null_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	(void)f;
	(void)from;
	(void)pos;
	return (s64)len;
}

static s64 zero_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	u64 left = clear_user(to, len);

	(void)f;
	(void)pos;
	return left == len && len ? -EFAULT : (s64)(len - left);
}

static s64 full_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	(void)f;
	(void)from;
	(void)len;
	(void)pos;
	return -ENOSPC;
}

static s64 random_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	u8 buf[256];
	u64 done = 0, n;

	(void)f;
	(void)pos;
	while (done < len) {
		n = min(len - done, sizeof(buf));
		random_fill(buf, n);
		if (copy_to_user(to + done, buf, n))
			return done ? (s64)done : -EFAULT;
		done += n;
		if (signal_pending())
			break;
	}
	return (s64)done;
}

static const struct file_ops null_fops = {
	.read = null_read, .write = null_write,
};
static const struct file_ops zero_fops = {
	.read = zero_read, .write = null_write,
};
static const struct file_ops full_fops = {
	.read = zero_read, .write = full_write,
};
static const struct file_ops random_fops = {
	.read = random_read, .write = null_write,
};

/* A driver's device: through a small buffer of ours. */
static s64 chardev_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	struct chardev *d = f->inode->priv;
	char buf[256];
	s64 n;

	(void)pos;
	if (!d->read)
		return -EINVAL;
	n = d->read(d, buf, min(len, sizeof(buf)));
	if (n > 0 && copy_to_user(to, buf, (u64)n))
		return -EFAULT;
	return n;
}

static s64 chardev_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	struct chardev *d = f->inode->priv;
	char buf[256];

	(void)pos;
	if (!d->write)
		return -EINVAL;
	len = min(len, sizeof(buf));
	if (copy_from_user(buf, from, len))
		return -EFAULT;
	return d->write(d, buf, len);
}

static int chardev_open(struct file *f)
{
	struct chardev *d = f->inode->priv;

	return d->open ? d->open(d, &f->priv) : 0;
}

static void chardev_release(struct file *f)
{
	struct chardev *d = f->inode->priv;

	if (d->release && f->priv)
		d->release(d, f->priv);
}

static s64 chardev_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct chardev *d = f->inode->priv;

	return d->ioctl ? d->ioctl(d, f->priv, cmd, arg) : -ENOTTY;
}

static const struct file_ops chardev_fops = {
	.open = chardev_open, .release = chardev_release,
	.read = chardev_read, .write = chardev_write, .ioctl = chardev_ioctl,
};

struct address_space *chardev_mapping(struct file *f, u32 *writable)
{
	struct chardev *d = f->inode->priv;

	if (f->ops != &chardev_fops || !d->mapping)
		return NULL;
	return d->mapping(d, f->priv, writable);
}

#define DEV_CHAR	(S_IFCHR | 0666)
#define DEV_BLOCK	(S_IFBLK | 0660)

static const struct dev_node {
	const char *name;
	u32 rdev;
	const struct file_ops *fops;
} nodes[] = {
	{ "null", 1 << 8 | 3, &null_fops },
	{ "zero", 1 << 8 | 5, &zero_fops },
	{ "full", 1 << 8 | 7, &full_fops },
	{ "random", 1 << 8 | 8, &random_fops },
	{ "urandom", 1 << 8 | 9, &random_fops },
	{ "tty", 5 << 8 | 0, &tty_fops },
	{ "console", 5 << 8 | 1, &tty_fops },
};

/* fs_names write held. */
static int add_node(struct inode *dir, const struct dev_node *n, u32 mode,
		    void *priv)
{
	struct dirent *old = dir_find(dir, n->name, (u32)strlen(n->name));
	struct inode *inode;
	char path[32];
	int err;

	if (old)		/* the archive may have made one */
		inode_put(dir_remove(dir, old));
	snprintf(path, sizeof(path), "/dev/%s", n->name);
	inode = inode_alloc(mode, path);
	if (!inode)
		return -ENOMEM;
	inode->rdev = n->rdev;
	inode->fops = n->fops;
	inode->priv = priv;
	err = dir_add(dir, n->name, (u32)strlen(n->name), inode);
	inode_put(inode);
	return err;
}

/* fs_names write held. */
static int add_all(struct inode *dir)
{
	struct dev_node n = { .fops = &chardev_fops };
	int err = S_ISDIR(dir->mode) ? 0 : -ENOTDIR;
	struct chardev *d;

	for (u32 i = 0; i < ARRAY_SIZE(nodes) && !err; i++)
		err = add_node(dir, &nodes[i], DEV_CHAR, NULL);
	for (d = chardev_next(NULL); d && !err; d = chardev_next(d)) {
		n.name = d->name;
		n.rdev = 10 << 8;
		/* Ours have a line discipline. */
		if (!dir_find(dir, n.name, (u32)strlen(n.name)))
			err = add_node(dir, &n, DEV_CHAR, d);
	}
	return err;
}

/* fs_names write held. */
static int add_disks(struct inode *dir)
{
	struct dev_node n = { .fops = &blkdev_fops };
	struct block_device *bd;
	int err = 0;

	for (bd = blkdev_next(NULL); bd && !err; bd = blkdev_next(bd)) {
		n.name = bd->name;
		n.rdev = bd->major_minor;
		err = add_node(dir, &n, DEV_BLOCK, bd);
	}
	return err;
}

static int devfs_init(void)
{
	struct inode *dir;
	int err;

	(void)fs_mkdir(NULL, "/dev", 0755);	/* the archive may have it */
	dir = fs_lookup(NULL, "/dev", WALK_FOLLOW);
	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	down_write(&fs_names);
	err = add_all(dir);
	if (!err)
		err = add_disks(dir);
	up_write(&fs_names);
	inode_put(dir);
	return err;
}
INITCALL_LEVEL(3, devfs_init);
