/* SPDX-License-Identifier: MIT */
/*
 * Staged interleavings of a relocation (steps of mm/ptmigrate_move.c) with a
 * walker, a fault, gup_fast, and the hardware.
 */
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_holder.h"

struct actor {
	struct mm_struct *mm;
	vaddr_t va;
	u32 done;
	int err;
	bool retired;			/* what a walker locked was RETIRED */
	struct page *table;
};

static void mover(void *arg)
{
	struct ptmigrate_result r;
	struct actor *a = arg;

	a->err = mm_relocate_tables(a->mm, PTMIGRATE_LIVE, &r);
	WRITE_ONCE(a->done, 1);
}

static void walker(void *arg)
{
	struct actor *a = arg;
	struct pt_pos pos;

	a->err = lock_table(&a->mm->pgt, a->va, 1, &pos);
	if (a->err)
		return;
	a->table = pos.table;
	a->retired = page_test(pos.table, PG_retired);
	unlock_table(&pos);
	WRITE_ONCE(a->done, 1);
}

static void faulter(void *arg)
{
	struct actor *a = arg;

	a->err = kt_poke(a->mm, a->va, 7);
	WRITE_ONCE(a->done, 1);
}

static void getter(void *arg)
{
	struct actor *a = arg;
	struct page *p;
	pte_t e;

	if (a->table)			/* with the mm loaded */
		activate_mm(a->mm);
	a->err = gup_fast(a->mm, a->va, 0, &p, &e);
	if (!a->err)
		put_page(p);
	if (a->table)
		deactivate_mm();
	WRITE_ONCE(a->done, 1);
}

static struct page *table_of(struct mm_struct *mm, vaddr_t va)
{
	struct pt_path path;
	struct page *table;
	int level;

	rcu_read_lock();
	pgtable_read(&mm->pgt, va, &level, &path);
	table = table_page(path.where[1]);
	rcu_read_unlock();
	return table;
}

static struct mm_struct *one_page(struct kt *t)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm))
		return NULL;
	kt_map(mm, 0, 0x3000, PROT_RW);
	KT_EQ(t, kt_poke(mm, KT_BASE, 42), 0);
	return mm;
}

/*
 * A walker stands between (1) and (2) while the table it found is moved and
 * retired.  Returns whether it then used the old table.
 */
static bool walker_is_misled(struct kt *t, u32 bug)
{
	struct mm_struct *mm = one_page(t);
	struct actor w = { .mm = mm, .va = KT_BASE };
	struct ptmigrate_result r;
	struct page *old;
	struct thread *th;

	if (!mm)
		return false;
	old = table_of(mm, KT_BASE);
	bug_set("no_rewalk", bug);
	th = thread_create("walker", walker, &w);
	thread_bind(th, kt_other_cpu());
	race_arm_thread("walk:before_lock", 1, th->tid);
	thread_start(th);
	KT_EQ(t, race_wait_parked("walk:before_lock"), 0);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	KT_EXPECT(t, page_test(old, PG_retired));
	KT_EXPECT(t, page_test(old, PG_table));	/* RCU: still a table */
	race_release("walk:before_lock");
	thread_join(th);
	bug_set("no_rewalk", 0);
	KT_EQ(t, w.table == old, w.retired);
	if (!w.retired)
		KT_EXPECT(t, w.table == table_of(mm, KT_BASE));
	rcu_barrier();
	mmput(mm);
	return w.retired;
}

KTEST_FLAGS(race, move_vs_walker, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	kt_pin(0);
	KT_EXPECT(t, !walker_is_misled(t, 0));
	KT_EXPECT(t, walker_is_misled(t, 1));
	kt_unpin();
}

/* A fault in the same table waits, and its entry stands in the new one. */
static void fault_during(struct kt *t, const char *point)
{
	struct mm_struct *mm = one_page(t);
	struct actor m = { .mm = mm };
	struct actor f = { .mm = mm, .va = KT_BASE + 0x1000 };
	struct thread *tm, *tf;

	if (!mm)
		return;
	race_arm(point, 1);
	tm = kthread_run("mover", (int)kt_other_cpu(), mover, &m);
	KT_EQ(t, race_wait_parked(point), 0);
	tf = kthread_run("faulter", (int)kt_third_cpu(), faulter, &f);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(f.done), 0);
	KT_EQ(t, kt_pte(mm, KT_BASE).val & PTE_P, PTE_P); /* readers go on */
	race_release(point);
	thread_join(tm);
	thread_join(tf);
	KT_EQ(t, m.err, 0);
	KT_EQ(t, f.err, 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 42);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x1000), 7);
	mmput(mm);
}

KTEST_FLAGS(race, move_vs_fault, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	kt_pin(0);
	fault_during(t, "move:after_copy");
	fault_during(t, "move:after_switch");
	fault_during(t, "move:after_flush");
	kt_unpin();
}

/* gup_fast elsewhere: not waited for, but its path has changed. */
KTEST_FLAGS(race, move_vs_gup_fast, KTF_LAB_ONLY)
{
	struct mm_struct *mm = one_page(t);
	struct actor g = { .mm = mm, .va = KT_BASE };
	struct ptmigrate_result r;
	struct thread *th;

	KT_ASSERT(t, mm);
	if (!kt_other_cpu()) {
		mmput(mm);
		KT_SKIP(t, "needs two CPUs");
	}
	kt_pin(0);
	race_arm("gup_fast:after_get", 1);
	th = kthread_run("getter", (int)kt_other_cpu(), getter, &g);
	KT_EQ(t, race_wait_parked("gup_fast:after_get"), 0);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	race_release("gup_fast:after_get");
	thread_join(th);
	KT_EQ(t, g.err, -EAGAIN);
	KT_EQ(t, page_count(pte_page(kt_pte(mm, KT_BASE))), 1);
	kt_unpin();
	mmput(mm);
}

/* gup_fast on a CPU of the mm: the flush (6) waits until it is through. */
KTEST_FLAGS(race, move_waits_for_gup_fast, KTF_LAB_ONLY)
{
	struct mm_struct *mm = one_page(t);
	struct actor g = { .mm = mm, .va = KT_BASE, .table = (void *)1 };
	struct actor m = { .mm = mm };
	struct thread *tg, *tm;

	KT_ASSERT(t, mm);
	if (!kt_third_cpu()) {
		mmput(mm);
		KT_SKIP(t, "needs three CPUs");
	}
	kt_pin(0);
	race_arm("gup_fast:after_get", 1);
	tg = kthread_run("getter", (int)kt_other_cpu(), getter, &g);
	KT_EQ(t, race_wait_parked("gup_fast:after_get"), 0);
	tm = kthread_run("mover", (int)kt_third_cpu(), mover, &m);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(m.done), 0);
	race_release("gup_fast:after_get");
	thread_join(tg);
	thread_join(tm);
	KT_EQ(t, m.err, 0);
	kt_unpin();
	mmput(mm);
}

/*
 * (7) must be a locked OR.  An A bit came late into the old table; while it is
 * carried over, a CPU sets D in the new one.  Is D still there afterwards?
 */
static bool dirty_survives(struct kt *t, const char *park_at, u32 bug)
{
	struct mm_struct *mm = one_page(t);
	struct actor m = { .mm = mm };
	struct pt_pos pos;
	struct thread *th;
	struct holder h;
	pte_t *old;
	bool dirty;

	if (!mm)
		return false;
	lock_leaf(&mm->pgt, KT_BASE, &pos);
	pte_modify(&pos, PTE_AD, 0);
	old = pos.ptep;			/* for the late bit only */
	unlock_table(&pos);
	flush_tlb_mm(mm);
	bug_set("move_plain_or", bug);
	race_arm("move:after_copy", 1);
	race_arm(park_at, 1);
	th = kthread_run("mover", (int)kt_third_cpu(), mover, &m);
	KT_EQ(t, race_wait_parked("move:after_copy"), 0);
	pte_or_raw(old, PTE_A);
	race_release("move:after_copy");
	KT_EQ(t, race_wait_parked(park_at), 0);
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return false;
	holder_touch(&h, KT_BASE + 8);
	KT_EXPECT(t, pte_dirty(kt_pte(mm, KT_BASE)));
	/* The rest of the relocation flushes the holder's CPU, too. */
	race_release(park_at);
	thread_join(th);
	dirty = pte_dirty(kt_pte(mm, KT_BASE));
	bug_set("move_plain_or", 0);
	holder_stop(&h);
	KT_EQ(t, kt_peek(mm, KT_BASE + 8), 1);
	mmput(mm);
	return dirty;
}

KTEST_FLAGS(race, move_or_is_locked, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	kt_pin(0);
	KT_EXPECT(t, dirty_survives(t, "move:after_flush", 0));
	KT_EXPECT(t, !dirty_survives(t, "move:plain_or", 1));
	kt_unpin();
}
