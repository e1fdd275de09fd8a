/* SPDX-License-Identifier: MIT */
/*
 * The texts in a process's directory of /proc, in Linux's formats; fields that
 * mean nothing here are 0.  What belongs to a process is read under proc_lock
 * or with a reference on it, never through another process's bare pointers.
 * Tests: tests/abi/t_proc, tests/drive/busybox.py
 */
#include "arch/smp.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/gup.h"
#include "mm/mmap.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "sys/procfs.h"
#include "sys/signal.h"
#include "sys/times.h"

/* What the texts tell, read in one go. */
struct snapshot {
	char state;			/* R S T Z */
	const char *state_name;
	u32 ppid, pgid, sid, threads, uid, gid, euid, egid;
	u64 utime, stime, cutime, cstime, minflt, start;
	s32 nice;
	u64 pending, shared, blocked, ignored, caught;
	u32 queued;
};

struct sizes {
	u64 vm, rss, anon, file, locked, tables, text, stack;	/* pages */
};

static void snapshot_state(struct snapshot *s, struct process *p)
{
	struct uthread *ut;

	s->state = 'S';
	s->state_name = "sleeping";
	list_for_each_entry(ut, &p->threads, link) {
		if (READ_ONCE(ut->thread->state) == THREAD_RUNNABLE)
			s->state = 'R';
	}
	if (p->state != PROC_RUNNING)
		s->state = 'Z';
	else if (p->stopped)
		s->state = 'T';
	s->state_name = s->state == 'R' ? "running" :
			s->state == 'Z' ? "zombie" :
			s->state == 'T' ? "stopped" : "sleeping";
}

static void snapshot_signals(struct snapshot *s, struct process *p)
{
	struct uthread *ut = list_first_entry_or_null(&p->threads,
						      struct uthread, link);

	s->shared = p->shared.set;
	s->queued = p->nr_queued;
	for (u32 i = 0; i < NSIG; i++) {
		if (p->action[i].handler == SIG_IGN)
			s->ignored |= SIGBIT(i + 1);
		else if (p->action[i].handler != SIG_DFL)
			s->caught |= SIGBIT(i + 1);
	}
	if (!ut)
		return;
	s->pending = ut->pending.set;
	s->blocked = ut->blocked;
	s->nice = ut->nice;
}

static void take_snapshot(struct snapshot *s, struct process *p)
{
	memset(s, 0, sizeof(*s));
	spin_lock(&proc_lock);
	s->ppid = p->parent ? p->parent->pid : p->pid == 1 ? 0 : 1;
	s->pgid = p->pgid;
	s->sid = p->sid;
	s->threads = p->nr_threads;
	s->uid = p->uid;
	s->euid = p->euid;
	s->gid = p->gid;
	s->egid = p->egid;
	s->cutime = p->cutime;
	s->cstime = p->cstime;
	s->minflt = process_faults_locked(p);
	s->start = p->start_ns / NSEC_PER_TICK;
	process_ticks_locked(p, &s->utime, &s->stime);
	spin_lock(&p->siglock);
	snapshot_state(s, p);
	snapshot_signals(s, p);
	spin_unlock(&p->siglock);
	spin_unlock(&proc_lock);
}

static void take_sizes(struct sizes *z, struct process *p)
{
	struct mm_struct *mm = proc_mm(p);
	struct vm_area_struct *vma;

	memset(z, 0, sizeof(*z));
	if (!mm)
		return;
	z->anon = (u64)atomic64_read(&mm->rss_anon);
	z->file = (u64)atomic64_read(&mm->rss_file);
	z->rss = z->anon + z->file;
	z->tables = (u64)atomic64_read(&mm->pgt.nr_tables);
	mmap_read_lock(mm);
	z->vm = mm->total_vm;
	z->locked = mm_locked_pages(mm, 0, USER_END);
	for_each_vma(mm, vma) {
		if (vma->vm_mapping && (vma->vm_flags & VM_EXEC))
			z->text += vma_pages(vma);
		if (vma->vm_flags & VM_STACK)
			z->stack += vma_pages(vma);
	}
	mmap_read_unlock(mm);
	mmput(mm);
}

static void make_stat(struct text *t, struct process *p)
{
	struct snapshot s;
	struct sizes z;

	take_snapshot(&s, p);
	take_sizes(&z, p);
	text_add(t, "%u (%s) %c %u %u %u 0 -1 0 %llu 0 0 0 ", p->pid, p->comm,
		 s.state, s.ppid, s.pgid, s.sid, s.minflt);
	text_add(t, "%llu %llu %llu %llu %d %d %u 0 %llu %llu %llu ", s.utime,
		 s.stime, s.cutime, s.cstime, 20 + s.nice, s.nice, s.threads,
		 s.start, z.vm * PAGE_SIZE, z.rss);
	text_add(t, "%llu 0 0 0 0 0 %llu %llu %llu %llu ", RLIM_INFINITY,
		 s.pending | s.shared, s.blocked, s.ignored, s.caught);
	text_add(t, "0 0 0 %u 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", p->exit_signal);
}

static void make_statm(struct text *t, struct process *p)
{
	struct sizes z;

	take_sizes(&z, p);
	text_add(t, "%llu %llu %llu %llu 0 %llu 0\n", z.vm, z.rss, z.file,
		 z.text, z.vm - z.text);
}

static void make_status(struct text *t, struct process *p)
{
	struct snapshot s;
	struct sizes z;

	take_snapshot(&s, p);
	take_sizes(&z, p);
	text_add(t, "Name:\t%s\nState:\t%c (%s)\nTgid:\t%u\nNgid:\t0\n"
		 "Pid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", p->comm, s.state,
		 s.state_name, p->pid, p->pid, s.ppid);
	text_add(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\n"
		 "Groups:\t\n", s.uid, s.euid, s.euid, s.euid, s.gid, s.egid,
		 s.egid, s.egid, FILES_SMALL);
	text_add(t, "VmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmRSS:\t%8llu kB\n"
		 "RssAnon:\t%8llu kB\nRssFile:\t%8llu kB\n", z.vm * 4,
		 z.locked * 4, z.rss * 4, z.anon * 4, z.file * 4);
	text_add(t, "VmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmPTE:\t%8llu kB\n"
		 "Threads:\t%u\nSigQ:\t%u/1024\n", z.stack * 4, z.text * 4,
		 z.tables * 4, s.threads, s.queued);
	text_add(t, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n"
		 "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", s.pending, s.shared,
		 s.blocked, s.ignored, s.caught);
}

static void make_comm(struct text *t, struct process *p)
{
	text_add(t, "%s\n", p->comm);
}

/* The strings of argv, as the program has them now. */
static void make_cmdline(struct text *t, struct process *p)
{
	struct mm_struct *mm = proc_mm(p);
	char buf[256];
	u64 at, n;

	if (!mm)
		return;
	for (at = mm->arg_start; at < mm->arg_end; at += n) {
		n = min(mm->arg_end - at, sizeof(buf));
		if (copy_from_mm(mm, buf, at, n))
			break;
		text_bytes(t, buf, n);
	}
	mmput(mm);
}

static struct inode *follow_exe(const struct inode *link)
{
	struct process *p = proc_process(link);
	struct inode *exe;

	if (!p)
		return NULL;
	spin_lock(&proc_lock);
	exe = inode_get(p->exe);
	spin_unlock(&proc_lock);
	process_put(p);
	return exe;
}

static struct inode *follow_cwd(const struct inode *link)
{
	struct process *p = proc_process(link);
	struct inode *cwd = NULL;
	struct fs_context *fs;

	if (!p)
		return NULL;
	spin_lock(&proc_lock);
	fs = p->fs ? fs_get(p->fs) : NULL;
	spin_unlock(&proc_lock);
	process_put(p);
	if (!fs)
		return NULL;
	spin_lock(&fs->lock);
	cwd = inode_get(fs->cwd);
	spin_unlock(&fs->lock);
	fs_put(fs);
	return cwd;
}

static struct inode *follow_root(const struct inode *link)
{
	(void)link;
	return inode_get(fs_root);
}

const struct proc_node proc_pid_nodes[] = {
	{ "clear_refs", S_IFREG | 0200, .fops = &proc_clear_refs_fops },
	{ "cmdline", S_IFREG | 0444, .make = make_cmdline },
	{ "comm", S_IFREG | 0444, .make = make_comm },
	{ "cwd", S_IFLNK | 0777, .follow = follow_cwd },
	{ "exe", S_IFLNK | 0777, .follow = follow_exe },
	{ "fail-nth", S_IFREG | 0600, .fops = &proc_fail_fops },
	{ "fd", S_IFDIR | 0500, .fops = &proc_fd_fops,
	  .lookup = proc_fd_lookup },
	{ "maps", S_IFREG | 0444, .make = proc_make_maps },
	{ "mem", S_IFREG | 0600, .fops = &procmem_fops },
	{ "pagemap", S_IFREG | 0400, .fops = &proc_pagemap_fops },
	{ "root", S_IFLNK | 0777, .follow = follow_root },
	{ "smaps", S_IFREG | 0444, .make = proc_make_smaps },
	{ "stat", S_IFREG | 0444, .make = make_stat },
	{ "statm", S_IFREG | 0444, .make = make_statm },
	{ "status", S_IFREG | 0444, .make = make_status },
};
const u32 nr_proc_pid_nodes = ARRAY_SIZE(proc_pid_nodes);
