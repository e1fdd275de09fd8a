/* SPDX-License-Identifier: MIT */
/*
 * Race points and bug switches (lab builds).
 *
 *	test				thread at the point
 *	(1) hits = 0, armed = n		(A) armed? hits += 1 (atomic)
 *	(2) waits for parked		(B) hits == n: parked = 1
 *	(3) does the racing thing	(C) spins until released
 *	(4) released = 1		(D) armed = 0, parked = 0
 *	(5) waits for !parked
 * (5) is why a point can be armed again at once: nobody looks at `released`
 * of the round before.  One name may stand at several places: all are armed,
 * and the first that fills its count parks.
 *
 * A thread that could be preempted lets others run while it is parked, so on
 * one CPU the test still comes to (4).
 */
#include "kernel/racepoint.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/thread.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/string.h"

#define PARK_WAIT_NS	5000000000ULL
#define PARK_MAX_NS	30000000000ULL
#define PARK_TURNS	500	/* under a microsecond; cpu_spin() */

extern struct race_point __racepoints_start[], __racepoints_end[];
extern struct bug_switch __bugs_start[], __bugs_end[];

#define for_each_point(rp) \
	for (rp = __racepoints_start; rp < __racepoints_end; rp++)

static void park(struct race_point *rp)
{
	u64 end = ktime_get() + PARK_MAX_NS;

	smp_store_release(&rp->parked, 1);			/* (B) */
	while (!smp_load_acquire(&rp->released)) {		/* (C) */
		cpu_relax();
		cpu_spin(PARK_TURNS);
		if (!this_cpu_read(preempt_count) && !irqs_disabled())
			preempt_schedule();
		if (ktime_get() > end)
			panic("parked at race point %s for ever", rp->name);
	}
	WRITE_ONCE(rp->armed, 0);				/* (D) */
	smp_store_release(&rp->parked, 0);
}

void race_point_hit(struct race_point *rp)
{
	struct thread *t = current();
	u32 only = READ_ONCE(rp->only_tid), armed = READ_ONCE(rp->armed);

	if (!armed || panic_in_progress())
		return;
	if (only && (!t || in_irq() || t->tid != only))
		return;
	if (__atomic_add_fetch(&rp->hits, 1, __ATOMIC_SEQ_CST) == armed) /* (A) */
		park(rp);
}

int race_arm_thread(const char *name, u32 nth, u32 tid)
{
	struct race_point *rp;
	int ret = -ENOENT;

	for_each_point(rp) {
		if (strcmp(rp->name, name))
			continue;
		rp->hits = 0;					/* (1) */
		rp->released = 0;
		rp->only_tid = tid;
		smp_store_release(&rp->armed, nth);
		ret = 0;
	}
	return ret;
}

int race_arm(const char *name, u32 nth)
{
	return race_arm_thread(name, nth, 0);
}

/* 1: someone is parked at a point of that name; 0: nobody; -ENOENT */
static int any_parked(const char *name)
{
	struct race_point *rp;
	int ret = -ENOENT;

	for_each_point(rp) {
		if (strcmp(rp->name, name))
			continue;
		if (smp_load_acquire(&rp->parked))
			return 1;
		ret = 0;
	}
	return ret;
}

static int wait_parked(const char *name, int want)
{
	u64 end = ktime_get() + PARK_WAIT_NS;
	int ret;

	for (u32 i = 0; ; i++) {
		ret = any_parked(name);
		if (ret < 0 || ret == want)
			return ret < 0 ? ret : 0;
		if (ktime_get() > end)
			return -ETIMEDOUT;
		cpu_relax();
		if (i < 1000)
			yield();
		else
			sleep_ms(1);
	}
}

int race_wait_parked(const char *name)
{
	return wait_parked(name, 1);				/* (2) */
}

int race_release(const char *name)
{
	struct race_point *rp;
	int ret = -ENOENT;

	for_each_point(rp) {
		if (strcmp(rp->name, name))
			continue;
		/* Not parked: nobody shall park any more. */
		if (!smp_load_acquire(&rp->parked))
			WRITE_ONCE(rp->armed, 0);
		smp_store_release(&rp->released, 1);		/* (4) */
		ret = 0;
	}
	return ret ? ret : wait_parked(name, 0);		/* (5) */
}

void race_disarm_all(void)
{
	struct race_point *rp;

	for_each_point(rp) {
		WRITE_ONCE(rp->armed, 0);
		rp->only_tid = 0;
		smp_store_release(&rp->released, 1);
	}
}

u32 race_hits(const char *name)
{
	struct race_point *rp;
	u32 sum = 0;

	for_each_point(rp)
		if (!strcmp(rp->name, name))
			sum += READ_ONCE(rp->hits);
	return sum;
}

void race_for_each(void (*fn)(const struct race_point *rp))
{
	const struct race_point *rp;

	for_each_point(rp)
		fn(rp);
}

int bug_set(const char *name, u32 on)
{
	int ret = -ENOENT;

	for (struct bug_switch *b = __bugs_start; b < __bugs_end; b++) {
		if (strcmp(b->name, name))
			continue;
		WRITE_ONCE(b->on, on);
		ret = 0;
	}
	return ret;
}

void bug_clear_all(void)
{
	for (struct bug_switch *b = __bugs_start; b < __bugs_end; b++)
		WRITE_ONCE(b->on, 0);
}

void bug_for_each(void (*fn)(const struct bug_switch *bs))
{
	for (struct bug_switch *b = __bugs_start; b < __bugs_end; b++)
		fn(b);
}
