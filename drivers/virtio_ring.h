/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue [virtio 1.0, 2.4]: descriptors, what is offered to the
 * device, what it has used.  Memory only: no registers, no locks, so it
 * compiles on the host, where a fake device attacks it.
 */
#ifndef DRIVERS_VIRTIO_RING_H
#define DRIVERS_VIRTIO_RING_H

#include "lib/types.h"
#include "lib/compiler.h"

#define VRING_MAX	256U		/* descriptors; a power of two */

struct vring_desc { u64 addr; u32 len; u16 flags, next; };
struct vring_avail { u16 flags, idx; u16 ring[]; };
struct vring_used_elem { u32 id, len; };
struct vring_used { u16 flags, idx; struct vring_used_elem ring[]; };

#define VRING_DESC_NEXT		1U
#define VRING_DESC_WRITE	2U	/* the device writes it */
#define VRING_USED_NO_NOTIFY	1U

/* One buffer of a chain. */
struct vring_buf {
	phys_t addr;
	u32 len;
	u32 flags;			/* 0 or VRING_DESC_WRITE */
};

/*
 * Everything the driver must know stands here, out of the device's reach:
 * what the device can write is read for `used` only, and checked.
 */
struct vring {
	u32 size;			/* I: a power of two */
	struct vring_desc *desc;	/* the device reads */
	struct vring_avail *avail;	/* the device reads */
	const struct vring_used *used;	/* the device writes */
	u16 avail_idx, last_used;	/* free running */
	u16 free_head;
	u32 nr_free;
	u16 next[VRING_MAX];		/* free list, and chains in flight */
	u16 count[VRING_MAX];		/* by head: length of its chain */
	void *token[VRING_MAX];		/* by head: NULL: not in flight */
};

/* Bytes of the memory behind a ring: zeroed, aligned to 16. */
#define VRING_AVAIL_AT(n)	(16UL * (n))
#define VRING_USED_AT(n)	ALIGN(VRING_AVAIL_AT(n) + 6 + 2UL * (n), 4UL)
#define VRING_BYTES(n)		(VRING_USED_AT(n) + 6 + 8UL * (n))

/* False: size is 0, no power of two, or above VRING_MAX. */
bool vring_init(struct vring *vr, u32 size, void *mem);
/*
 * Offers a chain of n buffers; token, not NULL, comes back when it is used.
 * 0, or -ENOSPC with nothing done.
 */
int vring_add(struct vring *vr, const struct vring_buf *bufs, u32 n,
	      void *token);
/* After one or more adds: does the device want to be told? */
bool vring_should_notify(const struct vring *vr);
/*
 * Takes one used chain: 1 with its token and how many bytes the device wrote
 * (by its own word), 0 when there is none, -EIO when the device has written
 * nonsense: an id that is not in flight, or an index too far ahead.  Then the
 * ring must not be used any more; vring_take_any() gives the tokens back.
 */
int vring_get_used(struct vring *vr, void **token, u32 *written);
/* Some token in flight, which it is no longer; NULL: none. */
void *vring_take_any(struct vring *vr);

#endif
