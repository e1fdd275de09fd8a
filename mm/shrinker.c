/* SPDX-License-Identifier: MIT */
/*
 * Frames that caches of the kernel keep for later: empty slabs, stacks of threads
 * that have ended.  Reclaim asks for them when the lists were looked through half
 * way down and it was not enough.
 *
 * R1. The list only grows, at its head, published complete: walked without a lock
 *     (the acquire pairs with the cmpxchg).
 *
 * Tests: tests/kt/kt_alloc_slow.c
 */
#include "kernel/init.h"
#include "lib/atomic.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/vmscan.h"

static struct shrinker *shrinkers;		/* R1 */

void register_shrinker(struct shrinker *s)
{
	do
		s->next = READ_ONCE(shrinkers);
	while (cmpxchg(&shrinkers, s->next, s) != s->next);
}

u64 shrink_caches(void)
{
	u64 before = nr_free_pages(), now;

	for (struct shrinker *s = smp_load_acquire(&shrinkers); s; s = s->next) {
		WRITE_ONCE(s->calls, s->calls + 1);
		s->shrink();
	}
	now = nr_free_pages();
	return now > before ? now - before : 0;
}

static struct shrinker slabs = { .name = "slabs", .shrink = slab_shrink_all };
static struct shrinker stacks = { .name = "stacks", .shrink = vmalloc_drain };

static int shrinker_init(void)
{
	register_shrinker(&slabs);
	register_shrinker(&stacks);
	return 0;
}
INITCALL_LEVEL(1, shrinker_init);
