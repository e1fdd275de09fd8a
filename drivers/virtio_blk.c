/* SPDX-License-Identifier: MIT */
/*
 * Disks: virtio-blk, named vda, vdb, ... in PCI order.
 *
 * D1  Every request that blk_submit() gives comes back once: by the device's
 *     answer, or with -EIO when the device is given up.
 * D2  A request waits in `waiting` while the ring or the slots are full; each
 *     answer starts as many as now fit, in order.
 * D3  A device that writes nonsense, or says that it needs a reset, is stopped
 *     first (it then touches no memory), after that its requests are ended,
 *     and all later ones fail at once.
 * D4  A slot holds what the device reads and writes besides the data: header
 *     and status.  It is taken while its request is in flight.
 *
 * Without VIRTIO_BLK_F_FLUSH the device writes through, and a FLUSH is over
 * at once.
 *
 * Locks: disk->lock (LOCK_BLKDEV, irqsave): ring, slots, waiting.
 * Lifetime: disks stay for ever.
 * Tests: tests/drive/disk.py
 */
#include "drivers/virtio.h"
#include "kernel/blkdev.h"
#include "kernel/init.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "mm/page_alloc.h"

#define DEVICE_MODERN	0x1042
#define DEVICE_OLD	0x1001		/* may have the new registers too */

#define F_SEG_MAX	BIT_ULL(2)
#define F_RO		BIT_ULL(5)
#define F_BLK_SIZE	BIT_ULL(6)
#define F_FLUSH		BIT_ULL(9)

#define CFG_CAPACITY	0
#define CFG_SEG_MAX	12
#define CFG_BLK_SIZE	20

#define T_IN		0
#define T_OUT		1
#define T_FLUSH		4
#define S_OK		0
#define S_UNSUPPORTED	2
#define S_UNANSWERED	0xff

#define MAX_SEGS	64U
#define MAX_DISKS	26
#define MAJOR		254

struct slot {
	struct { u32 type, reserved; u64 sector; } head;
	u8 status;
	struct slot *next_free;
	struct blk_request *rq;
};
#define NR_SLOTS	((u32)(PAGE_SIZE / sizeof(struct slot)))

struct disk {
	struct virtio_dev vd;
	struct block_device bd;
	bool can_flush;			/* I */
	spinlock_t lock;		/* all below */
	bool broken;
	struct slot *free;
	struct list_head waiting;
	struct vring_buf bufs[MAX_SEGS + 2];
};

static u32 nr_disks;

/* lock held.  False: no room; nothing done. */
static bool start(struct disk *d, struct blk_request *rq)
{
	static const u32 types[] = { T_IN, T_OUT, T_FLUSH };
	u32 to_memory = rq->op == BLK_READ ? VRING_DESC_WRITE : 0, n = 0;
	struct slot *s = d->free;

	if (!s)
		return false;
	s->head.type = types[rq->op];
	s->head.sector = rq->op == BLK_FLUSH ? 0 : rq->sector;
	s->status = S_UNANSWERED;
	s->rq = rq;
	d->bufs[n++] = (struct vring_buf){ virt_to_phys(&s->head),
					   sizeof(s->head), 0 };
	for (u32 i = 0; i < rq->nr_segs; i++)
		d->bufs[n++] = (struct vring_buf){ rq->segs[i].addr,
						   rq->segs[i].len, to_memory };
	d->bufs[n++] = (struct vring_buf){ virt_to_phys(&s->status), 1,
					   VRING_DESC_WRITE };
	if (vring_add(&d->vd.ring, d->bufs, n, s))
		return false;
	d->free = s->next_free;					/* D4 */
	return true;
}

/* lock held.  D2. */
static void start_waiting(struct disk *d)
{
	struct blk_request *rq;
	bool started = false;

	while (!list_empty(&d->waiting)) {
		rq = list_first_entry(&d->waiting, struct blk_request, link);
		if (!start(d, rq))
			break;
		list_del(&rq->link);
		started = true;
	}
	if (started)
		virtio_notify(&d->vd);
}

static int status_to_errno(u8 status)
{
	switch (status) {
	case S_OK:
		return 0;
	case S_UNSUPPORTED:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* lock held.  The slot's request is over. */
static void end(struct disk *d, struct slot *s, int status)
{
	struct blk_request *rq = s->rq;

	s->rq = NULL;
	s->next_free = d->free;
	d->free = s;
	blk_complete(rq, status);				/* D1 */
}

/* lock held.  D3. */
static void give_up(struct disk *d, const char *why)
{
	struct blk_request *rq, *next;
	struct slot *s;

	pr_err("%s: %s: stopped, every request fails from now on\n",
	       d->bd.name, why);
	d->broken = true;
	virtio_stop(&d->vd);
	while ((s = vring_take_any(&d->vd.ring)))
		end(d, s, -EIO);
	list_for_each_entry_safe(rq, next, &d->waiting, link) {
		list_del(&rq->link);
		blk_complete(rq, -EIO);
	}
}

/* Interrupt, CPU 0. */
static void disk_interrupt(void *arg)
{
	struct disk *d = arg;
	u32 written, seen = 0;
	u64 flags;
	void *s;
	int got;

	if (!virtio_irq_ours(&d->vd))
		return;
	flags = spin_lock_irqsave(&d->lock);
	while (!d->broken && (got = vring_get_used(&d->vd.ring, &s, &written))) {
		if (got < 0) {
			give_up(d, "nonsense in its used ring");
			break;
		}
		end(d, s, status_to_errno(((struct slot *)s)->status));
		seen++;
	}
	if (!d->broken && !seen && virtio_needs_reset(&d->vd))
		give_up(d, "the device has failed");
	if (!d->broken)
		start_waiting(d);
	spin_unlock_irqrestore(&d->lock, flags);
}

static void disk_submit(struct block_device *bd, struct blk_request *rq)
{
	struct disk *d = bd->driver;
	u64 flags;

	if (rq->op == BLK_FLUSH && !d->can_flush) {
		blk_complete(rq, 0);
		return;
	}
	flags = spin_lock_irqsave(&d->lock);
	if (d->broken) {
		blk_complete(rq, -EIO);
	} else {
		list_add_tail(&rq->link, &d->waiting);
		start_waiting(d);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

static const struct block_device_ops disk_ops = { .submit = disk_submit };

static int disk_alloc_slots(struct disk *d)
{
	struct page *p = alloc_page(ALLOC_ZERO);
	struct slot *s;

	if (!p)
		return -ENOMEM;
	s = page_address(p);
	for (u32 i = 0; i < NR_SLOTS; i++) {
		s[i].next_free = d->free;
		d->free = &s[i];
	}
	return 0;
}

static int disk_setup(struct disk *d, struct pci_dev *pci, const char **why)
{
	u64 features;
	u32 segs = 1;
	int err;

	err = virtio_open(&d->vd, pci, why);
	if (!err)
		err = virtio_negotiate(&d->vd, F_SEG_MAX | F_RO | F_BLK_SIZE |
				       F_FLUSH, &features, why);
	if (err)
		return err;
	d->can_flush = features & F_FLUSH;
	d->bd.read_only = features & F_RO;
	d->bd.nr_sectors = virtio_config64(&d->vd, CFG_CAPACITY);
	if (features & F_SEG_MAX)
		segs = virtio_config32(&d->vd, CFG_SEG_MAX);
	if (features & F_BLK_SIZE)
		d->bd.block_size = virtio_config32(&d->vd, CFG_BLK_SIZE);
	if (d->bd.block_size && (d->bd.block_size % BLK_SECTOR ||
				 PAGE_SIZE % d->bd.block_size ||
				 d->bd.nr_sectors * BLK_SECTOR %
				 d->bd.block_size)) {
		*why = "its block size does not fit a page or its capacity";
		virtio_stop(&d->vd);
		return -EINVAL;
	}
	err = virtio_queue_init(&d->vd, disk_interrupt, d, why);
	if (err)
		return err;
	if (d->vd.ring.size < 3) {	/* header, data, status */
		*why = "its queue is too small";
		virtio_stop(&d->vd);
		return -EIO;
	}
	d->bd.max_segs = clamp(min(segs, d->vd.ring.size - 2), 1U, MAX_SEGS);
	return 0;
}

static struct disk *disk_alloc(void)
{
	struct disk *d = kzalloc(sizeof(*d));

	if (!d || disk_alloc_slots(d)) {
		kfree(d);
		return NULL;
	}
	spin_lock_init(&d->lock, LOCK_BLKDEV);
	INIT_LIST_HEAD(&d->waiting);
	snprintf(d->bd.name, sizeof(d->bd.name), "vd%c",
		 (char)('a' + nr_disks));
	d->bd.ops = &disk_ops;
	d->bd.driver = d;
	d->bd.major_minor = MAJOR << 8 | nr_disks * 16;
	return d;
}

/* A disk that failed half way is not freed: its interrupt may be set up. */
static void disk_probe(struct pci_dev *pci)
{
	struct disk *d = nr_disks < MAX_DISKS ? disk_alloc() : NULL;
	const char *why = "no memory, or too many disks";

	if (!d || disk_setup(d, pci, &why)) {
		pr_err("virtio-blk at %s: %s: not used\n", pci->name, why);
		return;
	}
	nr_disks++;
	virtio_driver_ok(&d->vd);
	blkdev_register(&d->bd);
	pr_info("%s: %llu sectors%s, %s\n", d->bd.name, d->bd.nr_sectors,
		d->bd.read_only ? ", read-only" : "",
		d->vd.irq == PCI_MSIX ? "MSI-X" : "INTx");
}

static int virtio_blk_init(void)
{
	for (struct pci_dev *d = pci_next(NULL); d; d = pci_next(d)) {
		if (d->vendor == VIRTIO_VENDOR &&
		    (d->device == DEVICE_MODERN || d->device == DEVICE_OLD))
			disk_probe(d);
	}
	return 0;
}
INITCALL(virtio_blk_init);
