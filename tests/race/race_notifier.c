/* SPDX-License-Identifier: MIT */
/*
 * Registration against a section that is half way (G8), and unregistration
 * against a callback that runs (G9).
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/mmu_notifier.h"
#include "tests/kt/kt_mm.h"

struct client {
	struct mmu_notifier mn;
	struct mm_struct *mm;
	u32 starts, ends, done, gone, late;
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

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)r;
	client_of(mn)->ends++;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
};

static void register_thread(void *arg)
{
	struct client *c = arg;

	if (!mmu_notifier_register(&c->mn, c->mm))
		WRITE_ONCE(c->done, 1);
}

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
 * A truncate has told the subscribers of its start, and cleared the entry;
 * now one registers.  Does it get an end whose start it never saw?
 */
static bool end_without_start(struct kt *t, u32 bug)
{
	struct kt_file *f = kt_file_create(1, 0x2000);
	struct mm_struct *mm = mm_alloc();
	struct client c = { .mn.ops = &ops, .mm = mm };
	struct thread *tt, *tr;

	if (!KT_EXPECT(t, mm && f))
		return false;
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	kt_peek(mm, KT_BASE);
	bug_set("no_all_locks", bug);
	race_arm("zap:before_end", 1);
	tt = kthread_run("truncate", -1, truncate_thread, &f->m);
	KT_EQ(t, race_wait_parked("zap:before_end"), 0);
	tr = kthread_run("register", -1, register_thread, &c);
	sleep_ms(30);
	KT_EQ(t, READ_ONCE(c.done), bug);	/* blocked until the end */
	race_release("zap:before_end");
	thread_join(tt);
	thread_join(tr);
	bug_set("no_all_locks", 0);
	KT_EQ(t, c.done, 1);
	mmu_notifier_unregister(&c.mn, mm);
	mmput(mm);
	kt_file_put(f);
	return c.ends > c.starts;
}

KTEST_FLAGS(race, register_vs_truncate, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !end_without_start(t, 0));
	KT_EXPECT(t, end_without_start(t, 1));
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
