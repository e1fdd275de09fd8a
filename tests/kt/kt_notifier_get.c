/* SPDX-License-Identifier: MIT */
/* Tests of mm/mmu_notifier.c: get, put and the freeing that is put off. */
#include "kernel/racepoint.h"
#include "mm/slab.h"
#include "tests/kt/kt_device.h"

static u32 allocs, frees;
static int alloc_error;

static struct mmu_notifier *counted_alloc(struct mm_struct *mm)
{
	struct kt_device *d;

	if (alloc_error)
		return ERR_PTR(alloc_error);
	d = kzalloc(sizeof(*d));
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->mm = mm;
	d->va = KT_BASE;
	allocs++;
	return &d->mn;
}

static void counted_free(struct mmu_notifier *mn)
{
	__atomic_fetch_add(&frees, 1, __ATOMIC_SEQ_CST);
	kfree(kt_device_of(mn));
}

#define COUNTED_OPS							\
	.invalidate_range_start = kt_device_start,			\
	.invalidate_range_end = kt_device_end,				\
	.alloc_notifier = counted_alloc,				\
	.free_notifier = counted_free

static const struct mmu_notifier_ops ops_a = { COUNTED_OPS };
static const struct mmu_notifier_ops ops_b = { COUNTED_OPS };

static struct mm_struct *fresh_mm(void)
{
	struct mm_struct *mm = mm_alloc();

	allocs = frees = 0;
	alloc_error = 0;
	if (mm) {
		kt_map(mm, 0, 0x1000, PROT_RW);
		kt_poke(mm, KT_BASE, 1);
	}
	return mm;
}

/* One for each ops and mm, however often it is asked for. */
KTEST(notifier_get, same_ops_same_notifier)
{
	struct mm_struct *mm = fresh_mm(), *other = mm_alloc();
	struct mmu_notifier *a, *again, *b, *far;

	KT_ASSERT(t, mm && other);
	a = mmu_notifier_get(&ops_a, mm);
	again = mmu_notifier_get(&ops_a, mm);
	b = mmu_notifier_get(&ops_b, mm);
	far = mmu_notifier_get(&ops_a, other);
	KT_ASSERT(t, !IS_ERR(a) && !IS_ERR(b) && !IS_ERR(far));
	KT_EXPECT(t, a == again && a != b && a != far);
	KT_EQ(t, allocs, 3);
	KT_EQ(t, mmu_notifier_count(mm), 2);
	mmu_notifier_put(a);
	KT_EQ(t, mmu_notifier_count(mm), 2);	/* one user is left */
	mmu_notifier_put(again);
	KT_EQ(t, mmu_notifier_count(mm), 1);
	mmu_notifier_put(b);
	mmu_notifier_put(far);
	mmu_notifier_synchronize();
	KT_EQ(t, frees, 3);
	mmput(mm);
	mmput(other);
}

/* Put and asked for again: a new one, whatever became of the first. */
KTEST(notifier_get, after_put)
{
	struct mm_struct *mm = fresh_mm();
	struct mmu_notifier *a;

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 3; i++) {
		a = mmu_notifier_get(&ops_a, mm);
		KT_ASSERT(t, !IS_ERR(a));
		mmu_notifier_put(a);
	}
	KT_EQ(t, allocs, 3);
	mmu_notifier_synchronize();
	KT_EQ(t, frees, 3);
	mmput(mm);
}

/* It outlives its mm's users: put comes late, and frees. */
KTEST(notifier_get, put_after_exit)
{
	struct mm_struct *mm = fresh_mm();
	struct mmu_notifier *a;

	KT_ASSERT(t, mm);
	a = mmu_notifier_get(&ops_a, mm);
	KT_ASSERT(t, !IS_ERR(a));
	mmput(mm);
	KT_EQ(t, frees, 0);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	KT_EQ(t, frees, 1);
}

static void expect_error(struct kt *t, struct mm_struct *mm, int want)
{
	struct mmu_notifier *mn = mmu_notifier_get(&ops_a, mm);

	KT_EXPECT(t, IS_ERR(mn));
	KT_EQ(t, PTR_ERR(mn), want);
	KT_EQ(t, mmu_notifier_count(mm), 0);
	KT_EQ(t, frees, allocs);		/* what was made is undone */
}

KTEST_FLAGS(notifier_get, errors, KTF_LAB_ONLY)
{
	static const struct mmu_notifier_ops wrong = {
		COUNTED_OPS,
		.arch_invalidate_secondary_tlbs = (void *)counted_free,
	};
	struct mm_struct *mm = fresh_mm();

	KT_ASSERT(t, mm);
	alloc_error = -EBUSY;			/* the device's own */
	expect_error(t, mm, -EBUSY);
	alloc_error = 0;
	KT_EQ(t, PTR_ERR(mmu_notifier_get(&wrong, mm)), -EINVAL);
	KT_EQ(t, frees, allocs);
	for (u32 nth = 1; nth <= 2; nth++) {	/* its struct, then the list */
		alloc_fail_nth(nth);
		expect_error(t, mm, -ENOMEM);
		alloc_fail_nth(0);
	}
	thread_interrupt(current());
	expect_error(t, mm, -EINTR);
	current()->interrupted = 0;
	KT_EQ(t, allocs, 3);
	mmput(mm);
}

/*
 * F3: a section has found the subscriber on the list and is about to call it
 * when it is put.  Is it freed under the caller's hands?  (It is static, so
 * that the caller survives the bug.)
 */
static struct kt_device lasting;
static u32 called_freed;

static struct mmu_notifier *lasting_alloc(struct mm_struct *mm)
{
	lasting = (struct kt_device){ .mm = mm, .va = KT_BASE };
	return &lasting.mn;
}

static void lasting_free(struct mmu_notifier *mn)
{
	(void)mn;
	WRITE_ONCE(frees, 1);
}

static int lasting_start(struct mmu_notifier *mn,
			 const struct mmu_notifier_range *r)
{
	called_freed += READ_ONCE(frees);
	return kt_device_start(mn, r);
}

static const struct mmu_notifier_ops lasting_ops = {
	.invalidate_range_start = lasting_start,
	.alloc_notifier = lasting_alloc,
	.free_notifier = lasting_free,
};

static void dontneed_thread(void *arg)
{
	do_madvise_dontneed(arg, KT_BASE, 0x1000);
}

static u32 freed_too_early(struct kt *t, u32 bug)
{
	struct mm_struct *mm = fresh_mm();
	struct mmu_notifier *mn;
	struct thread *th;

	if (!KT_EXPECT(t, mm))
		return 0;
	called_freed = 0;
	mn = mmu_notifier_get(&lasting_ops, mm);
	if (!KT_EXPECT(t, !IS_ERR(mn)))
		return 0;
	bug_set("put_frees_now", bug);
	race_arm("notifier:before_call", 1);
	th = kthread_run("dontneed", -1, dontneed_thread, mm);
	KT_EQ(t, race_wait_parked("notifier:before_call"), 0);
	mmu_notifier_put(mn);
	KT_EQ(t, mmu_notifier_count(mm), 0);
	if (bug)
		mmu_notifier_synchronize();
	else
		sleep_ms(30);
	race_release("notifier:before_call");
	thread_join(th);
	mmu_notifier_synchronize();
	bug_set("put_frees_now", 0);
	KT_EQ(t, frees, 1);
	mmput(mm);
	return called_freed;
}

KTEST_FLAGS(notifier_get, put_vs_callback, KTF_LAB_ONLY)
{
	KT_EQ(t, freed_too_early(t, 0), 0);
	KT_EQ(t, freed_too_early(t, 1), 1);
}
