/* SPDX-License-Identifier: MIT */
/*
 * Memory by size: a slab cache for each of a dozen sizes, whole blocks of
 * frames above 8 KiB.
 *
 * K1  An object of a power-of-two size is aligned to it, up to a page.
 * K2  A large block's head page is PG_slab with no cache; ->inuse is its
 *     order.  kfree() needs no more than the address.
 *
 * Tests: tests/kt/kt_slab.c
 */
#include "kernel/panic.h"
#include "lib/string.h"
#include "mm/kasan.h"
#include "mm/page_alloc.h"
#include "mm/slab_def.h"

static const struct { const char *name; u64 size; } sizes[] = {
	{ "kmalloc-16", 16 }, { "kmalloc-32", 32 }, { "kmalloc-64", 64 },
	{ "kmalloc-96", 96 }, { "kmalloc-128", 128 }, { "kmalloc-192", 192 },
	{ "kmalloc-256", 256 }, { "kmalloc-512", 512 },
	{ "kmalloc-1024", 1024 }, { "kmalloc-2048", 2048 },
	{ "kmalloc-4096", 4096 }, { "kmalloc-8192", SLAB_MAX_SIZE },
};

static struct kmem_cache *caches[ARRAY_SIZE(sizes)];
static u8 by_words[192 / 8 + 1];	/* up to 192 bytes: index by words */
static atomic64_t large_inuse;

void kmalloc_init(void)
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 align = sizes[i].size & -sizes[i].size;

		caches[i] = kmem_cache_create(sizes[i].name, sizes[i].size,
					      min_t(u64, align, PAGE_SIZE),
					      SLAB_PLAIN, NULL);
		if (!caches[i])
			panic("too little memory: none for %s", sizes[i].name);
		while (n < ARRAY_SIZE(by_words) && n * 8 <= sizes[i].size)
			by_words[n++] = (u8)i;
	}
}

u64 kmalloc_large_inuse(void)
{
	return (u64)atomic64_read(&large_inuse);
}

static struct kmem_cache *cache_for(u64 size)
{
	if (size <= 192)
		return caches[by_words[(size + 7) / 8]];
	/* 193..256 is the sixth power-of-two class, at index 6. */
	return caches[6 + ILOG2(size - 1) - 7];
}

static void *kmalloc_large(u64 size)
{
	u32 order = 0;
	struct page *p;

	while (order < MAX_ORDER && (PAGE_SIZE << order) < size)
		order++;
	p = alloc_pages(order, ALLOC_FROZEN);
	if (!p)
		return NULL;
	page_become(p, PG_slab);
	p->cache = NULL;
	p->inuse = order;
	atomic64_inc(&large_inuse);
	kasan_poison(page_address(p), PAGE_SIZE << order, KASAN_PAGE_REDZONE);
	kasan_unpoison(page_address(p), size);
	return page_address(p);
}

void *kmalloc(size_t size)
{
	struct kmem_cache *c;
	void *obj;

	if (size > SLAB_MAX_SIZE)
		return kmalloc_large(size);
	c = cache_for(size);
	obj = kmem_cache_alloc(c);
	if (obj)
		slab_debug_asked(c, obj, size);
	return obj;
}

void *kzalloc(size_t size)
{
	void *p = kmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

void kfree(const void *obj)
{
	struct page *p;

	if (!obj)
		return;
	if (kasan_bad_free(obj))
		return;
	p = virt_to_page(obj);
	if (!page_test(p, PG_slab))
		panic("kfree: %p was not allocated", obj);
	if (p->inuse == SLAB_TAIL)
		p = p->freelist;
	if (p->cache) {
		kmem_cache_free(p->cache, (void *)obj);
		return;
	}
	page_unbecome(p, PG_slab);
	atomic64_dec(&large_inuse);
	free_pages(p, p->inuse);
}
