/* SPDX-License-Identifier: MIT */
/* Objects: mm/slab.c and mm/kmalloc.c. */
#include "kernel/init.h"
#include "kernel/ktest.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/string.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"

#define NR_OBJECTS	200

/* Every size: aligned, apart from all others, freed without a trace. */
KTEST(slab, kmalloc_sizes)
{
	static const u32 sizes[] = {
		1, 8, 16, 17, 64, 65, 96, 97, 192, 193, 256, 257, 1000, 4096,
		8192, 8193, 65536, 100000,
	};
	u64 before = slab_objects_inuse();
	u8 *p[ARRAY_SIZE(sizes)];

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		p[i] = kmalloc(sizes[i]);
		KT_ASSERT(t, p[i]);
		memset(p[i], (int)i + 1, sizes[i]);
		if (sizes[i] >= 8 && IS_POWER_OF_2(sizes[i]))
			KT_EXPECT(t, IS_ALIGNED((u64)p[i],
				min_t(u64, sizes[i], PAGE_SIZE)));
	}
	KT_EQ(t, slab_objects_inuse(), before + ARRAY_SIZE(sizes));
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		KT_EQ(t, p[i][0], i + 1);
		KT_EQ(t, p[i][sizes[i] - 1], i + 1);
		kfree(p[i]);
	}
	KT_EQ(t, slab_objects_inuse(), before);
	kfree(NULL);
}

KTEST(slab, random_churn)
{
	u64 **p = kzalloc(NR_OBJECTS * sizeof(*p));
	u32 bad = 0;
	struct prng r;

	KT_ASSERT(t, p);
	prng_seed(&r, 7);
	for (u32 i = 0; i < 4000; i++) {
		u32 at = (u32)(prng_u64(&r) % NR_OBJECTS);
		u64 size = 16 + prng_u64(&r) % 600;

		if (p[at]) {
			bad += p[at][0] != at || p[at][1] != ~(u64)at;
			kfree(p[at]);
			p[at] = NULL;
			continue;
		}
		p[at] = kmalloc(size);
		if (!p[at])
			continue;
		p[at][0] = at;
		p[at][1] = ~(u64)at;
	}
	for (u32 i = 0; i < NR_OBJECTS; i++)
		kfree(p[i]);
	kfree(p);
	KT_EQ(t, bad, 0);
}

struct made { u64 magic; u64 use; };
static u32 constructed;

static void make(void *obj)
{
	struct made *m = obj;

	m->magic = 0x1234;
	m->use = 0;
	constructed++;
}

static struct kmem_cache *made_cache;

static int made_init(void)
{
	made_cache = kmem_cache_create("kt_made", sizeof(struct made), 8,
				       SLAB_TYPESAFE_BY_RCU, make);
	return made_cache ? 0 : -ENOMEM;
}
INITCALL(made_init);

/* O5: constructed once, contents survive being free. */
KTEST(slab, constructor)
{
	struct kmem_cache *c = made_cache;
	struct made *m;
	u32 before;

	KT_ASSERT(t, c);
	m = kmem_cache_alloc(c);
	KT_ASSERT(t, m);
	KT_EQ(t, m->magic, 0x1234);
	m->use = 99;
	kmem_cache_free(c, m);
	KT_EQ(t, m->use, 99);		/* O4: still this type's memory */
	before = constructed;
	m = kmem_cache_alloc(c);
	KT_ASSERT(t, m);
	KT_EQ(t, m->magic, 0x1234);
	KT_EQ(t, constructed, before);
	kmem_cache_free(c, m);
	KT_EQ(t, kmem_cache_inuse(c), 0);
}

/* O4: the pages of a type-safe cache wait for a grace period. */
KTEST(slab, typesafe_pages_wait)
{
	struct kmem_cache *c = made_cache;
	struct made *m;
	struct page *slab;

	KT_ASSERT(t, c);
	m = kmem_cache_alloc(c);
	KT_ASSERT(t, m);
	slab = virt_to_page(m);
	kmem_cache_free(c, m);
	rcu_read_lock();
	slab_shrink_all();
	KT_EXPECT(t, page_test(slab, PG_slab));
	KT_EQ(t, m->magic, 0x1234);
	rcu_read_unlock();
	rcu_barrier();
}

KTEST(slab, shrink_gives_pages_back)
{
	u64 pages;
	void *p[64];

	slab_shrink_all();
	pages = slab_pages();
	for (u32 i = 0; i < 64; i++)
		p[i] = kmalloc(2048);
	KT_EXPECT(t, slab_pages() > pages);
	for (u32 i = 0; i < 64; i++)
		kfree(p[i]);
	slab_shrink_all();
	KT_EQ(t, slab_pages(), pages);
}

KTEST(slab, failure)
{
	void *p;

	alloc_fail_nth(1);
	p = kmalloc(64);
	KT_EXPECT(t, alloc_failed_nth());
	alloc_fail_nth(0);
	KT_EXPECT(t, !p);
	kfree(p);
	KT_EXPECT(t, !kmalloc(PAGE_SIZE << MAX_ORDER));
}

/* Objects taken on one CPU and given back on another. */
#define RING	32
struct handoff { void *slot[RING]; u32 bad; };

static void give_thread(void *arg)
{
	struct handoff *h = arg;

	for (u32 i = 0; i < 500; i++) {
		u64 *obj = xchg(&h->slot[i % RING], NULL);

		if (obj) {
			h->bad += obj[0] != ~obj[1];
			kfree(obj);
		}
		if (i % 16 == 0)
			yield();
	}
}

KTEST(slab, freed_elsewhere)
{
	struct handoff *h = kzalloc(sizeof(*h));
	struct thread *th;

	KT_ASSERT(t, h);
	th = kthread_run("give", -1, give_thread, h);
	for (u32 i = 0; i < 500; i++) {
		u64 *obj = kmalloc(128);

		if (!obj)
			continue;
		obj[0] = i;
		obj[1] = ~(u64)i;
		kfree(xchg(&h->slot[i % RING], obj));
		if (i % 16 == 0)
			yield();
	}
	if (!IS_ERR(th))
		thread_join(th);
	for (u32 i = 0; i < RING; i++)
		kfree(h->slot[i]);
	KT_EQ(t, h->bad, 0);
	kfree(h);
}
