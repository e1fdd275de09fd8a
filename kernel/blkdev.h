/* SPDX-License-Identifier: MIT */
/*
 * Block devices: where their drivers and those who read and write them meet.
 *
 * A request names a run of sectors and the physical memory it goes to or comes
 * from (kernel/ knows no struct page).  It belongs to the block layer from
 * blk_submit() until its done() is called, which happens exactly once, in
 * thread context: on the thread "blkdone", one request after the other.  So
 * done() may take ordinary spinlocks and wake threads, but it must not wait
 * for another request, and should not sleep at all.
 *
 * A FLUSH covers every write whose done() was called before it was submitted.
 * Requests may pass each other in any order.
 */
#ifndef KERNEL_BLKDEV_H
#define KERNEL_BLKDEV_H

#include "lib/types.h"
#include "lib/list.h"
#include "lib/atomic.h"

#define BLK_SECTOR_SHIFT	9
#define BLK_SECTOR		512U
#define BLK_NAME_MAX		8

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH };

/* len is a multiple of the device's block size, not 0; addr of 4. */
struct blk_seg {
	phys_t addr;
	u32 len;
};

struct block_device;

struct blk_request {
	/* the submitter's; must not change while the request is under way */
	enum blk_op op;
	u32 nr_segs;			/* 0 for FLUSH, else 1 .. max_segs */
	const struct blk_seg *segs;
	u64 sector;			/* the first */
	void (*done)(struct blk_request *rq);
	void *private;
	/* set when done() is called */
	int status;			/* 0 or -Exxx; on failure part of a
					 * read or write may have happened */
	/* the block layer's and the driver's meanwhile */
	struct block_device *bd;
	struct list_head link;
	u64 driver;
};

struct block_device_ops {
	/*
	 * Start rq, or queue it until there is room.  Checked already.  Does
	 * not sleep; thread context; no spinlock of rank BLKDEV or inside it
	 * is held.  The driver calls blk_complete() for it, once.
	 */
	void (*submit)(struct block_device *bd, struct blk_request *rq);
};

/* Key: I immutable once registered, a atomic. */
struct block_device {
	char name[BLK_NAME_MAX];	/* I: "vda" */
	u64 nr_sectors;			/* I */
	u32 block_size;			/* I: bytes, what it reads and writes in
					 * one piece: 512 to 4096 */
	bool read_only;			/* I: writes fail with -EROFS */
	u32 max_segs;			/* I: of one request, at least 1 */
	u32 major_minor;		/* I: major << 8 | minor, for /dev */
	const struct block_device_ops *ops;	/* I */
	void *driver;			/* I: the driver's */
	void *mapping;			/* mm/'s: its page cache, or NULL */
	struct list_head link;		/* the registry's */
	atomic64_t reads, writes, flushes, errors;	/* a: requests done */
};

/*
 * Devices stay for ever.  bd is complete; max_segs 0 counts as 1, block_size 0
 * as 512.
 */
void blkdev_register(struct block_device *bd);
/* By name ("vda"); NULL: there is none. */
struct block_device *blkdev_find(const char *name);
/* The device registered after prev; NULL: the first, or none left. */
struct block_device *blkdev_next(struct block_device *prev);

/*
 * Starts rq.  Thread context; does not sleep, so a reclaimer may call it.  A
 * bad request comes back like any other, through done(): -EINVAL (nothing to
 * transfer, beyond the end, no whole blocks, too many segments), -EROFS.
 */
void blk_submit(struct block_device *bd, struct blk_request *rq);
/*
 * One request, waited for.  rq needs op, sector, segs, nr_segs; done and
 * private are overwritten.  Sleeps.  0 or -Exxx.
 */
int blk_submit_wait(struct block_device *bd, struct blk_request *rq);
/* Every write that was done before is on the medium afterwards.  Sleeps. */
int blk_flush(struct block_device *bd);

/* Drivers: rq is over.  Any context, interrupts too. */
void blk_complete(struct blk_request *rq, int status);

#endif
