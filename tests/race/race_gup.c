/* SPDX-License-Identifier: MIT */
/*
 * gup_fast (mm/gup.c) parked between (1) and (3), interrupts off, while the
 * page is unmapped, freed and given to somebody else: (4) must notice.
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"

struct grab {
	struct mm_struct *mm;
	struct page *page;
	int err;
};

static void grab_thread(void *arg)
{
	struct grab *g = arg;
	pte_t e;

	g->err = gup_fast(g->mm, KT_BASE, FAULT_WRITE, &g->page, &e);
}

static void gup_case(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc();
	struct grab g = { .mm = mm };
	struct page *old, *held[32];
	struct thread *th;
	u32 n = 0;

	kt_pin(0);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	old = pte_page(kt_pte(mm, KT_BASE));
	bug_set("gup_no_recheck", bug);
	race_arm("gup_fast:before_get", 1);
	th = kthread_run("grabber", (int)kt_other_cpu(), grab_thread, &g);
	KT_EQ(t, race_wait_parked("gup_fast:before_get"), 0);
	do_madvise_dontneed(mm, KT_BASE, 0x1000);	/* frees the frame */
	while (n < ARRAY_SIZE(held)) {
		held[n] = alloc_page(ALLOC_PLAIN);
		if (!held[n] || held[n++] == old)
			break;
	}
	KT_EXPECT(t, n && held[n - 1] == old);
	race_release("gup_fast:before_get");
	thread_join(th);
	bug_set("gup_no_recheck", 0);
	KT_EQ(t, g.err, bug ? 0 : -EAGAIN);
	if (!g.err) {
		KT_EXPECT(t, g.page == old);	/* somebody else's page */
		put_page(g.page);
	}
	while (n--)
		put_page(held[n]);
	kt_unpin();
	mmput(mm);
}

KTEST_FLAGS(race, gup_fast_vs_unmap, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	gup_case(t, 0);
	gup_case(t, 1);
}
