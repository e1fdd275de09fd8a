/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees whose nodes are embedded in the caller's objects.
 *
 * The caller finds the place (comparing its own keys), then
 *	rb_link_node(&obj->rb, parent, link);
 *	rb_insert_color(&obj->rb, &root);
 *
 * R1. The root is black; a red node has black children; every path from a
 *     node to a missing child has the same number of black nodes.  So the
 *     height is at most 2 log2(n + 1).
 * R2. In-order position is the caller's: rotations never change it.
 * R3. Augmented trees: update(node) recomputes node's value from node and its
 *     two children alone.  After every insert and erase each node's value is
 *     as update() would leave it.
 *
 * R4. Links to children are single stores that always name a node of the tree
 *     (or nothing), and never form a cycle; an erased node keeps its own.  A
 *     reader without lock that goes down from the root may miss nodes while
 *     the tree rotates, and meets none that was erased before it began.
 *
 * Locks: the caller's.
 * Tests: tests/host/test_rbtree.c
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/atomic.h"

struct rb_node {
	unsigned long parent_color;	/* parent's address | colour in bit 0 */
	struct rb_node *rb_right;
	struct rb_node *rb_left;
} __aligned(sizeof(long));

struct rb_root {
	struct rb_node *rb_node;
};

/* Recomputes an augmented value from the node and its children (R3). */
typedef void rb_update_fn(struct rb_node *node);

#define RB_ROOT			(struct rb_root){ NULL }
#define RB_EMPTY_ROOT(root)	(READ_ONCE((root)->rb_node) == NULL)
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)
#define __rb_entry_safe(ptr, type, member, u) ({			\
	struct rb_node *u = (ptr);					\
	u ? rb_entry(u, type, member) : NULL; })
#define rb_entry_safe(ptr, type, member) \
	__rb_entry_safe(ptr, type, member, __UNIQUE_ID(rb))

/* A node that points to itself is in no tree. */
#define RB_CLEAR_NODE(node) \
	((node)->parent_color = (unsigned long)(node))
#define RB_EMPTY_NODE(node) \
	((node)->parent_color == (unsigned long)(node))

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~3UL);
}

/* Hangs node (red, no children) at *link below parent; not yet balanced. */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	node->parent_color = (unsigned long)parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	*link = node;
}

/* The same, in one step for readers without lock: node is ready before it is
 * seen.  They follow rb_left and rb_right only, once each. */
static inline void rb_link_node_rcu(struct rb_node *node,
				    struct rb_node *parent,
				    struct rb_node **link)
{
	node->parent_color = (unsigned long)parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	smp_store_release(link, node);
}

/* Rebalances after rb_link_node(). */
void rb_insert_color(struct rb_node *node, struct rb_root *root);
/* Unlinks node; its own links are left stale. */
void rb_erase(struct rb_node *node, struct rb_root *root);
/* The same for augmented trees; insert also updates node's ancestors. */
void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 rb_update_fn *update);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			rb_update_fn *update);
/* node's own value changed: recomputes it and all its ancestors. */
void rb_augment_propagate(struct rb_node *node, rb_update_fn *update);
/* new takes victim's place, colour and children; keys must sort the same. */
void rb_replace_node(struct rb_node *victim, struct rb_node *new,
		     struct rb_root *root);

/* In-order neighbours and ends; NULL where there is none. */
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);

#endif
