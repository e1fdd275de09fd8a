/* SPDX-License-Identifier: MIT */
/*
 * The check for a double free looks at free blocks that are not ours, and
 * they may be handed out meanwhile.
 */
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"

#define FRAMES_MAX	128

struct freer {
	struct page *page;
	u32 go;
};

static void free_thread(void *arg)
{
	struct freer *f = arg;

	while (!READ_ONCE(f->go))
		cpu_relax();
	free_pages(f->page, 0);
}

/* Takes frames until `want` comes: it lies in a block of its own. */
static u32 take_until(struct page *want, struct page **held)
{
	u32 n = 0;

	while (n < FRAMES_MAX) {
		held[n] = alloc_page(ALLOC_FROZEN);
		if (!held[n] || held[n++] == want)
			break;
	}
	return n;
}

/*
 * A frame is freed while its buddy, free until now, becomes a slab of two
 * objects: ->inuse lies where ->order did.
 */
static void free_beside_new_slab(struct kt *t)
{
	struct page *pair = alloc_pages(1, ALLOC_FROZEN), *held[FRAMES_MAX];
	struct freer f = { .page = pair + 1 };
	struct thread *th;
	u32 n;

	KT_ASSERT(t, pair);
	kt_pin(0);
	/* Before the drain: a new thread takes frames. */
	th = kthread_run("freer", (int)kt_other_cpu(), free_thread, &f);
	free_pages(pair, 0);
	drain_pcp_all();
	KT_EXPECT(t, page_test(pair, PG_buddy));
	race_arm("page_is_free:after_flag", 1);
	WRITE_ONCE(f.go, 1);
	KT_EQ(t, race_wait_parked("page_is_free:after_flag"), 0);
	n = take_until(pair, held);
	KT_EXPECT(t, n && held[n - 1] == pair);
	pair->inuse = 2;
	race_release("page_is_free:after_flag");
	thread_join(th);
	pair->inuse = 0;
	while (n)
		free_pages(held[--n], 0);
	kt_unpin();
}

KTEST_FLAGS(race, free_beside_new_slab, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	free_beside_new_slab(t);
}
