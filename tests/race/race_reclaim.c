/* SPDX-License-Identifier: MIT */
/*
 * Reclaim against everybody else, each interleaving staged: a reclaimer or a
 * fault is parked on another CPU between two steps of mm/shrink.c,
 * mm/swap_fault.c or mm/tlb_batch.c.
 */
#include "arch/uaccess.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/tlb.h"
#include "tests/kt/kt_swap.h"
#include "tests/kt/kt_util.h"

struct job {
	struct mm_struct *mm;
	vaddr_t va;
	u64 got;
	u32 done;
};

static void pageout_thread(void *arg)
{
	struct job *j = arg;

	j->got = kt_pageout(j->mm, j->va, PAGE_SIZE);
	WRITE_ONCE(j->done, 1);
}

static void peek_thread(void *arg)
{
	struct job *j = arg;

	j->got = kt_peek(j->mm, j->va);
	WRITE_ONCE(j->done, 1);
}

/* Reclaims the page without mmap_lock, as kswapd does. */
static void batch_thread(void *arg)
{
	struct job *j = arg;
	struct scan_control sc = { .flags = SCAN_IGNORE_REFERENCES };
	struct page *p = pte_page(kt_pte(j->mm, j->va));
	LIST_HEAD(pages);

	if (lru_isolate_page(p)) {
		list_add(&p->lru, &pages);
		j->got = shrink_page_list(&pages, &sc);
	}
	WRITE_ONCE(j->done, 1);
}

static struct thread *start(struct kt *t, void (*fn)(void *), struct job *j,
			    u32 cpu)
{
	struct thread *th = kthread_run("racer", (int)cpu, fn, j);

	KT_EXPECT(t, !IS_ERR(th));
	return th;
}

/* Parks a reclaimer of mm's page at the point. */
static struct thread *park_pageout(struct kt *t, struct job *j,
				   const char *point)
{
	struct thread *th;

	race_arm(point, 1);
	th = start(t, pageout_thread, j, kt_other_cpu());
	KT_EQ(t, race_wait_parked(point), 0);
	return th;
}

/* Swap-in (1) before swap-out (C): the fault holds the page, which stays. */
static void swapin_first(struct kt *t)
{
	struct mm_struct *mm = kt_one_page(t, 11);
	struct job in = { .mm = mm, .va = KT_BASE };
	struct scan_control sc = { .flags = SCAN_IGNORE_REFERENCES };
	struct page *p;
	struct thread *th;
	LIST_HEAD(pages);

	kt_pin(0);
	KT_EQ(t, kt_pageout(mm, KT_BASE, PAGE_SIZE), 1);
	race_arm("swapin:before_lock", 1);
	th = start(t, peek_thread, &in, kt_other_cpu());
	KT_EQ(t, race_wait_parked("swapin:before_lock"), 0);
	p = swap_cache_find(pte_to_swp(kt_pte(mm, KT_BASE)));
	if (KT_EXPECT(t, p && lru_isolate_page(p))) {
		put_page(p);
		list_add(&p->lru, &pages);
		KT_EQ(t, shrink_page_list(&pages, &sc), 0);	/* busy */
	}
	race_release("swapin:before_lock");
	thread_join(th);
	KT_EQ(t, in.got, 11);
	kt_unpin();
	mmput(mm);
}

KTEST_FLAGS(race, swapin_before_swapout, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	swapin_first(t);
}

/* Swap-out up to the freeze, then a fault: it finds the page, waits, has it. */
static void swapout_first(struct kt *t)
{
	struct mm_struct *mm = kt_one_page(t, 12);
	struct job out = { .mm = mm, .va = KT_BASE };
	struct job in = { .mm = mm, .va = KT_BASE };
	struct thread *a, *b;
	struct page *p = pte_page(kt_pte(mm, KT_BASE));

	kt_pin(0);
	a = park_pageout(t, &out, "shrink:before_freeze");
	KT_EXPECT(t, pte_is_swap(kt_pte(mm, KT_BASE)));
	b = start(t, peek_thread, &in, 0);
	KT_EXPECT(t, kt_wait_for(page_count(p) > 2));	/* it has its reference */
	KT_EQ(t, READ_ONCE(in.done), 0);
	race_release("shrink:before_freeze");
	thread_join(a);
	thread_join(b);
	KT_EQ(t, out.got, 0);
	KT_EQ(t, in.got, 12);
	KT_EXPECT(t, pte_page(kt_pte(mm, KT_BASE)) == p);
	kt_unpin();
	mmput(mm);
}

KTEST_FLAGS(race, swapout_before_swapin, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	swapout_first(t);
}

/* Frozen already: the fault finds it gone and reads the slot. */
static void swapout_frozen(struct kt *t)
{
	struct mm_struct *mm = kt_one_page(t, 13);
	struct job out = { .mm = mm, .va = KT_BASE };
	struct job in = { .mm = mm, .va = KT_BASE };
	struct thread *a, *b;

	kt_pin(0);
	a = park_pageout(t, &out, "swap:after_freeze");
	b = start(t, peek_thread, &in, kt_third_cpu());
	for (u32 i = 0; i < 20; i++)
		yield();
	KT_EQ(t, READ_ONCE(in.done), 0);
	race_release("swap:after_freeze");
	thread_join(a);
	thread_join(b);
	KT_EQ(t, out.got, 1);
	KT_EQ(t, in.got, 13);
	kt_unpin();
	mmput(mm);
}

KTEST_FLAGS(race, swapout_frozen_vs_swapin, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	swapout_frozen(t);
}

/*
 * F26: the page is written and clean; a holder writes, sets dirty and puts
 * before the freeze.  Returns what the program reads afterwards.
 */
static u64 late_dirty(struct kt *t, u64 *freed)
{
	struct mm_struct *mm = kt_one_page(t, 14);
	struct job out = { .mm = mm, .va = KT_BASE };
	struct thread *a;
	struct page *p;
	u64 word;

	kt_pin(0);
	a = park_pageout(t, &out, "shrink:before_freeze");
	p = swap_cache_find(pte_to_swp(kt_pte(mm, KT_BASE)));
	if (KT_EXPECT(t, p)) {
		*(u64 *)page_address(p) = 15;
		set_page_dirty(p);
		put_page(p);
	}
	race_release("shrink:before_freeze");
	thread_join(a);
	*freed = out.got;
	word = kt_peek(mm, KT_BASE);
	kt_unpin();
	mmput(mm);
	return word;
}

KTEST_FLAGS(race, freeze_vs_late_dirty, KTF_LAB_ONLY)
{
	u64 freed;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, late_dirty(t, &freed), 15);
	KT_EQ(t, freed, 0);
	bug_set("swap_dirty_before_freeze", 1);
	KT_EQ(t, late_dirty(t, &freed), 14);	/* red: the write is lost */
	KT_EQ(t, freed, 1);
}

/* Unmapped while a reclaimer is in the middle: the slot and the page go. */
static void unmap_during_swapout(struct kt *t, const char *point)
{
	u64 used = nr_swap_total() - nr_swap_free();
	struct mm_struct *mm = kt_one_page(t, 16);
	struct job out = { .mm = mm, .va = KT_BASE };
	struct thread *a;

	kt_pin(0);
	race_arm(point, 1);
	a = start(t, batch_thread, &out, kt_other_cpu());
	KT_EQ(t, race_wait_parked(point), 0);
	KT_EXPECT(t, pte_is_swap(kt_pte(mm, KT_BASE)));
	KT_EQ(t, do_munmap(mm, KT_BASE, PAGE_SIZE), 0);
	race_release(point);
	thread_join(a);
	KT_EQ(t, out.got, 1);
	KT_EQ(t, nr_swap_total() - nr_swap_free(), used);
	kt_unpin();
	mmput(mm);
}

KTEST_FLAGS(race, unmap_vs_swapout, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	unmap_during_swapout(t, "shrink:before_write");
	unmap_during_swapout(t, "shrink:before_freeze");
}

/*
 * F17: a program whose CPU has a writable translation; reclaim has cleared the
 * entry and not flushed; mprotect(PROT_READ) returns; the program stores.
 */
struct storer {
	struct mm_struct *mm;
	u32 warm, go, done;
	u64 refused;
};

static void storer_main(void *arg)
{
	struct storer *s = arg;
	u64 word = 21;

	activate_mm(s->mm);
	s->refused = copy_to_user(KT_BASE, &word, sizeof(word));
	WRITE_ONCE(s->warm, 1);
	while (!READ_ONCE(s->go))
		cpu_relax();
	word = 22;
	s->refused = copy_to_user(KT_BASE, &word, sizeof(word));
	WRITE_ONCE(s->done, 1);
	deactivate_mm();
}

static u64 store_after_mprotect(struct kt *t)
{
	struct mm_struct *mm = kt_one_page(t, 20);
	struct storer s = { .mm = mm };
	struct job out = { .mm = mm, .va = KT_BASE };
	struct thread *a, *b;

	kt_pin(0);
	a = kthread_run("storer", (int)kt_other_cpu(), storer_main, &s);
	KT_EXPECT(t, !IS_ERR(a) && kt_wait_for(READ_ONCE(s.warm)));
	race_arm("reclaim:before_flush", 1);
	b = start(t, batch_thread, &out, kt_third_cpu());
	KT_EQ(t, race_wait_parked("reclaim:before_flush"), 0);
	KT_EXPECT(t, pte_is_swap(kt_pte(mm, KT_BASE)));
	KT_EQ(t, do_mprotect(mm, KT_BASE, PAGE_SIZE, PROT_READ), 0);
	WRITE_ONCE(s.go, 1);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.done)));
	race_release("reclaim:before_flush");
	thread_join(a);
	thread_join(b);
	kt_unpin();
	mmput(mm);
	return s.refused;
}

KTEST_FLAGS(race, mprotect_vs_batched_reclaim, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	KT_EQ(t, store_after_mprotect(t), sizeof(u64));
	bug_set("no_batched_pending", 1);
	KT_EQ(t, store_after_mprotect(t), 0);	/* red: it was let through */
}

/* F19: a second MADV_DONTNEED, which finds nothing, while one has not flushed. */
static void dontneed_thread(void *arg)
{
	struct job *j = arg;

	j->got = (u64)do_madvise_dontneed(j->mm, j->va, PAGE_SIZE);
	WRITE_ONCE(j->done, 1);
}

static void loader_main(void *arg)
{
	struct storer *s = arg;
	u64 word = 0;

	activate_mm(s->mm);
	s->refused = copy_from_user(&word, KT_BASE, sizeof(word));
	WRITE_ONCE(s->warm, 1);
	while (!READ_ONCE(s->go))
		cpu_relax();
	s->refused = copy_from_user(&word, KT_BASE, sizeof(word));
	s->refused = word;
	WRITE_ONCE(s->done, 1);
	deactivate_mm();
}

/* What a program reads behind the second one's return. */
static u64 load_after_dontneed(struct kt *t)
{
	struct mm_struct *mm = kt_one_page(t, 30);
	struct storer s = { .mm = mm };
	struct job j = { .mm = mm, .va = KT_BASE };
	struct thread *a, *b;

	kt_pin(0);
	a = kthread_run("loader", (int)kt_other_cpu(), loader_main, &s);
	KT_EXPECT(t, !IS_ERR(a) && kt_wait_for(READ_ONCE(s.warm)));
	race_arm("gather:before_flush", 1);
	b = start(t, dontneed_thread, &j, kt_third_cpu());
	KT_EQ(t, race_wait_parked("gather:before_flush"), 0);
	KT_EQ(t, do_madvise_dontneed(mm, KT_BASE, PAGE_SIZE), 0);
	WRITE_ONCE(s.go, 1);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.done)));
	race_release("gather:before_flush");
	thread_join(a);
	thread_join(b);
	kt_unpin();
	mmput(mm);
	return s.refused;
}

KTEST_FLAGS(race, double_dontneed, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	KT_EQ(t, load_after_dontneed(t), 0);
	bug_set("gather_trusts_none", 1);
	KT_EQ(t, load_after_dontneed(t), 30);	/* red: the page is gone */
}
