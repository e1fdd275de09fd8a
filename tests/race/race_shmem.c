/* SPDX-License-Identifier: MIT */
/*
 * Pages of shared memory on their way to swap and back, each interleaving
 * staged: S2 and S3 of mm/shmem_swap.c.
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_shmem.h"
#include "tests/kt/kt_util.h"

struct job {
	struct mm_struct *mm;
	struct address_space *m;
	u64 got;
	u32 done;
};

static void out_thread(void *arg)
{
	struct job *j = arg;

	j->got = kt_shrink(j->m, 0);
	WRITE_ONCE(j->done, 1);
}

static void peek_thread(void *arg)
{
	struct job *j = arg;

	j->got = kt_peek(j->mm, KT_BASE);
	WRITE_ONCE(j->done, 1);
}

static struct thread *start(struct kt *t, void (*fn)(void *), struct job *j,
			    u32 cpu)
{
	struct thread *th = kthread_run("racer", (int)cpu, fn, j);

	KT_EXPECT(t, !IS_ERR(th));
	return th;
}

static struct thread *park(struct kt *t, void (*fn)(void *), struct job *j,
			   const char *point)
{
	struct thread *th;

	race_arm(point, 1);
	th = start(t, fn, j, kt_other_cpu());
	KT_EQ(t, race_wait_parked(point), 0);
	return th;
}

/*
 * Swap-out parked at `point`, then a fault.  It waits for the page's lock, and
 * gets the bytes; in the same frame where the freeze comes after it (S2).
 */
static void out_then_in(struct kt *t, const char *point, u64 word)
{
	struct mm_struct *mm = kt_shared(t, 1, word);
	struct job out = { .mm = mm }, in = { .mm = mm };
	struct thread *a, *b;
	struct page *p;
	int held;

	KT_ASSERT(t, mm);
	out.m = kt_mapping(mm);
	p = find_get_page(out.m, 0);
	put_page(p);
	kt_pin(0);
	a = park(t, out_thread, &out, point);
	KT_EXPECT(t, pte_none(kt_pte(mm, KT_BASE)));
	held = page_count(p);
	b = start(t, peek_thread, &in, 0);
	KT_EXPECT(t, kt_wait_for(page_count(p) > held));
	KT_EQ(t, READ_ONCE(in.done), 0);
	race_release(point);
	thread_join(a);
	thread_join(b);
	KT_EQ(t, out.got, 0);
	KT_EQ(t, in.got, word);
	KT_EQ(t, out.m->nrswapped, 0);
	KT_EXPECT(t, pte_page(kt_pte(mm, KT_BASE)) == p);
	kt_unpin();
	mmput(mm);
}

/* Written, before (D). */
KTEST_FLAGS(race, shmem_swapout_then_swapin, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	out_then_in(t, "shrink:before_freeze", 31);
}

/* Between (A) and (B): the page is in both caches. */
KTEST_FLAGS(race, shmem_swapin_between_caches, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	out_then_in(t, "shmem:slot_taken", 32);
}

/* Before (4) the item goes: the fault must not bring the old bytes back. */
static void cut_under_swapin(struct kt *t, void (*cut)(struct address_space *m),
			     u64 expect)
{
	u64 used = nr_swap_total() - nr_swap_free();
	struct mm_struct *mm = kt_shared(t, 1, 33);
	struct job in = { .mm = mm };
	struct thread *th;

	KT_ASSERT(t, mm);
	in.m = kt_mapping(mm);
	KT_EQ(t, kt_shrink(in.m, 0), 1);
	kt_pin(0);
	th = park(t, peek_thread, &in, "shmem:before_exchange");
	cut(in.m);
	KT_EQ(t, in.m->nrswapped, 0);
	race_release("shmem:before_exchange");
	thread_join(th);
	KT_EQ(t, in.got, expect);
	KT_EQ(t, nr_swap_total() - nr_swap_free(), used);
	kt_unpin();
	mmput(mm);
}

static void truncate_all(struct address_space *m)
{
	truncate_pagecache(m, 0);
}

static void punch_first(struct address_space *m)
{
	punch_pagecache(m, 0, 0);
}

KTEST_FLAGS(race, shmem_truncate_under_swapin, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	cut_under_swapin(t, truncate_all, KT_NONE);
}

KTEST_FLAGS(race, shmem_punch_under_swapin, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	cut_under_swapin(t, punch_first, 0);
}

static void cut_thread(void *arg)
{
	struct job *j = arg;

	truncate_pagecache(j->m, 0);
	WRITE_ONCE(j->done, 1);
}

/* Truncate met the page in the file; swap-out had its lock: it is an item now. */
KTEST_FLAGS(race, shmem_truncate_under_swapout, KTF_LAB_ONLY)
{
	u64 used = nr_swap_total() - nr_swap_free();
	struct job out = { 0 }, cut = { 0 };
	struct mm_struct *mm;
	struct thread *a, *b;
	struct page *p;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	mm = kt_shared(t, 1, 34);
	KT_ASSERT(t, mm);
	out.mm = cut.mm = mm;
	out.m = cut.m = kt_mapping(mm);
	p = find_get_page(out.m, 0);
	put_page(p);
	kt_pin(0);
	a = park(t, out_thread, &out, "shmem:slot_taken");
	b = start(t, cut_thread, &cut, 0);
	KT_EXPECT(t, kt_wait_for(page_count(p) > 3));	/* it waits for the lock */
	KT_EQ(t, READ_ONCE(cut.done), 0);
	race_release("shmem:slot_taken");
	thread_join(a);
	thread_join(b);
	KT_EQ(t, out.m->nrpages + out.m->nrswapped, 0);
	swap_cache_settle();
	KT_EQ(t, nr_swap_total() - nr_swap_free(), used);
	kt_unpin();
	mmput(mm);
}
