/* SPDX-License-Identifier: MIT */
/*
 * The table of processes: birth, look-up and references.
 *
 * P1. A process is in all_processes and in the pid hash from its first
 *     thread's publication until it is reaped (process_unlink_locked); the
 *     lists hold one reference, each thread one, and users take more.
 * P2. A thread is on its process's list from publication until do_exit(): as
 *     long as it is there (proc_lock or siglock held), ut->thread is alive,
 *     since a thread that has not exited keeps its structure.
 * P3. p->mm is NULL before exec gave one and after the last thread dropped it;
 *     whoever is not a thread of p reads it under proc_lock and takes a
 *     reference before unlocking.
 * P4. uthread and FPU area live as long as struct thread: the switch away from
 *     a dead thread still saves into the area.
 *
 * Locks: proc_lock, then a siglock.  Tests: tests/abi/t_fork, t_threads
 */
#include "kernel/init.h"
#include "kernel/panic.h"
#include "kernel/timer.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vma.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/timers.h"

#define HASH_SIZE	256

DEFINE_SPINLOCK(proc_lock, LOCK_PROC);
LIST_HEAD(all_processes);
struct wait_queue_head kernel_child_wait =
	WAIT_QUEUE_HEAD_INIT(kernel_child_wait);

static struct hlist_head hash[HASH_SIZE];	/* P */
static struct kmem_cache *process_cache, *uthread_cache, *fpu_cache;

static int process_init(void)
{
	process_cache = kmem_cache_create("process", sizeof(struct process), 64,
					  SLAB_PLAIN, NULL);
	uthread_cache = kmem_cache_create("uthread", sizeof(struct uthread), 64,
					  SLAB_PLAIN, NULL);
	fpu_cache = kmem_cache_create("fpu", fpu_area_size(), 64, SLAB_PLAIN,
				      NULL);
	return process_cache && uthread_cache && fpu_cache ? 0 : -ENOMEM;
}
INITCALL_LEVEL(1, process_init);

static void set_limit(struct process *p, u32 which, u64 val)
{
	p->rlim[which].cur = p->rlim[which].max = val;
}

static void default_limits(struct process *p)
{
	for (u32 i = 0; i < RLIM_NLIMITS; i++)
		p->rlim[i].cur = p->rlim[i].max = RLIM_INFINITY;
	p->rlim[RLIMIT_STACK].cur = 8UL << 20;
	p->rlim[RLIMIT_CORE].cur = 0;
	set_limit(p, RLIMIT_NOFILE, FILES_MAX);
	set_limit(p, RLIMIT_MEMLOCK, 8UL << 20);
	set_limit(p, RLIMIT_MSGQUEUE, 819200);
	set_limit(p, RLIMIT_NICE, 0);
	set_limit(p, RLIMIT_RTPRIO, 0);
}

void process_apply_limits(const struct process *p, struct mm_struct *mm)
{
	WRITE_ONCE(mm->limit_as, p->rlim[RLIMIT_AS].cur);
	WRITE_ONCE(mm->limit_data, p->rlim[RLIMIT_DATA].cur);
	WRITE_ONCE(mm->limit_locked, p->rlim[RLIMIT_MEMLOCK].cur);
	WRITE_ONCE(mm->limit_stack, p->rlim[RLIMIT_STACK].cur);
}

struct process *process_alloc(void)
{
	struct process *p = kmem_cache_zalloc(process_cache);

	if (!p)
		return NULL;
	atomic_set(&p->refs, 1);
	INIT_LIST_HEAD(&p->all_link);
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->sibling);
	INIT_LIST_HEAD(&p->threads);
	init_waitqueue_head(&p->child_wait);
	init_waitqueue_head(&p->event);
	spin_lock_init(&p->siglock, LOCK_SIGNAL);
	INIT_LIST_HEAD(&p->shared.queue);
	INIT_LIST_HEAD(&p->timers);
	itimers_prepare(p);
	p->exit_signal = SIGCHLD;
	p->start_ns = ktime_get();
	default_limits(p);
	return p;
}

void process_get(struct process *p)
{
	atomic_inc(&p->refs);
}

void process_put(struct process *p)
{
	KASSERT(atomic_read(&p->refs) > 0);
	if (!atomic_dec_and_test(&p->refs))
		return;
	KASSERT(!p->mm && !p->files && !p->proc_dir);
	KASSERT(list_empty(&p->threads));
	sigpending_flush(p, &p->shared);
	kmem_cache_free(process_cache, p);
}

/* All that a zombie does without.  By the last thread, or before the first. */
void process_release_resources(struct process *p)
{
	struct fs_context *fs;
	struct files *files;
	struct mm_struct *mm;
	struct inode *exe;

	spin_lock(&proc_lock);
	files = p->files;
	fs = p->fs;
	mm = p->mm;
	exe = p->exe;
	p->files = NULL;
	p->fs = NULL;
	p->mm = NULL;			/* P3 */
	p->exe = NULL;
	spin_unlock(&proc_lock);
	if (mm)
		mmput(mm);
	if (files)
		files_put(files);
	if (fs)
		fs_put(fs);
	if (exe)
		inode_put(exe);
}

void process_discard(struct process *p)
{
	process_release_resources(p);
	process_put(p);
}

struct uthread *uthread_create(struct process *p)
{
	struct uthread *ut = kmem_cache_zalloc(uthread_cache);
	void *fpu = kmem_cache_alloc(fpu_cache);
	struct thread *t;

	if (!ut || !fpu)
		goto fail;
	t = thread_create(p->comm, uthread_main, ut);
	if (IS_ERR(t))
		goto fail;
	fpu_area_init(fpu);
	t->arch.fpu = fpu;
	t->user = ut;
	ut->thread = t;
	ut->proc = p;
	process_get(p);
	INIT_LIST_HEAD(&ut->link);
	INIT_LIST_HEAD(&ut->pending.queue);
	ut->altstack.flags = SS_DISABLE;
	ut->tid = t->tid;
	memset(arch_user_regs(&t->arch), 0, sizeof(struct regs));
	return ut;
fail:
	if (ut)
		kmem_cache_free(uthread_cache, ut);
	if (fpu)
		kmem_cache_free(fpu_cache, fpu);
	return ERR_PTR(-ENOMEM);
}

void uthread_discard(struct uthread *ut)
{
	struct thread *t = ut->thread;

	thread_put(t);		/* the one it would run with */
	thread_put(t);		/* and its creator's */
}

void upcall_thread_free(struct thread *t)
{
	struct uthread *ut = t->user;
	struct process *p = ut->proc;

	kmem_cache_free(fpu_cache, t->arch.fpu);
	sigpending_flush(p, &ut->pending);
	kmem_cache_free(uthread_cache, ut);
	process_put(p);
}

static void process_link_locked(struct process *p, struct process *parent)
{
	process_get(p);					/* P1 */
	list_add_tail(&p->all_link, &all_processes);
	hlist_add_head(&p->hash, &hash[p->pid % HASH_SIZE]);
	/* It may have ended since it was chosen: then the kernel is. */
	if (parent && parent->state != PROC_RUNNING)
		parent = NULL;
	p->parent = parent;
	if (parent)
		list_add_tail(&p->sibling, &parent->children);
}

int uthread_publish(struct uthread *ut, struct process *parent)
{
	struct process *p = ut->proc;
	struct thread *t = ut->thread;
	int err = 0;

	spin_lock(&proc_lock);
	spin_lock(&p->siglock);
	if (p->group_exit || p->group_exec || fatal_signal_pending()) {
		err = -EAGAIN;		/* what kills a group misses nobody */
	} else {
		if (!p->pid) {
			p->pid = ut->tid;
			if (!p->pgid)
				p->pgid = p->sid = p->pid;
			process_link_locked(p, parent);
		}
		list_add_tail(&ut->link, &p->threads);
		p->nr_threads++;
		recalc_interrupted_locked(ut);	/* stopped meanwhile? */
	}
	spin_unlock(&p->siglock);
	spin_unlock(&proc_lock);
	if (err)
		return err;
	thread_start(t);
	thread_put(t);
	return 0;
}

void process_unlink_locked(struct process *p)
{
	assert_spin_held(&proc_lock);
	p->state = PROC_DEAD;
	list_del_init(&p->all_link);
	hlist_del_init(&p->hash);
	if (p->parent)
		list_del_init(&p->sibling);
	p->parent = NULL;
}

void process_reap(struct process *p)
{
	procfs_forget(p);
	process_put(p);
}

struct process *find_process_locked(u32 pid)
{
	struct process *p;

	assert_spin_held(&proc_lock);
	hlist_for_each_entry(p, &hash[pid % HASH_SIZE], hash) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

struct uthread *find_uthread_locked(u32 tid)
{
	struct process *p;
	struct uthread *ut;

	assert_spin_held(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link) {
		list_for_each_entry(ut, &p->threads, link) {
			if (ut->tid == tid)
				return ut;
		}
	}
	return NULL;
}

struct process *find_process(u32 pid)
{
	struct process *p;

	spin_lock(&proc_lock);
	p = find_process_locked(pid);
	if (p)
		process_get(p);
	spin_unlock(&proc_lock);
	return p;
}

struct mm_struct *upcall_mm_of_pid(u32 pid)
{
	struct mm_struct *mm = NULL;
	struct process *p;

	spin_lock(&proc_lock);
	p = find_process_locked(pid);
	if (p && p->mm && mmget_not_zero(p->mm))
		mm = p->mm;
	spin_unlock(&proc_lock);
	return mm;
}

/* The last part of the path, as ps shows it. */
void process_set_comm(struct process *p, const char *path)
{
	const char *slash = strrchr(path, '/');

	strlcpy(p->comm, slash ? slash + 1 : path, sizeof(p->comm));
}

u32 parent_pid(struct process *p)
{
	u32 pid;

	spin_lock(&proc_lock);
	pid = p->parent ? p->parent->pid : 1;
	spin_unlock(&proc_lock);
	return pid;
}
