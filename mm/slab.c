/* SPDX-License-Identifier: MIT */
/*
 * Objects of one size, cut from blocks of frames ("slabs").
 *
 *	kmem_cache_alloc -> the CPU's magazine -> slabs with free objects -> pages
 *
 * O1  An object is in exactly one place: in use, in one CPU's magazine, or on
 *     its slab's freelist.  page->inuse counts those not on the freelist.
 * O2  A slab is on its cache's `partial` list if and only if its freelist is
 *     not empty.  At most KEEP_EMPTY slabs without users stay cached.
 * O3  Every page of a slab is PG_slab with ->cache set; a tail page's
 *     ->freelist points to the head's struct page.  So virt_to_page() leads
 *     from any object to its slab.
 * O4  SLAB_TYPESAFE_BY_RCU: a slab's pages go back only after a grace period,
 *     and a free object keeps its contents (the link lies behind it), so a
 *     reader may look at one that is freed and reused meanwhile.
 * O5  With a constructor, objects are constructed once per slab and are freed
 *     constructed; their contents survive as in O4.
 * O6  Lab: other free objects are filled with poison behind the link, and it
 *     must be intact when they are handed out; freeing an object that is free
 *     already panics.  slab_debug.c.
 *
 * Locks: magazine (SLAB_CPU), inside it the cache (SLAB); pages are allocated
 * and freed outside the cache's lock.  Interrupts on; not for irq context.
 * Tests: tests/kt/kt_slab.c
 */
#include "mm/slab.h"
#include "arch/smp.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/internal_low.h"
#include "mm/kasan.h"
#include "mm/page_alloc.h"
#include "mm/slab_def.h"

#define KEEP_EMPTY	1
#define BATCH		(MAGAZINE_SIZE / 2)
#define MAX_SLAB_ORDER	3

static struct kmem_cache cache_cache, magazine_cache;
static LIST_HEAD(all_caches);
static DEFINE_SPINLOCK(all_caches_lock, LOCK_SLAB_CPU);
static atomic64_t slab_page_count;

static void **link_of(const struct kmem_cache *c, void *obj)
{
	return (void **)((char *)obj + c->link);
}

struct page *slab_of(const void *obj)
{
	struct page *p = virt_to_page(obj);

	if (!page_test(p, PG_slab))
		panic("%p is not an object of a slab", obj);
	return p->inuse == SLAB_TAIL ? p->freelist : p;
}

/* KASAN: nothing but the objects may be touched, and those are free yet. */
static void kasan_redzones(const struct kmem_cache *c, const char *base)
{
	kasan_poison(base, PAGE_SIZE << c->order, KASAN_SLAB_REDZONE);
	for (u32 i = 0; i < c->per_slab; i++)
		if (slab_keeps_contents(c))
			kasan_unpoison(base + i * c->stride, c->asked);
		else
			kasan_poison(base + i * c->stride, c->size,
				     KASAN_SLAB_FREE);
	kasan_unpoison(base + (PAGE_SIZE << c->order) -
		       c->per_slab * slab_owner_bytes(),
		       c->per_slab * slab_owner_bytes());
}

/* Every page of the block belongs to c (O3).  Objects all on the freelist. */
static struct page *slab_create(struct kmem_cache *c)
{
	struct page *slab = alloc_pages(c->order,
					ALLOC_FROZEN | ALLOC_NO_INJECT);
	char *base;

	if (!slab)
		return NULL;
	for (u32 i = 0; i < 1U << c->order; i++) {
		page_become(&slab[i], PG_slab);
		slab[i].cache = c;
		slab[i].freelist = slab;
		slab[i].inuse = SLAB_TAIL;
	}
	slab->freelist = NULL;
	slab->inuse = 0;
	base = page_address(slab);
	kasan_redzones(c, base);
	for (u32 i = c->per_slab; i-- > 0;) {
		void *obj = base + i * c->stride;

		slab_debug_new(c, obj);
		if (c->ctor)
			c->ctor(obj);
		*link_of(c, obj) = slab->freelist;
		slab->freelist = obj;
	}
	atomic64_add(1L << c->order, &slab_page_count);
	return slab;
}

static void slab_release(struct page *slab)
{
	u32 order = slab->cache->order;

	for (u32 i = 0; i < 1U << order; i++)
		page_unbecome(&slab[i], PG_slab);
	atomic64_sub(1L << order, &slab_page_count);
	free_pages(slab, order);
}

static void slab_release_rcu(struct rcu_head *head)
{
	slab_release(container_of(head, struct page, rcu));
}

/* No object is in use and it is on no list. */
static void slab_destroy(struct kmem_cache *c, struct page *slab)
{
	KASSERT(!slab->inuse);
	if (c->flags & SLAB_TYPESAFE_BY_RCU)
		call_rcu(&slab->rcu, slab_release_rcu);		/* O4 */
	else
		slab_release(slab);
}

/* Cache lock held. */
static void *slab_take(struct kmem_cache *c)
{
	struct page *slab;
	void *obj;

	if (list_empty(&c->partial))
		return NULL;
	slab = list_first_entry(&c->partial, struct page, slab_link);
	obj = slab->freelist;
	KASSERT(obj);		/* O2: a full slab is on no list */
	slab->freelist = *link_of(c, obj);
	if (!slab->inuse++)
		c->nr_empty--;
	if (!slab->freelist)
		list_del(&slab->slab_link);			/* O2 */
	return obj;
}

/* Cache lock held.  Returns a slab to destroy, or NULL. */
static struct page *slab_give(struct kmem_cache *c, void *obj, u32 keep)
{
	struct page *slab = slab_of(obj);

	if (!slab->freelist)
		list_add(&slab->slab_link, &c->partial);
	*link_of(c, obj) = slab->freelist;
	slab->freelist = obj;
	if (--slab->inuse)
		return NULL;
	if (c->nr_empty < keep) {
		c->nr_empty++;
		list_del(&slab->slab_link);
		list_add_tail(&slab->slab_link, &c->partial);
		return NULL;
	}
	list_del(&slab->slab_link);
	c->nr_slabs--;
	return slab;
}

/* One object past the magazines; makes a slab when there is none. */
static void *cache_take(struct kmem_cache *c)
{
	struct page *slab;
	void *obj;

	spin_lock(&c->lock);
	obj = slab_take(c);
	spin_unlock(&c->lock);
	if (obj)
		return obj;
	slab = slab_create(c);
	if (!slab)
		return NULL;
	spin_lock(&c->lock);
	c->nr_slabs++;
	c->nr_empty++;
	list_add(&slab->slab_link, &c->partial);
	obj = slab_take(c);
	spin_unlock(&c->lock);
	return obj;
}

static void cache_give(struct kmem_cache *c, void *obj, u32 keep)
{
	struct page *slab;

	spin_lock(&c->lock);
	slab = slab_give(c, obj, keep);
	spin_unlock(&c->lock);
	if (slab)
		slab_destroy(c, slab);
}

/* This CPU's magazine, locked; NULL when there is no memory for one. */
static struct magazine *magazine_lock(struct kmem_cache *c)
{
	struct magazine *m, *new;
	u32 cpu;

	preempt_disable();
	cpu = smp_processor_id();
	m = READ_ONCE(c->cpu[cpu]);
	if (unlikely(!m) && c != &magazine_cache) {
		new = cache_take(&magazine_cache);
		if (new) {
			*new = (struct magazine){
				.lock = SPINLOCK_INIT(LOCK_SLAB_CPU)
			};
			smp_store_release(&c->cpu[cpu], new);
			m = new;
		}
	}
	if (m)
		spin_lock(&m->lock);
	preempt_enable();
	return m;
}

/* Magazine locked and empty: half of it from the slabs that exist. */
static void magazine_fill(struct kmem_cache *c, struct magazine *m)
{
	spin_lock(&c->lock);
	while (m->nr < BATCH) {
		void *obj = slab_take(c);

		if (!obj)
			break;
		m->obj[m->nr++] = obj;
	}
	spin_unlock(&c->lock);
}

static void magazine_empty(struct kmem_cache *c, struct magazine *m, u32 left,
			   u32 keep)
{
	while (m->nr > left)
		cache_give(c, m->obj[--m->nr], keep);
}

void *kmem_cache_alloc(struct kmem_cache *c)
{
	struct magazine *m;
	void *obj = NULL;

	if (should_fail_alloc())
		return NULL;
	m = magazine_lock(c);
	if (m) {
		if (!m->nr)
			magazine_fill(c, m);
		if (m->nr)
			obj = m->obj[--m->nr];
		m->inuse += obj != NULL;
		spin_unlock(&m->lock);
	}
	if (!obj) {
		obj = cache_take(c);
		if (obj)
			atomic64_inc(&c->inuse);
	}
	if (obj)
		slab_debug_alloc(c, obj, __builtin_frame_address(0));
	return obj;
}

void *kmem_cache_zalloc(struct kmem_cache *c)
{
	void *obj = kmem_cache_alloc(c);

	KASSERT(!c->ctor);
	if (obj)
		memset(obj, 0, c->size);
	return obj;
}

/* obj goes to this CPU's magazine; `count` users fewer. */
static void give_back(struct kmem_cache *c, void *obj, s64 count)
{
	struct magazine *m = magazine_lock(c);

	if (!m) {
		atomic64_sub(count, &c->inuse);
		cache_give(c, obj, KEEP_EMPTY);
		return;
	}
	m->inuse -= count;
	if (m->nr == MAGAZINE_SIZE)
		magazine_empty(c, m, BATCH, KEEP_EMPTY);
	m->obj[m->nr++] = obj;
	spin_unlock(&m->lock);
}

void slab_free_now(struct kmem_cache *c, void *obj)
{
	give_back(c, obj, 0);
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	if (kasan_bad_free(obj))
		return;
	slab_debug_free(c, obj, __builtin_frame_address(0));
	if (kasan_quarantine(c, obj))
		atomic64_dec(&c->inuse);
	else
		give_back(c, obj, 1);
}

/* The smallest block in which at most an eighth is wasted. */
static u32 slab_order(u64 stride)
{
	u32 order = 0;

	while (order < MAX_SLAB_ORDER &&
	       (PAGE_SIZE << order) % stride > (PAGE_SIZE << order) / 8)
		order++;
	while ((PAGE_SIZE << order) < stride)
		order++;
	return order;
}

static void cache_setup(struct kmem_cache *c, const char *name, size_t size,
			size_t align)
{
	c->name = name;
	c->size = ALIGN(max_t(u64, size, sizeof(void *)), sizeof(void *));
	c->link = slab_keeps_contents(c) ? c->size : 0;
	c->asked = size;
	c->stride = ALIGN(c->size + (c->link ? sizeof(void *) : 0) +
			  KASAN_REDZONE,
			  max_t(u64, align, sizeof(void *)));
	c->order = slab_order(c->stride + slab_owner_bytes());
	c->per_slab = (u32)((PAGE_SIZE << c->order) /
			    (c->stride + slab_owner_bytes()));
	spin_lock_init(&c->lock, LOCK_SLAB);
	INIT_LIST_HEAD(&c->partial);
	spin_lock(&all_caches_lock);
	list_add_tail_rcu(&c->all_link, &all_caches);
	spin_unlock(&all_caches_lock);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size,
				     size_t align, u32 flags,
				     void (*ctor)(void *))
{
	struct kmem_cache *c = kmem_cache_zalloc(&cache_cache);

	KASSERT(size && size <= SLAB_MAX_SIZE && IS_POWER_OF_2(max(align, 1UL)));
	if (!c)
		return NULL;
	c->flags = flags;
	c->ctor = ctor;
	cache_setup(c, name, size, align);
	return c;
}

void slab_init(void)
{
	cache_setup(&magazine_cache, "magazine", sizeof(struct magazine), 64);
	cache_setup(&cache_cache, "kmem_cache", sizeof(struct kmem_cache), 64);
	kmalloc_init();
}

/* Signed per CPU: an object may be freed elsewhere than it was taken. */
u64 kmem_cache_inuse(const struct kmem_cache *c)
{
	s64 n = atomic64_read(&c->inuse);
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		const struct magazine *m = READ_ONCE(c->cpu[cpu]);

		n += m ? READ_ONCE(m->inuse) : 0;
	}
	return n < 0 ? 0 : (u64)n;
}

u64 slab_objects_inuse(void)
{
	u64 n = kmalloc_large_inuse();
	struct kmem_cache *c;

	list_for_each_entry(c, &all_caches, all_link)
		n += kmem_cache_inuse(c);
	return n;
}

u64 slab_pages(void)
{
	return (u64)atomic64_read(&slab_page_count);
}

/* Slabs without users go back, KEEP_EMPTY or not. */
static void drop_empty(struct kmem_cache *c)
{
	struct page *slab, *next;
	LIST_HEAD(dead);

	spin_lock(&c->lock);
	list_for_each_entry_safe(slab, next, &c->partial, slab_link) {
		if (slab->inuse)
			continue;
		list_del(&slab->slab_link);
		list_add(&slab->slab_link, &dead);
		c->nr_slabs--;
		c->nr_empty--;
	}
	spin_unlock(&c->lock);
	list_for_each_entry_safe(slab, next, &dead, slab_link)
		slab_destroy(c, slab);
}

static void shrink(struct kmem_cache *c)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		struct magazine *m = smp_load_acquire(&c->cpu[cpu]);

		if (!m || !READ_ONCE(m->nr))
			continue;
		spin_lock(&m->lock);
		magazine_empty(c, m, 0, KEEP_EMPTY);
		spin_unlock(&m->lock);
	}
	drop_empty(c);
}

void slab_shrink_all(void)
{
	struct kmem_cache *c;

	kasan_drain();
	list_for_each_entry(c, &all_caches, all_link)
		shrink(c);
}

void slab_print(void)
{
	struct kmem_cache *c;

	kprintf("%-20s %6s %6s %6s %5s %8s\n", "cache", "size", "in use",
		"slabs", "each", "KiB");
	list_for_each_entry(c, &all_caches, all_link)
		kprintf("%-20s %6llu %6llu %6llu %5u %8llu\n", c->name, c->size,
			kmem_cache_inuse(c), c->nr_slabs, c->per_slab,
			c->nr_slabs << c->order << (PAGE_SHIFT - 10));
}
