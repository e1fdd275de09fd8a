/* SPDX-License-Identifier: MIT */
/* The start code of application processors; trampoline.S says how to use it. */
#ifndef BOOT_TRAMPOLINE_H
#define BOOT_TRAMPOLINE_H

#include "lib/types.h"

extern const char trampoline_start[], trampoline_end[];

/*
 * The parameters, as linked. In a copy at `page` each lies at
 * page + (its address - trampoline_start).
 */
extern const u64 trampoline_stack;	/* top, 16-byte aligned */
extern const u64 trampoline_entry;	/* void entry(u64 cpu), never returns */
extern const u64 trampoline_cpu;
extern const u32 trampoline_cr3;

#endif
