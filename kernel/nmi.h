/* SPDX-License-Identifier: MIT */
/*
 * What a CPU is doing, shown by that CPU itself from an NMI: registers,
 * backtrace, and in lab builds the locks it holds.  Also when its interrupts
 * are off.
 */
#ifndef KERNEL_NMI_H
#define KERNEL_NMI_H

#include "arch/trap.h"
#include "lib/types.h"

/* Prints one CPU, or says that it does not answer.  Any context but NMI. */
void nmi_dump_cpu(u32 cpu);
/* All online CPUs, this one first, one after the other. */
void nmi_dump_all(void);
/* From the NMI handler: true if this CPU was asked to show itself. */
bool nmi_dump_here(const struct regs *r);
/* The lines about this CPU; r NULL: from here. */
void dump_this_cpu(const struct regs *r);

#endif
