/* SPDX-License-Identifier: MIT */
/* Short backtraces, each kept once and named by a number.  Lab builds. */
#ifndef KERNEL_STACKDEPOT_H
#define KERNEL_STACKDEPOT_H

#include "lib/types.h"

#define STACKDEPOT_FRAMES	8

/*
 * A number for the return addresses from `frame` (a frame pointer) outwards;
 * the same ones give the same number.  0: not kept (the depot is full, or a
 * release build).  Any context; takes no lock, never sleeps.
 */
u32 stackdepot_save(const void *frame);
/* One line an address, or that it was not kept. */
void stackdepot_print(u32 handle);
/* Traces kept so far. */
u32 stackdepot_count(void);
/* The i-th return address; 0 past the last. */
u64 stackdepot_frame(u32 handle, u32 i);

#endif
