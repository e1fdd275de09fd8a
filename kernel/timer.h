/* SPDX-License-Identifier: MIT */
/*
 * Time: the periodic tick (CONFIG_HZ on every CPU) and sleeping threads.
 * Resolution of sleeps is one tick.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "lib/types.h"
#include "lib/list.h"

u64 ktime_get(void);			/* ns since boot (arch) */
/* Seconds since the epoch at boot, from the CMOS clock. */
u64 boot_epoch_seconds(void);
/* Boot CPU: the queues of all CPUs, before any tick. */
void timer_init_cpu(u32 cpu);
/* Calls fn(arg) in irq context, once, at or after when (ns). */
struct timer {
	struct list_head link;
	u64 when;
	void (*fn)(void *arg);
	void *arg;
	bool queued;
	u32 cpu;		/* whose queue */
};
void timer_start(struct timer *t, u64 when_ns, void (*fn)(void *), void *arg);
/* On return fn does not run and will not.  True if it was queued. */
bool timer_cancel(struct timer *t);

#endif
