/* SPDX-License-Identifier: MIT */
/*
 * F18: a program's CPU has a writable translation; clear_refs has made the
 * entry read-only and not flushed; ksm finds it read-only and has nothing to
 * take away, compares, and the program stores.
 *
 *	program		clear_refs (as it once was)	ksmd
 *	(1) writes	(A) W off			(a) read-only: no flush
 *	(2) writes	(B) flush			(b) equal
 *							(c) entry -> KSM page
 * (1)(A)(a)(b)(2)(c): (2) goes to a page that nobody sees any more.
 */
#include "arch/uaccess.h"
#include "tests/kt/kt_holder.h"
#include "tests/kt/kt_ksm.h"
#include "tests/kt/kt_util.h"
#include "tests/race/race_util.h"

struct writer {
	struct mm_struct *mm;
	u32 warm, go, done;
};

static void writer_main(void *arg)
{
	struct writer *w = arg;
	u64 word = 7;

	activate_mm(w->mm);
	if (!copy_to_user(KT_BASE, &word, sizeof(word)))	/* (1) */
		WRITE_ONCE(w->warm, 1);
	while (!READ_ONCE(w->go))
		cpu_relax();
	word = 8;
	if (!copy_to_user(KT_BASE, &word, sizeof(word)))	/* (2) */
		WRITE_ONCE(w->done, 1);
	deactivate_mm();
}

static void clear_thread(void *arg)
{
	mm_clear_soft_dirty(arg);
}

static void merge_thread(void *arg)
{
	(void)arg;
	ksm_scan_passes(1);
}

/* The word that is there in the end. */
static u64 store_between(struct kt *t)
{
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct writer w = { .mm = mm };
	struct thread *a, *b, *c;
	u64 seen;

	ksm_scan_passes(1);
	kt_pin(0);
	a = kthread_run("writer", (int)kt_other_cpu(), writer_main, &w);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(w.warm)));
	b = race_park(t, "softdirty:before_flush", (int)kt_third_cpu(), clear_thread,
		       mm);
	KT_EXPECT(t, !pte_write(kt_pte(mm, KT_BASE)));
	c = race_park(t, "ksm:compared", (int)kt_third_cpu(), merge_thread,
		       NULL);
	WRITE_ONCE(w.go, 1);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(w.done)));
	race_let_go("ksm:compared", c);
	race_let_go("softdirty:before_flush", b);
	thread_join(a);
	kt_unpin();
	seen = kt_peek(mm, KT_BASE);
	KT_EQ(t, kt_peek(mm, KT_BASE + PAGE_SIZE), 7);
	mmput(mm);
	return seen;
}

KTEST_FLAGS(race, ksm_vs_late_flush, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	bug_set("soft_dirty_late_flush", 1);
	KT_EQ(t, store_between(t), 8);
	bug_set("ksm_trusts_entry", 1);
	KT_EQ(t, store_between(t), 7);		/* red: the store is lost */
}
