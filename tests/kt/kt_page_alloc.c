/* SPDX-License-Identifier: MIT */
/* Frames: mm/page_alloc.c and mm/page.c. */
#include "lib/prng.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "tests/kt/kt_util.h"

#define NR_HELD		48
#define ROUNDS		600

static void stamp(struct page *p, u32 order, u64 tag)
{
	for (u32 i = 0; i < 1U << order; i++) {
		u64 *w = page_address(p + i);

		w[0] = tag + i;
		w[PAGE_SIZE / 8 - 1] = ~(tag + i);
	}
}

static u32 stamp_errors(struct page *p, u32 order, u64 tag)
{
	u32 bad = 0;

	for (u32 i = 0; i < 1U << order; i++) {
		const u64 *w = page_address(p + i);

		bad += w[0] != tag + i || w[PAGE_SIZE / 8 - 1] != ~(tag + i);
	}
	return bad;
}

struct held { struct page *p; u32 order; u64 tag; };

/* Random sizes come and go; every block keeps what its owner wrote. */
static u32 churn(struct held *h, u64 seed, u32 max_order)
{
	struct prng r;
	u32 bad = 0;

	prng_seed(&r, seed);
	for (u32 i = 0; i < ROUNDS; i++) {
		struct held *x = &h[prng_u64(&r) % NR_HELD];

		if (x->p) {
			bad += stamp_errors(x->p, x->order, x->tag);
			free_pages(x->p, x->order);
			x->p = NULL;
			continue;
		}
		x->order = (u32)(prng_u64(&r) % (max_order + 1));
		x->tag = prng_u64(&r);
		x->p = alloc_pages(x->order, ALLOC_FROZEN);
		if (x->p)
			stamp(x->p, x->order, x->tag);
	}
	for (u32 i = 0; i < NR_HELD; i++) {
		if (!h[i].p)
			continue;
		bad += stamp_errors(h[i].p, h[i].order, h[i].tag);
		free_pages(h[i].p, h[i].order);
		h[i].p = NULL;
	}
	return bad;
}

KTEST(page_alloc, random_sizes)
{
	struct held *h = kzalloc(NR_HELD * sizeof(*h));

	KT_ASSERT(t, h);
	KT_EQ(t, churn(h, 1, 5), 0);
	kfree(h);
}

/* A split block must come together again: no fragments are left. */
KTEST(page_alloc, split_and_merge)
{
	struct page_stats before, after;
	struct page *p[64];

	drain_pcp_all();
	page_alloc_stats(&before);
	for (u32 i = 0; i < 64; i++)
		p[i] = alloc_pages(0, ALLOC_FROZEN | ALLOC_LOW);
	for (u32 i = 0; i < 64; i++) {
		u32 at = i * 37 % 64;

		KT_ASSERT(t, p[at]);
		free_page(p[at]);
	}
	drain_pcp_all();
	page_alloc_stats(&after);
	for (u32 o = 0; o < MAX_ORDER; o++)
		KT_EQ(t, after.blocks[o], before.blocks[o]);
}

KTEST(page_alloc, orders_and_flags)
{
	for (u32 order = 0; order < MAX_ORDER; order++) {
		struct page *p = alloc_pages(order, ALLOC_FROZEN | ALLOC_ZERO);
		const u64 *w;

		KT_ASSERT(t, p);
		w = page_address(p);
		KT_EQ(t, page_to_pfn(p) & ((1UL << order) - 1), 0);
		KT_EQ(t, w[0] | w[(PAGE_SIZE / 8 << order) - 1], 0);
		KT_EXPECT(t, !page_is_free(p));
		free_pages(p, order);
		KT_EXPECT(t, page_is_free(p));
		KT_EXPECT(t, page_is_free(p + (1UL << order) - 1));
	}
	KT_EXPECT(t, !alloc_pages(MAX_ORDER, ALLOC_FROZEN));
}

KTEST(page_alloc, low_is_below_4g)
{
	struct page *p = alloc_page(ALLOC_FROZEN | ALLOC_LOW);

	KT_ASSERT(t, p);
	KT_EXPECT(t, page_to_phys(p) < 4UL << 30);
	KT_EXPECT(t, page_to_phys(p) >= 1UL << 20);
	free_page(p);
}

KTEST(page_alloc, nth_failure)
{
	struct page *p[3];

	alloc_fail_nth(2);
	for (int i = 0; i < 3; i++)
		p[i] = alloc_page(ALLOC_PLAIN);
	KT_EXPECT(t, alloc_failed_nth());
	alloc_fail_nth(0);
	KT_EXPECT(t, p[0] && !p[1] && p[2]);
	for (int i = 0; i < 3; i++)
		if (p[i])
			put_page(p[i]);
}

/* S2, S4: nobody takes a reference on a frozen or free page. */
KTEST(page_alloc, freeze_and_speculative_get)
{
	struct page *p = alloc_page(ALLOC_PLAIN);

	KT_ASSERT(t, p);
	KT_EXPECT(t, get_page_unless_zero(p));
	KT_EXPECT(t, !page_ref_freeze(p, 1));
	put_page(p);
	KT_EXPECT(t, page_ref_freeze(p, 1));
	KT_EXPECT(t, !get_page_unless_zero(p));
	page_ref_unfreeze(p, 1);
	KT_EXPECT(t, get_page_unless_zero(p));
	put_page(p);
	put_page(p);
	KT_EXPECT(t, !get_page_unless_zero(p));
}

/* S1: the stale getter's put is the last one and frees the page. */
KTEST(page_alloc, last_put_by_a_stranger)
{
	struct page *p = alloc_page(ALLOC_PLAIN);

	KT_ASSERT(t, p);
	KT_EXPECT(t, get_page_unless_zero(p));
	put_page(p);
	KT_EXPECT(t, !page_is_free(p));
	put_page(p);
	KT_EXPECT(t, page_is_free(p));
}

KTEST(page_alloc, reserved_frames)
{
	KT_EXPECT(t, pfn_valid(0));
	KT_EXPECT(t, page_test(pfn_to_page(0), PG_reserved));
	KT_EXPECT(t, page_test(virt_to_page((void *)&page_alloc_stats),
			       PG_reserved));
	KT_EXPECT(t, !pfn_valid(max_pfn));
}

#define NR_THREADS	4

struct churn_arg { struct held held[NR_HELD]; u64 seed; u32 bad; };

static void churn_thread(void *arg)
{
	struct churn_arg *a = arg;

	a->bad = churn(a->held, a->seed, 3);
}

KTEST(page_alloc, many_cpus)
{
	struct churn_arg *a = kzalloc(NR_THREADS * sizeof(*a));
	struct thread *th[NR_THREADS];

	KT_ASSERT(t, a);
	for (u32 i = 0; i < NR_THREADS; i++) {
		a[i].seed = i + 100;
		th[i] = kthread_run("churn", -1, churn_thread, &a[i]);
	}
	for (u32 i = 0; i < NR_THREADS; i++) {
		if (!IS_ERR(th[i]))
			thread_join(th[i]);
		KT_EQ(t, a[i].bad, 0);
	}
	kfree(a);
}

/* PG_locked excludes, and a waiter is woken. */
struct lock_arg { struct page *p; u64 count; u32 inside, overlaps; };

static void lock_thread(void *arg)
{
	struct lock_arg *a = arg;

	for (u32 i = 0; i < 100; i++) {
		lock_page(a->p);
		a->overlaps += a->inside++;
		if (i % 8 == 0)
			yield();
		a->count++;
		a->inside--;
		unlock_page(a->p);
	}
}

KTEST(page_alloc, page_lock)
{
	struct lock_arg a = { .p = alloc_page(ALLOC_PLAIN) };
	struct thread *th[NR_THREADS];

	KT_ASSERT(t, a.p);
	for (u32 i = 0; i < NR_THREADS; i++)
		th[i] = kthread_run("pglock", -1, lock_thread, &a);
	for (u32 i = 0; i < NR_THREADS; i++)
		if (!IS_ERR(th[i]))
			thread_join(th[i]);
	KT_EQ(t, a.count, NR_THREADS * 100);
	KT_EQ(t, a.overlaps, 0);
	put_page(a.p);
}

static void page_waiter(void *arg)
{
	struct lock_arg *a = arg;

	lock_page(a->p);
	unlock_page(a->p);
	WRITE_ONCE(a->count, 1);
}

/* The unlock wakes who waits: it is not the next unlock that does. */
KTEST(page_alloc, page_unlock_wakes)
{
	struct lock_arg a = { .p = alloc_page(ALLOC_PLAIN) };
	struct thread *th;

	KT_ASSERT(t, a.p);
	lock_page(a.p);
	th = kthread_run("pgwait", -1, page_waiter, &a);
	KT_ASSERT(t, !IS_ERR(th));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(th->state) == THREAD_SLEEPING &&
				 !READ_ONCE(th->on_cpu) && th->switches));
	unlock_page(a.p);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(a.count)));
	wake_up_thread(th);		/* else it never ends */
	thread_join(th);
	put_page(a.p);
}
