/* SPDX-License-Identifier: MIT */
/* Event counters of mm/, per CPU; names are those of Linux's /proc/vmstat. */
#ifndef MM_VMSTAT_H
#define MM_VMSTAT_H

#include "arch/percpu.h"

#define VM_EVENTS(X)							\
	X(PSWPIN, pswpin)						\
	X(PSWPOUT, pswpout)						\
	X(PGSCAN_KSWAPD, pgscan_kswapd)					\
	X(PGSCAN_DIRECT, pgscan_direct)					\
	X(PGSTEAL_KSWAPD, pgsteal_kswapd)				\
	X(PGSTEAL_DIRECT, pgsteal_direct)				\
	X(PGACTIVATE, pgactivate)					\
	X(PGDEACTIVATE, pgdeactivate)					\
	X(PGREFILL, pgrefill)						\
	X(PGLAZYFREE, pglazyfree)					\
	X(PGLAZYFREED, pglazyfreed)					\
	X(PAGEOUTRUN, pageoutrun)					\
	X(ALLOCSTALL, allocstall)					\
	X(UNEVICTABLE_PGS_CULLED, unevictable_pgs_culled)		\
	X(SWAP_RA, swap_ra)						\
	X(COW_KSM, cow_ksm)						\
	X(OOM_KILL, oom_kill)

enum vm_event {
#define X(id, name) id,
	VM_EVENTS(X)
#undef X
	NR_VM_EVENTS
};

struct vm_event_counts { u64 n[NR_VM_EVENTS]; };
DECLARE_PER_CPU(struct vm_event_counts, vm_events);
static inline void count_vm_event(enum vm_event e)
{
	this_cpu_inc(vm_events.n[e]);
}
static inline void count_vm_events(enum vm_event e, u64 n)
{
	this_cpu_add(vm_events.n[e], n);
}
u64 vm_event_sum(enum vm_event e);
/*
 * Everything /proc/vmstat shows: calls fn for each name and value, the
 * quantities (nr_*) first, then the events.
 */
void vmstat_for_each(void (*fn)(const char *name, u64 value, void *arg), void *arg);

#endif
