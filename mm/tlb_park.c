/* SPDX-License-Identifier: MIT */
/*
 * Parking: the oldest way to change page tables under running programs, and
 * the one with the shortest proof.
 *
 *	parker					every other CPU
 *	(1) stop all others			(A) off mm's root
 *	(2) off mm's root, too			    stands still
 *	(3) change the tables
 *	(4) generation += 1; on mm's root
 *	(5) start the others			(B) mm's root and generation,
 *						    read anew
 *
 * K1. At (3) no CPU walks mm's tables, speculatively either, and none has
 *     anything of them cached: (A) and (2) load another root, which drops
 *     translations and paging-structure caches [SDM 3A 4.10.4.1].  So a copy
 *     made at (3) is exact, and what it replaces needs no flush.
 * K2. All CPUs stand still, not only those of mm: one that is free could switch
 *     to a thread of mm.  None stands with a spinlock (kernel/stop.c, P2).
 *
 * A stop of the machine for as long as (3) takes: LIVE and STOP in ptmigrate.c
 * are what one would use.
 * Locks: mm_all_locks_mutex, so there is one at a time.
 * Tests: tests/kt/kt_ptmigrate.c, kt_ptmigrate_bugs.c
 */
#include "mm/tlb_park.h"
#include "arch/cpu.h"
#include "arch/percpu.h"
#include "kernel/stop.h"
#include "kernel/thread.h"
#include "mm/tlb.h"

static DEFINE_PER_CPU(bool, had_it);
static struct mm_struct *parked;

static void leave_tables(void *unused)
{
	(void)unused;
	this_cpu_write(had_it, tlb_unload(parked));		/* (A) */
}

static void enter_tables(void *unused)
{
	(void)unused;
	if (this_cpu_read(had_it))
		tlb_reload(parked);				/* (B) */
}

void tlb_park(struct mm_struct *mm)
{
	static const struct stop_work work = {
		.stop = leave_tables, .start = enter_tables,
	};
	u64 flags;

	parked = mm;
	while (!stop_others_with(&work))			/* (1) */
		yield();
	flags = local_irq_save();
	leave_tables(NULL);					/* (2) */
	local_irq_restore(flags);
}

void tlb_unpark(void)
{
	u64 flags = local_irq_save();

	atomic64_inc(&parked->tlb_gen);				/* (4) */
	enter_tables(NULL);
	local_irq_restore(flags);
	start_others();						/* (5) */
}
