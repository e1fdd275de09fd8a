/* SPDX-License-Identifier: MIT */
/* mm/oom.c: who is picked, and what the reaper leaves. */
#include "kernel/printk.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/oom.h"
#include "mm/slab.h"
#include "mm/vmstat.h"
#include "tests/race/scenario/device.h"
#include "tests/kt/kt_a8.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

static struct mm_struct *mm_of(struct kt *t, u32 pages)
{
	struct mm_struct *mm = mm_alloc();

	KT_EXPECT(t, mm && kt_map(mm, 0, pages * PAGE_SIZE, PROT_RW) > 0);
	for (u32 i = 0; i < pages; i++)
		KT_EQ(t, kt_poke(mm, KT_BASE + i * PAGE_SIZE, i + 1), 0);
	return mm;
}

/* Its table of candidates is for people: not among the test's lines. */
static bool kill_quietly(void)
{
	int level = console_loglevel;
	bool ok;

	console_loglevel = 0;
	ok = out_of_memory();
	console_loglevel = level;
	return ok;
}

static u32 state(struct mm_struct *mm)
{
	return READ_ONCE(mm->oom_state);
}

/* An earlier victim may still be with the reaper (O2). */
static void kill_until(struct kt *t, struct mm_struct *mm)
{
	for (u32 i = 0; i < 100 && state(mm) == OOM_NONE; i++)
		KT_EXPECT(t, kill_quietly());
}

KTEST(oom, largest_is_reaped)
{
	struct mm_struct *small = mm_of(t, 4), *big = mm_of(t, 300);
	u64 kills = vm_event_sum(OOM_KILL);

	KT_ASSERT(t, small && big);
	kill_until(t, big);
	KT_EQ(t, vm_event_sum(OOM_KILL), kills + 1);
	KT_EXPECT(t, kt_wait_for(state(big) == OOM_REAPED &&
				 !atomic64_read(&big->rss_anon)));
	KT_EQ(t, state(small), OOM_NONE);
	KT_EQ(t, kt_peek(small, KT_BASE), 1);
	/* O5: no zeros for what it had. */
	KT_EQ(t, kt_fault(big, KT_BASE, 0), FAULT_SIGBUS);
	KT_EQ(t, kt_fault(big, KT_BASE, FAULT_WRITE), FAULT_SIGBUS);
	mmput(big);
	mmput(small);
}

static int busy_start(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *r)
{
	(void)mn;
	return r->flags & MMU_NOTIFIER_RANGE_BLOCKABLE ? 0 : -EAGAIN;
}
static const struct mmu_notifier_ops busy_ops = {
	.invalidate_range_start = busy_start,
};

/* O4: what a device cannot give up at once is left, and nothing hangs. */
KTEST(oom, device_that_would_sleep)
{
	struct mm_struct *mm = mm_of(t, 300);
	struct mmu_notifier *mn = kzalloc(sizeof(*mn));

	KT_ASSERT(t, mm && mn);
	mn->ops = &busy_ops;
	KT_EQ(t, mmu_notifier_register(mn, mm), 0);
	kill_until(t, mm);
	KT_EXPECT(t, kt_wait_for(state(mm) == OOM_REAPED));
	KT_EXPECT(t, kt_wait_for(atomic_read(&mm->mm_users) == 1));
	KT_EQ(t, atomic64_read(&mm->rss_anon), 300);
	mmu_notifier_unregister(mn, mm);
	mmput(mm);
	kfree(mn);
}

/* Table A8: UNMAP a vma at a time, non-blockable; the end before the flush. */
KTEST_FLAGS(oom, reaper_order, KTF_LAB_ONLY)
{
	vaddr_t last = KT_BASE + 0x10000000;
	struct a8 a;

	KT_ASSERT(t, a8_begin(&a, t));
	kt_map(a.mm, 0, 300 * PAGE_SIZE, PROT_RW);
	for (u64 i = 0; i < 300; i++)
		KT_EQ(t, kt_poke(a.mm, KT_BASE + i * PAGE_SIZE, i), 0);
	/* The last one it comes to: the ring may not hold the others. */
	kt_map(a.mm, last - KT_BASE, 2 * PAGE_SIZE, PROT_RW);
	KT_EQ(t, kt_poke(a.mm, last, 1), 0);
	a.any_thread = true;
	a8_watch(&a, last, last + 2 * PAGE_SIZE);
	kill_until(t, a.mm);
	KT_EXPECT(t, kt_wait_for(state(a.mm) == OOM_REAPED));
	a8_expect(&a, "SLCUEFX");
	a8_section(&a, 0, MMU_NOTIFY_UNMAP, last, last + 2 * PAGE_SIZE);
	a8_done(&a);
}

/* The reaper takes pages that a device maps. */
static bool reaped_unheard(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_of(t, 300);
	struct kt_device d;
	bool stale;

	if (!mm)
		return false;
	kt_device_init(&d, mm, KT_BASE);
	KT_EQ(t, mmu_notifier_register(&d.mn, mm), 0);
	kt_device_map(&d);
	bug_set("reaper_forgets", bug);
	mmu_model_expect(1);
	kill_until(t, mm);
	KT_EXPECT(t, kt_wait_for(state(mm) == OOM_REAPED));
	KT_EXPECT(t, kt_wait_for(!atomic64_read(&mm->rss_anon)));
	scenario_now("the reaper is through; what does the device map?");
	stale = kt_device_stale(&d);
	KT_EQ(t, mmu_model_reports() > 0, bug);	/* B2: at each entry */
	mmu_model_expect(0);
	bug_set("reaper_forgets", 0);
	KT_EXPECT(t, kt_wait_for(atomic_read(&mm->mm_users) == 1));
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
	return stale;
}

SCENARIO(F7, .year = 2017, .fix = "4d4bbd8526a8", .bug = "reaper_forgets",
	 .title = "the OOM reaper does not tell the devices",
	 .point = "oom:reaped", .harm = reaped_unheard)
