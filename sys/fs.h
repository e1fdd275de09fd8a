/* SPDX-License-Identifier: MIT */
/*
 * The file system: one tree of inodes in memory, filled from the archive.
 *
 * Locks: fs_names (a rwsem, LOCK_INODE) guards all names: directory entries,
 * link counts, parents.  inode->i_rwsem (the same rank, never both) makes
 * writes to one file's data and its size atomic.
 */
#ifndef SYS_FS_H
#define SYS_FS_H

#include "kernel/mutex.h"
#include "mm/mm_types.h"
#include "sys/abi.h"

struct cpio_entry;
struct file;
struct file_ops;
struct inode;

struct dirent {
	struct list_head link;		/* N: in the directory, by cookie */
	struct inode *inode;		/* N: a reference */
	u64 cookie;			/* I: ascending, for getdents */
	u32 len;			/* I */
	char name[];			/* I: terminated */
};

/* Key: I immutable, N fs_names, w i_rwsem, a atomic. */
struct inode {
	atomic_t refs;			/* names, open files, vmas, cwds */
	u32 ino;			/* I */
	u32 mode;			/* a */
	u32 nlink;			/* N */
	u32 uid, gid;			/* a */
	u32 rdev;			/* I: major << 8 | minor */
	u64 mtime_ns, ctime_ns, atime_ns;	/* a */
	const char *path;		/* I: as first linked; for messages */
	const struct file_ops *fops;	/* I: what an open file of it does */
	void *priv;			/* I: the special file's */
	/* regular files */
	struct rwsem i_rwsem;
	struct address_space mapping;
	const u8 *data;			/* I: in the archive, or NULL */
	u64 data_len;			/* w: of that, what still counts */
	u32 seals;			/* w: F_SEAL_*; of a memfd */
	bool sealable;			/* I: it has seals at all */
	/* directories */
	struct list_head entries;	/* N */
	u64 next_cookie;		/* N */
	struct inode *parent;		/* N: no reference; NULL: removed */
	/* symbolic links: one of the two */
	const char *target;		/* I */
	/* I: a reference, or NULL */
	struct inode *(*follow)(const struct inode *link);
	/* /proc: whose (I: pid; 0: the machine's), and names that are not
	 * among the entries: a reference, or NULL.  fs_names held. */
	u32 proc_pid;
	struct inode *(*lookup)(struct inode *dir, const char *name, u32 len);
};

extern struct rwsem fs_names;
extern struct inode *fs_root;		/* I after boot */

/* ramfs.c */
/* No name yet, one reference.  path is copied.  NULL: no memory. */
struct inode *inode_alloc(u32 mode, const char *path);
struct inode *inode_get(struct inode *inode);	/* NULL is allowed */
void inode_put(struct inode *inode);		/* sleeps */
/* An inode of a mapping of ours, else NULL. */
struct inode *mapping_inode(struct address_space *m);
/* Under fs_names.  The entry, or NULL. */
struct dirent *dir_find(struct inode *dir, const char *name, u32 len);
/* Takes a reference on inode, counts the link.  -ENOMEM; -EEXIST unchecked. */
int dir_add(struct inode *dir, const char *name, u32 len, struct inode *inode);
/* Removes and frees the entry; its reference passes to the caller. */
struct inode *dir_remove(struct inode *dir, struct dirent *de);
/* It was read, or mapped: its time of access (as Linux's relatime). */
void inode_accessed(struct inode *inode);
/* A file written through a mapping gets its times now. */
void inode_settle_times(struct inode *inode);
bool dir_empty(const struct inode *dir);
/* i_rwsem write held.  0 or -Exxx. */
int inode_truncate(struct inode *inode, u64 size);

/* memfd.c: i_rwsem held.  0, or -EPERM: a seal forbids it. */
int seal_check_resize(const struct inode *inode, u64 size);
int seal_check_write(const struct inode *inode, u64 pos, u64 len);
s64 memfd_add_seals(struct file *f, u32 seals);
s64 memfd_get_seals(const struct file *f);
/* do_mmap() of a sealable file, as its seals allow. */
struct mmap_request;
s64 memfd_mmap(struct inode *inode, struct mmap_request *rq);

/* namei.c */
#define WALK_FOLLOW	BIT(0)		/* a symbolic link at the end too */
#define WALK_CREATE	BIT(1)		/* the last name may be missing */
struct walk {
	struct inode *dir;		/* where the last name is looked up */
	struct inode *inode;		/* what it is; NULL: missing */
	const char *name;		/* the last name; not terminated */
	u32 len;			/* 0: the path ends in a ., .. or / */
	u32 want_dir;			/* a slash follows the last name */
	u32 links;			/* followed so far */
	struct inode *held;		/* W3: put it after fs_names is dropped */
};
/* fs_names held; of what is in w only `held` is referenced.  base NULL: the root. */
int fs_walk(struct walk *w, struct inode *base, const char *path, u32 flags);
/* The inode with a reference, or ERR_PTR. */
struct inode *fs_lookup(struct inode *base, const char *path, u32 flags);
/* Where relative paths of current start, with a reference; ERR_PTR. */
struct inode *fs_base(s32 dfd, const char *path);
/* A path of the user's in fresh memory, for kfree; ERR_PTR. */
char *getname(vaddr_t from);
/* The absolute path of a directory into buf.  Its length or -Exxx. */
s64 fs_dir_path(struct inode *dir, char *buf, u64 size);

/* fsops.c: each resolves its own paths.  0 or -Exxx; sleep. */
/* A new inode under that name, referenced; ERR_PTR. */
struct inode *fs_create(struct inode *base, const char *path, u32 mode);
int fs_mkdir(struct inode *base, const char *path, u32 mode);
int fs_symlink(const char *target, struct inode *base, const char *path);
int fs_unlink(struct inode *base, const char *path);
int fs_rmdir(struct inode *base, const char *path);
struct fs_path { struct inode *base; const char *path; };
int fs_link(const struct fs_path *from, const struct fs_path *to, u32 flags);
int fs_rename(const struct fs_path *from, const struct fs_path *to, u32 flags);

/* open.c: an open file of an inode, whose reference it takes; ERR_PTR. */
/* statcalls.c: the inode a call's path is about; ERR_PTR.  flags: AT_*. */
struct inode *inode_by_path(s32 dfd, vaddr_t upath, u32 flags);
struct file *inode_open(struct inode *inode, u32 flags);
struct file *fs_open(struct inode *base, const char *path, u32 flags, u32 mode);

/* blkdevfile.c */
extern const struct file_ops blkdev_fops;
/* The bytes of a regular file or a block device; NULL: it has none. */
struct address_space *inode_mapping(struct inode *inode);
/* A disk that nobody may write to. */
bool blkdev_read_only(const struct inode *inode);

/* regular.c */
extern const struct file_ops regular_fops, dir_fops;
struct dir_reader {
	vaddr_t to;
	u64 room, done;
	u64 pos;		/* the last cookie that was given */
};
struct dir_item {
	const char *name;
	u64 cookie;		/* ascending */
	u64 ino;
	u32 mode;
};
/* False: no room, or user memory ended (then *err). */
bool dir_emit(struct dir_reader *rd, const struct dir_item *item, s64 *err);
/*
 * getdents of a directory's entries, and then of what more() emits, behind
 * rd->pos (NULL: nothing); its cookies are larger than theirs.
 */
s64 dir_list(struct file *f, vaddr_t to, u64 len,
	     bool (*more)(struct dir_reader *rd, s64 *err));
/* initramfs.c: how many regular files the archive gave. */
u32 initramfs_files(void);

struct fs_context {
	atomic_t refs;
	spinlock_t lock;		/* LOCK_FILES */
	struct inode *cwd;		/* lock */
	u32 umask;			/* a */
};
struct fs_context *fs_alloc(void);	/* cwd is the root */
struct fs_context *fs_get(struct fs_context *fs);
struct fs_context *fs_dup(struct fs_context *fs);
void fs_put(struct fs_context *fs);
void fs_set_cwd(struct fs_context *fs, struct inode *dir);

#endif
