/* SPDX-License-Identifier: MIT */
/*
 * Swap on a disk: slot n is its n-th 4 KiB.  No header: the disk is ours.
 *
 * B1. Writes are in flight up to NR_IOS at a time; who wants one more waits.
 *     So a write needs no memory, and reclaim cannot outrun the disk.
 * B2. An io belongs to its writer from take_io() to its done(), which gives it
 *     back before it ends the page's writeback.
 *
 *	writer				done, thread blkdone
 *	(1) an io is free?		(A) page written: io free
 *	(2) sleep on ios_wait		(B) wake
 *
 * Locks: io_lock (SWAPDATA); blk_submit is called without.
 * Tests: tests/kt/kt_swap_disk.c, drive/pressure
 */
#include "kernel/blkdev.h"
#include "kernel/wait.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/swap_disk.h"

#define NR_IOS		32
#define SECTORS		(PAGE_SIZE / BLK_SECTOR)

struct swap_disk;
struct swap_io {
	struct blk_request rq;
	struct blk_seg seg;
	struct swap_disk *disk;
	struct page *page;		/* io_lock: NULL: free */
};

struct swap_disk {
	struct block_device *bd;
	spinlock_t io_lock;
	struct swap_io ios[NR_IOS];
	struct wait_queue_head ios_wait;
};

static struct swap_io *try_take_io(struct swap_disk *d, struct page *p)
{
	struct swap_io *io = NULL;

	spin_lock(&d->io_lock);
	for (u32 i = 0; i < NR_IOS && !io; i++)
		if (!d->ios[i].page)
			io = &d->ios[i];
	if (io)
		io->page = p;
	spin_unlock(&d->io_lock);
	return io;
}

static void write_done(struct blk_request *rq)
{
	struct swap_io *io = rq->private;
	struct swap_disk *d = io->disk;
	struct page *p = io->page;

	spin_lock(&d->io_lock);
	io->page = NULL;					/* (A) */
	spin_unlock(&d->io_lock);
	wake_up_all(&d->ios_wait);				/* (B) */
	swap_write_done(p, rq->status);
}

static void request(struct swap_disk *d, struct swap_io *io, u64 slot,
		    enum blk_op op)
{
	io->disk = d;
	io->seg = (struct blk_seg){ page_to_phys(io->page), PAGE_SIZE };
	io->rq = (struct blk_request){
		.op = op, .nr_segs = 1, .segs = &io->seg,
		.sector = slot * SECTORS, .done = write_done, .private = io,
	};
}

static void disk_write(struct swap_info *si, u64 slot, struct page *p)
{
	struct swap_disk *d = si->priv;
	struct swap_io *io = NULL;

	wait_event(&d->ios_wait, (io = try_take_io(d, p)));	/* B1 */
	request(d, io, slot, BLK_WRITE);
	blk_submit(d->bd, &io->rq);
}

static int disk_read(struct swap_info *si, u64 slot, struct page *p)
{
	struct swap_disk *d = si->priv;
	struct swap_io io = { .page = p };

	request(d, &io, slot, BLK_READ);
	return blk_submit_wait(d->bd, &io.rq) ? -EIO : 0;
}

static void disk_discard(struct swap_info *si, u64 slot)
{
	(void)si;
	(void)slot;
}

/* What the page cache has of the disk is from before. */
static void disk_destroy(struct swap_info *si)
{
	struct swap_disk *d = si->priv;

	if (READ_ONCE(d->bd->mapping))
		invalidate_mapping_pages(d->bd->mapping, DROP_MAPPED_TOO);
	kfree(d);
}

static const struct swap_backend disk_ops = {
	.name = "disk",
	.read_page = disk_read,
	.write_page = disk_write,
	.discard = disk_discard,
	.destroy = disk_destroy,
};

bool disk_is_swap(const struct block_device *bd)
{
	bool is = false;

	for (u32 i = 1; i <= MAX_SWAPFILES && !is; i++) {
		struct swap_info *si = &swap_devs[i];

		spin_lock(&si->lock);
		is = si->state != SWAP_OFF && si->ops == &disk_ops &&
		     ((struct swap_disk *)si->priv)->bd == bd;
		spin_unlock(&si->lock);
	}
	return is;
}

int disk_swapon(const char *name, int prio)
{
	struct block_device *bd = blkdev_find(name);

	return bd ? disk_swapon_dev(bd, name, prio) : -ENODEV;
}

int disk_swapon_dev(struct block_device *bd, const char *name, int prio)
{
	struct swap_disk *d;
	int type;

	if (bd->read_only || bd->nr_sectors < SECTORS)
		return -EINVAL;
	d = kzalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->bd = bd;
	spin_lock_init(&d->io_lock, LOCK_SWAPDATA);
	init_waitqueue_head(&d->ios_wait);
	type = swapon(name, &disk_ops, d, bd->nr_sectors / SECTORS, prio);
	if (type < 0)
		kfree(d);
	return type;
}
