/* SPDX-License-Identifier: MIT */
/* Swap on compressed memory. */
#ifndef MM_ZRAM_H
#define MM_ZRAM_H

#include "lib/types.h"

/* The type of a new device of that many pages, or -Exxx.  Sleeps. */
int zram_swapon(const char *name, u64 slots, int prio);

#endif
