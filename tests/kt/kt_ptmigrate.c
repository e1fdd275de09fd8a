/* SPDX-License-Identifier: MIT */
/* Tests of mm/ptmigrate.c and ptmigrate_move.c. */
#include "arch/uaccess.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/ptmigrate.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "tests/kt/kt_mm.h"

/* Places in many tables: two in one, over 2 MiB, 1 GiB and 512 GiB borders. */
static const vaddr_t places[] = {
	0x40000000, 0x40005000, 0x401ff000, 0x40200000, 0x7ffff000,
	0x80000000, 0x7ffffff000, 0x8000000000, 0x7f0000000000,
};
#define PLACES		ARRAY_SIZE(places)
#define LEVEL1_TABLES	7	/* of those places */

struct seen {
	pte_t leaf[PLACES];
	const pte_t *where[PLACES][PT_LEVELS + 1];
};

static struct mm_struct *mm_with_places(struct kt *t)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm))
		return NULL;
	for (u32 i = 0; i < PLACES; i++) {
		KT_EQ(t, kt_mmap(mm, places[i], PAGE_SIZE, PROT_RW,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
		      places[i]);
		KT_EQ(t, kt_poke(mm, places[i], i + 1), 0);
	}
	return mm;
}

static void look(struct mm_struct *mm, struct seen *s)
{
	for (u32 i = 0; i < PLACES; i++) {
		struct pt_path path;
		int level;

		rcu_read_lock();
		s->leaf[i] = pgtable_read(&mm->pgt, places[i], &level, &path);
		rcu_read_unlock();
		for (int l = 1; l <= PT_LEVELS; l++)
			s->where[i][l] = path.where[l];
	}
}

static void expect_moved(struct kt *t, struct mm_struct *mm,
			 const struct seen *a, const struct seen *b)
{
	for (u32 i = 0; i < PLACES; i++) {
		/* Same frame and rights; A and D only gained. */
		KT_EQ(t, (a->leaf[i].val ^ b->leaf[i].val) & ~PTE_AD, 0);
		KT_EQ(t, a->leaf[i].val & ~b->leaf[i].val, 0);
		for (int l = 1; l <= PT_LEVELS; l++)
			KT_EXPECT(t, table_page(a->where[i][l]) !=
				     table_page(b->where[i][l]));
		KT_EQ(t, kt_peek(mm, places[i]), i + 1);
	}
}

static u64 sum_moved(const struct ptmigrate_result *r)
{
	return r->moved[1] + r->moved[2] + r->moved[3] + r->moved[4];
}

static void relocate_places(struct kt *t, enum ptmigrate_mode mode)
{
	struct mm_struct *mm = mm_with_places(t);
	u64 tables = nr_table_pages();
	struct ptmigrate_result r;
	struct seen *a = kzalloc(2 * sizeof(*a)), *b = a + 1;

	KT_ASSERT(t, mm && a);
	look(mm, a);
	KT_EQ(t, mm_relocate_tables(mm, mode, &r), 0);
	look(mm, b);
	expect_moved(t, mm, a, b);
	KT_EQ(t, r.moved[1], LEVEL1_TABLES);
	KT_EQ(t, r.moved[4], 1);
	KT_EQ(t, sum_moved(&r), atomic64_read(&mm->pgt.nr_tables));
	KT_EQ(t, mm->relocations, sum_moved(&r));
	KT_EXPECT(t, r.flushes <= sum_moved(&r));
	if (mode != PTMIGRATE_LIVE)
		KT_EQ(t, r.flushes, mode == PTMIGRATE_STOP);
	rcu_barrier();
	KT_EQ(t, nr_table_pages(), tables);
	kfree(a);
	mmput(mm);
}

KTEST(ptmigrate, live_all_levels)
{
	relocate_places(t, PTMIGRATE_LIVE);
}

KTEST(ptmigrate, stop_all_levels)
{
	relocate_places(t, PTMIGRATE_STOP);
}

KTEST(ptmigrate, park_all_levels)
{
	relocate_places(t, PTMIGRATE_PARK);
}

/* 64 tables under one parent: two flushes for them, three for what is above */
KTEST(ptmigrate, batches)
{
	struct mm_struct *mm = mm_alloc();
	struct ptmigrate_result r;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 64 * pt_size(2), PROT_RW);
	for (u32 i = 0; i < 64; i++)
		kt_poke(mm, KT_BASE + i * pt_size(2), i);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	KT_EQ(t, r.moved[1], 64);
	KT_EQ(t, r.flushes, 5);
	for (u32 i = 0; i < 64; i++)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * pt_size(2)), i);
	mmput(mm);
}

/* More locks are held than lockdep has slots for. */
KTEST(ptmigrate, stop_many_vmas)
{
	struct mm_struct *mm = mm_alloc();
	struct ptmigrate_result r;

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 60; i++) {
		kt_map(mm, i * 0x110000, 0x1000, PROT_RW);
		kt_poke(mm, KT_BASE + i * 0x110000, i);
	}
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_STOP, &r), 0);
	KT_EQ(t, sum_moved(&r), atomic64_read(&mm->pgt.nr_tables));
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	KT_EQ(t, sum_moved(&r), atomic64_read(&mm->pgt.nr_tables));
	for (u32 i = 0; i < 60; i++)
		KT_EQ(t, kt_peek(mm, KT_BASE + i * 0x110000), i);
	mmput(mm);
}

KTEST(ptmigrate, empty_mm)
{
	struct mm_struct *mm = mm_alloc();
	struct ptmigrate_result r;

	KT_ASSERT(t, mm);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	KT_EQ(t, sum_moved(&r), 1);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_STOP, &r), 0);
	KT_EQ(t, sum_moved(&r), 1);
	KT_EQ(t, r.moved[4], 1);
	mmput(mm);
}

/* Memory runs out at every allocation in turn: part moved, all consistent. */
static void no_memory(struct kt *t, enum ptmigrate_mode mode)
{
	struct mm_struct *mm = mm_with_places(t);
	struct ptmigrate_result r;
	int err = -ENOMEM;
	u32 n = 0;

	KT_ASSERT(t, mm);
	while (err) {
		alloc_fail_nth(++n);
		err = mm_relocate_tables(mm, mode, &r);
		alloc_fail_nth(0);
		KT_ASSERT(t, !err || err == -ENOMEM);
		for (u32 i = 0; i < PLACES; i++)
			KT_EQ(t, kt_peek(mm, places[i]), i + 1);
		KT_ASSERT(t, n < 200);
	}
	KT_EXPECT(t, n > 3);
	mmput(mm);
}

KTEST_FLAGS(ptmigrate, no_memory, KTF_LAB_ONLY)
{
	no_memory(t, PTMIGRATE_LIVE);
	no_memory(t, PTMIGRATE_STOP);
	no_memory(t, PTMIGRATE_PARK);
}

KTEST(ptmigrate, interrupted)
{
	struct mm_struct *mm = mm_with_places(t);
	struct ptmigrate_result r;

	KT_ASSERT(t, mm);
	thread_interrupt(current());
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), -EINTR);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_STOP, &r), -EINTR);
	current()->interrupted = 0;
	KT_EQ(t, sum_moved(&r), 0);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &r), 0);
	mmput(mm);
}

/*
 * Threads that write through their CPUs' own translations, and fault, while
 * everything moves under them.
 */
#define LIVE_PAGES	32
#define LIVE_STRIDE	(24 * PAGE_SIZE)	/* two tables */
#define LIVE_THREADS	3

struct writer {
	struct mm_struct *mm;
	u32 stop, slot;
	u64 rounds, wrong;
};

static vaddr_t live_va(const struct writer *w, u32 page)
{
	return KT_BASE + page * LIVE_STRIDE + w->slot * 64;
}

static void write_round(struct writer *w)
{
	u64 seq = w->rounds + 1, v;

	for (u32 i = 0; i < LIVE_PAGES; i++) {
		if (copy_from_user(&v, live_va(w, i), 8) || v != w->rounds)
			w->wrong++;
		if (copy_to_user(live_va(w, i), &seq, 8))
			w->wrong++;
	}
	WRITE_ONCE(w->rounds, seq);
}

static void writer_main(void *arg)
{
	struct writer *w = arg;

	activate_mm(w->mm);
	while (!READ_ONCE(w->stop))
		write_round(w);
	deactivate_mm();
}

/* One thread also gives pages back all the time (its own area). */
static void churn_main(void *arg)
{
	struct writer *w = arg;
	vaddr_t va = KT_BASE + 0x40000000;
	u64 v = 5;

	activate_mm(w->mm);
	while (!READ_ONCE(w->stop)) {
		for (u32 i = 0; i < 16; i++)
			w->wrong += !!copy_to_user(va + i * 0x40000, &v, 8);
		if (do_munmap(w->mm, va, 0x200000))
			w->wrong++;
		if (kt_mmap(w->mm, va, 0x400000, PROT_RW, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED) != (s64)va)
			w->wrong++;
		w->rounds++;
	}
	deactivate_mm();
}

static void run_live(struct kt *t, enum ptmigrate_mode mode, u32 times)
{
	struct thread *th[LIVE_THREADS + 1];
	struct writer w[LIVE_THREADS + 1];
	struct mm_struct *mm = mm_alloc();
	struct ptmigrate_result r;
	u64 start;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, LIVE_PAGES * LIVE_STRIDE, PROT_RW);
	kt_map(mm, 0x40000000, 0x400000, PROT_RW);
	for (u32 i = 0; i <= LIVE_THREADS; i++) {
		w[i] = (struct writer){ .mm = mm, .slot = i };
		th[i] = kthread_run("writer", -1, i < LIVE_THREADS ?
				    writer_main : churn_main, &w[i]);
		while (!READ_ONCE(w[i].rounds))
			yield();
	}
	for (u32 n = 0; n < times; n++) {
		start = READ_ONCE(w[n % LIVE_THREADS].rounds);
		KT_EQ(t, mm_relocate_tables(mm, mode, &r), 0);
		for (u32 k = 0; k < 20 && start ==
		     READ_ONCE(w[n % LIVE_THREADS].rounds); k++)
			yield();
	}
	for (u32 i = 0; i <= LIVE_THREADS; i++)
		WRITE_ONCE(w[i].stop, 1);
	for (u32 i = 0; i <= LIVE_THREADS; i++) {
		thread_join(th[i]);
		KT_EQ(t, w[i].wrong, 0);
	}
	mmput(mm);
}

KTEST(ptmigrate, live_under_writers)
{
	run_live(t, PTMIGRATE_LIVE, 5);
}

KTEST(ptmigrate, stop_under_writers)
{
	run_live(t, PTMIGRATE_STOP, 3);
}

KTEST(ptmigrate, park_under_writers)
{
	run_live(t, PTMIGRATE_PARK, 3);
}

/*
 * From one start, the three modes one after the other: the same leaves under
 * tables that are others each time, bit for bit but for A and D, which only
 * gain; in the same number of tables of each level.
 */
KTEST(ptmigrate, modes_agree)
{
	static const enum ptmigrate_mode order[] = {
		PTMIGRATE_PARK, PTMIGRATE_LIVE, PTMIGRATE_PARK, PTMIGRATE_STOP,
	};
	struct mm_struct *mm = mm_with_places(t);
	struct seen *s = kzalloc(2 * sizeof(*s));
	struct ptmigrate_result want, r;

	KT_ASSERT(t, mm && s);
	look(mm, &s[0]);
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_PARK, &want), 0);
	look(mm, &s[1]);
	expect_moved(t, mm, &s[0], &s[1]);
	for (u32 i = 0; i < ARRAY_SIZE(order); i++) {
		look(mm, &s[0]);
		KT_EQ(t, mm_relocate_tables(mm, order[i], &r), 0);
		look(mm, &s[1]);
		expect_moved(t, mm, &s[0], &s[1]);
		KT_EQ(t, memcmp(r.moved, want.moved, sizeof(r.moved)), 0);
	}
	kfree(s);
	mmput(mm);
}

KTEST_FLAGS(ptmigrate, live_long, KTF_SLOW)
{
	run_live(t, PTMIGRATE_LIVE, 1000);
	run_live(t, PTMIGRATE_STOP, 300);
	run_live(t, PTMIGRATE_PARK, 300);
}
