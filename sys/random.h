/* SPDX-License-Identifier: MIT */
#ifndef SYS_RANDOM_H
#define SYS_RANDOM_H

#include "lib/types.h"

/*
 * Numbers that differ from one call to the next, for AT_RANDOM and hash seeds.
 * Not for secrets: the seed is the time.  Any context but irq.
 */
void random_fill(void *buf, u64 len);

#endif
