/* SPDX-License-Identifier: MIT */
/*
 * A gate around everything that moves pages without a mmap_lock, so that the
 * auditor (check.c) can have them stand still and count exactly.
 *
 * G1. Whoever holds a mmap_lock or a vma's lock is never stopped: the auditor
 *     holds all mmap_locks, and has all vmas marked, before it closes the gate.
 * G2. Inside nobody waits for a mmap_lock (lab: rank MOTION stands behind MMAP
 *     and VMA), so those inside come out while the auditor waits.
 * G3. A page lock is taken inside only, or under a mmap_lock: nobody is stopped
 *     with one that somebody inside waits for.
 * G4. Nesting is counted by thread; only the outermost level asks the gate.
 * G5. Completions of devices are not stopped: those inside may wait for them.
 *     What they do (PG_writeback, its tag, a page's place in the lists) is done
 *     in an order that the auditor allows for.
 *
 *	mover				auditor
 *	(1) inside++ (full barrier)	(A) closed = 1; mb
 *	(2) closed?			(B) wait until inside == 0
 *	(3) then inside--, wait, (1)
 * (1) before (B): waited for, or (3).  (B) before (1): (2) sees (A).
 *
 * Tests: tests/kt/kt_motion.c, kt_check.c
 */
#include "arch/smp.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/wait.h"
#include "mm/motion.h"

static atomic_t inside;
static u32 closed;
static struct wait_queue_head
	opened = WAIT_QUEUE_HEAD_INIT(opened),		/* movers wait */
	emptied = WAIT_QUEUE_HEAD_INIT(emptied);	/* the auditor waits */

static void leave(void)
{
	if (atomic_dec_and_test(&inside) && unlikely(READ_ONCE(closed)))
		wake_up_all(&emptied);
}

static void enter(void)
{
	for (;;) {
		atomic_inc_return(&inside);			/* (1) */
		if (likely(!READ_ONCE(closed)))			/* (2) */
			return;
		leave();					/* (3) */
		wait_event(&opened, !READ_ONCE(closed));
	}
}

void page_motion_begin(void)
{
	if (current()->page_motion++)				/* G4 */
		return;
	might_sleep();
	if (CONFIG_LAB)
		lockdep_acquire(&inside, LOCK_MOTION, LOCKDEP_READ);
	enter();
}

void page_motion_begin_reclaim(void)
{
	if (current()->page_motion++)
		return;
	enter();
	if (CONFIG_LAB)
		lockdep_acquire_try(&inside, LOCK_MOTION, LOCKDEP_READ);
}

void page_motion_end(void)
{
	KASSERT(current()->page_motion);
	if (--current()->page_motion)
		return;
	if (CONFIG_LAB)
		lockdep_release(&inside);
	leave();
}

bool page_motion_stop(u64 ms)
{
	u64 deadline = ktime_get() + ms * 1000000;

	KASSERT(!closed && !current()->page_motion);
	WRITE_ONCE(closed, 1);					/* (A) */
	smp_mb();		/* partner: (1) */
	while (atomic_read(&inside) && ktime_get() < deadline)	/* (B) */
		wait_event_until(&emptied, !atomic_read(&inside), deadline);
	if (!atomic_read(&inside))
		return true;
	page_motion_start();
	return false;
}

void page_motion_start(void)
{
	WRITE_ONCE(closed, 0);
	wake_up_all(&opened);
}
