/* SPDX-License-Identifier: MIT */
/* Undefined behaviour, reported as it happens: builds with UBSAN=1 only. */
#ifndef KERNEL_UBSAN_H
#define KERNEL_UBSAN_H

#include "lib/types.h"

/* Reports that nobody expected, since boot. */
u64 ubsan_count(void);
/*
 * For tests: between the two, what the current thread does outside interrupts
 * is counted, not reported. One thread at a time. The second gives the count.
 */
void ubsan_expect_begin(void);
u32 ubsan_expect_end(void);

#endif
