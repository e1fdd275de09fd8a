/* SPDX-License-Identifier: MIT */
/*
 * /proc, as far as programs need it: self (of whoever looks) and a few files
 * about the machine.  A file's text is made when it is first read and stays
 * the same until it is closed.
 * Tests: tests/abi/t_files, tests/drive/programs.py
 */
#include "arch/smp.h"
#include "arch/uaccess.h"
#include "kernel/init.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/page_alloc.h"
#include "mm/vma.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/times.h"

#define TEXT_MAX	8000U		/* longer ones are cut */

struct text {
	u32 len;
	char buf[TEXT_MAX];
};

struct proc_node {
	const char *name;
	void (*make)(struct text *t);
	struct inode *(*follow)(void);
};

static __printf(2, 3) void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (u32)vscnprintf(t->buf + t->len, TEXT_MAX - t->len, fmt, ap);
	va_end(ap);
}

static s64 proc_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	const struct proc_node *node = f->inode->priv;
	struct text *t = READ_ONCE(f->priv), *made;
	u64 n;

	if (!t) {
		made = kzalloc(sizeof(*made));
		if (!made)
			return -ENOMEM;
		node->make(made);
		t = cmpxchg(&f->priv, NULL, (void *)made);
		if (t)
			kfree(made);	/* another thread's came first */
		else
			t = made;
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
	kfree(f->priv);
}

static const struct file_ops proc_fops = {
	.read = proc_read,
	.release = proc_release,
	.flags = FOP_SEEK,
};

static const char *vma_name(struct vm_area_struct *vma)
{
	if (vma->vm_mapping)
		return vma->vm_mapping->a_ops->name(vma->vm_mapping);
	if (vma->vm_flags & VM_STACK)
		return "[stack]";
	return vma->vm_flags & VM_HEAP ? "[heap]" : "";
}

static void make_maps(struct text *t)
{
	struct mm_struct *mm = cur_proc()->mm;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for_each_vma(mm, vma) {
		u64 f = vma->vm_flags;
		struct inode *inode = vma->vm_mapping ?
				      mapping_inode(vma->vm_mapping) : NULL;

		add(t, "%08llx-%08llx %c%c%c%c %08llx 00:%02x %u %s\n",
		    vma->vm_start, vma->vm_end, f & VM_READ ? 'r' : '-',
		    f & VM_WRITE ? 'w' : '-', f & VM_EXEC ? 'x' : '-',
		    f & VM_SHARED ? 's' : 'p',
		    vma->vm_mapping ? vma->vm_pgoff << PAGE_SHIFT : 0,
		    inode ? 1 : 0, inode ? inode->ino : 0, vma_name(vma));
	}
	mmap_read_unlock(mm);
}

static void make_comm(struct text *t)
{
	add(t, "%s\n", cur_proc()->comm);
}

static void make_status(struct text *t)
{
	struct process *p = cur_proc();

	add(t, "Name:\t%s\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\nThreads:\t%u\n",
	    p->comm, p->pid, cur_uthread()->tid, parent_pid(p), p->nr_threads);
	add(t, "VmSize:\t%llu kB\nVmRSS:\t%llu kB\n",
	    READ_ONCE(p->mm->total_vm) * 4,
	    (u64)(atomic64_read(&p->mm->rss_anon) +
		  atomic64_read(&p->mm->rss_file)) * 4);
}

static void make_meminfo(struct text *t)
{
	struct page_stats ps;

	page_alloc_stats(&ps);
	add(t, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
	    "MemAvailable:   %8llu kB\nBuffers:               0 kB\n"
	    "Cached:         %8llu kB\n", ps.total * 4, nr_free_pages() * 4,
	    nr_free_pages() * 4, nr_cache_pages() * 4);
}

static void make_uptime(struct text *t)
{
	u64 cs = ktime_get() / (NSEC_PER_SEC / 100);

	add(t, "%llu.%02llu 0.00\n", cs / 100, cs % 100);
}

static void make_version(struct text *t)
{
	add(t, "Linux version 6.1.0-rewalk (Rewalk) #1 SMP\n");
}

static void make_cpuinfo(struct text *t)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask)
		add(t, "processor\t: %u\n\n", cpu);
}

static void make_mounts(struct text *t)
{
	add(t, "ramfs / ramfs rw 0 0\n");
}

static struct inode *follow_exe(void)
{
	struct inode *exe = NULL;

	if (!cur_uthread())
		return NULL;
	spin_lock(&proc_lock);
	exe = inode_get(cur_proc()->exe);
	spin_unlock(&proc_lock);
	return exe;
}

static struct inode *follow_cwd(void)
{
	struct fs_context *fs;
	struct inode *cwd;

	if (!cur_uthread())
		return NULL;
	fs = cur_proc()->fs;
	spin_lock(&fs->lock);
	cwd = inode_get(fs->cwd);
	spin_unlock(&fs->lock);
	return cwd;
}

static const struct proc_node nodes[] = {
	{ "self/exe", NULL, follow_exe },
	{ "self/cwd", NULL, follow_cwd },
	{ "self/maps", make_maps, NULL },
	{ "self/comm", make_comm, NULL },
	{ "self/status", make_status, NULL },
	{ "meminfo", make_meminfo, NULL },
	{ "uptime", make_uptime, NULL },
	{ "version", make_version, NULL },
	{ "cpuinfo", make_cpuinfo, NULL },
	{ "mounts", make_mounts, NULL },
};

static int add_node(const struct proc_node *n)
{
	const char *slash = strrchr(n->name, '/');
	const char *base = slash ? slash + 1 : n->name;
	struct inode *dir, *inode;
	char path[48];
	int err = -ENOMEM;

	dir = fs_lookup(NULL, slash ? "/proc/self" : "/proc", WALK_FOLLOW);
	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	snprintf(path, sizeof(path), "/proc/%s", n->name);
	inode = inode_alloc(n->follow ? S_IFLNK | 0777 : S_IFREG | 0444, path);
	if (inode) {
		/* Regular to programs; its page cache stays empty. */
		if (!n->follow)
			inode->fops = &proc_fops;
		inode->follow = n->follow;
		inode->priv = (void *)(u64)n;
		down_write(&fs_names);
		err = dir_add(dir, base, (u32)strlen(base), inode);
		up_write(&fs_names);
		inode_put(inode);
	}
	inode_put(dir);
	return err;
}

static int procfs_init(void)
{
	int err;

	(void)fs_mkdir(NULL, "/proc", 0555);	/* the archive may have it */
	err = fs_mkdir(NULL, "/proc/self", 0555);
	for (u32 i = 0; i < ARRAY_SIZE(nodes) && !err; i++)
		err = add_node(&nodes[i]);
	return err;
}
INITCALL_LEVEL(3, procfs_init);
