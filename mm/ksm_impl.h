/* SPDX-License-Identifier: MIT */
/* Between the files of mm/ksm*.c; nobody else includes it. */
#ifndef MM_KSM_IMPL_H
#define MM_KSM_IMPL_H

#include "kernel/mutex.h"
#include "mm/internal.h"
#include "mm/ksm.h"

/* Where a KSM page may be mapped: the vmas of av's tree that have index. */
struct ksm_place {
	struct rb_node rb;		/* node->places, by av and index */
	struct anon_vma *av;		/* I: has a reference of ours */
	u64 index;			/* I */
};

/*
 * A KSM page's identity: what its ->mapping names.  Changes under ksm_mutex
 * and the page's lock; either of them to read.
 */
struct ksm_node {
	struct rb_node rb;		/* stable tree, by the page's bytes */
	bool in_tree;			/* ksm_mutex */
	struct page *page;		/* a: NULL when it has been freed */
	struct anon_vma *own;		/* what its ->mapping was; by a place */
	struct rb_root places;
	u32 nr_places;
	struct ksm_node *next_dead;	/* whose page was freed */
};

struct ksm_slot;
/* A page-sized piece of mergeable memory that was looked at.  ksm_mutex. */
struct ksm_item {
	struct rb_node rb;		/* unstable tree, iff pass is now's */
	struct list_head link;		/* slot->items, by address */
	struct ksm_slot *slot;
	vaddr_t va;
	u64 sum;			/* of its bytes, when last looked at */
	u64 pass;
};

/* An mm with mergeable memory. */
struct ksm_slot {
	struct mm_struct *mm;		/* I */
	struct list_head link;		/* ksm_slots: slots_lock */
	struct list_head items;		/* ksm_mutex */
};

/* N1: never waits for one with ksm_mutex held. */
static inline bool ksm_mmap_trylock(struct mm_struct *mm)
{
	return down_read_trylock(&mm->mmap_lock);
}

extern struct mutex ksm_mutex;
extern atomic64_t ksm_nr_merged, ksm_nr_busy, ksm_nr_places;

static inline struct ksm_node *ksm_node_of(const struct page *p)
{
	return (struct ksm_node *)((u64)READ_ONCE(p->mapping) &
				   ~PAGE_MAPPING_FLAGS);
}

/* ksm.c.  Has nobody asked for merging? */
bool ksm_idle(void);
/* All merged pages become their mappers' own.  0, -ENOMEM, -EFAULT.  Sleeps. */
int ksm_unmerge_all(void);
/* ksmd.c: there is something to do. */
void ksmd_wake(void);

/* ksm_tree.c.  ksm_mutex held. */
/* -1, 0, 1 by the bytes of two pages. */
int ksm_compare(const struct page *a, const struct page *b);
u64 ksm_checksum(const struct page *p);
/* The KSM page with p's bytes, with a reference; NULL. */
struct page *ksm_stable_find(const struct page *p);
void ksm_stable_insert(struct ksm_node *node);
/* The node's page with a reference, or NULL: it has been freed. */
struct page *ksm_node_page(struct ksm_node *node);
/*
 * Also p locked.  True: node keeps `place`, filled in; false: it had one.
 * av gets a reference.
 */
bool ksm_node_add(struct ksm_node *node, struct ksm_place *place,
		  struct anon_vma *av, u64 index);
void ksm_node_free(struct ksm_node *node);
void ksm_node_forget_places(struct ksm_node *node);
/*
 * An item of this pass with p's bytes, its page in *page with a reference;
 * NULL: there was none, and item stands there now (or cannot).
 */
struct ksm_item *ksm_unstable_find(struct ksm_item *item, struct page *p,
				   struct page **page);
void ksm_unstable_erase(struct ksm_item *item);
void ksm_unstable_new_pass(void);
void ksm_count_nodes(struct ksm_stats *s);
u32 ksm_check_nodes(void);		/* takes ksm_mutex; problems it printed */

/* ksm_merge.c.  ksm_mutex held. */
/* The vma if mm's memory at va may be merged (now).  mmap_lock held. */
struct vm_area_struct *ksm_vma(struct mm_struct *mm, vaddr_t va);
/* Could e's page be merged? */
bool ksm_candidate(pte_t e);
/*
 * item maps kpage in place of p.  0; -EBUSY: somebody uses p; -EAGAIN: it is
 * not what it was; -ENOMEM.  Sleeps.
 */
int ksm_merge_into(struct ksm_item *item, struct page *p, struct page *kpage);
/* p, item's, becomes a KSM page.  0 or as above.  Sleeps. */
int ksm_make(struct ksm_item *item, struct page *p);
/* The reverse of ksm_make, while nothing is merged into p.  Sleeps. */
void ksm_unmake(struct page *p);
/* p, item's, and other's page become one.  As above. */
int ksm_merge_two(struct ksm_item *item, struct page *p,
		  struct ksm_item *other, struct page *other_page);

#endif
