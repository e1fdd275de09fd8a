/* SPDX-License-Identifier: MIT */
/*
 * Registration against a section that is half way (G8), and unregistration
 * against a callback that runs (G9).
 */
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/tlb_batch.h"
#include "tests/kt/kt_device.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"
#include "tests/race/race_util.h"

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
	struct kt_file *f = arg;

	truncate_pagecache(&f->m, 0);
}

/* As reclaim does it, down to the flush. */
static void reclaim_thread(void *arg)
{
	struct kt_file *f = arg;
	struct page *p = find_get_page(&f->m, 0);
	struct tlb_batch batch;

	tlb_batch_init(&batch);
	lock_page(p);
	try_to_unmap(p, &batch);
	tlb_batch_flush(&batch);
	unlock_page(p);
	put_page(p);
}

static void dontneed_thread(void *arg)
{
	do_madvise_dontneed(arg, KT_BASE, 0x1000);
}

/* What is past the place where it tells subscribers, and where that is. */
struct half_way {
	const char *point;
	void (*fn)(void *file);
};

static const struct half_way truncate = { "zap:after_start", truncate_thread };
static const struct half_way reclaim = { "unmap:after_start", reclaim_thread };

/*
 * The operation has told the subscribers and cleared nothing yet; now one
 * registers, and maps a page.  Is it ever told?
 */
static bool misses(struct kt *t, const struct half_way *op,
		   enum mmu_notifier_method way, u32 bug)
{
	const char *bugs[] = { [MN_DRAIN] = "no_drain",
			       [MN_LOCKS] = "no_all_locks" };
	struct kt_file *f = kt_file_create(1, 0x2000);
	struct thread *to, *tr;
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
	race_arm(op->point, 1);
	to = kthread_run("half way", -1, op->fn, f);
	KT_EQ(t, race_wait_parked(op->point), 0);
	tr = kthread_run("register", -1, kt_device_register_thread, &d);
	KT_EQ(t, kt_gets_done(&d.done, bug), bug);	/* blocked until the end */
	race_release(op->point);
	thread_join(to);
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
	KT_EXPECT(t, !misses(t, &truncate, MN_LOCKS, 0));
	KT_EXPECT(t, misses(t, &truncate, MN_LOCKS, 1));
}

KTEST_FLAGS(race, drain_vs_truncate, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !misses(t, &truncate, MN_DRAIN, 0));
	KT_EXPECT(t, misses(t, &truncate, MN_DRAIN, 1));
}

KTEST_FLAGS(race, register_vs_reclaim, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !misses(t, &reclaim, MN_LOCKS, 0));
	KT_EXPECT(t, misses(t, &reclaim, MN_LOCKS, 1));
}

KTEST_FLAGS(race, drain_vs_reclaim, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !misses(t, &reclaim, MN_DRAIN, 0));
	KT_EXPECT(t, misses(t, &reclaim, MN_DRAIN, 1));
}

/* G3: a section that told others of its start has no end for a newcomer. */
KTEST_FLAGS(race, drain_pairs_ends, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x2000);
	struct mm_struct *mm = mm_alloc();
	struct kt_device old, d;
	struct thread *to, *tr;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	kt_peek(mm, KT_BASE);
	kt_device_init(&old, mm, KT_BASE);
	kt_device_init(&d, mm, KT_BASE);
	KT_EQ(t, mmu_notifier_register(&old.mn, mm), 0);
	race_arm("zap:after_start", 1);
	to = kthread_run("truncate", -1, truncate_thread, f);
	KT_EQ(t, race_wait_parked("zap:after_start"), 0);
	race_arm("register:published", 1);
	tr = kthread_run("register", -1, kt_device_register_thread, &d);
	KT_EQ(t, race_wait_parked("register:published"), 0);
	race_release("zap:after_start");
	thread_join(to);
	KT_EXPECT(t, old.starts == 1 && old.ends == 1);
	KT_EXPECT(t, d.starts == 0 && d.ends == 0);
	race_release("register:published");
	thread_join(tr);
	mmu_notifier_unregister(&old.mn, mm);
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
	kt_file_put(f);
}

struct bystander {
	struct kt_device d;
	struct kt_file *f;
	struct mm_struct *mm;
};

static bool bystander_make(struct kt *t, struct bystander *b, u32 tag)
{
	b->f = kt_file_create(tag, 0x2000);
	b->mm = mm_alloc();
	if (!KT_EXPECT(t, b->mm && b->f))
		return false;
	kt_device_init(&b->d, b->mm, KT_BASE);
	kt_map_file(b->mm, b->f, 0, 0x2000, MAP_SHARED);
	kt_peek(b->mm, KT_BASE);
	return true;
}

static void bystander_end(struct bystander *b)
{
	mmu_notifier_unregister(&b->d.mn, b->mm);
	mmput(b->mm);
	kt_file_put(b->f);
}

/*
 * One truncate takes long, and one registration waits for it.  Can a device
 * register with another mm meanwhile?
 */
static bool others_wait(struct kt *t, enum mmu_notifier_method way)
{
	struct bystander a, b;
	struct thread *tt, *ta, *tb;
	bool waits;

	mmu_notifier_set_method(way);
	if (!bystander_make(t, &a, 1) || !bystander_make(t, &b, 2))
		return false;
	race_arm("zap:after_start", 1);
	tt = kthread_run("truncate", -1, truncate_thread, a.f);
	KT_EQ(t, race_wait_parked("zap:after_start"), 0);
	ta = kthread_run("register", -1, kt_device_register_thread, &a.d);
	sleep_ms(30);
	tb = kthread_run("register", -1, kt_device_register_thread, &b.d);
	if (way == MN_DRAIN)
		thread_join(tb);
	else
		sleep_ms(30);
	KT_EQ(t, READ_ONCE(a.d.done), 0);
	waits = !READ_ONCE(b.d.done);
	race_release("zap:after_start");
	thread_join(tt);
	thread_join(ta);
	if (way != MN_DRAIN)
		thread_join(tb);
	mmu_notifier_set_method(MN_DRAIN);
	bystander_end(&a);
	bystander_end(&b);
	return waits;
}

KTEST_FLAGS(race, registrations_apart, KTF_LAB_ONLY)
{
	KT_EXPECT(t, others_wait(t, MN_LOCKS));	/* mm_all_locks_mutex */
	KT_EXPECT(t, !others_wait(t, MN_DRAIN));
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
	td = race_park(t, "notifier:before_call", -1, dontneed_thread, mm);
	tu = kthread_run("unregister", -1, unregister_thread, &c);
	KT_EQ(t, kt_gets_done(&c.gone, bug), bug);
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
