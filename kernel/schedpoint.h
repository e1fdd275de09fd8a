/* SPDX-License-Identifier: MIT */
/*
 * Exploration of interleavings by seed; the points are lib/schedpoint.h's.
 * Nothing of it is in a release build; without race_seed= it does nothing.
 */
#ifndef KERNEL_SCHEDPOINT_H
#define KERNEL_SCHEDPOINT_H

#include "lib/schedpoint.h"

enum sched_strategy { SCHED_RANDOM, SCHED_PCT };

/* What the kernel's parameters say: kernel/schedparam.c. */
struct sched_plan {
	u64 seed;
	enum sched_strategy strategy;
	u32 depth;			/* pct: change points */
	u32 tick_hz;
	u32 seeded, tick_given;
	u32 nr_keep;			/* 0 with keep_given: no point acts */
	u32 keep_given;
	struct sched_range { u32 first, last; } *keep;	/* ascending */
};

/* A point: the nth (from 0) that this CPU came to in this run. */
#define SCHED_KEY_BITS	24
#define SCHED_KEY(cpu, nth) \
	((u32)(cpu) << SCHED_KEY_BITS | ((nth) & ((1U << SCHED_KEY_BITS) - 1)))
extern struct sched_plan sched_plan;

#define SCHED_MAX_DEPTH	16

#ifdef CONFIG_LAB_BUILD
/*
 * Around the body of a test: arms the points, each time with the same choices
 * to come; disarms them and says what was done.
 */
void sched_explore_begin(void);
void sched_explore_end(void);
/* From the tick of every CPU. */
void sched_explore_tick(void);
/*
 * A test has failed, or the kernel panics: tells the host, once, which may
 * stop the machine here.  Any context.
 */
void sched_explore_failed(void);
/* Switches the bug of race_bug= on.  With a seed or without. */
void sched_plan_set_bug(void);
#else
static inline void sched_explore_begin(void) { }
static inline void sched_explore_end(void) { }
static inline void sched_explore_tick(void) { }
static inline void sched_explore_failed(void) { }
#endif

#endif
