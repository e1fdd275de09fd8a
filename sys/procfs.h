/* SPDX-License-Identifier: MIT */
/* Between the files of /proc: procfs.c has the tree, the others the texts. */
#ifndef SYS_PROCFS_H
#define SYS_PROCFS_H

#include "lib/compiler.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"

#define TEXT_MAX	(1U << 20)	/* longer ones are cut */

struct text {
	u32 len, size;
	char *buf;
	u32 failed;			/* no memory: -ENOMEM */
};
__printf(2, 3) void text_add(struct text *t, const char *fmt, ...);
void text_bytes(struct text *t, const char *from, u64 n);

struct proc_node {
	const char *name;
	u32 mode;			/* with its type */
	/* One of these.  p is NULL for files about the machine. */
	void (*make)(struct text *t, struct process *p);
	const struct file_ops *fops;
	struct inode *(*follow)(const struct inode *link);
	struct inode *(*lookup)(struct inode *dir, const char *name, u32 len);
};

/* The process an inode of /proc is about, referenced; NULL: it is gone. */
struct process *proc_process(const struct inode *inode);
/* Its mm, with a reference for mmput; NULL: none (any more). */
struct mm_struct *proc_mm(struct process *p);
/*
 * The number a program writes to a file, without memory of ours: 0, -EINVAL,
 * -EFAULT.  *after: what follows it, 0 for nothing or a newline.
 */
s64 proc_get_number(vaddr_t from, u64 len, u32 *value, char *after);
/* An inode of a process's directory, one reference.  NULL: no memory. */
struct inode *proc_inode(u32 mode, u32 pid, const char *name);

/* procpid.c, procsys.c, procmem.c, procfd.c, procfail.c */
extern const struct proc_node proc_pid_nodes[], proc_sys_nodes[];
extern const u32 nr_proc_pid_nodes, nr_proc_sys_nodes;
void proc_make_maps(struct text *t, struct process *p);
void proc_make_smaps(struct text *t, struct process *p);
extern const struct file_ops proc_pagemap_fops, proc_fd_fops, proc_fail_fops,
			     proc_clear_refs_fops;
struct inode *proc_fd_lookup(struct inode *dir, const char *name, u32 len);

#endif
