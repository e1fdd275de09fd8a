/* SPDX-License-Identifier: MIT */
/*
 * A page that is being moved (mm/migrate.c): its entries are migration entries,
 * or it is frozen, and somebody comes.
 */
#include "mm/migrate.h"
#include "mm/mmu_model.h"
#include "mm/swapops.h"
#include "tests/kt/kt_mm.h"
#include "tests/race/race_util.h"

struct actor {
	struct mm_struct *mm;
	u32 done;
	s64 ret;
};

static void move_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = kt_move_page(a->mm, KT_BASE);
	WRITE_ONCE(a->done, 1);
}

static void read_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = fault_user_address(a->mm, KT_BASE, FAULT_REMOTE);
	WRITE_ONCE(a->done, 1);
}

static struct mm_struct *mm_ready(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		return NULL;
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	return mm;
}

static struct thread *start_move(struct kt *t, struct actor *a,
				 const char *point)
{
	struct thread *th;

	th = race_park(t, point, (int)kt_other_cpu(), move_thread, a);
	KT_EXPECT(t, pte_is_migration(kt_pte(a->mm, KT_BASE)));
	return th;
}

/* A fault waits, and finds the page at its new place. */
KTEST_FLAGS(race, migrate_vs_fault, KTF_LAB_ONLY)
{
	struct actor m = { .mm = mm_ready() }, r = { .mm = m.mm };
	struct thread *tm, *tr;

	KT_ASSERT(t, m.mm);
	kt_pin(0);
	tm = start_move(t, &m, "migrate:unmapped");
	tr = kthread_run("reader", 0, read_thread, &r);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(r.done), 0);
	race_let_go("migrate:unmapped", tm);
	thread_join(tr);
	kt_unpin();
	KT_EQ(t, r.ret, FAULT_DONE);
	/* The waiter's reference may have been in the way all the time. */
	KT_EXPECT(t, !m.ret || m.ret == -EBUSY);
	KT_EQ(t, kt_peek(m.mm, KT_BASE), 1);
	mmput(m.mm);
}

/*
 * F36: a fault meets the entry while the page is frozen.  A plain get turns
 * its count of 0 into 1.  Reports.
 */
static u32 wait_on_frozen(struct kt *t, u32 bug)
{
	struct actor m = { .mm = mm_ready() }, r = { .mm = m.mm };
	struct thread *tm, *tr;

	if (!KT_EXPECT(t, m.mm))
		return 0;
	kt_pin(0);
	mmu_model_expect(1);
	mmu_model_reports();
	bug_set("migration_plain_get", bug);
	tm = start_move(t, &m, "migrate:frozen");
	tr = kthread_run("reader", 0, read_thread, &r);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(r.done), 0);
	bug_set("migration_plain_get", 0);
	race_let_go("migrate:frozen", tm);
	thread_join(tr);
	mmu_model_expect(0);
	kt_unpin();
	KT_EQ(t, r.ret, FAULT_DONE);
	KT_EQ(t, m.ret, 0);
	KT_EQ(t, kt_peek(m.mm, KT_BASE), 1);
	mmput(m.mm);
	return mmu_model_reports();
}

KTEST_FLAGS(race, migrate_frozen_vs_fault, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, wait_on_frozen(t, 0), 0);
	KT_EQ(t, wait_on_frozen(t, 1), 1);
}

static void midway(struct kt *t, const char *what)
{
	struct actor m = { .mm = mm_ready() };
	struct mm_struct *child = mm_alloc();
	struct thread *tm;
	vaddr_t va = KT_BASE;
	u64 want = 1;

	KT_ASSERT(t, m.mm && child);
	kt_pin(0);
	tm = start_move(t, &m, "migrate:unmapped");
	switch (*what) {
	case 'f':
		KT_EQ(t, dup_mmap(child, m.mm), 0);
		break;
	case 'p':
		do_mprotect(m.mm, KT_BASE, 0x1000, PROT_READ);
		break;
	case 'r':
		va = KT_BASE + 0x10000;
		KT_EQ(t, kt_mremap(m.mm, KT_BASE, 0x1000, 0x1000, va), va);
		break;
	case 'u':
		KT_EQ(t, do_munmap(m.mm, KT_BASE, 0x1000), 0);
		want = KT_NONE;
		break;
	}
	race_let_go("migrate:unmapped", tm);
	kt_unpin();
	KT_EQ(t, m.ret, 0);
	KT_EQ(t, kt_peek(m.mm, va), want);
	KT_EQ(t, pte_write(kt_pte(m.mm, va)), *what == 'r');
	if (*what == 'f') {
		KT_EQ(t, page_mapcount(pte_page(kt_pte(child, va))), 2);
		KT_EQ(t, kt_poke(m.mm, va, 2), 0);
		KT_EQ(t, kt_peek(child, va), 1);
	}
	mmput(m.mm);
	mmput(child);
}

KTEST_FLAGS(race, migrate_vs_fork, KTF_LAB_ONLY) { midway(t, "fork"); }
KTEST_FLAGS(race, migrate_vs_mprotect, KTF_LAB_ONLY) { midway(t, "protect"); }
KTEST_FLAGS(race, migrate_vs_mremap, KTF_LAB_ONLY) { midway(t, "remap"); }
KTEST_FLAGS(race, migrate_vs_munmap, KTF_LAB_ONLY) { midway(t, "unmap"); }

/* Fork in the middle of a move that is not going to be: a pin is a pin. */
KTEST_FLAGS(race, migrate_pinned_vs_fork, KTF_LAB_ONLY)
{
	struct actor m = { .mm = mm_ready() };
	struct mm_struct *child = mm_alloc();
	struct thread *tm;
	struct page *p;

	KT_ASSERT(t, m.mm && child);
	KT_EQ(t, pin_user_pages(m.mm, KT_BASE, 1, FOLL_WRITE, &p), 1);
	kt_pin(0);
	tm = race_park(t, "migrate:unmapped", (int)kt_other_cpu(), move_thread,
		       &m);
	KT_EQ(t, dup_mmap(child, m.mm), 0);
	race_let_go("migrate:unmapped", tm);
	kt_unpin();
	KT_EQ(t, m.ret, -EBUSY);
	KT_EQ(t, kt_poke(m.mm, KT_BASE, 2), 0);
	KT_EQ(t, *(u64 *)page_address(p), 2);
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	unpin_user_page(p);
	mmput(m.mm);
	mmput(child);
}

static void truncate_thread(void *arg)
{
	truncate_pagecache(arg, 0);
}

/*
 * Truncate waits for the page's lock.  Its reference keeps the page in its
 * place, or it found the one that took it: either way nothing is left.
 */
KTEST_FLAGS(race, migrate_vs_truncate, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(4, 0x1000);
	struct actor m = { .mm = mm_alloc() };
	struct thread *tm, *tt;

	KT_ASSERT(t, m.mm && f);
	kt_map_file(m.mm, f, 0, 0x1000, MAP_SHARED);
	kt_poke(m.mm, KT_BASE, 1);
	kt_pin(0);
	tm = start_move(t, &m, "migrate:unmapped");
	tt = kthread_run("truncate", 0, truncate_thread, &f->m);
	sleep_ms(20);
	race_let_go("migrate:unmapped", tm);
	thread_join(tt);
	kt_unpin();
	KT_EQ(t, f->m.nrpages, 0);
	KT_EXPECT(t, pte_none(kt_pte(m.mm, KT_BASE)));
	mmput(m.mm);
	kt_file_put(f);
}

/* (1) of gup_fast, then the whole move: the entry is another. */
static void grab_thread(void *arg)
{
	struct actor *a = arg;
	struct page *p;
	pte_t e;

	a->ret = gup_fast(a->mm, KT_BASE, FOLL_WRITE | FOLL_PIN, &p, &e);
	if (!a->ret)
		unpin_user_page(p);
}

KTEST_FLAGS(race, migrate_within_pin, KTF_LAB_ONLY)
{
	struct actor m = { .mm = mm_ready() }, g = { .mm = m.mm };
	struct thread *tg;

	KT_ASSERT(t, m.mm);
	if (!kt_other_cpu()) {
		mmput(m.mm);
		KT_SKIP(t, "needs two CPUs");
	}
	kt_pin(0);
	tg = race_park(t, "gup_fast:before_get", (int)kt_other_cpu(), grab_thread,
		       &g);
	move_thread(&m);
	race_let_go("gup_fast:before_get", tg);
	kt_unpin();
	KT_EQ(t, m.ret, 0);
	KT_EQ(t, g.ret, -EAGAIN);
	mmput(m.mm);
}
