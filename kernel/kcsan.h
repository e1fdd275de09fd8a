/* SPDX-License-Identifier: MIT */
/* Data races, reported as they happen: builds with KCSAN=1 only. */
#ifndef KERNEL_KCSAN_H
#define KERNEL_KCSAN_H

#include "arch/percpu.h"
#include "lib/atomic.h"
#include "lib/kcsan.h"

#define KCSAN_FRAMES	14

/* One access of a race. */
struct kcsan_side {
	u64 addr;
	u32 size, type;			/* KCSAN_READ, ... */
	u32 cpu, tid;			/* tid 0: before there are threads */
	bool irq;			/* in an interrupt's handler */
	u32 nr;
	u64 pcs[KCSAN_FRAMES];		/* backtrace_save() */
	char name[24];
};

struct kcsan_race {
	struct kcsan_side watched, other;
	bool unknown;			/* nobody was seen: `other` is empty */
	u64 before, after;		/* the watched bytes, at most 8 */
};

/* Races that nobody expected, since boot; the same place counts again. */
u64 kcsan_count(void);

/*
 * For tests: between the two, races on [p, p + n) are counted, not reported,
 * and every CPU watches often.  One thread at a time.  The second gives the
 * count and, where there was any, the last of them in *last.
 */
void kcsan_expect_begin(const volatile void *p, u64 n);
u32 kcsan_expect_end(struct kcsan_race *last);
u32 kcsan_expected(void);		/* so far */

/* Between the checker's files. */

/* Watchpoints that stand now: while there are none, nobody looks for one. */
extern u32 kcsan_standing;
/* Accesses until this CPU watches one. */
DECLARE_PER_CPU(u32, kcsan_skip);

/* An access of somebody to [addr, addr + size); fp: the hook's frame. */
void kcsan_hit(u64 addr, u64 size, u32 type, u64 fp);
/* kcsan_skip has run out: watch this access. */
void kcsan_watch(u64 addr, u64 size, u32 type, u64 fp);

/* Fills in who accesses and from where. */
void kcsan_record(struct kcsan_side *s, u64 fp);
void kcsan_report(struct kcsan_race *r);
/* True, and *mean set, while a test expects races. */
bool kcsan_expecting(u32 *mean);

static __always_inline void kcsan_access(u64 addr, u64 size, u32 type)
{
	if (unlikely(READ_ONCE(kcsan_standing)))
		kcsan_hit(addr, size, type,
			  (u64)__builtin_frame_address(0));
	if (type & KCSAN_MARKED)
		return;
	this_cpu_add(kcsan_skip, -1);
	if (unlikely((s32)this_cpu_read(kcsan_skip) < 0))
		kcsan_watch(addr, size, type,
			    (u64)__builtin_frame_address(0));
}

#endif
