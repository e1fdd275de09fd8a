/* SPDX-License-Identifier: MIT */
/*
 * A device that walks the CPU's tables, between the steps of those who change
 * them (drivers/shadow/sva.c, (1)-(3) and (A)-(F)).
 */
#include "arch/smp.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/kasan.h"
#include "mm/mmu_model.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_shadow.h"

#define OLD_WORD 0x0ddUL

static void mover(void *mm)
{
	struct ptmigrate_result r;

	(void)mm_relocate_tables(mm, PTMIGRATE_LIVE, &r);
}

static void dontneed(void *mm)
{
	do_madvise_dontneed(mm, KT_BASE, PAGE_SIZE);
}

/* The other thread stands at `point`, on a CPU that is not the engine's. */
static struct thread *park(struct kt *t, void (*fn)(void *), void *arg,
			   const char *point)
{
	int cpu = (int)cpumask_weight(&cpu_online_mask) - 1;
	struct thread *th;

	race_arm(point, 1);
	th = kthread_run("changer", cpu, fn, arg);
	KT_EQ(t, race_wait_parked(point), 0);
	return th;
}

/* S2: the dirty bit that the device sets in the old table is not lost. */
KTEST_FLAGS(race, sva_writes_by_old_table, KTF_LAB_ONLY)
{
	struct kt_shadow k;
	struct thread *th;

	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	if (!kt_shadow_begin(t, &k, "sva", 2))
		return;
	kt_pin(0);
	kt_poke_clean(k.mm, KT_BASE + PAGE_SIZE, 1);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 0);		/* its tables are cached */
	th = park(t, mover, k.mm, "move:after_switch");
	KT_EQ(t, kt_dev_write(k.d, KT_BASE + PAGE_SIZE, 2), 0);
	race_release("move:after_switch");
	thread_join(th);
	KT_EXPECT(t, pte_dirty(kt_pte(k.mm, KT_BASE + PAGE_SIZE)));
	KT_EQ(t, kt_peek(k.mm, KT_BASE + PAGE_SIZE), 2);
	kt_unpin();
	kt_shadow_end(t, &k);
}

/*
 * S1: the entry is cleared and the CPUs are not flushed.  The device reads the
 * old page by its TLB, which is still there; after the flush it does not.
 */
static u64 read_before_flush(struct kt *t, u32 bug)
{
	struct kt_shadow k;
	struct thread *th;
	u64 after;

	if (!kt_shadow_begin(t, &k, "sva", 1))
		return 0;
	kt_poke(k.mm, KT_BASE, OLD_WORD);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), OLD_WORD);
	bug_set("sva_keeps_leaves", bug);
	mmu_model_expect(1);
	th = park(t, dontneed, k.mm, "gather:before_flush");
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), OLD_WORD);
	KT_EQ(t, mmu_model_reports(), 0);
	race_release("gather:before_flush");
	thread_join(th);
	kasan_expect_all();		/* with the bug: the page is free */
	after = kt_dev_read(k.d, KT_BASE);
	KT_EQ(t, kasan_expect_all_end() > 0, CONFIG_KASAN && bug);
	KT_EQ(t, mmu_model_reports() > 0, bug);
	mmu_model_expect(0);
	bug_clear_all();
	shadow_detach(k.d);
	mmput(k.mm);
	return after;
}

KTEST_FLAGS(race, sva_read_before_flush, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	kt_pin(0);
	KT_EQ(t, read_before_flush(t, 0), 0);
	KT_EXPECT(t, read_before_flush(t, 1) != 0);
	kt_unpin();
}

static void put_mm(void *mm)
{
	mmput(mm);
}

/* S4: between release and the freeing of tables. */
KTEST_FLAGS(race, sva_vs_exit, KTF_LAB_ONLY)
{
	struct kt_shadow k;
	struct thread *th;

	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	if (!kt_shadow_begin(t, &k, "sva", 1))
		return;
	kt_pin(0);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 1), 0);
	th = park(t, put_mm, k.mm, "release:before_call");
	/* Still all there: the tables go after release. */
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 1);
	race_release("release:before_call");
	thread_join(th);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), KT_NONE);
	shadow_detach(k.d);
	kt_unpin();
}
