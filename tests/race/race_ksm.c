/* SPDX-License-Identifier: MIT */
/*
 * A merge (mm/ksm_merge.c) parked between two of its steps, and somebody who
 * writes, unmaps, pins, copies, moves or exits.
 */
#include "drivers/shadow/shadow.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_holder.h"
#include "tests/kt/kt_ksm.h"
#include "tests/kt/kt_util.h"

struct job {
	struct mm_struct *mm;
	vaddr_t va;
	s64 ret;
	u32 done;
};

static void merge_thread(void *arg)
{
	struct job *j = arg;

	ksm_scan_passes(1);
	if (j)
		WRITE_ONCE(j->done, 1);
}

static void poke_thread(void *arg)
{
	struct job *j = arg;

	j->ret = kt_poke(j->mm, j->va, 8);
	WRITE_ONCE(j->done, 1);
}

static void exit_thread(void *arg)
{
	struct job *j = arg;

	mmput(j->mm);
	WRITE_ONCE(j->done, 1);
}

static void move_thread(void *arg)
{
	struct job *j = arg;

	j->ret = kt_move_page(j->mm, j->va);
	WRITE_ONCE(j->done, 1);
}

/*
 * Two pages of 7, looked at once; the second pass is parked at the nth time at
 * point: first the page at P(1) becomes a KSM page, then P(0)'s joins it.
 */
static struct thread *park_merge(struct kt *t, struct mm_struct **mm,
				 const char *point, u32 nth)
{
	struct thread *th;

	*mm = kt_mergeable(t, 2, 7, 0);
	ksm_scan_passes(1);
	kt_pin(0);
	race_arm(point, nth);
	th = kthread_run("merger", (int)kt_other_cpu(), merge_thread, NULL);
	KT_EQ(t, race_wait_parked(point), 0);
	return th;
}

static void finish(struct thread *th, const char *point)
{
	race_release(point);
	thread_join(th);
	kt_unpin();
}

/* W2: a store after the comparison.  It faults, copies, and is kept. */
KTEST_FLAGS(race, ksm_write_before_replace, KTF_LAB_ONLY)
{
	struct mm_struct *mm;
	struct thread *th;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	th = park_merge(t, &mm, "ksm:compared", 1);
	KT_EXPECT(t, !pte_write(kt_pte(mm, P(0))));
	KT_EQ(t, kt_poke(mm, P(0), 8), 0);
	finish(th, "ksm:compared");
	KT_EQ(t, kt_peek(mm, P(0)), 8);
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	/* The page that had become one for nothing is ordinary again. */
	KT_EXPECT(t, !page_is_ksm(ksm_at(mm, P(1))));
	KT_EQ(t, kt_poke(mm, P(1), 9), 0);
	mmput(mm);
}

/* W2: a store before the protection.  Compared too early, it is lost. */
static u64 early_store(struct kt *t, const char *bug)
{
	struct mm_struct *mm;
	struct thread *th;
	u64 seen;

	if (bug)
		bug_set(bug, 1);
	th = park_merge(t, &mm, "ksm:before_protect", 1);
	KT_EXPECT(t, pte_write(kt_pte(mm, P(0))));
	KT_EQ(t, kt_poke(mm, P(0), 8), 0);
	finish(th, "ksm:before_protect");
	if (bug)
		bug_set(bug, 0);
	seen = kt_peek(mm, P(0));
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	mmput(mm);
	return seen;
}

KTEST_FLAGS(race, ksm_write_before_protect, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, early_store(t, NULL), 8);
	KT_EQ(t, early_store(t, "ksm_compare_first"), 7);
}

/* (7) finds nothing to replace. */
KTEST_FLAGS(race, ksm_unmap_before_replace, KTF_LAB_ONLY)
{
	struct mm_struct *mm;
	struct thread *th;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	th = park_merge(t, &mm, "ksm:compared", 1);
	KT_EQ(t, do_madvise_dontneed(mm, P(0), PAGE_SIZE), 0);
	finish(th, "ksm:compared");
	KT_EQ(t, kt_peek(mm, P(0)), 0);
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	mmput(mm);
}

/* The same of the page that was to be the merged one. */
KTEST_FLAGS(race, ksm_unmap_target, KTF_LAB_ONLY)
{
	struct mm_struct *mm;
	struct thread *th;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	th = park_merge(t, &mm, "ksm:compared", 1);
	KT_EQ(t, do_madvise_dontneed(mm, P(1), PAGE_SIZE), 0);
	finish(th, "ksm:compared");
	KT_EQ(t, kt_peek(mm, P(0)), 7);
	KT_EXPECT(t, kt_merged(mm, P(0)));
	KT_EQ(t, kt_peek(mm, P(1)), 0);
	mmput(mm);
}

/*
 * W1: who has a reference to write with.  Merged all the same, what it writes
 * shows at another address.  The word there.
 */
static u64 held_for_writing(struct kt *t, u32 bug)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct page *p;
	u64 seen;
	bool w;

	if (!KT_EXPECT(t, mm))
		return 0;
	KT_EQ(t, get_user_page(mm, P(1), FOLL_WRITE, &p, &w), 0);
	bug_set("ksm_no_count", bug);
	kt_merge();
	bug_set("ksm_no_count", 0);
	*(u64 *)page_address(p) = 8;
	put_page(p);
	seen = kt_peek(mm, P(0));
	KT_EQ(t, kt_peek(mm, P(1)), 8);
	mmput(mm);
	return seen;
}

KTEST_FLAGS(race, ksm_held_for_writing, KTF_LAB_ONLY)
{
	KT_EQ(t, held_for_writing(t, 0), 7);
	KT_EQ(t, held_for_writing(t, 1), 8);
}

static void grab_thread(void *arg)
{
	struct job *j = arg;
	struct page *p;
	pte_t e;

	j->ret = gup_fast(j->mm, j->va, FOLL_WRITE, &p, &e);
	if (!j->ret)
		put_page(p);
}

/* gup_fast has read the entry, or taken the page, and a merge comes. */
static void grab_during_merge(struct kt *t, const char *point)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct job g = { .mm = mm, .va = P(0) }, m = { .mm = mm };
	struct thread *tg, *tm;

	KT_ASSERT(t, mm);
	ksm_scan_passes(1);
	kt_pin(0);
	race_arm(point, 1);
	tg = kthread_run("grabber", (int)kt_other_cpu(), grab_thread, &g);
	KT_EQ(t, race_wait_parked(point), 0);
	tm = kthread_run("merger", (int)kt_third_cpu(), merge_thread, &m);
	/* That CPU has another mm loaded: no flush waits for it. */
	KT_EXPECT(t, kt_wait_for(READ_ONCE(m.done)));
	race_release(point);
	thread_join(tg);
	thread_join(tm);
	kt_unpin();
	/* One of the two gave way; never both went on. */
	KT_EXPECT(t, g.ret == -EAGAIN || !kt_merged(mm, P(0)));
	KT_EQ(t, kt_peek(mm, P(0)), 7);
	KT_EQ(t, kt_poke(mm, P(0), 8), 0);
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	mmput(mm);
}

KTEST_FLAGS(race, ksm_vs_gup_fast, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	grab_during_merge(t, "gup_fast:before_get");
	grab_during_merge(t, "gup_fast:after_get");
}

/* A write fault has copied the merged page; another page joins it. */
KTEST_FLAGS(race, ksm_break_vs_merge, KTF_LAB_ONLY)
{
	struct mm_struct *mm = kt_mergeable(t, 3, 7, 0);
	struct job w = { .mm = mm, .va = P(0) };
	struct thread *th;

	KT_ASSERT(t, mm);
	kt_poke(mm, P(2), 1);
	kt_merge();
	kt_poke(mm, P(2), 7);
	KT_EXPECT(t, kt_merged(mm, P(0)) && !kt_merged(mm, P(2)));
	kt_pin(0);
	race_arm("cow:after_copy", 1);
	th = kthread_run("writer", (int)kt_other_cpu(), poke_thread, &w);
	KT_EQ(t, race_wait_parked("cow:after_copy"), 0);
	ksm_scan_passes(1);
	KT_EXPECT(t, kt_merged(mm, P(2)));
	finish(th, "cow:after_copy");
	KT_EQ(t, w.ret, 0);
	KT_EQ(t, kt_peek(mm, P(0)), 8);
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	KT_EQ(t, page_mapcount(ksm_at(mm, P(2))), 2);
	mmput(mm);
}

/*
 * A write fault has copied a forked page; the merge comes for the original,
 * and leaves it: it is held.
 */
KTEST_FLAGS(race, ksm_merge_vs_break, KTF_LAB_ONLY)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0), *child = mm_alloc();
	struct job w = { .mm = mm, .va = P(0) };
	struct thread *th;

	KT_ASSERT(t, mm && child);
	KT_EQ(t, dup_mmap(child, mm), 0);
	ksm_scan_passes(1);
	kt_pin(0);
	race_arm("cow:after_copy", 1);
	th = kthread_run("writer", (int)kt_other_cpu(), poke_thread, &w);
	KT_EQ(t, race_wait_parked("cow:after_copy"), 0);
	ksm_scan_passes(2);
	finish(th, "cow:after_copy");
	KT_EQ(t, w.ret, 0);
	KT_EQ(t, kt_peek(mm, P(0)), 8);
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	KT_EQ(t, kt_peek(child, P(0)), 7);
	mmput(mm);
	mmput(child);
}

/* The page that is merged into is about to be moved: one after the other. */
KTEST_FLAGS(race, ksm_merge_vs_migrate, KTF_LAB_ONLY)
{
	struct job m = { .va = P(1) };
	struct thread *th, *mover;

	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	th = park_merge(t, &m.mm, "ksm:compared", 1);
	mover = kthread_run("mover", (int)kt_third_cpu(), move_thread, &m);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(m.done), 0);
	finish(th, "ksm:compared");
	thread_join(mover);
	KT_EXPECT(t, !m.ret || m.ret == -EBUSY);
	KT_EXPECT(t, kt_merged(m.mm, P(0)));
	KT_EXPECT(t, ksm_at(m.mm, P(0)) == ksm_at(m.mm, P(1)));
	KT_EQ(t, kt_peek(m.mm, P(0)), 7);
	mmput(m.mm);
}

/* N2: an mm that exits waits for the page that is being merged. */
KTEST_FLAGS(race, ksm_merge_vs_exit, KTF_LAB_ONLY)
{
	struct thread *th, *te;
	struct job x = { 0 };

	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	th = park_merge(t, &x.mm, "ksm:protected", 1);
	te = kthread_run("exit", (int)kt_third_cpu(), exit_thread, &x);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(x.done), 0);
	finish(th, "ksm:protected");
	thread_join(te);
	KT_EQ(t, x.done, 1);
}

/*
 * A5: between the CPU's entry and change_pte a device still writes the page.
 * Its store is in the bytes that are compared.
 */
static u64 device_store(struct kt *t, const char *bug)
{
	struct shadow_req r = { .op = SHADOW_WRITE, .va = P(0), .val = 7 };
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct shadow_dev *d = shadow_attach(mm, "kvm");
	struct thread *th;
	u64 seen;

	if (!KT_EXPECT(t, !IS_ERR(d)))
		return 0;
	KT_EQ(t, shadow_access(d, &r), 0);
	ksm_scan_passes(1);
	kt_pin(0);
	if (bug)
		bug_set(bug, 1);
	race_arm("ksm:cleared", 2);
	th = kthread_run("merger", (int)kt_other_cpu(), merge_thread, NULL);
	KT_EQ(t, race_wait_parked("ksm:cleared"), 0);
	KT_EXPECT(t, pte_none(kt_pte(mm, P(0))));
	r.val = 8;
	KT_EQ(t, shadow_access(d, &r), 0);
	finish(th, "ksm:cleared");
	if (bug)
		bug_set(bug, 0);
	seen = kt_peek(mm, P(0));
	KT_EQ(t, kt_peek(mm, P(1)), 7);
	shadow_detach(d);
	mmput(mm);
	return seen;
}

KTEST_FLAGS(race, ksm_device_store, KTF_LAB_ONLY)
{
	if (kt_cpus() < 4)
		KT_SKIP(t, "needs four CPUs");
	KT_EQ(t, device_store(t, NULL), 8);
	KT_EQ(t, device_store(t, "ksm_compare_first"), 7);
}
