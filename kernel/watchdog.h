/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs of lab builds: what takes too long is printed, with everything
 * that helps to see why.  Limits are in ticks (CONFIG_HZ a second) of the CPU
 * that watches, so a guest whose host is busy slows all of them alike.  0
 * turns one off; the options are in seconds.
 */
#ifndef KERNEL_WATCHDOG_H
#define KERNEL_WATCHDOG_H

#include "arch/trap.h"
#include "kernel/config.h"
#include "lib/types.h"

struct watchdog_limits {
	u32 soft;		/* a CPU that does not schedule */
	u32 hard;		/* a CPU without ticks, seen by its neighbour */
	u32 hung;		/* a thread in an uninterruptible sleep */
	u32 rcu;		/* a grace period that does not end */
};
extern struct watchdog_limits watchdog;		/* a */

/* From the tick, irqs off. */
void watchdog_tick(const struct regs *r);
/* From the scheduler: this CPU switches. */
void watchdog_scheduled(void);
/*
 * Looks at all threads; those that sleep uninterruptibly and have not run for
 * `ticks` are reported, once each sleep, with the lock they wait for and its
 * holders.  Returns how many.  Sleeps.
 */
u32 watchdog_check_hung(u32 ticks);

#endif
