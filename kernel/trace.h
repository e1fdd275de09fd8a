/* SPDX-License-Identifier: MIT */
/*
 * A per-CPU ring of typed events: the last CONFIG_TRACE_EVENTS on each CPU.
 * trace() is lock-free (interrupts off for the slot), safe in any context.
 */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include "lib/types.h"

/* X(name, "format of up to four u64 arguments a, b, c, d") */
#define TRACE_EVENTS(X)							\
	X(FAULT,	"mm %llx va %llx err %llx -> %lld")		\
	X(PTE_SET,	"mm %llx va %llx %llx -> %llx")			\
	X(PTE_CLEAR,	"mm %llx va %llx was %llx level %lld")		\
	X(PTE_MOVE,	"mm %llx va %llx to %llx entries %lld")		\
	X(PT_LOCK,	"pt %llx va %llx level %lld table %llx")	\
	X(PT_UNLOCK,	"pt %llx va %llx level %lld table %llx")	\
	X(TLB_FLUSH,	"mm %llx %llx-%llx gen %lld")			\
	X(TLB_ACK,	"mm %llx gen %lld cpu %lld")			\
	X(TLB_SWITCH,	"mm %llx gen %lld lazy %lld")			\
	X(PAGE_FREE,	"pfn %llx order %lld")				\
	X(MN_START,	"mm %llx %llx-%llx event %lld")			\
	X(MN_END,	"mm %llx %llx-%llx event %lld")			\
	X(MN_CHANGE,	"mm %llx va %llx pte %llx")			\
	X(MN_YOUNG,	"mm %llx %llx-%llx -> %lld")			\
	X(MN_RELEASE,	"mm %llx")					\
	X(MOVE_COPY,	"mm %llx va %llx level %lld %llx")		\
	X(MOVE_SWITCH,	"mm %llx va %llx old %llx new %llx")		\
	X(MOVE_FLUSH,	"mm %llx tables %lld gen %lld")			\
	X(MOVE_HARVEST,	"mm %llx va %llx bits %lld")			\
	X(MOVE_RETIRE,	"mm %llx table %llx level %lld")		\
	X(MOVE_FREE,	"table %llx level %lld")			\
	X(RCU_GP,	"completed %lld")				\
	X(SHADOW_FAULT,	"dev %lld va %llx write %lld -> %lld")		\
	X(SHADOW_ACCESS, "dev %lld va %llx write %lld pfn %llx")	\
	X(SHADOW_ZAP,	"dev %lld %llx-%llx entries %lld")		\
	X(SCHED,	"%lld -> %lld")					\
	X(MARK,		"%lld %llx %llx %llx")

enum trace_event {
#define X(name, fmt) TE_##name,
	TRACE_EVENTS(X)
#undef X
	NR_TRACE_EVENTS
};

struct trace_rec {
	u64 time;		/* TSC */
	u32 event;
	u32 tid;
	u64 arg[4];
};

/* Boot CPU: rings of `events` (a power of two) for CPUs that have none. */
void trace_init(u32 events);
void trace4(enum trace_event e, u64 a, u64 b, u64 c, u64 d);
#define TRACE4(e, a, b, c, d) \
	trace4(TE_##e, (u64)(a), (u64)(b), (u64)(c), (u64)(d))
#define TRACE3(e, a, b, c)	TRACE4(e, a, b, c, 0)
#define TRACE2(e, a, b)		TRACE4(e, a, b, 0, 0)
#define TRACE1(e, a)		TRACE4(e, a, 0, 0, 0)

/* For tests: records of all CPUs in time order since `mark`. */
u64 trace_mark(void);
/* Copies at most max records since mark, time order; number copied. */
u32 trace_collect(u64 mark, struct trace_rec *out, u32 *cpus, u32 max);
/* Prints the last n events of every CPU merged, one column a CPU. */
void trace_print(u32 n);
/* "NAME arguments" into buf. */
void trace_format(const struct trace_rec *r, char *buf, size_t len);
/* For tests that go wrong: stop and resume recording. */
enum trace_switch { TRACE_STOP, TRACE_GO };
void trace_enable(enum trace_switch s);
/* Does p lie in one of the rings? */
bool trace_owns(const void *p);

#endif
