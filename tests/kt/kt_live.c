/* SPDX-License-Identifier: MIT */
/*
 * Address spaces that are really loaded: kernel threads adopt an mm and write
 * to it through their CPU's own translations while the test changes the
 * mappings.  A missing flush shows as a write that lands where it must not.
 */
#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

#define PAGES	4
#define OTHER	(KT_BASE + 0x1ff000)	/* over a table boundary */

struct hammer {
	struct mm_struct *mm;
	u32 stop;
	u32 word;		/* which word of each page is mine */
	u64 seq;		/* the last value written everywhere */
	u64 faults;		/* accesses refused */
	u64 wrong;
	u64 alt;		/* a second place to try, or 0 */
	int zero_ok;		/* pages may turn to zeros */
};

static vaddr_t place(const struct hammer *h, vaddr_t base, u32 page)
{
	return base + page * PAGE_SIZE + h->word * 8;
}

static bool store(struct hammer *h, u32 page, u64 v)
{
	if (!copy_to_user(place(h, KT_BASE, page), &v, 8))
		return true;
	if (h->alt && !copy_to_user(place(h, h->alt, page), &v, 8))
		return true;
	WRITE_ONCE(h->faults, h->faults + 1);
	return false;
}

static bool load(struct hammer *h, u32 page, u64 *v)
{
	if (!copy_from_user(v, place(h, KT_BASE, page), 8))
		return true;
	return h->alt && !copy_from_user(v, place(h, h->alt, page), 8);
}

static void hammer_pages(struct hammer *h, u64 seq)
{
	u64 v;

	for (u32 p = 0; p < PAGES; p++) {
		while (!store(h, p, seq) && !READ_ONCE(h->stop))
			cpu_relax();
		if (load(h, p, &v) && v != seq && !(h->zero_ok && !v) &&
		    !READ_ONCE(h->stop))
			h->wrong++;
	}
	WRITE_ONCE(h->seq, seq);
}

static void hammer_thread(void *arg)
{
	struct hammer *h = arg;

	activate_mm(h->mm);
	for (u64 seq = 1; !READ_ONCE(h->stop); seq++)
		hammer_pages(h, seq);
	deactivate_mm();
}

static void settle(const struct hammer *h)
{
	u64 seq = READ_ONCE(h->seq);

	for (u32 i = 0; i < 50 && READ_ONCE(h->seq) < seq + 2; i++)
		yield();
}

static struct thread *start(struct hammer *h)
{
	struct thread *th = kthread_run("hammer", (int)kt_other_cpu(),
					hammer_thread, h);

	while (!READ_ONCE(h->seq))
		yield();
	return th;
}

static void stop(struct hammer *h, struct thread *th)
{
	WRITE_ONCE(h->stop, 1);
	thread_join(th);
}

/* What was forked is a snapshot: later writes of the parent do not show. */
KTEST(mm, live_fork_snapshot)
{
	struct hammer h = { .mm = mm_alloc() };
	struct thread *th;
	u64 a[PAGES], b[PAGES];

	KT_ASSERT(t, h.mm);
	kt_map(h.mm, 0, PAGES * PAGE_SIZE, PROT_RW);
	th = start(&h);
	for (u32 round = 0; round < 20; round++) {
		struct mm_struct *child = mm_alloc();

		KT_EQ(t, dup_mmap(child, h.mm), 0);
		for (u32 p = 0; p < PAGES; p++)
			a[p] = kt_peek(child, KT_BASE + p * PAGE_SIZE);
		settle(&h);
		for (u32 p = 0; p < PAGES; p++)
			b[p] = kt_peek(child, KT_BASE + p * PAGE_SIZE);
		for (u32 p = 0; p < PAGES; p++) {
			KT_EQ(t, a[p], b[p]);
			KT_EXPECT(t, a[p] <= a[0] && a[p] + 1 >= a[0]);
		}
		mmput(child);
	}
	stop(&h, th);
	KT_EQ(t, h.wrong, 0);
	KT_EQ(t, h.faults, 0);
	mmput(h.mm);
}

KTEST(mm, live_mprotect_stops_writes)
{
	struct hammer h = { .mm = mm_alloc() };
	struct thread *th;
	u64 a, faults;

	KT_ASSERT(t, h.mm);
	kt_map(h.mm, 0, PAGES * PAGE_SIZE, PROT_RW);
	th = start(&h);
	for (u32 round = 0; round < 20; round++) {
		do_mprotect(h.mm, KT_BASE, PAGES * PAGE_SIZE, PROT_READ);
		a = kt_peek(h.mm, KT_BASE);
		faults = READ_ONCE(h.faults);
		KT_EXPECT(t, kt_wait_for(READ_ONCE(h.faults) > faults + 1));
		KT_EQ(t, kt_peek(h.mm, KT_BASE), a);
		do_mprotect(h.mm, KT_BASE, PAGES * PAGE_SIZE,
			    round & 1 ? PROT_NONE : PROT_RW);
		do_mprotect(h.mm, KT_BASE, PAGES * PAGE_SIZE, PROT_RW);
		settle(&h);
	}
	stop(&h, th);
	KT_EQ(t, h.wrong, 0);
	KT_EXPECT(t, h.faults > 0);
	mmput(h.mm);
}

/* The freed pages are poisoned: a stale translation would read that. */
KTEST(mm, live_dontneed)
{
	struct hammer h = { .mm = mm_alloc(), .zero_ok = 1 };
	struct thread *th;

	KT_ASSERT(t, h.mm);
	kt_map(h.mm, 0, PAGES * PAGE_SIZE, PROT_RW);
	th = start(&h);
	for (u32 round = 0; round < 40; round++)
		do_madvise_dontneed(h.mm, KT_BASE, PAGES * PAGE_SIZE);
	stop(&h, th);
	KT_EQ(t, h.wrong, 0);
	KT_EQ(t, h.faults, 0);
	mmput(h.mm);
}

KTEST(mm, live_mremap)
{
	struct hammer h = { .mm = mm_alloc(), .alt = OTHER };
	u64 len = PAGES * PAGE_SIZE;
	struct thread *th;
	vaddr_t at;

	KT_ASSERT(t, h.mm);
	kt_map(h.mm, 0, len, PROT_RW);
	th = start(&h);
	for (u32 round = 0; round < 12; round++) {
		KT_EQ(t, kt_mremap(h.mm, KT_BASE, len, len, OTHER), OTHER);
		settle(&h);
		KT_EQ(t, kt_mremap(h.mm, OTHER, len, len, KT_BASE), KT_BASE);
	}
	stop(&h, th);
	at = KT_BASE;
	for (u32 p = 0; p < PAGES; p++)
		KT_EXPECT(t, kt_peek(h.mm, at + p * PAGE_SIZE) + 1 >= h.seq);
	KT_EQ(t, h.wrong, 0);
	mmput(h.mm);
}

/* Once moved, nothing written through the old place may arrive. */
KTEST(mm, live_mremap_old_place_dead)
{
	struct hammer h = { .mm = mm_alloc() };
	u64 len = PAGES * PAGE_SIZE, a;
	struct thread *th;

	KT_ASSERT(t, h.mm);
	kt_map(h.mm, 0, len, PROT_RW);
	th = start(&h);
	for (u32 round = 0; round < 5; round++) {
		kt_mremap(h.mm, KT_BASE, len, len, OTHER);
		a = kt_peek(h.mm, OTHER);
		for (u32 i = 0; i < 10; i++)
			yield();
		KT_EQ(t, kt_peek(h.mm, OTHER), a);
		kt_mremap(h.mm, OTHER, len, len, KT_BASE);
		settle(&h);
	}
	stop(&h, th);
	KT_EQ(t, h.wrong, 0);
	mmput(h.mm);
}

KTEST(mm, live_truncate_dropcaches)
{
	struct hammer h = { .mm = mm_alloc(), .zero_ok = 1, .word = 1 };
	struct kt_file *f = kt_file_create(0, PAGES * PAGE_SIZE);
	struct thread *th;

	KT_ASSERT(t, h.mm && f);
	f->fail = 0;
	kt_map_file(h.mm, f, 0, PAGES * PAGE_SIZE, MAP_SHARED);
	th = start(&h);
	for (u32 round = 0; round < 24; round++) {
		truncate_pagecache(&f->m, (round & 3) * PAGE_SIZE);
		WRITE_ONCE(f->m.size, PAGES * PAGE_SIZE);
		invalidate_mapping_pages(&f->m, DROP_MAPPED_TOO);
		if (!(round & 7))
			settle(&h);
	}
	stop(&h, th);
	mmput(h.mm);
	kt_file_put(f);
}

/* Two threads fault in, and copy on write, the same pages. */
KTEST(mm, live_same_page_faults)
{
	for (u32 round = 0; round < 6; round++) {
		struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
		struct hammer h[2] = { { .mm = mm }, { .mm = mm, .word = 1 } };
		struct thread *th[2];

		KT_ASSERT(t, mm && child);
		kt_map(mm, 0, PAGES * PAGE_SIZE, PROT_RW);
		for (u32 i = 0; i < 2; i++)
			th[i] = kthread_run("hammer", -1, hammer_thread, &h[i]);
		settle(&h[0]);
		KT_EQ(t, dup_mmap(child, mm), 0);
		settle(&h[1]);
		for (u32 i = 0; i < 2; i++)
			stop(&h[i], th[i]);
		for (u32 p = 0; p < PAGES; p++)
			for (u32 i = 0; i < 2; i++)
				KT_EXPECT(t, kt_peek(mm, KT_BASE + p * PAGE_SIZE
						     + i * 8) >= h[i].seq);
		KT_EQ(t, h[0].wrong + h[1].wrong, 0);
		mmput(child);
		mmput(mm);
	}
}
