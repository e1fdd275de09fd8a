/* SPDX-License-Identifier: MIT */
/* All other CPUs stand still for a while. */
#ifndef KERNEL_STOP_H
#define KERNEL_STOP_H

#include "lib/compiler.h"
#include "lib/types.h"

/*
 * The other online CPUs wait with interrupts off until start_others(), none
 * of them at a place where preemption is off: spinlocks are free, and so may
 * be taken; nobody is in an RCU section.  Interrupts on, no lock held.
 * In between: no sleep, no cross-call, no flush.
 * False: not to be had now, nothing has changed; try again later.
 */
bool __must_check stop_others(void);
/* The same; each of them calls stop when it stands and start when it goes on. */
struct stop_work {
	void (*stop)(void *arg), (*start)(void *arg);
	void *arg;
};
bool __must_check stop_others_with(const struct stop_work *work);
void start_others(void);

#endif
