/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue.
 *
 * Q1  A descriptor is on the free list or in exactly one chain in flight; both
 *     lists are our own arrays, never the table that the device sees.
 * Q2  A chain is complete before its head is in the avail ring, and that
 *     before avail->idx names it.
 * Q3  A used element is read after used->idx that covers it.
 * Q4  What the device wrote is believed only where it must be: an id counts
 *     if it is the head of a chain in flight, an index if no more chains have
 *     come back than were offered.  So a broken or hostile device can end its
 *     own requests early and wrongly, and damage nothing else.
 *
 *	driver				device
 *	(1) fill desc, avail->ring[]	(A) load avail->idx
 *	(2) store-release avail->idx	(B) read ring[], desc
 *	(3) mb; load used->flags	(C) write buffers, used->ring[]
 *	(4) notify unless NO_NOTIFY	(D) store used->idx; interrupt
 *	(5) load-acquire used->idx
 *	(6) read used->ring[]
 * (2) before (A) or the notify of (4) makes the device look; (D) before (5)
 * makes (6) see (C).
 *
 * Locks: the caller's.  Tests: tests/host/test_virtio_ring.c
 */
#include "drivers/virtio_ring.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/string.h"

bool vring_init(struct vring *vr, u32 size, void *mem)
{
	if (!IS_POWER_OF_2(size) || size > VRING_MAX)
		return false;
	memset(vr, 0, sizeof(*vr));
	vr->size = vr->nr_free = size;
	vr->desc = mem;
	vr->avail = (void *)((char *)mem + VRING_AVAIL_AT(size));
	vr->used = (void *)((char *)mem + VRING_USED_AT(size));
	for (u32 i = 0; i < size; i++)
		vr->next[i] = (u16)(i + 1);
	return true;
}

int vring_add(struct vring *vr, const struct vring_buf *bufs, u32 n,
	      void *token)
{
	u16 head = vr->free_head, at = head;

	if (!n || n > vr->nr_free)
		return -ENOSPC;
	/* commit */
	for (u32 i = 0; i < n; i++) {				/* (1) */
		bool more = i + 1 < n;

		vr->desc[at] = (struct vring_desc){
			.addr = bufs[i].addr, .len = bufs[i].len,
			.flags = (u16)(bufs[i].flags |
				       (more ? VRING_DESC_NEXT : 0)),
			.next = more ? vr->next[at] : 0,
		};
		at = vr->next[at];
	}
	vr->free_head = at;
	vr->nr_free -= n;
	vr->count[head] = (u16)n;
	vr->token[head] = token;
	vr->avail->ring[vr->avail_idx & (vr->size - 1)] = head;
	smp_store_release(&vr->avail->idx, ++vr->avail_idx);	/* (2), Q2 */
	return 0;
}

bool vring_should_notify(const struct vring *vr)
{
	smp_mb();						/* (3) */
	return !(READ_ONCE(vr->used->flags) & VRING_USED_NO_NOTIFY);
}

/* Q1: the chain back on the free list. */
static void *take(struct vring *vr, u32 head)
{
	void *token = vr->token[head];
	u16 last = (u16)head;

	for (u32 i = 1; i < vr->count[head]; i++)
		last = vr->next[last];
	vr->next[last] = vr->free_head;
	vr->free_head = (u16)head;
	vr->nr_free += vr->count[head];
	vr->count[head] = 0;
	vr->token[head] = NULL;
	return token;
}

int vring_get_used(struct vring *vr, void **token, u32 *written)
{
	u16 idx = smp_load_acquire(&vr->used->idx);		/* (5), Q3 */
	const struct vring_used_elem *e;
	u32 id;

	if (idx == vr->last_used)
		return 0;
	if ((u16)(idx - vr->last_used) > vr->size - vr->nr_free)
		return -EIO;					/* Q4 */
	e = &vr->used->ring[vr->last_used & (vr->size - 1)];
	id = READ_ONCE(e->id);					/* (6) */
	if (id >= vr->size || !vr->token[id])
		return -EIO;
	*written = READ_ONCE(e->len);
	vr->last_used++;
	*token = take(vr, id);
	return 1;
}

void *vring_take_any(struct vring *vr)
{
	for (u32 i = 0; i < vr->size; i++)
		if (vr->token[i])
			return take(vr, i);
	return NULL;
}
