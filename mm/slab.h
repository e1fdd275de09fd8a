/* SPDX-License-Identifier: MIT */
/* Slab allocator; kmalloc sizes 16 .. 8192, larger ones take whole pages. */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "mm/mm_types.h"
#include "kernel/upcall.h"		/* kmalloc, kzalloc, kfree */

enum { SLAB_PLAIN = 0, SLAB_TYPESAFE_BY_RCU = BIT(0) };

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     u32 flags, void (*ctor)(void *));
void *kmem_cache_alloc(struct kmem_cache *c);	/* NULL: out of memory */
void *kmem_cache_zalloc(struct kmem_cache *c);
void kmem_cache_free(struct kmem_cache *c, void *obj);
u64 kmem_cache_inuse(const struct kmem_cache *c);
/* Objects in use in all caches: a leak gate. */
u64 slab_objects_inuse(void);
void slab_print(void);			/* one line a cache */
void slab_init(void);

#endif
