/* SPDX-License-Identifier: MIT */
/* F1 to F5: when a device is told, and whether it is still there to be told. */
#include "mm/madvise.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier_impl.h"
#include "tests/kt/kt_swap.h"
#include "tests/race/scenario/device.h"

#define VA	KT_BASE
#define PAGES	(2 * 64U)		/* more than a gather holds */

static bool level0_booted(void)
{
	return mmu_notifier_method() == MN_MINIMAL;
}

static enum mmu_notifier_method level(u32 bug)
{
	return bug ? MN_MINIMAL : MN_DRAIN;
}

static void munmap_thread(void *arg)
{
	do_munmap(arg, VA, PAGES * PAGE_SIZE);
}

/* munmap has freed the first pages; its range_end is still to come. */
static bool stores_into_freed(struct kt *t, u32 bug)
{
	u32 was = mmu_notifier_set_method(level(bug));
	struct mm_struct *mm = mm_alloc();
	enum device_access res;
	struct kt_device d;
	struct thread *th;

	if (!KT_EXPECT(t, mm))
		return false;
	kt_map(mm, 0, PAGES * PAGE_SIZE, PROT_RW);
	for (u64 i = 0; i < PAGES; i++)
		kt_poke(mm, VA + i * PAGE_SIZE, i);
	kt_device_init(&d, mm, VA);
	KT_EQ(t, device_attach(&d), 0);
	kt_device_map(&d);
	KT_EQ(t, device_store(&d, 1), DEVICE_DONE);
	race_arm("zap:freed", 1);
	th = kthread_run("munmap", -1, munmap_thread, mm);
	KT_EQ(t, race_wait_parked("zap:freed"), 0);
	scenario_now("munmap has freed pages, its end is not told; the device stores");
	res = device_store(&d, 2);
	race_release("zap:freed");
	thread_join(th);
	KT_EQ(t, d.maps, 0);
	device_detach(&d);
	mmput(mm);
	mmu_notifier_set_method(was);
	return res == DEVICE_STALE;
}

SCENARIO(F1, .year = 2008, .fix = "cddb8a5c14aa", .bug = "notifier=minimal",
	 .title = "a device that is told afterwards writes into freed pages",
	 .point = "zap:freed", .harm = stores_into_freed,
	 .booted = level0_booted)

static void truncate_thread(void *arg)
{
	struct kt_file *f = arg;

	truncate_pagecache(&f->m, 0);
}

static void attach_thread(void *arg)
{
	struct kt_device *d = arg;

	d->err = device_attach(d);
	if (!d->err)
		kt_device_map(d);
	WRITE_ONCE(d->done, 1);
}

/* truncate has looked for subscribers, and found none. */
static bool misses_truncate(struct kt *t, u32 bug)
{
	u32 was = mmu_notifier_set_method(level(bug));
	struct kt_file *f = kt_file_create(1, 0x2000);
	struct mm_struct *mm = mm_alloc();
	struct thread *tt, *tr;
	struct kt_device d;
	bool stale;

	if (!KT_EXPECT(t, mm && f))
		return false;
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	kt_peek(mm, VA);
	kt_peek(mm, VA + PAGE_SIZE);
	kt_device_init(&d, mm, VA);
	race_arm("zap:after_start", 1);
	tt = kthread_run("truncate", -1, truncate_thread, f);
	KT_EQ(t, race_wait_parked("zap:after_start"), 0);
	tr = kthread_run("attach", -1, attach_thread, &d);
	sleep_ms(30);
	KT_EQ(t, READ_ONCE(d.done), bug);
	scenario_now("truncate is past its start; a device has come, or waits");
	race_release("zap:after_start");
	thread_join(tt);
	thread_join(tr);
	KT_EQ(t, d.err, 0);
	stale = kt_device_stale(&d);
	device_detach(&d);
	mmput(mm);
	kt_file_put(f);
	mmu_notifier_set_method(was);
	return stale;
}

SCENARIO(F2, .year = 2008, .fix = "7906d00cd1f6", .bug = "notifier=minimal",
	 .title = "a device comes in the middle of a truncate, and misses it",
	 .point = "zap:after_start", .harm = misses_truncate,
	 .booted = level0_booted)

/* A device that notes when it is called after it was gone. */
struct leaver {
	struct kt_device d;
	u32 gone, late;
};

static int leaver_start(struct mmu_notifier *mn,
			const struct mmu_notifier_range *r)
{
	struct leaver *l = container_of(kt_device_of(mn), struct leaver, d);

	l->late += READ_ONCE(l->gone);
	return kt_device_start(mn, r);
}

static const struct mmu_notifier_ops leaver_ops = {
	.invalidate_range_start = leaver_start,
};

static void leave_thread(void *arg)
{
	struct leaver *l = arg;

	mmu_notifier_unregister(&l->d.mn, l->d.mm);
	WRITE_ONCE(l->gone, 1);		/* here it would be freed */
}

static void dontneed_thread(void *arg)
{
	do_madvise_dontneed(arg, VA, PAGE_SIZE);
}

/* A section has found the device and is about to call it. */
static bool called_when_gone(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc();
	struct leaver l = { .gone = 0 };
	struct thread *ts, *tl;

	if (!KT_EXPECT(t, mm))
		return false;
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	kt_device_init(&l.d, mm, VA);
	l.d.mn.ops = &leaver_ops;
	KT_EQ(t, mmu_notifier_register(&l.d.mn, mm), 0);
	bug_set("no_srcu_sync", bug);
	race_arm("notifier:before_call", 1);
	ts = kthread_run("section", -1, dontneed_thread, mm);
	KT_EQ(t, race_wait_parked("notifier:before_call"), 0);
	tl = kthread_run("leave", -1, leave_thread, &l);
	sleep_ms(30);
	scenario_now("the device has left, or waits; a section calls it next");
	race_release("notifier:before_call");
	thread_join(ts);
	thread_join(tl);
	bug_set("no_srcu_sync", 0);
	mmput(mm);
	return l.late;
}

SCENARIO(F3, .year = 2019, .fix = "6d7c3cde93c1", .bug = "no_srcu_sync",
	 .title = "a device leaves, and is freed while a section calls it",
	 .point = "notifier:before_call", .harm = called_when_gone)

static void reclaim_thread(void *arg)
{
	kt_pageout(arg, VA, PAGE_SIZE);
}

/* Reclaim has cleared the entry of a lazyfree page and let the table go. */
static bool reads_old_page(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_device d;
	struct thread *th;
	bool stale;

	if (!KT_EXPECT(t, mm))
		return false;
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	kt_poke(mm, VA, 1);
	KT_EQ(t, do_madvise(mm, VA, PAGE_SIZE, MADV_FREE), 0);
	kt_device_init(&d, mm, VA);
	KT_EQ(t, mmu_notifier_register(&d.mn, mm), 0);
	kt_device_map(&d);
	bug_set("unmap_tells_late", bug);
	mmu_model_expect(1);
	race_arm("unmap:unlocked", 1);
	th = kthread_run("reclaim", -1, reclaim_thread, mm);
	KT_EQ(t, race_wait_parked("unmap:unlocked"), 0);
	scenario_now("the entry is cleared, its table let go; the program gets a new page");
	KT_EQ(t, kt_poke(mm, VA, 2), 0);	/* the program's new page */
	stale = kt_device_stale(&d);
	race_release("unmap:unlocked");
	thread_join(th);
	KT_EQ(t, mmu_model_reports() > 0, bug);	/* B2 sees it too */
	mmu_model_expect(0);
	bug_set("unmap_tells_late", 0);
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
	return stale;
}

SCENARIO(F4, .year = 2017, .fix = "ea25c4317946", .bug = "unmap_tells_late",
	 .title = "a device is told after the table was let go",
	 .point = "unmap:unlocked", .harm = reads_old_page)

static void exit_thread(void *arg)
{
	mmput(arg);
}

/* exit is about to release the device; reclaim comes by. */
static bool reclaimed_unheard(struct kt *t, u32 bug)
{
	struct kt_file *f = kt_file_create(1, 0x1000);
	struct mm_struct *mm = mm_alloc();
	enum device_access res;
	struct kt_device d;
	struct thread *th;

	if (!KT_EXPECT(t, mm && f))
		return false;
	kt_map_file(mm, f, 0, 0x1000, MAP_SHARED);
	kt_peek(mm, VA);
	kt_device_init(&d, mm, VA);
	KT_EQ(t, mmu_notifier_register(&d.mn, mm), 0);
	kt_device_map(&d);
	bug_set("release_unlinks_first", bug);
	race_arm("release:before_call", 1);
	th = kthread_run("exit", -1, exit_thread, mm);
	KT_EQ(t, race_wait_parked("release:before_call"), 0);
	scenario_now("exit is about to release the device; reclaim comes by");
	KT_EQ(t, invalidate_mapping_pages(&f->m, DROP_MAPPED_TOO), 1);
	res = device_store(&d, 2);
	race_release("release:before_call");
	thread_join(th);
	bug_set("release_unlinks_first", 0);
	KT_EQ(t, d.releases, 1);
	mmu_notifier_unregister(&d.mn, mm);
	kt_file_put(f);
	return res == DEVICE_STALE;
}

SCENARIO(F5, .year = 2013, .fix = "d34883d4e35c", .bug = "release_unlinks_first",
	 .title = "exit takes the device off the list before it releases it",
	 .point = "release:before_call", .harm = reclaimed_unheard)
