/* SPDX-License-Identifier: MIT */
#include "arch/layout.h"
#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "lib/string.h"
#include "mm/vmalloc.h"
#include "tests/kt/kt_disk.h"
#include "tests/kt/kt_util.h"

static void transfer(struct kt_disk *d, struct blk_request *rq)
{
	u8 *at = d->data + rq->sector * BLK_SECTOR;

	for (u32 i = 0; i < rq->nr_segs; i++) {
		void *mem = phys_to_virt(rq->segs[i].addr);

		if (rq->op == BLK_READ)
			memcpy(mem, at, rq->segs[i].len);
		else
			memcpy(at, mem, rq->segs[i].len);
		at += rq->segs[i].len;
	}
}

/* d->lock held. */
static void finish(struct kt_disk *d, struct blk_request *rq)
{
	u32 op = rq->op;
	bool fail = d->fail_always & BIT(op);

	if (d->fail_in[op] && !--d->fail_in[op])
		fail = true;
	if (fail) {
		blk_complete(rq, -EIO);
		return;
	}
	if (op == BLK_FLUSH)
		d->unflushed = 0;
	else
		transfer(d, rq);
	d->unflushed += op == BLK_WRITE;
	blk_complete(rq, 0);
}

static void disk_submit(struct block_device *bd, struct blk_request *rq)
{
	struct kt_disk *d = bd->driver;
	u64 flags = spin_lock_irqsave(&d->lock);

	d->seen[rq->op]++;
	d->segs_seen = max(d->segs_seen, rq->nr_segs);
	if (d->hold & BIT(rq->op)) {
		list_add_tail(&rq->link, &d->held);
		d->nr_held++;
	} else {
		finish(d, rq);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

static const struct block_device_ops disk_ops = { .submit = disk_submit };

struct kt_disk *kt_disk_create(u64 sectors)
{
	struct kt_disk *d = kzalloc(sizeof(*d));

	if (!d)
		return NULL;
	/* What a request beyond the end would hit. */
	d->data = vmalloc(sectors * BLK_SECTOR + PAGE_SIZE);
	if (!d->data) {
		kfree(d);
		return NULL;
	}
	spin_lock_init(&d->lock, LOCK_BLKDEV);
	INIT_LIST_HEAD(&d->held);
	memcpy(d->bd.name, "ktd", 4);
	d->bd.nr_sectors = sectors;
	d->bd.block_size = BLK_SECTOR;
	d->bd.max_segs = KT_DISK_SEGS;
	d->bd.ops = &disk_ops;
	d->bd.driver = d;
	return d;
}

void kt_disk_free(struct kt_disk *d)
{
	KASSERT(!d->nr_held);
	vfree(d->data);
	kfree(d);
}

void kt_disk_hold(struct kt_disk *d, u32 ops)
{
	u64 flags = spin_lock_irqsave(&d->lock);

	d->hold = ops;
	spin_unlock_irqrestore(&d->lock, flags);
}

bool kt_disk_wait_held(struct kt_disk *d, u32 n)
{
	return kt_wait_for(READ_ONCE(d->nr_held) >= n);
}

void kt_disk_release(struct kt_disk *d)
{
	u64 flags = spin_lock_irqsave(&d->lock);
	struct blk_request *rq, *next;

	d->hold = 0;
	list_for_each_entry_safe(rq, next, &d->held, link) {
		list_del(&rq->link);
		finish(d, rq);
	}
	d->nr_held = 0;
	spin_unlock_irqrestore(&d->lock, flags);
}

void kt_disk_fail_nth(struct kt_disk *d, enum blk_op op, u32 n)
{
	u64 flags = spin_lock_irqsave(&d->lock);

	d->fail_in[op] = n;
	spin_unlock_irqrestore(&d->lock, flags);
}
