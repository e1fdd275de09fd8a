/* SPDX-License-Identifier: MIT */
/*
 * What an operation does, in which order, read from the trace ring: one letter
 * an event, repeats written once.
 *
 *	S E	section start and end		R	release
 *	L U	a leaf table is locked, unlocked
 *	C	an entry is cleared		W	an empty entry is set
 *	M	an entry is changed in place, or replaced
 *	F	CPUs are flushed		H	change_pte
 *	Y	devices are asked for their A	X	the page is freed
 *	T	tables of the range have moved
 *
 * Locks are traced in lab builds only, so tests by these are lab tests.
 */
#ifndef TESTS_KT_KT_A8_H
#define TESTS_KT_KT_A8_H

#include "mm/mmu_notifier.h"
#include "tests/kt/kt_mm.h"

struct trace_rec;

struct a8 {
	struct kt *t;
	struct mm_struct *mm;		/* with a subscriber that does nothing */
	struct mmu_notifier mn;
	vaddr_t start, end;		/* whose entries and tables count */
	pfn_t pfn;			/* whose free counts; 0: none */
	u64 mark;
	bool any_thread;		/* not only what this one does */
	struct trace_rec *rec;		/* what happened since */
	u32 nr;
	char order[64];
};

/* False: it said why.  Ends with a8_done(). */
bool a8_begin(struct a8 *a, struct kt *t);
void a8_done(struct a8 *a);
/* The same when a->mm is gone already. */
void a8_done_after_exit(struct a8 *a);
/* From here on; the page that va maps now is the one whose free counts. */
void a8_watch(struct a8 *a, vaddr_t start, vaddr_t end);
/*
 * Since a8_watch() this happened, in this order; "*" at the end: whatever
 * comes then; in front: looks before the first section.
 */
void a8_expect(struct a8 *a, const char *order);
/* The n-th section of it, from 0. */
void a8_section(struct a8 *a, u32 n, enum mmu_notifier_event event,
		vaddr_t start, vaddr_t end);

#endif
