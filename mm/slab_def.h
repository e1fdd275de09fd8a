/* SPDX-License-Identifier: MIT */
/* Insides of the slab allocator: slab.c and kmalloc.c only. */
#ifndef MM_SLAB_DEF_H
#define MM_SLAB_DEF_H

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

/* kmalloc.c */
void kmalloc_init(void);
u64 kmalloc_large_inuse(void);

#endif
