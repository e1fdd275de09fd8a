/* SPDX-License-Identifier: MIT */
/*
 * What code says about its own races, for builds with KCSAN=1; in all others
 * nothing of it costs an instruction.  docs/kcsan.md has the rules.
 */
#ifndef LIB_KCSAN_H
#define LIB_KCSAN_H

#include "lib/types.h"

enum {
	KCSAN_READ,
	KCSAN_WRITE = 1 << 0,
	KCSAN_MARKED = 1 << 1,		/* volatile or atomic */
	KCSAN_ASSERT = 1 << 2,		/* no access: what others may not do */
};

#ifdef CONFIG_KCSAN_BUILD
/* As if [p, p + n) were accessed here; for what the compiler cannot see. */
void kcsan_check(const volatile void *p, u64 n, u32 type);
/* Accesses of the current thread do not count.  They nest. */
void kcsan_disable_current(void);
void kcsan_enable_current(void);
#else
static inline void kcsan_check(const volatile void *p, u64 n, u32 type)
{
	(void)p;
	(void)n;
	(void)type;
}
static inline void kcsan_disable_current(void) { }
static inline void kcsan_enable_current(void) { }
#endif

/*
 * A plain read whose value may be anything, torn or stale: diagnostics and
 * hints.  The comment beside it says why any value will do.
 */
#define data_race(expr) ({						\
	kcsan_disable_current();					\
	__auto_type __race_v = (expr);					\
	kcsan_enable_current();						\
	__race_v; })

/* Nobody else writes x now; readers may be about. */
#define ASSERT_EXCLUSIVE_WRITER(x) \
	kcsan_check(&(x), sizeof(x), KCSAN_ASSERT)
/* Nobody else reads or writes x now. */
#define ASSERT_EXCLUSIVE_ACCESS(x) \
	kcsan_check(&(x), sizeof(x), KCSAN_WRITE | KCSAN_ASSERT)

#endif
