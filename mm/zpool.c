/* SPDX-License-Identifier: MIT */
/*
 * Where compressed pages lie: frames cut into n equal objects, one class for
 * each n.  Only single frames are taken, because they are taken when memory is
 * short.
 *
 * P1. A frame of a class is on its partial list if and only if it has a free
 *     object; one without users goes back at once.
 * P2. Free objects are linked by offsets (0: end) kept in their first bytes,
 *     plus one, so any object of 8 bytes or more can be free.
 *
 * Locks: one for all (SWAPDATA).  Tests: tests/kt/kt_zram.c
 */
#include "mm/zpool.h"
#include "mm/page_alloc.h"

#define NR_CLASSES	32		/* 1 .. 32 objects a frame */
#define ALIGNMENT	8

struct zclass { u32 size, per_page; struct list_head partial; };

static struct zclass classes[NR_CLASSES];
static DEFINE_SPINLOCK(zpool_lock, LOCK_SWAPDATA);
static u64 pages;

void zpool_init(void)
{
	for (u32 i = 0; i < NR_CLASSES; i++) {
		classes[i].per_page = i + 1;
		classes[i].size = (u32)PAGE_SIZE / (i + 1) & ~(ALIGNMENT - 1U);
		INIT_LIST_HEAD(&classes[i].partial);
	}
}

static struct zclass *class_of(u32 len)
{
	u32 i = NR_CLASSES - 1;

	while (classes[i].size < len)
		i--;
	return &classes[i];
}

/* Links every object of a new frame; zpool_lock not needed. */
static void cut(struct page *p, const struct zclass *c)
{
	char *base = page_address(p);

	for (u32 i = 0; i < c->per_page; i++)
		*(u64 *)(base + i * c->size) =
			i + 1 < c->per_page ? (i + 1) * c->size + 1 : 0;
	p->freelist = base;
	p->inuse = 0;
}

static void *take(struct zclass *c, struct page *p)
{
	u64 *obj = p->freelist;

	p->freelist = *obj ? (char *)page_address(p) + *obj - 1 : NULL;
	p->inuse++;
	if (!p->freelist)
		list_del(&p->slab_link);			/* P1 */
	(void)c;
	return obj;
}

void *zpool_alloc(u32 len)
{
	struct zclass *c = class_of(len);
	struct page *fresh = NULL;
	void *obj = NULL;

	spin_lock(&zpool_lock);
	if (list_empty(&c->partial)) {
		spin_unlock(&zpool_lock);
		fresh = alloc_page(ALLOC_FROZEN | ALLOC_NO_INJECT);
		if (!fresh)
			return NULL;
		cut(fresh, c);
		spin_lock(&zpool_lock);
		pages++;
		list_add(&fresh->slab_link, &c->partial);
	}
	obj = take(c, list_first_entry(&c->partial, struct page, slab_link));
	spin_unlock(&zpool_lock);
	return obj;
}

void zpool_free(void *obj, u32 len)
{
	struct zclass *c = class_of(len);
	struct page *p = virt_to_page(obj);
	bool empty;

	spin_lock(&zpool_lock);
	KASSERT(p->inuse);
	if (!p->freelist)
		list_add(&p->slab_link, &c->partial);		/* P1 */
	*(u64 *)obj = p->freelist ? (u64)p->freelist -
				    (u64)page_address(p) + 1 : 0;
	p->freelist = obj;
	empty = !--p->inuse;
	if (empty) {
		list_del(&p->slab_link);
		pages--;
	}
	spin_unlock(&zpool_lock);
	if (empty)
		free_page(p);
}

u64 zpool_pages(void)
{
	return READ_ONCE(pages);
}
