/* SPDX-License-Identifier: MIT */
/*
 * A sparse array of pointers, indexed by u64, for lockless readers: a tree of
 * nodes with 64 slots, as high as the largest index needs.  Items are non-NULL
 * pointers that the caller owns.  Each index can carry up to three tags.
 *
 * Locks: writers (insert, replace, delete, tag_set, tag_clear) are serialised
 * by the caller's lock.  Readers (lookup, lookup_slot, gang lookups, tag_get,
 * tagged) need either that lock or an RCU read section around the call and
 * around every use of what it returned.
 *
 * A reader that takes an item without the lock must pin the item and then load
 * the slot again: still the item means the pin is on the right object.  A slot
 * belongs to one index for the life of its node; a node is retired (free_rcu)
 * only with every slot of a leaf NULL, so a stale slot can only read NULL.
 *
 * Memory: alloc() may fail and returns uninitialised memory for one node;
 * free_rcu() must delay the free by a grace period and may use rcu_space for
 * that.  A tree without items holds no nodes.
 */
#ifndef LIB_RADIX_TREE_H
#define LIB_RADIX_TREE_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/atomic.h"

#define RADIX_TREE_MAP_SHIFT	6
#define RADIX_TREE_MAP_SIZE	64
#define RADIX_TREE_MAX_TAGS	3

struct radix_tree_node {
	u32 shift;			/* slot n covers n << shift onwards; I */
	u32 offset;			/* our slot in parent; writers only */
	struct radix_tree_node *parent;	/* writers only; NULL for the root */
	/* bit n of tags[t]: slot n has tag t below; [3]: slot n is in use */
	u64 tags[RADIX_TREE_MAX_TAGS + 1];
	void *slots[RADIX_TREE_MAP_SIZE];
	u64 rcu_space[4];		/* free_rcu()'s, never read here */
};

struct radix_tree_ops {
	struct radix_tree_node *(*alloc)(void *ctx);
	void (*free_rcu)(void *ctx, struct radix_tree_node *node);
};

struct radix_tree_root {
	struct radix_tree_node *rnode;
	const struct radix_tree_ops *ops;
	void *ctx;			/* handed to the callbacks */
};

/* Where a gang look-up puts its finds. */
struct radix_tree_batch {
	void **items;
	u64 *indices;			/* may be NULL */
	u32 max;
};

void radix_tree_init(struct radix_tree_root *root,
		     const struct radix_tree_ops *ops, void *ctx);

static inline bool radix_tree_empty(const struct radix_tree_root *root)
{
	return READ_ONCE(root->rnode) == NULL;
}

/*
 * Returns 0, -EEXIST, -ENOMEM, or -EINVAL for a NULL item; on failure the tree
 * is as before.  A new item has no tags.
 */
int __must_check radix_tree_insert(struct radix_tree_root *root, u64 index,
				   void *item);
/* Returns the old item, tags kept; NULL if there was none (nothing done). */
void *radix_tree_replace(struct radix_tree_root *root, u64 index, void *item);
/* Returns the item, or NULL.  Retires nodes that become useless. */
void *radix_tree_delete(struct radix_tree_root *root, u64 index);

/* The item at index, or NULL.  Lockless. */
void *radix_tree_lookup(const struct radix_tree_root *root, u64 index);
/* Where it is, for rcu_dereference(*slot) now and again; NULL if nowhere. */
void **radix_tree_lookup_slot(const struct radix_tree_root *root, u64 index);

/*
 * Up to max items with indices >= first, ascending; returns how many.
 * Lockless: each item was there at some moment during the call.
 */
u32 radix_tree_gang_lookup(const struct radix_tree_root *root, void **items,
			   u64 *indices, u64 first, u32 max);
u32 radix_tree_gang_lookup_tag(const struct radix_tree_root *root,
			       const struct radix_tree_batch *batch,
			       u64 first, u32 tag);

/* Returns the item, or NULL if there is none (nothing done). */
void *radix_tree_tag_set(struct radix_tree_root *root, u64 index, u32 tag);
void *radix_tree_tag_clear(struct radix_tree_root *root, u64 index, u32 tag);
bool radix_tree_tag_get(const struct radix_tree_root *root, u64 index,
			u32 tag);
/* Whether any item has the tag. */
bool radix_tree_tagged(const struct radix_tree_root *root, u32 tag);

#endif
