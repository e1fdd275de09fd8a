/* SPDX-License-Identifier: MIT */
/*
 * Leaks by reachability (mm/leaks.c).
 *
 * What a test plants must not be found where it keeps note of it, so the notes
 * are disguised, and planting and freeing are done by threads that end: what
 * they leave on their stacks goes with these.
 */
#include "kernel/ktest.h"
#include "kernel/report.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/leaks.h"
#include "mm/page_alloc.h"
#include "mm/page.h"
#include "mm/slab.h"

struct chain { struct chain *next; u64 room[6]; };

#define NR_SINGLES	12
#define NR_OTHERS	5
#define NR_PLANTED	(NR_SINGLES + NR_OTHERS)
#define LARGE		20000

/* ~address of each. */
static struct {
	u64 head, tail, large, inside, frame, single[NR_SINGLES];
} planted;
static void *volatile kept[3];
static struct chain *used_up;		/* reachable */

static void plant(void *arg)
{
	struct chain *c = kzalloc(sizeof(*c));
	struct page *p = alloc_page(ALLOC_PLAIN);
	void **large = kzalloc(LARGE);

	(void)arg;
	c->next = kzalloc(sizeof(*c));
	planted.head = ~(u64)c;
	planted.tail = ~(u64)c->next;
	large[100] = kzalloc(200);
	planted.large = ~(u64)large;
	planted.inside = ~(u64)large[100];
	planted.frame = ~(u64)page_address(p);
	for (u32 i = 0; i < NR_SINGLES; i++)
		planted.single[i] = ~(u64)kmalloc(24UL << i / 2);
}

static void keep(void *arg)
{
	(void)arg;
	kept[0] = (void *)~planted.head;
	kept[1] = (void *)~planted.large;
	kept[2] = virt_to_page((void *)~planted.frame);
}

static void use_up_one(u64 size)
{
	struct chain *c = kzalloc(size);

	if (!c)
		return;
	c->next = used_up;
	used_up = c;
}

/* An object of each kind, so that the next planted are others. */
static void use_up(void *arg)
{
	(void)arg;
	use_up_one(sizeof(struct chain));
	use_up_one(sizeof(struct chain));
	use_up_one(LARGE);
	use_up_one(200);
	use_up_one(PAGE_SIZE);
	for (u32 i = 0; i < NR_SINGLES; i++)
		use_up_one(24UL << i / 2);
}

static void free_used_up(void)
{
	struct chain *c;

	while ((c = used_up)) {
		used_up = c->next;
		kfree(c);
	}
}

static void give_back(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < ARRAY_SIZE(kept); i++)
		kept[i] = NULL;
	kfree((void *)~planted.tail);
	kfree((void *)~planted.head);
	kfree((void *)~planted.inside);
	kfree((void *)~planted.large);
	put_page(virt_to_page((void *)~planted.frame));
	for (u32 i = 0; i < NR_SINGLES; i++)
		kfree((void *)~planted.single[i]);
}

static void in_a_thread(struct kt *t, void (*fn)(void *))
{
	struct thread *th = kthread_run("planter", -1, fn, NULL);

	KT_ASSERT(t, !IS_ERR(th));
	thread_join(th);
}

static u32 singles_found(void)
{
	u32 n = 0;

	for (u32 i = 0; i < NR_SINGLES; i++)
		n += leaks_found(planted.single[i]);
	return n;
}

static u32 others_found(void)
{
	return leaks_found(planted.head) + leaks_found(planted.tail) +
	       leaks_found(planted.large) + leaks_found(planted.inside) +
	       leaks_found(planted.frame);
}

/* Nothing but what was planted, and nothing of what is kept; how many? */
static u32 plant_and_look(struct kt *t)
{
	s32 lost, left;

	in_a_thread(t, plant);
	lost = leaks_scan(0);
	KT_EQ(t, lost, singles_found() + others_found());
	in_a_thread(t, keep);
	left = leaks_scan(0);
	KT_EQ(t, left, singles_found());
	in_a_thread(t, give_back);
	return (u32)min(lost, left + NR_OTHERS);
}

/*
 * A chain, a large block and what is in it, a frame, single objects; and
 * nothing else.  A word that another thread's stack still has may hide some
 * (K2), so most must be found in one of a few attempts, each with objects at
 * other addresses.
 */
KTEST_FLAGS(leaks, planted, KTF_LAB_ONLY)
{
	u32 most = 0;

	for (u32 i = 0; i < 5 && most < NR_PLANTED - 2; i++) {
		most = max(most, plant_and_look(t));
		in_a_thread(t, use_up);
	}
	free_used_up();
	KT_EXPECT(t, most >= NR_PLANTED - 2);
}

/* Who leads to an object is told, and where that stands. */
KTEST_FLAGS(leaks, referrer, KTF_LAB_ONLY)
{
	in_a_thread(t, plant);
	in_a_thread(t, keep);
	KT_EXPECT(t, leaks_scan(planted.tail) >= 0);
	report_expect_begin();
	report_warn_begin("leaks");
	leaks_print_referrers();
	report_warn_end();
	KT_EQ(t, report_expect_end(), 1);
	KT_EXPECT(t, report_has("of kmalloc-64 at") && report_has("plant+"));
	in_a_thread(t, give_back);
}

/* Last of all: boot and the tests before this one leaked nothing. */
KTEST_FLAGS(leaks, none, KTF_LAB_ONLY | KTF_LAST)
{
	if (!KT_EQ(t, leaks_scan(0), 0))
		leaks_print();
}
