/* SPDX-License-Identifier: MIT */
/*
 * Short races for the explorer (kernel/schedpoint.c): nothing is parked, both
 * sides end after a fixed number of rounds, and what a wrong order leaves
 * behind is seen at once.  Plain runs hardly ever hit the order that matters;
 * docs/exploration.md has the numbers.
 */
#include "kernel/thread.h"
#include "kernel/upcall.h"
#include "mm/mmu_notifier.h"
#include "tests/kt/kt_mm.h"

#define ROUNDS	20

#define HERE	KT_BASE
/* Present while HERE is not; one of them has the frame that HERE had. */
#define OTHERS	(KT_BASE + 0x1000)
#define NR_OTHERS 8

static u64 word_at(vaddr_t va)
{
	return va ^ 0x5a5a5a5a00000000UL;
}

struct getter {
	struct mm_struct *mm;
	u32 wrong;
};

/* What gup_fast gives for HERE is HERE's page as long as it is held. */
static void getter_thread(void *arg)
{
	struct getter *g = arg;
	struct page *p;
	pte_t e;
	u64 v;

	for (u32 i = 0; i < 2 * ROUNDS; i++) {
		if (gup_fast(g->mm, HERE, FAULT_WRITE, &p, &e)) {
			yield();
			continue;
		}
		v = READ_ONCE(*(u64 *)page_address(p));
		g->wrong += v && v != word_at(HERE);
		put_page(p);
	}
}

KTEST(race, explore_gup)
{
	struct getter g = { .mm = mm_alloc() };
	struct thread *th;

	KT_ASSERT(t, g.mm);
	kt_map(g.mm, 0, (NR_OTHERS + 1) * PAGE_SIZE, PROT_RW);
	kt_poke(g.mm, HERE, word_at(HERE));
	th = kthread_run("getter", -1, getter_thread, &g);
	for (u32 i = 0; i < ROUNDS; i++) {
		do_madvise_dontneed(g.mm, HERE, PAGE_SIZE);
		for (vaddr_t va = OTHERS; va < OTHERS + NR_OTHERS * PAGE_SIZE;
		     va += PAGE_SIZE)
			kt_poke(g.mm, va, word_at(va));
		do_madvise_dontneed(g.mm, OTHERS, NR_OTHERS * PAGE_SIZE);
		kt_poke(g.mm, HERE, word_at(HERE));
	}
	thread_join(th);
	KT_EQ(t, g.wrong, 0);
	mmput(g.mm);
}

struct client {
	struct mmu_notifier mn;
	u32 gone;		/* unregister has returned */
	u32 late;		/* calls after that */
};

static int client_start(struct mmu_notifier *mn,
			const struct mmu_notifier_range *r)
{
	struct client *c = container_of(mn, struct client, mn);

	(void)r;
	c->late += READ_ONCE(c->gone);
	return 0;
}

static const struct mmu_notifier_ops client_ops = {
	.invalidate_range_start = client_start,
};

static void section_thread(void *arg)
{
	struct mm_struct *mm = arg;

	for (u32 i = 0; i < 2 * ROUNDS; i++)
		do_madvise_dontneed(mm, HERE, 0x1000);
}

/* G9: when unregister returns, no callback runs or will run. */
KTEST(race, explore_unregister)
{
	struct mm_struct *mm = mm_alloc();
	struct client *c = kzalloc(ROUNDS * sizeof(*c));
	struct thread *th;
	u32 late = 0;

	KT_ASSERT(t, mm && c);
	kt_map(mm, 0, 0x1000, PROT_RW);
	th = kthread_run("sections", -1, section_thread, mm);
	for (u32 i = 0; i < ROUNDS; i++) {
		c[i].mn.ops = &client_ops;
		KT_EQ(t, mmu_notifier_register(&c[i].mn, mm), 0);
		yield();
		mmu_notifier_unregister(&c[i].mn, mm);
		WRITE_ONCE(c[i].gone, 1);
	}
	thread_join(th);
	for (u32 i = 0; i < ROUNDS; i++)
		late += c[i].late;
	KT_EQ(t, late, 0);
	mmput(mm);
	kfree(c);
}
