/* SPDX-License-Identifier: MIT */
/* Tests of mm/mmu_interval.c, in one thread. */
#include "kernel/racepoint.h"
#include "kernel/scenario.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/mmu_notifier_impl.h"
#include "tests/kt/kt_device.h"
#include "tests/kt/kt_interval.h"

static void open_section(struct mmu_notifier_range *r, struct mm_struct *mm,
			 u64 off, u64 len)
{
	mmu_notifier_range_init(r, MMU_NOTIFY_CLEAR, mm, KT_BASE + off,
				KT_BASE + off + len);
	mmu_notifier_invalidate_range_start(r);
}

static void section(struct mm_struct *mm, u64 off, u64 len)
{
	struct mmu_notifier_range r;

	open_section(&r, mm, off, len);
	mmu_notifier_invalidate_range_end(&r);
}

/* Told of what overlaps, to the byte; a reader repeats then, and only then. */
KTEST(interval, only_what_overlaps)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_interval k;
	u64 seq;

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE + 0x2000, 0x2000), 0);
	seq = mmu_interval_read_begin(&k.sub);
	section(mm, 0, 0x2000);
	section(mm, 0x4000, 0x1000);
	KT_EQ(t, k.calls, 0);
	KT_EXPECT(t, !kt_interval_retry(&k, seq));
	section(mm, 0x1000, 0x1001);
	KT_EQ(t, k.calls, 1);
	KT_EQ(t, k.start, KT_BASE + 0x1000);
	KT_EXPECT(t, mmu_interval_check_retry(&k.sub, seq));
	KT_EXPECT(t, kt_interval_retry(&k, seq));
	seq = mmu_interval_read_begin(&k.sub);
	section(mm, 0x3fff, 1);
	KT_EQ(t, k.calls, 2);
	KT_EXPECT(t, kt_interval_retry(&k, seq));
	mmu_interval_notifier_remove(&k.sub);
	section(mm, 0, 0x8000);
	KT_EQ(t, k.calls, 2);
	mmput(mm);
}

/* One number for all that a section hits, odd; even again after the last. */
KTEST(interval, numbers)
{
	struct mmu_notifier_range outer, inner;
	struct mm_struct *mm = mm_alloc();
	struct kt_interval a, b;

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_interval_insert(&a, mm, KT_BASE, 0x1000), 0);
	KT_EQ(t, kt_interval_insert(&b, mm, KT_BASE + 0x1000, 0x1000), 0);
	open_section(&outer, mm, 0, 0x1000);
	KT_EXPECT(t, a.calls == 1 && b.calls == 0);
	KT_EXPECT(t, a.seq & 1);
	open_section(&inner, mm, 0x1000, 0x1000);
	KT_EQ(t, b.seq, a.seq);
	mmu_notifier_invalidate_range_end(&outer);
	section(mm, 0, 0x1000);			/* inner is open: the same */
	KT_EQ(t, a.seq, b.seq);
	mmu_notifier_invalidate_range_end(&inner);
	section(mm, 0, 0x1000);
	KT_EQ(t, a.seq, b.seq + 2);
	mmu_interval_notifier_remove(&a.sub);
	mmu_interval_notifier_remove(&b.sub);
	mmput(mm);
}

/* Who comes while a section is open counts as invalidated until its end. */
static void comes_inside(struct kt *t, struct mm_struct *mm, u64 off,
			 u32 told_inside)
{
	struct mmu_notifier_range r;
	struct kt_interval k;
	u64 seq;

	open_section(&r, mm, off, 0x1000);
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE + 0x1000, 0x1000), 0);
	seq = k.sub.invalidate_seq;
	KT_EXPECT(t, seq & 1);
	section(mm, 0x1000, 0x1000);
	KT_EQ(t, k.sub.invalidate_seq, seq);
	KT_EQ(t, k.calls, told_inside);
	mmu_notifier_invalidate_range_end(&r);
	KT_EQ(t, mmu_interval_read_begin(&k.sub), seq);	/* does not wait */
	KT_EXPECT(t, !kt_interval_retry(&k, seq));
	k.calls = 0;
	section(mm, 0x1000, 0x1000);
	KT_EQ(t, k.calls, 1);			/* it is in the tree now */
	mmu_interval_notifier_remove(&k.sub);
}

KTEST(interval, insert_in_section)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_interval first;

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_interval_insert(&first, mm, KT_BASE, 0x1000), 0);
	comes_inside(t, mm, 0x8000, 1);	/* nobody is hit: put in at once */
	comes_inside(t, mm, 0, 0);	/* the first is: put off */
	mmu_interval_notifier_remove(&first.sub);
	mmput(mm);
}

/* Put off, and gone before its time comes: nobody keeps it. */
KTEST(interval, remove_while_put_off)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_interval first, k;
	struct mmu_notifier_range r;

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_interval_insert(&first, mm, KT_BASE, 0x1000), 0);
	open_section(&r, mm, 0, 0x1000);
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 0x1000), 0);
	mmu_interval_notifier_remove(&k.sub);	/* does not wait */
	memset(&k, 0x5a, sizeof(k));
	mmu_notifier_invalidate_range_end(&r);
	section(mm, 0, 0x1000);
	KT_EQ(t, first.calls, 2);
	mmu_interval_notifier_remove(&first.sub);
	mmput(mm);
}

KTEST_FLAGS(interval, errors, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_interval k;

	KT_ASSERT(t, mm);
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 0), -EOVERFLOW);
	KT_EQ(t, kt_interval_insert(&k, mm, ~0UL, 2), -EOVERFLOW);
	alloc_fail_nth(1);
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 1), -ENOMEM);
	alloc_fail_nth(0);
	thread_interrupt(current());
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 1), -EINTR);
	current()->interrupted = 0;
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 1), 0);
	mmu_interval_notifier_remove(&k.sub);
	mmput(mm);
}

/* A3: an interval refuses, or the list does: nothing stays open for either. */
KTEST(interval, nonblock_refused)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_interval k, other;
	struct mmu_notifier_range r;
	struct kt_device d;
	u64 seq;

	KT_ASSERT(t, mm);
	kt_device_init(&d, mm, KT_BASE);
	KT_EQ(t, mmu_notifier_register(&d.mn, mm), 0);
	KT_EQ(t, kt_interval_insert(&other, mm, KT_BASE, 0x1000), 0);
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 0x1000), 0);
	mmu_notifier_range_init(&r, MMU_NOTIFY_UNMAP, mm, KT_BASE,
				KT_BASE + 0x1000);
	k.refuse = true;
	KT_EQ(t, mmu_notifier_invalidate_range_start_nonblock(&r), -EAGAIN);
	KT_EXPECT(t, d.starts == 0 && d.ends == 0);
	KT_ASSERT(t, !mmu_notifier_subs(mm)->active);
	seq = mmu_interval_read_begin(&k.sub);	/* waits for no section */
	KT_EXPECT(t, !kt_interval_retry(&k, seq));
	k.refuse = false;
	KT_EQ(t, mmu_notifier_invalidate_range_start_nonblock(&r), 0);
	mmu_notifier_invalidate_range_end(&r);
	KT_EXPECT(t, d.starts == 1 && d.ends == 1);
	KT_EXPECT(t, kt_interval_retry(&k, seq));
	mmu_interval_notifier_remove(&k.sub);
	mmu_interval_notifier_remove(&other.sub);
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
}

static int refuse(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	return mmu_notifier_range_blockable(r) ? 0 : -EAGAIN;
}

/* The list refuses after the intervals agreed: their number is even again. */
KTEST(interval, list_refuses)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = refuse,
	};
	struct mm_struct *mm = mm_alloc();
	struct mmu_notifier mn = { .ops = &ops };
	struct mmu_notifier_range r;
	struct kt_interval k;
	u64 seq;

	KT_ASSERT(t, mm);
	KT_EQ(t, mmu_notifier_register(&mn, mm), 0);
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 0x1000), 0);
	mmu_notifier_range_init(&r, MMU_NOTIFY_UNMAP, mm, KT_BASE,
				KT_BASE + 0x1000);
	KT_EQ(t, mmu_notifier_invalidate_range_start_nonblock(&r), -EAGAIN);
	KT_EQ(t, k.calls, 1);
	KT_ASSERT(t, !mmu_notifier_subs(mm)->active);
	seq = mmu_interval_read_begin(&k.sub);
	section(mm, 0, 0x1000);
	KT_EQ(t, k.seq, seq + 2);
	mmu_interval_notifier_remove(&k.sub);
	mmu_notifier_unregister(&mn, mm);
	mmput(mm);
}

/* At exit everybody is invalidated once, and still there to be removed. */
KTEST(interval, release)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_interval k[3];

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 3; i++)
		KT_EQ(t, kt_interval_insert(&k[i], mm, KT_BASE + i * 0x1000,
					    0x1000), 0);
	mmput(mm);
	for (u32 i = 0; i < 3; i++) {
		KT_EQ(t, k[i].releases, 1);
		mmu_interval_notifier_remove(&k[i].sub);
	}
}

/* F29: numbers of eight bits come round, and what is old looks new. */
static bool wraps(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_interval k;
	bool missed;
	u64 seq;

	if (!KT_EXPECT(t, mm))
		return false;
	KT_EQ(t, kt_interval_insert(&k, mm, KT_BASE, 0x1000), 0);
	section(mm, 0, 0x1000);
	seq = mmu_interval_read_begin(&k.sub);
	for (u32 i = 0; i < 128; i++)
		section(mm, 0, 0x1000);
	bug_set("interval_seq8", bug);
	scenario_now("128 invalidations since the reader began; does it notice?");
	missed = !kt_interval_retry(&k, seq);
	bug_set("interval_seq8", 0);
	mmu_interval_notifier_remove(&k.sub);
	mmput(mm);
	return missed;
}

SCENARIO(F29, .year = 2018, .fix = "CVE-2018-17182", .bug = "interval_seq8",
	 .title = "a sequence number comes round, and what is old looks new",
	 .point = "interval:before_call", .harm = wraps)
