/* SPDX-License-Identifier: MIT */
/*
 * RACE_POINT("name"): nothing in a release build.  In a lab build a test arms
 * it, and the n-th thread or CPU that reaches it parks there (spinning with
 * PAUSE, interrupts as they were, so IPIs are served when they are on) until
 * the test releases it.
 *
 *	race_arm("zap:after_clear", 1);		// park the first to come
 *	... start the other side ...
 *	race_wait_parked("zap:after_clear");	// it stands between two steps
 *	... do the racing thing ...
 *	race_release("zap:after_clear");
 */
#ifndef KERNEL_RACEPOINT_H
#define KERNEL_RACEPOINT_H

#include "kernel/config.h"
#include "lib/schedpoint.h"
#include "lib/types.h"
#include "lib/compiler.h"

struct race_point {
	const char *name;
	u32 armed;		/* park when hits reaches this; 0: off */
	u32 hits;
	u32 parked;		/* someone stands here */
	u32 released;
	u32 only_tid;		/* 0: any thread */
};

void race_point_hit(struct race_point *rp);

#define RACE_POINT(n) do {						\
	if (CONFIG_LAB) {						\
		static struct race_point __rp				\
		__attribute__((section(".racepoints"), used, aligned(8))) = { .name = (n) }; \
		if (unlikely(READ_ONCE(__rp.armed)))			\
			race_point_hit(&__rp);				\
		sched_point(SP_RACE);					\
	}								\
} while (0)

/* All return 0, or -ENOENT for an unknown name (tests assert 0). */
int race_arm(const char *name, u32 nth);
int race_arm_thread(const char *name, u32 nth, u32 tid);
/* Waits (sleeping) until someone is parked; -ETIMEDOUT after ~5 s. */
int race_wait_parked(const char *name);
int race_release(const char *name);
void race_disarm_all(void);
u32 race_hits(const char *name);

/*
 * Historical bugs, switched on by tests in lab builds: code says
 * `if (BUG("no_rewalk")) ...`.  Constant false in a release build.
 */
struct bug_switch { const char *name; u32 on; };
#define BUG_SWITCH(n) ({						\
	bool __on = false;						\
	if (CONFIG_LAB) {						\
		static struct bug_switch __bs				\
		__attribute__((section(".bugs"), used, aligned(8))) = { .name = (n) };	\
		__on = READ_ONCE(__bs.on);				\
	}								\
	unlikely(__on); })
int bug_set(const char *name, u32 on);
void bug_clear_all(void);
/* Calls fn for each point / switch (one name may stand at several places). */
void race_for_each(void (*fn)(const struct race_point *rp));
void bug_for_each(void (*fn)(const struct bug_switch *bs));

#endif
