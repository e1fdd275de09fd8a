/* SPDX-License-Identifier: MIT */
/* Swap on a block device. */
#ifndef MM_SWAP_DISK_H
#define MM_SWAP_DISK_H

#include "lib/types.h"

/*
 * The type of the new swap device, or -ENODEV (no such disk), -EINVAL (read
 * only, too small), -EBUSY, -ENOMEM.  What the disk held is lost.  Sleeps.
 */
int disk_swapon(const char *name, int prio);
/* The same for a device that need not be registered (tests). */
struct block_device;
int disk_swapon_dev(struct block_device *bd, const char *name, int prio);
/* bd's bytes are swap's: what the page cache has of it says nothing. */
bool disk_is_swap(const struct block_device *bd);

#endif
