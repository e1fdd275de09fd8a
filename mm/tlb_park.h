/* SPDX-License-Identifier: MIT */
/* All other CPUs held still, and nobody on mm's tables: mm/tlb_park.c. */
#ifndef MM_TLB_PARK_H
#define MM_TLB_PARK_H

#include "mm/mm_types.h"

/*
 * From its return to tlb_unpark() only this CPU runs, with preemption off, and
 * no CPU has mm's root loaded.  The caller may take a spinlock only that nobody
 * can hold then or that is always taken with interrupts off, and calls no other
 * CPU.  Locks: mm_take_all_locks() held.
 */
void tlb_park(struct mm_struct *mm);
/* Whoever had mm loaded loads its present root; a new generation. */
void tlb_unpark(void);

#endif
