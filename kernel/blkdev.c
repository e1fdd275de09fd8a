/* SPDX-License-Identifier: MIT */
/*
 * Block devices: the registry, the checks every request passes, and the thread
 * that reports requests done.
 *
 * B1. done() is called exactly once for each submitted request, also for one
 *     that is refused: the submitter has one path for all ends.
 * B2. A driver sees only requests that lie on the device and are well formed.
 * B3. blk_complete() may come from an interrupt, done() never runs in one: a
 *     list and the thread "blkdone" stand between.
 * B4. Between submit and done() only the driver touches rq->link and driver;
 *     from blk_complete() on they are this file's.
 *
 * Locks: done_lock (LOCK_BLK_DONE, irqsave) for the list of finished requests;
 * devs_lock for the registry.  Lifetime: devices for ever; a request is its
 * submitter's memory again when done() is called, so nothing looks at it after.
 * Tests: tests/kt/kt_blkdev.c
 */
#include "kernel/blkdev.h"
#include "arch/layout.h"
#include "kernel/init.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "kernel/upcall.h"
#include "kernel/wait.h"
#include "lib/err.h"
#include "lib/string.h"

static DEFINE_SPINLOCK(devs_lock, LOCK_FILES);
static LIST_HEAD(devs);

static DEFINE_SPINLOCK(done_lock, LOCK_BLK_DONE);
static LIST_HEAD(done_list);			/* done_lock */
static struct wait_queue_head done_wq = WAIT_QUEUE_HEAD_INIT(done_wq);

void blkdev_register(struct block_device *bd)
{
	KASSERT(bd->name[0] && bd->ops && bd->ops->submit);
	bd->max_segs = max(bd->max_segs, 1U);
	bd->block_size = max(bd->block_size, BLK_SECTOR);
	spin_lock(&devs_lock);
	list_add_tail(&bd->link, &devs);
	spin_unlock(&devs_lock);
}

struct block_device *blkdev_next(struct block_device *prev)
{
	struct list_head *next;

	spin_lock(&devs_lock);
	next = prev ? prev->link.next : devs.next;
	spin_unlock(&devs_lock);
	return next == &devs ? NULL :
	       list_entry(next, struct block_device, link);
}

struct block_device *blkdev_find(const char *name)
{
	struct block_device *bd;

	for (bd = blkdev_next(NULL); bd; bd = blkdev_next(bd))
		if (!strcmp(bd->name, name))
			break;
	return bd;
}

/* B2.  Sectors to transfer, or -Exxx. */
static s64 check_segs(const struct block_device *bd,
		      const struct blk_request *rq)
{
	u64 bytes = 0;

	if (!rq->nr_segs || rq->nr_segs > bd->max_segs)
		return -EINVAL;
	for (u32 i = 0; i < rq->nr_segs; i++) {
		const struct blk_seg *s = &rq->segs[i];

		if (!s->len || s->len % bd->block_size || s->addr % 4)
			return -EINVAL;
		bytes += s->len;
	}
	return (s64)(bytes >> BLK_SECTOR_SHIFT);
}

static int check_request(const struct block_device *bd,
			 const struct blk_request *rq)
{
	s64 sectors;

	if (rq->op == BLK_FLUSH)
		return rq->nr_segs ? -EINVAL : 0;
	if (rq->op != BLK_READ && rq->op != BLK_WRITE)
		return -EINVAL;
	if (rq->op == BLK_WRITE && bd->read_only)
		return -EROFS;
	sectors = check_segs(bd, rq);
	if (sectors < 0)
		return (int)sectors;
	if (rq->sector % (bd->block_size / BLK_SECTOR))
		return -EINVAL;
	if (rq->sector > bd->nr_sectors ||
	    (u64)sectors > bd->nr_sectors - rq->sector)
		return -EINVAL;
	return 0;
}

void blk_submit(struct block_device *bd, struct blk_request *rq)
{
	int err = check_request(bd, rq);

	rq->bd = bd;
	INIT_LIST_HEAD(&rq->link);
	if (err)
		blk_complete(rq, err);			/* B1 */
	else
		bd->ops->submit(bd, rq);
}

void blk_complete(struct blk_request *rq, int status)
{
	u64 flags;

	rq->status = status;
	flags = spin_lock_irqsave(&done_lock);
	list_add_tail(&rq->link, &done_list);
	spin_unlock_irqrestore(&done_lock, flags);
	wake_up(&done_wq);
}

static void count(struct blk_request *rq)
{
	struct block_device *bd = rq->bd;

	if (rq->status)
		atomic64_inc(&bd->errors);
	else if (rq->op == BLK_READ)
		atomic64_inc(&bd->reads);
	else if (rq->op == BLK_WRITE)
		atomic64_inc(&bd->writes);
	else
		atomic64_inc(&bd->flushes);
}

/* The oldest finished request, or NULL. */
static struct blk_request *take_done(void)
{
	struct blk_request *rq = NULL;
	u64 flags = spin_lock_irqsave(&done_lock);

	if (!list_empty(&done_list)) {
		rq = list_first_entry(&done_list, struct blk_request, link);
		list_del(&rq->link);
	}
	spin_unlock_irqrestore(&done_lock, flags);
	return rq;
}

static void blkdone_main(void *arg)
{
	struct blk_request *rq;

	(void)arg;
	for (;;) {
		wait_event_idle(&done_wq, (rq = take_done()));	/* B3 */
		count(rq);
		rq->done(rq);
	}
}

/*
 * Waiters of blk_submit_wait().  One queue for all: their own memory is gone
 * the moment they see `over`.
 */
static struct wait_queue_head sync_wq = WAIT_QUEUE_HEAD_INIT(sync_wq);

static void wake_waiter(struct blk_request *rq)
{
	smp_store_release((bool *)rq->private, true);
	wake_up_all(&sync_wq);
}

int blk_submit_wait(struct block_device *bd, struct blk_request *rq)
{
	bool over = false;

	rq->done = wake_waiter;
	rq->private = &over;
	blk_submit(bd, rq);
	wait_event(&sync_wq, smp_load_acquire(&over));
	return rq->status;
}

int blk_flush(struct block_device *bd)
{
	struct blk_request rq = { .op = BLK_FLUSH };

	return blk_submit_wait(bd, &rq);
}

static void print_disks(void)
{
	struct block_device *bd = blkdev_next(NULL);

	if (!bd)
		kprintf("there is no disk\n");
	for (; bd; bd = blkdev_next(bd))
		kprintf("%-4s %10llu sectors%s: %lld reads, %lld writes, "
			"%lld flushes, %lld errors\n", bd->name,
			bd->nr_sectors, bd->read_only ? ", read-only" : "",
			atomic64_read(&bd->reads), atomic64_read(&bd->writes),
			atomic64_read(&bd->flushes),
			atomic64_read(&bd->errors));
}

#define DUMP_WIDTH	32U

/* Past every cache: what the device itself says. */
static int dump_sector(struct block_device *bd, u64 sector)
{
	u32 per_block = bd->block_size / BLK_SECTOR;
	u8 *block = kmalloc(bd->block_size);
	u8 *buf = block + sector % per_block * BLK_SECTOR;
	struct blk_seg seg = { .len = bd->block_size };
	struct blk_request rq = {
		.op = BLK_READ, .segs = &seg, .nr_segs = 1,
		.sector = sector - sector % per_block,
	};
	int err;

	if (!block)
		return -ENOMEM;
	seg.addr = virt_to_phys(block);
	err = blk_submit_wait(bd, &rq);
	for (u32 i = 0; !err && i < BLK_SECTOR; i++)
		kprintf("%s%02x", i % DUMP_WIDTH ? "" : i ? "\n" : "", buf[i]);
	if (err)
		kprintf("%s: sector %llu: %pe\n", bd->name, sector,
			ERR_PTR(err));
	else
		kprintf("\n");
	kfree(block);
	return err;
}

static int cmd_disks(int argc, char **argv)
{
	struct block_device *bd;
	u64 sector;
	int err;

	if (argc != 3) {
		print_disks();
		return 0;
	}
	bd = blkdev_find(argv[1]);
	if (!bd) {
		kprintf("disks: there is no %s\n", argv[1]);
		return -ENODEV;
	}
	err = shell_parse_u64("sector", argv[2], &sector);
	return err ? err : dump_sector(bd, sector);
}

SHELL_CMD(disks, "[NAME SECTOR]", "block devices; one sector's bytes", 0, 2,
	  cmd_disks);

static int blkdev_init(void)
{
	struct thread *t = thread_create("blkdone", blkdone_main, NULL);

	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	t->urgent = true;		/* others wait for what it reports */
	thread_start(t);
	thread_put(t);
	return 0;
}
INITCALL_LEVEL(0, blkdev_init);
