/* SPDX-License-Identifier: MIT */
/*
 * What an allocation does that may sleep and found less than the minimum.
 *
 *	reclaim -> try again -> ... -> kill somebody -> try again
 *
 * D1. Reclaim takes page locks (by trylock), i_mmap and anon_vma locks, and
 *     opens notifier sections.  So nobody may ask for it who holds one of the
 *     last two or is inside a section or its callbacks: rank RECLAIM stands
 *     right outside of them, and every ALLOC_RECLAIM checks it, needed or not.
 *     mmap_lock and page locks may be held.
 * D2. Killing comes after ROUNDS rounds in a row that freed nothing and had
 *     nothing under way.
 * D3. A thread of the victim uses the reserve, and gives up when that is gone.
 * D4. Orders above 0 try a few times and fail: nothing moves pages together.
 * D5. Who allocates where D1 forbids it may use half of the minimum, lets go
 *     of what is in the way when that is gone, and waits here until a page
 *     above the whole minimum could be had.
 * D6. A thread of a program may reclaim in every allocation that D1 allows, asked
 *     for or not: preemption and interrupts are on (no spinlock, no read section
 *     of RCU), and ->noreclaim is 0: it counts the locks behind RECLAIM, and
 *     notifier sections where something is allocated (lab: any is found).  So a
 *     system call fails for want of memory
 *     only when reclaim brings nothing.  Kernel threads ask: somebody may wait
 *     for them to get memory.
 *
 * Tests: tests/kt/kt_alloc_slow.c, kt_vmscan.c, drive/pressure
 */
#include "arch/cpu.h"
#include "kernel/lockdep.h"
#include "kernel/preempt.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/internal_low.h"
#include "mm/mmu_notifier.h"
#include "mm/oom.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/vmscan.h"

#define BATCH		32
#define ROUNDS		4
#define ORDER_TRIES	3
#define RETRIES		8

static u32 reclaim_map;			/* D1: its address is the lock */

void might_reclaim(void)
{
	if (!CONFIG_LAB)
		return;
	might_sleep();
	lockdep_acquire(&reclaim_map, LOCK_RECLAIM, LOCKDEP_READ);
	lockdep_release(&reclaim_map);
	KASSERT(!mmu_sections_open());
}

/* D6. */
static bool program_may_reclaim(void)
{
	const struct thread *t = current();

	return t && t->mm && !t->memalloc && !t->noreclaim &&
	       !this_cpu_read(preempt_count) && !irqs_disabled();
}

u32 alloc_flags_here(u32 flags)
{
	if (!(flags & (ALLOC_RECLAIM | ALLOC_NORECLAIM)) &&
	    program_may_reclaim())
		flags |= ALLOC_RECLAIM;
	if (CONFIG_LAB && flags & ALLOC_RECLAIM)
		might_reclaim();
	return flags;
}

struct page *alloc_reclaim(u32 order, u32 flags)
{
	u32 fruitless = 0, tries = 0;
	struct page *p;

	for (;;) {
		u64 freed = try_to_free_pages(BATCH, RECLAIM_DIRECT);

		p = alloc_attempt(order, flags);
		if (p || (order && ++tries == ORDER_TRIES))	/* D4 */
			return p;
		fruitless = freed ? 0 : fruitless + 1;
		if (fruitless == ROUNDS / 2)
			shrink_caches();
		if (oom_victim_current())
			return NULL;				/* D3 */
		if (fruitless < ROUNDS) {
			yield();
			continue;
		}
		if (!out_of_memory())				/* D2 */
			return NULL;
		fruitless = 0;
	}
}

bool reclaim_for_retry(u32 attempt)
{
	struct page *p = NULL;

	RACE_POINT("reclaim:for_retry");
	if (attempt < RETRIES && !alloc_failed_nth())
		p = alloc_page(ALLOC_RECLAIM | ALLOC_NO_INJECT);
	if (p)
		put_page(p);							/* D5 */
	return p;
}

void reclaim_throttle(void)
{
	if (unlikely(memory_below(WMARK_MIN)) && !current()->memalloc)
		reclaim_for_retry(0);
}
