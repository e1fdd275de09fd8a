/* SPDX-License-Identifier: MIT */
/* mm/ptmigrate_move.c with a step left out: the model or the test sees it. */
#include "kernel/racepoint.h"
#include "kernel/report.h"
#include "mm/mmu_model.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_holder.h"

#define BUG_PAGES	PT_ENTRIES

/* A table full of writable entries that are clean: late D bits find room. */
static struct mm_struct *mm_clean(struct kt *t)
{
	struct mm_struct *mm = mm_alloc();
	struct pt_pos pos;
	bool more = true;

	if (!KT_EXPECT(t, mm))
		return NULL;
	kt_map(mm, 0, BUG_PAGES * PAGE_SIZE, PROT_RW);
	for (u32 i = 0; i < BUG_PAGES; i++)
		kt_poke(mm, KT_BASE + i * PAGE_SIZE, i);
	lock_leaf(&mm->pgt, KT_BASE, &pos);
	for (; more; more = pos_next(&pos))
		pte_modify(&pos, PTE_D, 0);
	unlock_table(&pos);
	flush_tlb_mm(mm);
	return mm;
}

struct mover_thread {
	struct mm_struct *mm;
	enum ptmigrate_mode mode;
	int err;
	struct ptmigrate_result res;
};

static void mover_main(void *arg)
{
	struct mover_thread *m = arg;

	m->err = mm_relocate_tables(m->mm, m->mode, &m->res);
}

/*
 * Reports while one relocation runs with the bug on.  The mover stops before
 * it frees the old root, and the holder leaves the mm: with some bugs its CPU
 * would go on using that root.
 */
static u32 reports_with(struct kt *t, const char *bug, enum ptmigrate_mode mode,
			enum holder_how how)
{
	struct mm_struct *mm = mm_clean(t);
	struct mover_thread m = { .mm = mm, .mode = mode };
	struct thread *th;
	struct holder h;
	u32 reports;

	if (!mm || !holder_start(t, &h, mm, how))
		return 0;
	mmu_model_reports();
	mmu_model_expect(1);
	if (bug)
		bug_set(bug, 1);
	race_arm("move:before_free", (u32)atomic64_read(&mm->pgt.nr_tables));
	th = kthread_run("mover", 0, mover_main, &m);
	KT_EQ(t, race_wait_parked("move:before_free"), 0);
	holder_stop(&h);
	race_release("move:before_free");
	thread_join(th);
	bug_clear_all();
	rcu_barrier();
	reports = mmu_model_reports();
	mmu_model_expect(0);
	KT_EQ(t, m.err, 0);
	for (u32 i = 0; i < BUG_PAGES; i += 37)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * PAGE_SIZE), i);
	mmput(mm);
	return reports;
}

/*
 * A kernel thread that runs on the holder's CPU during the flush makes it a
 * lazy one: it leaves the mm, as it should, and keeps no old root.  Then the
 * bug had no chance to show: again.
 */
static u32 reports_of_kept_root(struct kt *t, enum ptmigrate_mode mode)
{
	u32 reports = 0;

	for (u32 i = 0; i < 10 && !reports; i++)
		reports = reports_with(t, "no_root_reload", mode, HOLD_ACTIVE);
	return reports;
}

/* The report of the bug last tried names what it is, and the mover. */
static void said(struct kt *t, const char *what, const char *owed)
{
	bool ok = KT_EXPECT(t, report_has(what));

	ok &= KT_EXPECT(t, report_has(owed));
	ok &= KT_EXPECT(t, report_has("(mover) on CPU 0 at move_"));
	if (!ok)
		report_print();
}

KTEST_FLAGS(ptmigrate, bugs_live, KTF_LAB_ONLY)
{
	enum ptmigrate_mode m = PTMIGRATE_LIVE;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, reports_with(t, NULL, m, HOLD_ACTIVE), 0);
	KT_EQ(t, reports_with(t, NULL, m, HOLD_LAZY), 0);
	KT_EXPECT(t, reports_with(t, "move_no_flush", m, HOLD_ACTIVE));
	said(t, "still uses the old one", "owed: a flush of ");
	KT_EXPECT(t, reports_with(t, "move_no_harvest", m, HOLD_ACTIVE));
	said(t, "lost the ", "owed: a harvest after the flush");
	KT_EXPECT(t, reports_with(t, "move_harvest_early", m, HOLD_ACTIVE));
	said(t, "lost the ", "owed: a harvest after the flush");
	KT_EXPECT(t, reports_with(t, "move_free_early", m, HOLD_ACTIVE));
	said(t, "freed before flush: CPU ", "owed: a flush of ");
	KT_EXPECT(t, reports_with(t, "table_no_gp", m, HOLD_ACTIVE));
	said(t, "freed before a grace period has passed", "detached by");
	KT_EXPECT(t, reports_with(t, "skip_lazy", m, HOLD_LAZY));
	said(t, "still uses the old one", "owed: a flush of ");
	KT_EXPECT(t, reports_of_kept_root(t, m));
	said(t, "still uses the old one", "owed: a flush of ");
}

KTEST_FLAGS(ptmigrate, bugs_stop, KTF_LAB_ONLY)
{
	enum ptmigrate_mode m = PTMIGRATE_STOP;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, reports_with(t, NULL, m, HOLD_ACTIVE), 0);
	KT_EXPECT(t, reports_with(t, "move_no_flush", m, HOLD_ACTIVE));
	KT_EXPECT(t, reports_with(t, "move_no_harvest", m, HOLD_ACTIVE));
	KT_EXPECT(t, reports_with(t, "move_harvest_early", m, HOLD_ACTIVE));
	KT_EXPECT(t, reports_with(t, "skip_lazy", m, HOLD_LAZY));
	KT_EXPECT(t, reports_of_kept_root(t, m));
}

/* Late bits reach the new table, and the count says so. */
KTEST_FLAGS(ptmigrate, harvests_late_bits, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_clean(t);
	struct ptmigrate_result r;
	struct holder h;
	u32 dirty = 0;

	if (!mm || !holder_start(t, &h, mm, HOLD_LAZY))
		return;
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	for (u32 i = 0; i < BUG_PAGES; i++)
		dirty += pte_dirty(kt_pte(mm, KT_BASE + i * PAGE_SIZE));
	KT_EXPECT(t, r.harvested > 0);
	KT_EQ(t, dirty, r.harvested);
	holder_stop(&h);
	mmput(mm);
}

/* The copy is exact: what a parked CPU could have set, it cannot set. */
KTEST_FLAGS(ptmigrate, park_finds_nothing_late, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_clean(t);
	struct ptmigrate_result r;
	struct holder h;

	if (!mm || !holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_PARK, &r), 0);
	KT_EQ(t, r.harvested, 0);
	for (u32 i = 0; i < BUG_PAGES; i++)
		KT_EXPECT(t, !pte_dirty(kt_pte(mm, KT_BASE + i * PAGE_SIZE)));
	holder_stop(&h);
	mmput(mm);
}
