/* SPDX-License-Identifier: MIT */
/* Interval trees: see interval_tree.h for the invariants I1, I2. */
#include "lib/interval_tree.h"

#define node_of(rb_)	rb_entry(rb_, struct interval_tree_node, rb)

static u64 subtree_last(const struct rb_node *rb)
{
	return rb ? node_of(rb)->subtree_last : 0;
}

static void update(struct rb_node *rb)
{
	struct interval_tree_node *n = node_of(rb);
	u64 below = max(subtree_last(rb->rb_left), subtree_last(rb->rb_right));

	n->subtree_last = max(n->last, below);
}

void interval_tree_insert(struct interval_tree_node *node,
			  struct rb_root *root)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (node->start < node_of(parent)->start)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&node->rb, parent, link);
	rb_insert_augmented(&node->rb, root, update);
}

void interval_tree_remove(struct interval_tree_node *node,
			  struct rb_root *root)
{
	rb_erase_augmented(&node->rb, root, update);
}

/*
 * The leftmost overlap below rb.  If the left subtree reaches start (I1) and
 * still has no overlap, its reaching node starts after last, and so does
 * everything to its right: one path down is enough.
 */
static struct interval_tree_node *leftmost(struct rb_node *rb, u64 start,
					   u64 last)
{
	while (rb) {
		if (rb->rb_left && subtree_last(rb->rb_left) >= start) {
			rb = rb->rb_left;
			continue;
		}
		if (node_of(rb)->start > last)
			return NULL;
		if (node_of(rb)->last >= start)
			return node_of(rb);
		rb = rb->rb_right;
	}
	return NULL;
}

struct interval_tree_node *
interval_tree_iter_first(const struct rb_root *root, u64 start, u64 last)
{
	return leftmost(root->rb_node, start, last);
}

struct interval_tree_node *
interval_tree_iter_next(const struct interval_tree_node *node, u64 start,
			u64 last)
{
	const struct rb_node *rb = &node->rb, *prev;
	struct interval_tree_node *found;

	if (rb->rb_right && subtree_last(rb->rb_right) >= start) {
		found = leftmost(rb->rb_right, start, last);
		if (found)
			return found;
	}
	for (;;) {
		do {			/* up until we come from the left */
			prev = rb;
			rb = rb_parent(rb);
			if (!rb)
				return NULL;
		} while (rb->rb_right == prev);
		if (node_of(rb)->start > last)
			return NULL;
		if (node_of(rb)->last >= start)
			return (struct interval_tree_node *)
				(unsigned long)node_of(rb);
		found = leftmost(rb->rb_right, start, last);
		if (found)
			return found;
	}
}
