/* SPDX-License-Identifier: MIT */
/*
 * Registration against a section that is half way (G8), and unregistration
 * against a callback that runs (G9).
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/mmu_notifier.h"
#include "tests/kt/kt_device.h"

struct client {
	struct mmu_notifier mn;
	struct mm_struct *mm;
	u32 starts, gone, late;
};

static struct client *client_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct client, mn);
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct client *c = client_of(mn);

	(void)r;
	c->starts++;
	c->late += READ_ONCE(c->gone);
	return 0;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = on_start,
};

static void unregister_thread(void *arg)
{
	struct client *c = arg;

	mmu_notifier_unregister(&c->mn, c->mm);
	WRITE_ONCE(c->gone, 1);
}

static void truncate_thread(void *arg)
{
	truncate_pagecache(arg, 0);
}

static void dontneed_thread(void *arg)
{
	do_madvise_dontneed(arg, KT_BASE, 0x1000);
}

/*
 * A truncate is past the place where it tells the subscribers, and has cleared
 * nothing yet; now one registers, and maps a page.  Is it ever told?
 */
static bool misses_truncate(struct kt *t, enum mmu_notifier_method way, u32 bug)
{
	const char *bugs[] = { [MN_DRAIN] = "no_drain",
			       [MN_LOCKS] = "no_all_locks" };
	struct kt_file *f = kt_file_create(1, 0x2000);
	struct thread *tt, *tr;
	struct mm_struct *mm;
	struct kt_device d;
	bool stale;

	mmu_notifier_set_method(way);
	mm = mm_alloc();
	if (!KT_EXPECT(t, mm && f))
		return false;
	kt_device_init(&d, mm, KT_BASE);
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	kt_peek(mm, KT_BASE);
	bug_set(bugs[way], bug);
	race_arm("zap:after_start", 1);
	tt = kthread_run("truncate", -1, truncate_thread, &f->m);
	KT_EQ(t, race_wait_parked("zap:after_start"), 0);
	tr = kthread_run("register", -1, kt_device_register_thread, &d);
	sleep_ms(30);
	KT_EQ(t, READ_ONCE(d.done), bug);	/* blocked until the end */
	race_release("zap:after_start");
	thread_join(tt);
	thread_join(tr);
	bug_set(bugs[way], 0);
	mmu_notifier_set_method(MN_DRAIN);
	KT_EQ(t, d.err, 0);
	KT_EQ(t, d.ends, d.starts);		/* G3, whatever happened */
	stale = kt_device_stale(&d);
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
	kt_file_put(f);
	return stale;
}

KTEST_FLAGS(race, register_vs_truncate, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !misses_truncate(t, MN_LOCKS, 0));
	KT_EXPECT(t, misses_truncate(t, MN_LOCKS, 1));
}

KTEST_FLAGS(race, drain_vs_truncate, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !misses_truncate(t, MN_DRAIN, 0));
	KT_EXPECT(t, misses_truncate(t, MN_DRAIN, 1));
}

/* A section is about to call the subscriber while that unregisters. */
static bool called_when_gone(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc();
	struct client c = { .mn.ops = &ops, .mm = mm };
	struct thread *td, *tu;

	if (!KT_EXPECT(t, mm))
		return false;
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, mmu_notifier_register(&c.mn, mm), 0);
	bug_set("no_srcu_sync", bug);
	race_arm("notifier:before_call", 1);
	td = kthread_run("dontneed", -1, dontneed_thread, mm);
	KT_EQ(t, race_wait_parked("notifier:before_call"), 0);
	tu = kthread_run("unregister", -1, unregister_thread, &c);
	sleep_ms(30);
	KT_EQ(t, READ_ONCE(c.gone), bug);
	race_release("notifier:before_call");
	thread_join(td);
	thread_join(tu);
	bug_set("no_srcu_sync", 0);
	KT_EQ(t, c.starts, 1);
	mmput(mm);
	return c.late;
}

KTEST_FLAGS(race, unregister_vs_callback, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !called_when_gone(t, 0));
	KT_EXPECT(t, called_when_gone(t, 1));
}
