/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables.
 *
 * A struct file lives while a descriptor or a running call refers to it; its
 * operations get user addresses, may sleep, and take no lock of the caller but
 * pos_lock (seekable files only).
 */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include "kernel/mutex.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/errseq.h"
#include "mm/readahead.h"
#include "sys/abi.h"

#define FILES_MAX	1024
#define FILES_SMALL	64

struct file;
struct inode;
struct poll_table;
struct process;

struct file_ops {
	/* A new file, nobody else's yet.  0 or -Exxx; then release comes. */
	int (*open)(struct file *f);
	/* At *pos, which is moved.  Bytes or -Exxx. */
	s64 (*read)(struct file *f, vaddr_t to, u64 len, u64 *pos);
	s64 (*write)(struct file *f, vaddr_t from, u64 len, u64 *pos);
	s64 (*ioctl)(struct file *f, u32 cmd, u64 arg);
	/* POLL* now; adds wait queues to pt when that is not NULL. */
	u32 (*poll)(struct file *f, struct poll_table *pt);
	s64 (*getdents)(struct file *f, vaddr_t to, u64 len);
	/* A descriptor of it is closed; others may be open. */
	void (*flush)(struct file *f);
	void (*release)(struct file *f);
	u32 flags;
};
#define FOP_SEEK	BIT(0)		/* has a position; pread works */
#define FOP_DIR		BIT(1)
#define FOP_NO_END	BIT(2)		/* SEEK_END makes no sense */

struct file {
	atomic_t refs;
	u32 flags;			/* a: O_* */
	const struct file_ops *ops;	/* I */
	struct inode *inode;		/* I: NULL for pipes */
	void *priv;			/* the ops' */
	u64 pos;			/* pos_lock */
	errseq_t wb_err;		/* pos_lock: failed writes told so far */
	struct file_ra ra;		/* read-ahead; its own rule */
	struct mutex pos_lock;		/* LOCK_FPOS */
};

static inline bool file_readable(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH);
}
static inline bool file_writable(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH);
}

/* inode's reference passes to the file, also on failure.  NULL: no memory. */
struct file *file_alloc(struct inode *inode, const struct file_ops *ops,
			u32 flags);
/* One that nobody else sees yet, allocated without an inode, gets one. */
void file_attach(struct file *f, struct inode *inode,
		 const struct file_ops *ops);
struct file *file_get(struct file *f);
void file_put(struct file *f);			/* sleeps */
void file_close(struct file *f);		/* a descriptor's: and flush */

struct files {
	atomic_t refs;
	spinlock_t lock;			/* LOCK_FILES */
	u32 max;				/* entries fd[] has */
	struct file **fd;
	struct file *small[FILES_SMALL];
	DECLARE_BITMAP(used, FILES_MAX);	/* set and fd NULL: reserved */
	DECLARE_BITMAP(cloexec, FILES_MAX);
};

struct files *files_alloc(void);
/* Takes the file out of the table; NULL if there is none. */
struct file *files_take(struct files *fs, u64 fd);
/*
 * *f becomes fd's file in one step, and *f what was there, or NULL.  0,
 * -ENOMEM, or -EBUSY when an open of that number is half done: *f stays.
 */
int files_replace(struct files *fs, u32 fd, struct file **f, u32 flags);
struct files *files_get(struct files *fs);
struct files *files_dup(struct files *fs);	/* NULL: no memory */
void files_put(struct files *fs);		/* sleeps */
void files_close_exec(struct files *fs);
/* p, current's, gets a table that is not shared with anybody.  0, -ENOMEM. */
int files_unshare(struct process *p);

/*
 * Of current.  The file with a reference, or NULL; raw: also one that was
 * opened with O_PATH, which stands for a name and can do no more.
 */
struct file *fget(u64 fd);
struct file *fget_raw(u64 fd);
/* The lowest free number >= from, reserved.  -EMFILE, -EINVAL, -ENOMEM. */
int fd_reserve(u32 from, u32 flags);
void fd_unreserve(int fd);
/* The file's reference passes to the table. */
void fd_install(int fd, struct file *f);
/* fd_reserve and fd_install; puts f on failure.  The number or -Exxx. */
s64 fd_add(struct file *f, u32 flags);
/* As the n-th entry of a table nobody else sees yet. */
void files_set(struct files *fs, u32 fd, struct file *f);

/*
 * rw.c: a copy of a user's vector, for kfree; ERR_PTR.  LOCAL: each entry is
 * checked, and all together cut at MAX_RW_COUNT.
 */
enum iovec_side { IOVEC_LOCAL, IOVEC_REMOTE };
struct linux_iovec *get_iovec(vaddr_t from, u64 nr, enum iovec_side side);

/* vmaccess.c */
extern const struct file_ops procmem_fops;

/* poll.c */
#define POLL_INLINE	8
struct poll_entry {
	struct wait_queue_head *wq;
	struct wait_entry w;
};
struct poll_table {
	u32 nr;
	u32 failed;		/* no room for a queue: look again soon */
	u32 max;
	struct poll_entry *entry;
	struct poll_entry small[POLL_INLINE];
};
void poll_wait(struct poll_table *pt, struct wait_queue_head *wq);

/* devfs.c: what an mmap of f shows, or NULL: no device, or it shows nothing. */
struct address_space *chardev_mapping(struct file *f, u32 *writable);

/* pipe.c, tty.c */
extern const struct file_ops tty_fops;

#endif
