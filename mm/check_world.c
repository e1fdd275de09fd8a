/* SPDX-License-Identifier: MIT */
/*
 * The world of pages stands still: no mapping, entry, cache or list of pages
 * changes.  In this order:
 *	(1) no new mm (mm_create_stop)
 *	(2) the mmap_lock of every mm for write, oldest first: the only other
 *	    path that holds two is fork, and a child is younger than its parent
 *	(3) every vma marked: faults by a vma's lock
 *	(4) those mms end that were ending; ours cannot, we hold them
 *	(5) who moves pages without a mmap_lock: page_motion_stop (motion.h)
 * Whoever is waited for in (2) to (5) needs none of the earlier ones; but one
 * that reclaims might wait for the victim of the OOM killer, and that for us:
 * so what takes long is given up and begun again.
 *
 * Locks: audit_mutex held; MM_CREATE, mmap_locks.  Tests: tests/kt/kt_check.c
 */
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/check_world.h"
#include "mm/internal.h"
#include "mm/motion.h"
#include "mm/vmalloc.h"

#define STOP_TRIES	20
#define STOP_MS		500

DEFINE_MUTEX(audit_mutex, LOCK_AUDIT);
struct held_mms stopped_mms;

/* (2), (3).  No mm can come or be freed, and the list is in order of age. */
static void lock_each_mm(void)
{
	struct mm_struct *mm = NULL;

	while ((mm = mm_next(mm))) {
		KASSERT(stopped_mms.nr < stopped_mms.max);
		mmget(mm);
		down_write_nest_lock(&mm->mmap_lock, &audit_mutex);
		stopped_mms.mm[stopped_mms.nr++] = mm;
	}
	for (u32 i = 0; i < stopped_mms.nr; i++)
		vma_start_write_all(stopped_mms.mm[i]);
}

static void release_mms(void)
{
	for (u32 i = 0; i < stopped_mms.nr; i++)
		mmap_write_unlock(stopped_mms.mm[i]);
	mm_create_start();
	for (u32 i = 0; i < stopped_mms.nr; i++)
		mmput(stopped_mms.mm[i]);
	vfree(stopped_mms.mm);
	stopped_mms = (struct held_mms){ 0 };
}

/* (4) */
static bool wait_for_dying(void)
{
	for (u32 ms = 0; mm_any_dying(); ms += 10) {
		if (ms >= STOP_MS)
			return false;
		sleep_ms(10);
	}
	return true;
}

/* 0, -ENOMEM or -EBUSY: nothing is stopped. */
static int try_stop_world(void)
{
	stopped_mms.max = mm_create_stop();				/* (1) */
	stopped_mms.mm = vmalloc((stopped_mms.max + 1) * sizeof(*stopped_mms.mm));
	if (!stopped_mms.mm) {
		mm_create_start();
		return -ENOMEM;
	}
	lock_each_mm();
	if (wait_for_dying() && page_motion_stop(STOP_MS))	/* (5) */
		return 0;
	release_mms();
	return -EBUSY;
}

int stop_world(void)
{
	int err = -EBUSY;

	for (u32 i = 0; i < STOP_TRIES && err == -EBUSY; i++)
		err = try_stop_world();
	return err;
}

void start_world(void)
{
	page_motion_start();
	release_mms();
}
