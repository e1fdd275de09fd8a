/* SPDX-License-Identifier: MIT */
/*
 * Cross-calls: run a function on other CPUs, in their interrupt context, and
 * wait until all have returned.
 *
 * The caller has interrupts on (so that it serves calls of others while it
 * waits; asserted) and may hold spinlocks: nobody spins on a table lock with
 * interrupts off, so every CPU gets to its call.  fn must not take a lock
 * that a caller may hold while it waits.
 */
#ifndef KERNEL_IPI_H
#define KERNEL_IPI_H

#include "lib/bitmap.h"

/* Not on this CPU, even when mask names it.  Offline CPUs are skipped. */
void smp_call_mask(const struct cpumask *mask, void (*fn)(void *arg), void *arg);
/*
 * Its two halves: what stands between them runs beside fn.  Preemption is off
 * until the end; no other call from this CPU meanwhile.
 */
void smp_call_begin(const struct cpumask *mask, void (*fn)(void *arg), void *arg);
void smp_call_end(void);
/* On all other online CPUs, then here (irqs off for the local call). */
void on_each_cpu(void (*fn)(void *arg), void *arg);
void smp_call_one(u32 cpu, void (*fn)(void *arg), void *arg);
/* Does not wait; reschedule IPI. */
void smp_send_reschedule(u32 cpu);
u64 ipi_calls_sent(void);		/* IPIs sent for calls since boot */

#endif
