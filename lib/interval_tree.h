/* SPDX-License-Identifier: MIT */
/*
 * A multiset of closed intervals [start, last] that answers "which overlap
 * [a, b]" in O(log n) each: a red-black tree by start, each node knowing the
 * largest `last` of its subtree.
 *
 * I1. subtree_last == max(last, children's subtree_last).
 * I2. start and last do not change while the node is in the tree.
 *
 * Locks: the caller's.  Tests: tests/host/test_interval_tree.c
 */
#ifndef LIB_INTERVAL_TREE_H
#define LIB_INTERVAL_TREE_H

#include "lib/rbtree.h"

struct interval_tree_node {
	struct rb_node rb;
	u64 start;
	u64 last;		/* inclusive, >= start */
	u64 subtree_last;
};

/* node->start and node->last are set by the caller. */
void interval_tree_insert(struct interval_tree_node *node,
			  struct rb_root *root);
void interval_tree_remove(struct interval_tree_node *node,
			  struct rb_root *root);
/* The overlapping node with the smallest start, or NULL. */
struct interval_tree_node *
interval_tree_iter_first(const struct rb_root *root, u64 start, u64 last);
/* The next one after node for the same query, or NULL. */
struct interval_tree_node *
interval_tree_iter_next(const struct interval_tree_node *node, u64 start,
			u64 last);

#define interval_tree_for_each(node, root, start, last)			\
	for (node = interval_tree_iter_first(root, start, last); node;	\
	     node = interval_tree_iter_next(node, start, last))

#endif
