/* SPDX-License-Identifier: MIT */
/*
 * An error, and who has seen it: one word that writers of errors and any
 * number of observers share without a lock.
 *
 * The word holds the last error, a count of errors, and whether anybody has
 * looked since that error came.  An observer keeps the word as it was when it
 * began (errseq_sample) and asks later whether an error has come in between.
 *
 * E1. Each observer is told of an error once: at its next check.
 * E2. An error that nobody has seen when an observer begins is told to it too,
 *     so that it is not lost between the failure and the next open.
 * E3. The count moves only when somebody has looked: repeated failures that
 *     nobody asks about cannot make it go round.
 *
 * Tests: tests/host/test_errseq.c
 */
#ifndef LIB_ERRSEQ_H
#define LIB_ERRSEQ_H

#include "lib/atomic.h"
#include "lib/types.h"

typedef u32 errseq_t;

#define ERRSEQ_ERRNO	0xfffU
#define ERRSEQ_SEEN	0x1000U
#define ERRSEQ_ONE	0x2000U

/* err: -Exxx. */
static inline void errseq_set(errseq_t *e, int err)
{
	errseq_t old = READ_ONCE(*e), new;

	do {
		new = (old & ~(ERRSEQ_ERRNO | ERRSEQ_SEEN)) | (u32)-err;
		if (old & ERRSEQ_SEEN)
			new += ERRSEQ_ONE;			/* E3 */
		if (new == old)
			return;
	} while (!try_cmpxchg(e, &old, new));
}

static inline errseq_t errseq_sample(const errseq_t *e)
{
	errseq_t v = READ_ONCE(*e);

	return v & ERRSEQ_SEEN ? v : 0;				/* E2 */
}

/* 0, or the error that came since *since, which is moved on (E1). */
static inline int errseq_check_and_advance(errseq_t *e, errseq_t *since)
{
	errseq_t old = READ_ONCE(*e), new;

	do {
		if (old == *since)
			return 0;
		new = old | ERRSEQ_SEEN;
	} while (new != old && !try_cmpxchg(e, &old, new));
	if (new == *since)
		return 0;
	*since = new;
	return -(int)(new & ERRSEQ_ERRNO);
}

#endif
