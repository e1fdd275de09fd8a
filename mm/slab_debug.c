/* SPDX-License-Identifier: MIT */
/*
 * What lab builds know about slab objects beyond slab.c: poison, owners.
 *
 * G1  Behind the last object of a slab stands one struct slab_owner for each:
 *     state, last allocation, last free, the size asked for.  It is written by
 *     whoever owns the object at that moment, so it needs no lock.
 * G2  O6: a free object is FREE_POISON but for the link; checked when it is
 *     handed out.  An object that is handed out is filled with ~FREE_POISON:
 *     what was never initialised shows, and a free is never taken for another.
 * G3  Contents that must survive (O4, O5) are not touched.
 *
 * Release builds have neither records nor poison: everything here is nothing.
 * Tests: tests/kt/kt_owner.c, tests/kt/kt_slab.c
 */
#include "kernel/config.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/stackdepot.h"
#include "kernel/thread.h"
#include "mm/kasan.h"
#include "mm/page.h"
#include "mm/slab_def.h"

#define FREE_POISON	0x6b6b6b6b6b6b6b6bUL

u64 slab_owner_bytes(void)
{
	return CONFIG_LAB ? sizeof(struct slab_owner) : 0;
}

struct slab_owner *slab_owner(const struct kmem_cache *c,
			      const struct page *slab, u32 i)
{
	char *end = (char *)page_address(slab) + (PAGE_SIZE << c->order);

	return (struct slab_owner *)(void *)end - c->per_slab + i;
}

static struct slab_owner *owner_of(const struct kmem_cache *c, const void *obj)
{
	const struct page *slab = slab_of(obj);
	u64 off = (u64)obj - (u64)page_address(slab);

	return slab_owner(c, slab, (u32)(off / c->stride));
}

/* O6: words between the link, if it comes first, and the end. */
static u64 poison_from(const struct kmem_cache *c)
{
	return c->link ? 0 : sizeof(void *);
}

static void fill(const struct kmem_cache *c, void *obj, u64 word)
{
	for (u64 i = poison_from(c); i + 8 <= c->size; i += 8)
		*(u64 *)((char *)obj + i) = word;
}

/* The offset of the first word that is not poison; c->size when all is. */
static u64 poison_end(const struct kmem_cache *c, const void *obj)
{
	u64 i = poison_from(c);

	while (i + 8 <= c->size && *(u64 *)((char *)obj + i) == FREE_POISON)
		i += 8;
	return i + 8 > c->size ? c->size : i;
}

static u32 current_tid(void)
{
	const struct thread *t = current();

	return t ? t->tid : 0;
}

/* A new slab: the object is free and has no history. */
void slab_debug_new(const struct kmem_cache *c, void *obj)
{
	if (!CONFIG_LAB)
		return;
	*owner_of(c, obj) = (struct slab_owner){ 0 };
	if (!slab_keeps_contents(c))
		fill(c, obj, FREE_POISON);
}

void slab_debug_alloc(const struct kmem_cache *c, void *obj, const void *frame)
{
	struct slab_owner *o;
	u64 at;

	if (!CONFIG_LAB)
		return;
	o = owner_of(c, obj);
	kasan_unpoison(obj, c->asked);
	if (!slab_keeps_contents(c)) {
		at = poison_end(c, obj);
		if (at != c->size) {
			slab_print_object(obj);
			panic("slab %s: object %p was written after it was freed, at byte %llu",
			      c->name, obj, at);
		}
		fill(c, obj, ~FREE_POISON);
	}
	o->alloc = stackdepot_save(frame);
	o->tid = current_tid();
	o->asked = (u16)c->asked;
	WRITE_ONCE(o->inuse, 1);
}

void slab_debug_asked(const struct kmem_cache *c, void *obj, u64 size)
{
	if (!CONFIG_LAB)
		return;
	owner_of(c, obj)->asked = (u16)size;
	kasan_poison(obj, c->asked, KASAN_SLAB_REDZONE);
	kasan_unpoison(obj, size);
}

static void check_free(const struct kmem_cache *c, const void *obj)
{
	const struct page *slab = slab_of(obj);
	u64 off = (u64)obj - (u64)page_address(slab);

	if (slab->cache != c)
		panic("slab: %p is freed to %s, but belongs to %s", obj,
		      c->name, slab->cache ? slab->cache->name : "kmalloc");
	if (off % c->stride || off / c->stride >= c->per_slab) {
		slab_print_object(obj);
		panic("slab %s: %p is freed, but is inside an object", c->name,
		      obj);
	}
	if (!READ_ONCE(owner_of(c, obj)->inuse)) {
		slab_print_object(obj);
		panic("slab %s: %p is freed twice", c->name, obj);
	}
}

void slab_debug_free(const struct kmem_cache *c, void *obj, const void *frame)
{
	struct slab_owner *o;

	if (!CONFIG_LAB)
		return;
	check_free(c, obj);
	lockdep_check_free(obj, c->size);
	o = owner_of(c, obj);
	o->free = stackdepot_save(frame);
	o->tid = current_tid();
	WRITE_ONCE(o->inuse, 0);
	if (!slab_keeps_contents(c))
		fill(c, obj, FREE_POISON);
	if (!(c->flags & SLAB_TYPESAFE_BY_RCU))
		kasan_poison(obj, c->asked, KASAN_SLAB_FREE);
}

void *slab_find_object(const void *addr, struct kmem_cache **cache, u32 *index)
{
	phys_t pa = virt_to_phys(addr);
	struct page *p = phys_to_page(pa);
	u64 off;

	if ((u64)addr < PAGE_OFFSET || (u64)addr >= VMALLOC_START ||
	    !pfn_valid(pa >> PAGE_SHIFT) || !page_test(p, PG_slab))
		return NULL;
	if (p->inuse == SLAB_TAIL)
		p = p->freelist;
	if (!p->cache)
		return NULL;
	*cache = p->cache;
	off = (u64)addr - (u64)page_address(p);
	*index = min_t(u32, (u32)(off / p->cache->stride),
		       p->cache->per_slab - 1);
	return (char *)page_address(p) + *index * p->cache->stride;
}

void slab_print_object(const void *addr)
{
	const struct slab_owner *o;
	struct kmem_cache *c;
	char *obj;
	u32 i;

	obj = slab_find_object(addr, &c, &i);
	if (!CONFIG_LAB || !obj)
		return;
	o = slab_owner(c, slab_of(obj), i);
	kprintf("  byte %lld of an object of %s at %p, %u bytes, %s\n",
		(s64)((u64)addr - (u64)obj), c->name, obj, o->asked,
		o->inuse ? "in use" : "free");
	if (o->alloc) {
		kprintf("  allocated%s by:\n", o->inuse ? "" : " last");
		stackdepot_print(o->alloc);
	}
	if (o->free) {
		kprintf("  %s by thread %u:\n",
			o->inuse ? "before that, freed" : "freed", o->tid);
		stackdepot_print(o->free);
	}
}
