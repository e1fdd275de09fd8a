/* SPDX-License-Identifier: MIT */
/*
 * The file tree from the archives the boot loader brought (cpio, newc).
 *
 * I1. File data stays in the module's memory, which is never given to the page
 *     allocator; the page cache copies from there on first use.
 * I2. An archive is read up to its end or its first error, which is reported
 *     with its offset; what came before it counts.  An entry that cannot be
 *     made (its name is no good, a file stands where a directory must) is
 *     reported and left out.
 *
 * Tests: tests/drive/badinput.py, lib's tests/host/test_cpio.c
 */
#include "boot/bootinfo.h"
#include "kernel/init.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/upcall.h"
#include "lib/cpio.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/shmem.h"
#include "sys/fs.h"
#include "sys/times.h"

/* Hard links: names of one number with nlink > 1; the last has the data. */
struct linked {
	struct list_head link;
	u32 ino;
	struct inode *inode;		/* referenced */
};

struct unpack {
	struct list_head linked;
	u32 files, failed;
};

static u32 nr_files;

u32 initramfs_files(void)
{
	return nr_files;
}

/* Makes the directories above the last name of path (modified meanwhile). */
static int make_parents(char *path)
{
	int err = 0;

	for (char *p = strchr(path, '/'); p && !err; p = strchr(p + 1, '/')) {
		if (p == path)
			continue;
		*p = 0;
		err = fs_mkdir(NULL, path, 0755);
		*p = '/';
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

static void set_data(struct inode *inode, const struct cpio_entry *e)
{
	down_write(&inode->i_rwsem);
	if (e->size) {
		inode->data = e->data;			/* I1 */
		inode->data_len = e->size;
		mapping_set_kind(&inode->mapping, AS_ORIGIN);
		WRITE_ONCE(inode->mapping.size, e->size);
	}
	inode->mode = S_IFREG | (e->mode & 07777);
	inode->uid = e->uid;
	inode->gid = e->gid;
	inode->mtime_ns = inode->ctime_ns = inode->atime_ns =
		e->mtime * NSEC_PER_SEC;
	up_write(&inode->i_rwsem);
}

static struct linked *find_linked(struct unpack *u, u32 ino)
{
	struct linked *l;

	list_for_each_entry(l, &u->linked, link) {
		if (l->ino == ino)
			return l;
	}
	return NULL;
}

static int remember_link(struct unpack *u, u32 ino, struct inode *inode)
{
	struct linked *l = kmalloc(sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->ino = ino;
	l->inode = inode_get(inode);
	list_add(&l->link, &u->linked);
	return 0;
}

static int make_file(struct unpack *u, const char *path,
		     const struct cpio_entry *e)
{
	struct linked *l = e->nlink > 1 ? find_linked(u, e->ino) : NULL;
	struct inode *inode;
	int err = 0;

	(void)fs_unlink(NULL, path);	/* a later entry replaces */
	if (l) {
		struct fs_path from = { NULL, l->inode->path };
		struct fs_path to = { NULL, path };

		err = fs_link(&from, &to, 0);
		if (!err)
			set_data(l->inode, e);
		return err;
	}
	inode = fs_create(NULL, path, e->mode);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	set_data(inode, e);
	if (e->nlink > 1)
		err = remember_link(u, e->ino, inode);
	inode_put(inode);
	return err;
}

static int make_symlink(const char *path, const struct cpio_entry *e)
{
	char *target;
	int err;

	if (e->size >= PATH_MAX)
		return -ENAMETOOLONG;
	target = kzalloc(e->size + 1);
	if (!target)
		return -ENOMEM;
	memcpy(target, e->data, e->size);
	(void)fs_unlink(NULL, path);
	err = fs_symlink(target, NULL, path);
	kfree(target);
	return err;
}

static int make_entry(struct unpack *u, const struct cpio_entry *e)
{
	static char path[CPIO_NAME_MAX + 2];	/* one archive at a time */
	const char *name = e->name;
	int err;

	while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	if (!*name || !strcmp(name, "."))
		return 0;
	path[0] = '/';
	strlcpy(path + 1, name, sizeof(path) - 1);
	err = make_parents(path);
	if (err)
		return err;
	if (S_ISDIR(e->mode)) {
		err = fs_mkdir(NULL, path, e->mode);
		return err == -EEXIST ? 0 : err;
	}
	if (S_ISLNK(e->mode))
		return make_symlink(path, e);
	if (!S_ISREG(e->mode))
		return 0;		/* devices are the kernel's */
	u->files++;
	return make_file(u, path, e);
}

static void unpack(const struct boot_module *m)
{
	struct unpack u = { LIST_HEAD_INIT(u.linked), 0, 0 };
	struct linked *l, *n;
	struct cpio_entry e;
	struct cpio_iter it;
	int got, err;

	cpio_init(&it, phys_to_virt(m->start), m->end - m->start);
	while ((got = cpio_next(&it, &e)) == 1) {
		err = make_entry(&u, &e);
		if (err && !u.failed++)
			pr_warn("archive: %s left out: %pe\n", e.name,
				ERR_PTR(err));
	}
	if (got < 0)
		pr_err("archive \"%s\" is corrupt at offset %llu: %s; "
		       "%u files before that are kept\n", m->name, it.off,
		       it.why, u.files);
	if (u.failed > 1)
		pr_warn("archive: %u entries left out\n", u.failed);
	nr_files += u.files;
	list_for_each_entry_safe(l, n, &u.linked, link) {
		inode_put(l->inode);
		kfree(l);
	}
}

static int initramfs_init(void)
{
	fs_root = inode_alloc(S_IFDIR | 0755, "/");
	if (!fs_root)
		panic("no memory for the root directory");
	fs_root->parent = fs_root;
	fs_root->nlink = 2;
	for (int i = 0; i < bootinfo.nr_modules; i++)
		unpack(&bootinfo.modules[i]);
	if (!bootinfo.nr_modules)
		pr_warn("no archive: the boot loader brought no module, "
			"so there are no programs\n");
	else
		pr_info("archive: %u files\n", nr_files);
	return 0;
}
INITCALL_LEVEL(1, initramfs_init);
