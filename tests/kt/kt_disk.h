/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory that misbehaves on request.  It is not registered: tests
 * hand it to whoever they test.
 */
#ifndef TESTS_KT_KT_DISK_H
#define TESTS_KT_KT_DISK_H

#include "kernel/blkdev.h"
#include "kernel/spinlock.h"

#define KT_DISK_SEGS	8
#define NR_BLK_OPS	3

struct kt_disk {
	struct block_device bd;
	u8 *data;
	spinlock_t lock;		/* LOCK_BLKDEV; all below */
	u32 hold;			/* bit per op: wait for a release */
	struct list_head held;
	u32 nr_held;
	u32 fail_in[NR_BLK_OPS];	/* 1: the next one fails; 0: none */
	u32 fail_always;		/* bit per op */
	u32 seen[NR_BLK_OPS];		/* submitted */
	u32 segs_seen;			/* of the largest request */
	u64 unflushed;			/* writes done since the last flush */
};

/* NULL: no memory. */
struct kt_disk *kt_disk_create(u64 sectors);
/* Nothing may be under way. */
void kt_disk_free(struct kt_disk *d);

/* From now on requests of these ops (BIT(op)) wait, memory untouched. */
void kt_disk_hold(struct kt_disk *d, u32 ops);
/* Waits until n requests are held.  False: not in time. */
bool kt_disk_wait_held(struct kt_disk *d, u32 n);
/* Lets all go and holds no more. */
void kt_disk_release(struct kt_disk *d);
/* The n-th request of op from now on fails with -EIO, memory untouched. */
void kt_disk_fail_nth(struct kt_disk *d, enum blk_op op, u32 n);

#endif
