/* SPDX-License-Identifier: MIT */
/* F6, F9: changed entries.  F28: a walk that nobody waits for. */
#include "arch/cpu.h"
#include "mm/mmu_model.h"
#include "tests/race/scenario/device.h"

#define VA	KT_BASE

static void write_thread(void *arg)
{
	kt_fault(arg, VA, FAULT_WRITE);
}

/* The CPUs' entry names the copy; another CPU writes to it. */
static bool reads_original(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct kt_device d;
	struct thread *th;
	u64 seen = 0;

	if (!KT_EXPECT(t, mm && child))
		return false;
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	kt_poke(mm, VA, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	kt_device_init(&d, mm, VA);
	d.mn.ops = &device_change_ops;
	KT_EQ(t, mmu_notifier_register(&d.mn, mm), 0);
	kt_device_map(&d);
	bug_set("primary_first", bug);
	race_arm("change_pte:primary_set", 1);
	th = kthread_run("write", -1, write_thread, mm);
	KT_EQ(t, race_wait_parked("change_pte:primary_set"), 0);
	scenario_now("the entry names the copy; a CPU writes, the device reads");
	*(u64 *)page_address(pte_page(kt_pte(mm, VA))) = 2;
	KT_EQ(t, device_load(&d, &seen), DEVICE_DONE);
	race_release("change_pte:primary_set");
	thread_join(th);
	bug_set("primary_first", 0);
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
	mmput(child);
	return seen != 2;
}

SCENARIO(F6, .year = 2012, .fix = "48af0d7cb3f5", .bug = "primary_first",
	 .title = "CPUs write the copy while the device reads the original",
	 .point = "change_pte:primary_set", .cpus = 2, .harm = reads_original)

static void move_thread(void *arg)
{
	kt_move_page(arg, VA);
}

/* The page is copied to its new frame; the device still has the old one. */
static bool write_is_lost(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc();
	enum device_access res;
	struct kt_device d;
	struct thread *th;
	bool lost;

	if (!KT_EXPECT(t, mm))
		return false;
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	kt_poke(mm, VA, 1);
	kt_device_init(&d, mm, VA);
	d.mn.ops = &device_change_ops;
	KT_EQ(t, mmu_notifier_register(&d.mn, mm), 0);
	kt_device_map(&d);
	bug_set("migrate_change_pte", bug);
	mmu_model_expect(1);
	race_arm("migrate:copied", 1);
	th = kthread_run("move", -1, move_thread, mm);
	KT_EQ(t, race_wait_parked("migrate:copied"), 0);
	scenario_now("the page is copied to its new frame; the device stores");
	res = device_store(&d, 2);
	race_release("migrate:copied");
	thread_join(th);
	KT_EQ(t, mmu_model_reports() > 0, bug);	/* B3 sees it too */
	mmu_model_expect(0);
	bug_set("migrate_change_pte", 0);
	lost = res == DEVICE_DONE && kt_peek(mm, VA) != 2;
	d.maps = 0;
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
	return lost;
}

SCENARIO(F9, .year = 2019, .fix = "never merged", .bug = "migrate_change_pte",
	 .title = "change_pte is promised for a page that moves: a lost write",
	 .point = "migrate:copied", .harm = write_is_lost)

struct walker {
	struct mm_struct *mm;
	struct page *table;		/* that it found */
};

/* An interrupt of a CPU that does not run mm: it walks, and holds nothing. */
static void interrupt_thread(void *arg)
{
	struct walker *w = arg;
	struct pt_path path;
	u64 flags = local_irq_save();
	int level;

	pgtable_read(&w->mm->pgt, VA, &level, &path);
	WRITE_ONCE(w->table, virt_to_page((void *)path.where[1]));
	RACE_POINT("interrupt:walking");
	local_irq_restore(flags);
}

/* munmap's flush goes to CPUs that run mm; the table is freed. */
static bool walks_freed_table(struct kt *t, u32 bug)
{
	struct walker w = { .mm = mm_alloc() };
	struct thread *th;
	bool freed;

	if (!KT_EXPECT(t, w.mm))
		return false;
	kt_pin(0);
	kt_map(w.mm, 0, PAGE_SIZE, PROT_RW);
	kt_poke(w.mm, VA, 1);
	bug_set("table_no_gp", bug);
	mmu_model_expect(1);
	race_arm("interrupt:walking", 1);
	th = kthread_run("interrupt", (int)kt_other_cpu(), interrupt_thread, &w);
	KT_EQ(t, race_wait_parked("interrupt:walking"), 0);
	do_munmap(w.mm, VA, PAGE_SIZE);
	scenario_now("munmap is done; an interrupt stands in the middle of its walk");
	freed = !page_test(READ_ONCE(w.table), PG_table);
	race_release("interrupt:walking");
	thread_join(th);
	KT_EQ(t, mmu_model_reports() > 0, bug);	/* the model sees it too */
	mmu_model_expect(0);
	bug_set("table_no_gp", 0);
	kt_unpin();
	mmput(w.mm);
	return freed;
}

SCENARIO(F28, .year = 2026, .fix = "CVE-2026-90383", .bug = "table_no_gp",
	 .title = "an interrupt walks tables that nobody keeps for it",
	 .point = "interrupt:walking", .cpus = 2, .harm = walks_freed_table)
