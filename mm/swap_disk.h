/* SPDX-License-Identifier: MIT */
/* Swap on a block device. */
#ifndef MM_SWAP_DISK_H
#define MM_SWAP_DISK_H

/*
 * The type of the new swap device, or -ENODEV (no such disk), -EINVAL (read
 * only, too small), -EBUSY, -ENOMEM.  What the disk held is lost.  Sleeps.
 */
int disk_swapon(const char *name, int prio);
/* The same for a device that need not be registered (tests). */
struct block_device;
int disk_swapon_dev(struct block_device *bd, const char *name, int prio);

#endif
