/* SPDX-License-Identifier: MIT */
/*
 * The OOM killer.
 *
 * O1. The victim is the mm with the most memory: frames mapped, slots used,
 *     tables.  The table of candidates is printed, so that everybody can see
 *     why.
 * O2. One victim at a time: while one is dying and the reaper is not through
 *     with it, nobody else is picked; whoever asks waits a little.
 * O3. Progress does not depend on the victim.  The reaper takes its anonymous
 *     private pages away at once, under mmap_lock for reading; if that cannot
 *     be had (the victim may hold it and wait for memory) it is tried again
 *     for a while, and then another victim may be picked.
 * O4. A device that would have to sleep keeps its range (-EAGAIN): the reaper
 *     leaves that vma out.
 * O5. A victim's thread that faults again gets SIGBUS' worth: its memory is
 *     gone, and it must not see zeros as if nothing had happened.
 *     mm->oom_state == OOM_REAPED says so.
 *
 *	picker (oom_mutex)		reaper			exit_mmap
 *	(1) choose, oom_victim = mm	(A) victim set		(a) mm_users 0
 *	(2) SIGKILL			(B) read lock; zap	(b) write lock; zap
 *	(3) wake the reaper, sleep	(C) state REAPED	(c) gone
 * (B) and (b) exclude each other by mmap_lock; (B) needs mm_users, which it
 * gets with mmget_not_zero or gives up: then (b) is under way.
 *
 * Locks: oom_mutex; the reaper: mmap_lock (trylock), then zap's.
 * Tests: tests/kt/kt_oom.c, drive/pressure
 */
#include "kernel/racepoint.h"
#include "kernel/init.h"
#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/mmu_notifier.h"
#include "mm/oom.h"
#include "mm/page_alloc.h"
#include "mm/vmscan.h"
#include "mm/vmstat.h"

#define LOCK_TRIES	20
#define RETRY_MS	10
#define WAIT_MS		20
#define MAX_SHOWN	10

static const struct oom_ops *ops;
static DEFINE_MUTEX(oom_mutex, LOCK_OOM);
static struct mm_struct *victim;		/* a: has an mm_count of ours */
static struct wait_queue_head reaper_wait =
	WAIT_QUEUE_HEAD_INIT(reaper_wait);

void oom_set_ops(const struct oom_ops *o)
{
	ops = o;
}

bool oom_victim_current(void)
{
	struct thread *t = current();

	return t && t->mm && READ_ONCE(t->mm->oom_state) != OOM_NONE;
}

static u64 frames_of(const struct mm_struct *mm)
{
	return (u64)(atomic64_read(&mm->rss_anon) +
		     atomic64_read(&mm->rss_file) +
		     atomic64_read(&mm->swap_ents) +
		     atomic64_read(&mm->pgt.nr_tables));
}

/* O1.  Nobody is picked twice. */
static u64 points(const struct mm_struct *mm)
{
	return READ_ONCE(mm->oom_state) == OOM_NONE ? frames_of(mm) : 0;
}

static void show(struct mm_struct *mm)
{
	char comm[24] = "?";
	u32 pid = ops ? ops->describe(mm, comm, sizeof(comm)) : 0;

	pr_err("%6u %5u %9lld %9lld %9lld %7lld  %s\n", pid, mm->id,
	       atomic64_read(&mm->rss_anon), atomic64_read(&mm->rss_file),
	       atomic64_read(&mm->swap_ents),
	       atomic64_read(&mm->pgt.nr_tables), comm);
}

/* (1)-(3).  mm's reference is the victim's afterwards. */
static void kill_it(struct mm_struct *mm)
{
	char comm[24] = "?";
	u32 pid = ops ? ops->describe(mm, comm, sizeof(comm)) : 0;

	pr_err("out of memory: killing process %u (%s), mm %u: it has the most, %llu pages\n",
	       pid, comm, mm->id, frames_of(mm));
	count_vm_event(OOM_KILL);
	WRITE_ONCE(mm->oom_state, OOM_DYING);
	if (ops)
		ops->kill(mm);
	WRITE_ONCE(victim, mm);					/* (1) */
	wake_up_all(&reaper_wait);
}

/*
 * mmap_lock of somebody may be held here, so no mm is kept by mm_users: its
 * last put would take another one.
 */
static bool kill_one(void)
{
	struct mm_struct *mm[MAX_SHOWN];
	u32 n = mm_largest(mm, MAX_SHOWN, points), i;
	bool found = n && points(mm[0]);

	pr_err("out of memory: %llu frames free\n", nr_free_pages());
	pr_err("   pid    mm      anon      file   swapped  tables  name\n");
	for (i = 0; i < n; i++)
		show(mm[i]);
	if (found)
		kill_it(mm[0]);
	else
		pr_err("out of memory: there is nobody to kill\n");
	for (i = found; i < n; i++)
		mmdrop(mm[i]);
	return found;
}

bool out_of_memory(void)
{
	bool ok = true;

	might_sleep();
	if (mutex_trylock(&oom_mutex)) {
		if (!READ_ONCE(victim))				/* O2 */
			ok = kill_one();
		mutex_unlock(&oom_mutex);
	}
	sleep_ms(WAIT_MS);
	return ok;
}

/* O4.  A private anonymous vma nobody else needs. */
static void reap_vma(struct vm_area_struct *vma)
{
	bool forgets = BUG_SWITCH("reaper_forgets");
	struct mmu_notifier_range range;
	struct mmu_gather tlb;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, vma->vm_mm,
				vma->vm_start, vma->vm_end);
	if (!forgets && mmu_notifier_invalidate_range_start_nonblock(&range))
		return;
	tlb_gather_mmu(&tlb, vma->vm_mm);
	zap_range(&tlb, vma, vma->vm_start, vma->vm_end);
	if (!forgets)
		mmu_notifier_invalidate_range_end(&range);
	tlb_finish_mmu(&tlb);
	RACE_POINT("oom:reaped");
}

/* (B).  False: the lock is not to be had. */
static bool reap_locked(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	if (!down_read_trylock(&mm->mmap_lock))
		return false;
	WRITE_ONCE(mm->oom_state, OOM_REAPED);			/* O5 */
	for_each_vma(mm, vma)
		if (!(vma->vm_flags & VM_SHARED))
			reap_vma(vma);
	up_read(&mm->mmap_lock);
	return true;
}

static void reap(struct mm_struct *mm)
{
	u64 had = frames_of(mm);
	bool done = false;

	for (u32 i = 0; i < LOCK_TRIES && !done; i++) {		/* O3 */
		if (!mmget_not_zero(mm))
			return;				/* it is being torn down */
		done = reap_locked(mm);
		mmput(mm);
		if (!done)
			sleep_ms(RETRY_MS);
	}
	if (done)
		pr_err("out of memory: mm %u had %llu pages, has %llu\n",
		       mm->id, had, frames_of(mm));
}

static void reaper_main(void *arg)
{
	(void)arg;
	current()->memalloc++;
	for (;;) {
		struct mm_struct *mm;

		wait_event(&reaper_wait, READ_ONCE(victim));
		mm = READ_ONCE(victim);
		reap(mm);
		WRITE_ONCE(victim, NULL);			/* (C) */
		mmdrop(mm);
	}
}

static int oom_init(void)
{
	struct thread *t = kthread_run("oom_reaper", -1, reaper_main, NULL);

	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	thread_put(t);
	return 0;
}
INITCALL_LEVEL(1, oom_init);
