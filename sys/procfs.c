/* SPDX-License-Identifier: MIT */
/*
 * /proc: files about the machine, and a directory for each process.
 *
 * F1. A process's directory is made when somebody first looks for it, and
 *     belongs to the process (p->proc_dir).  Whoever takes a process out of
 *     the table frees it, under fs_names for write, so no walk is in it then;
 *     from that moment on none is made (state is PROC_DEAD), and an open file
 *     of it gives -ESRCH.
 * F2. A file's text is made when it is first read, and stays the same until it
 *     is closed or read from its beginning again.
 *
 * Tests: tests/abi/t_proc, t_files, tests/drive/busybox.py
 */
#include "arch/uaccess.h"
#include "kernel/init.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "sys/procfs.h"

#define PID_COOKIES	(1ULL << 32)	/* behind those of entries */

static struct inode *proc_root;		/* I after boot */

void text_bytes(struct text *t, const char *from, u64 n)
{
	u32 size = t->size ? t->size : 1024;
	char *bigger;

	n = min(n, (u64)TEXT_MAX - t->len - 1);
	while (size <= t->len + n)
		size *= 2;
	if (size != t->size) {
		bigger = t->failed ? NULL : kmalloc(size);
		if (!bigger) {
			t->failed = 1;
			return;
		}
		if (t->buf)
			memcpy(bigger, t->buf, t->len);
		kfree(t->buf);
		t->buf = bigger;
		t->size = size;
	}
	memcpy(t->buf + t->len, from, n);
	t->len += (u32)n;
}

void text_add(struct text *t, const char *fmt, ...)
{
	char line[400];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vscnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_bytes(t, line, (u64)n);
}

struct process *proc_process(const struct inode *inode)
{
	return find_process(inode->proc_pid);
}

struct mm_struct *proc_mm(struct process *p)
{
	struct mm_struct *mm = NULL;

	spin_lock(&proc_lock);
	if (p->mm && mmget_not_zero(p->mm))
		mm = p->mm;
	spin_unlock(&proc_lock);
	return mm;
}

s64 proc_get_number(vaddr_t from, u64 len, u32 *value, char *after)
{
	char text[16] = "";
	u64 n = 0, i = 0;

	if (copy_from_user(text, from, min(len, sizeof(text) - 1)))
		return -EFAULT;
	for (; text[i] >= '0' && text[i] <= '9'; i++)
		n = n * 10 + (u64)(text[i] - '0');
	if (!i || n > U32_MAX)
		return -EINVAL;
	*value = (u32)n;
	*after = text[i] == '\n' ? 0 : text[i];
	return 0;
}

static void text_free(struct text *t)
{
	if (t)
		kfree(t->buf);
	kfree(t);
}

/* ERR_PTR. */
static struct text *make_text(const struct inode *inode)
{
	const struct proc_node *node = inode->priv;
	struct process *p = NULL;
	struct text *t;

	if (inode->proc_pid) {
		p = proc_process(inode);
		if (!p)
			return ERR_PTR(-ESRCH);
	}
	t = kzalloc(sizeof(*t));
	if (t)
		node->make(t, p);
	if (p)
		process_put(p);
	if (t && !t->failed)
		return t;
	text_free(t);
	return ERR_PTR(-ENOMEM);
}

/* Under the file's pos_lock, or by pread, which has no such order (F2). */
static s64 proc_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	struct text *t = READ_ONCE(f->priv), *made, *old;
	u64 n;

	if (!t || (!*pos && pos == &f->pos)) {
		made = make_text(f->inode);
		if (IS_ERR(made))
			return PTR_ERR(made);
		old = cmpxchg(&f->priv, (void *)t, (void *)made);
		if (old == t) {
			text_free(t);
			t = made;
		} else {
			text_free(made);	/* another thread's came first */
			t = old;
		}
	}
	if (*pos >= t->len)
		return 0;
	n = min(len, (u64)t->len - *pos);
	if (copy_to_user(to, t->buf + *pos, n))
		return -EFAULT;
	*pos += n;
	return (s64)n;
}

static void proc_release(struct file *f)
{
	text_free(f->priv);
}

static const struct file_ops proc_fops = {
	.read = proc_read,
	.release = proc_release,
	.flags = FOP_SEEK,
};

struct inode *proc_inode(u32 mode, u32 pid, const char *name)
{
	struct inode *inode;
	char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%u%s%s", pid,
			 *name ? "/" : "", name);
	else
		snprintf(path, sizeof(path), "/proc/%s", name);
	inode = inode_alloc(mode, path);
	if (inode)
		inode->proc_pid = pid;
	return inode;
}

/* A node of nodes[] into dir; fs_names write, or dir is nobody else's. */
static int add_node(struct inode *dir, const struct proc_node *n, u32 pid)
{
	struct inode *inode = proc_inode(n->mode, pid, n->name);
	int err;

	if (!inode)
		return -ENOMEM;
	if (n->make)
		inode->fops = &proc_fops;
	else if (n->fops)
		inode->fops = n->fops;
	inode->follow = n->follow;
	inode->lookup = n->lookup;
	inode->priv = (void *)(u64)n;
	err = dir_add(dir, n->name, (u32)strlen(n->name), inode);
	inode_put(inode);
	return err;
}

/* What was in it goes; the caller's reference too.  fs_names as add_node(). */
static void free_dir(struct inode *dir)
{
	struct dirent *de, *n;

	list_for_each_entry_safe(de, n, &dir->entries, link)
		inode_put(dir_remove(dir, de));
	dir->parent = NULL;
	inode_put(dir);
}

/* NULL: no memory. */
static struct inode *make_pid_dir(struct process *p)
{
	struct inode *dir = proc_inode(S_IFDIR | 0555, p->pid, "");
	int err = 0;

	if (!dir)
		return NULL;
	dir->nlink++;
	for (u32 i = 0; i < nr_proc_pid_nodes && !err; i++)
		err = add_node(dir, &proc_pid_nodes[i], p->pid);
	if (err) {
		free_dir(dir);
		return NULL;
	}
	dir->parent = proc_root;
	return dir;
}

/* F1.  False: the process is gone, or has one by now. */
static bool publish_dir(struct process *p, struct inode *dir)
{
	bool mine = false;

	spin_lock(&proc_lock);
	if (p->state != PROC_DEAD && !p->proc_dir) {
		p->proc_dir = dir;
		mine = true;
	}
	spin_unlock(&proc_lock);
	return mine;
}

/* The directory, referenced; NULL. */
static struct inode *pid_dir(struct process *p)
{
	struct inode *dir = READ_ONCE(p->proc_dir);

	if (dir)
		return inode_get(dir);
	dir = make_pid_dir(p);
	if (dir && !publish_dir(p, dir)) {
		free_dir(dir);
		dir = READ_ONCE(p->proc_dir);
	}
	return inode_get(dir);
}

void procfs_forget(struct process *p)
{
	struct inode *dir = p->proc_dir;

	if (!dir)
		return;
	down_write(&fs_names);
	p->proc_dir = NULL;
	free_dir(dir);
	up_write(&fs_names);
}

static struct inode *pid_lookup(struct inode *root, const char *name, u32 len)
{
	struct inode *dir = NULL;
	struct process *p;
	u32 pid = 0;

	(void)root;
	if (len > 9)
		return NULL;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return NULL;
		pid = pid * 10 + (u32)(name[i] - '0');
	}
	p = find_process(pid);
	if (p) {
		dir = pid_dir(p);
		process_put(p);
	}
	return dir;
}

/* The process with the lowest pid above this one; 0: none. */
static u32 next_pid(u32 above)
{
	struct process *p;
	u32 pid = 0;

	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		if (p->pid > above && (!pid || p->pid < pid))
			pid = p->pid;
	}
	spin_unlock(&proc_lock);
	return pid;
}

static bool emit_pids(struct dir_reader *rd, s64 *err)
{
	u32 pid = rd->pos > PID_COOKIES ? (u32)(rd->pos - PID_COOKIES) : 0;
	char name[12];

	while ((pid = next_pid(pid))) {
		struct dir_item item = {
			name, PID_COOKIES + pid, PID_COOKIES + pid, S_IFDIR,
		};

		snprintf(name, sizeof(name), "%u", pid);
		if (!dir_emit(rd, &item, err))
			return false;
	}
	return true;
}

static s64 root_getdents(struct file *f, vaddr_t to, u64 len)
{
	return dir_list(f, to, len, emit_pids);
}

static const struct file_ops root_fops = {
	.getdents = root_getdents,
	.flags = FOP_SEEK | FOP_DIR,
};

static struct inode *follow_self(const struct inode *link)
{
	(void)link;
	return cur_uthread() ? pid_dir(cur_proc()) : NULL;
}

static const struct proc_node self_node = {
	"self", S_IFLNK | 0777, .follow = follow_self,
};

static int procfs_init(void)
{
	int err;

	(void)fs_mkdir(NULL, "/proc", 0555);	/* the archive may have it */
	proc_root = fs_lookup(NULL, "/proc", WALK_FOLLOW);
	if (IS_ERR(proc_root))
		return (int)PTR_ERR(proc_root);
	if (!S_ISDIR(proc_root->mode))
		return -ENOTDIR;
	down_write(&fs_names);
	proc_root->fops = &root_fops;
	proc_root->lookup = pid_lookup;
	err = add_node(proc_root, &self_node, 0);
	for (u32 i = 0; i < nr_proc_sys_nodes && !err; i++)
		err = add_node(proc_root, &proc_sys_nodes[i], 0);
	up_write(&fs_names);
	return err;
}
INITCALL_LEVEL(3, procfs_init);
