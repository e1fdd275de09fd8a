/* SPDX-License-Identifier: MIT */
/* Insides of the slab allocator: slab*.c, kmalloc.c, kasan*.c, page_owner.c, leaks.c only. */
#ifndef MM_SLAB_DEF_H
#define MM_SLAB_DEF_H

#include "mm/page.h"
#include "mm/slab.h"

#define MAGAZINE_SIZE	29
#define SLAB_TAIL	(~0U)		/* page->inuse of a tail page */
#define SLAB_MAX_SIZE	8192UL

/* A CPU's stock of free objects.  All under lock. */
struct magazine {
	spinlock_t lock;
	u32 nr;
	s64 inuse;			/* taken minus given back here */
	void *obj[MAGAZINE_SIZE];
};

struct kmem_cache {
	const char *name;		/* I, as all sizes */
	u64 size;			/* what the user asked for, in words */
	u64 asked;			/* the same in bytes */
	u64 stride;			/* from one object to the next */
	u64 link;			/* offset of the free link in an object */
	u32 order, per_slab, flags;
	void (*ctor)(void *);
	struct list_head all_link;
	spinlock_t lock;
	struct list_head partial;	/* lock: slabs with free objects */
	u64 nr_slabs;			/* lock */
	u32 nr_empty;			/* lock: on partial, with no users */
	atomic64_t inuse;		/* taken past the magazines */
	struct magazine *cpu[NR_CPUS];	/* set once each */
};

/* Lab: what is known of one object.  G1. */
struct slab_owner {
	u32 alloc, free;		/* stackdepot handles */
	u32 tid;			/* of the last of the two */
	u16 asked;			/* bytes */
	u8 inuse;			/* a */
	u8 mark;			/* leaks.c: reached */
};

/* The contents of free objects survive: O4, O5. */
static inline bool slab_keeps_contents(const struct kmem_cache *c)
{
	return c->ctor || c->flags & SLAB_TYPESAFE_BY_RCU;
}

/* The head page of obj's slab, or of its large block.  Panics if there is none */
struct page *slab_of(const void *obj);
/* The end of a free: obj goes back to its slab, counted already. */
void slab_free_now(struct kmem_cache *c, void *obj);

/* slab_debug.c; nothing in release builds.  `frame`: who asked. */
u64 slab_owner_bytes(void);		/* room for an owner record, each */
struct slab_owner *slab_owner(const struct kmem_cache *c,
			      const struct page *slab, u32 i);
void slab_debug_new(const struct kmem_cache *c, void *obj);
void slab_debug_alloc(const struct kmem_cache *c, void *obj, const void *frame);
/* Only `size` bytes of obj were asked for. */
void slab_debug_asked(const struct kmem_cache *c, void *obj, u64 size);
void slab_debug_free(const struct kmem_cache *c, void *obj, const void *frame);
/* The object that addr lies in or behind, NULL: not in a slab. */
void *slab_find_object(const void *addr, struct kmem_cache **cache, u32 *index);
/* Which object that is, who allocated and who freed it. */
void slab_print_object(const void *addr);

/* kmalloc.c */
void kmalloc_init(void);
u64 kmalloc_large_inuse(void);

#endif
