/* SPDX-License-Identifier: MIT */
/*
 * Radix tree: see radix_tree.h for what is promised.
 *
 * T1. A node at shift s covers 64 << s indices; its children are at s - 6, its
 *     slots at shift 0 hold the items.  The root covers every index in use.
 * T2. Bit n of tags[t] is set iff slot n's subtree has an item with tag t, and
 *     tags[IN_USE] likewise for any item at all (at rest; see the table).
 * T3. A node is complete before the pointer to it is published.
 * T4. At rest every node but an empty tree's missing root has an item below,
 *     and the root at shift > 0 has something outside slot 0.
 *
 * Reader (look-ups; RCU)               Writer (the caller's lock)
 *  (1) load root->rnode, its shift      (A) grow: new root with the old one in
 *  (2) index beyond it: nothing             slot 0; store-release rnode
 *  (3) load slot, down one level,       (B) insert: store-release the slot,
 *      until shift 0                        then its IN_USE bit
 *  (4) load the item                    (C) delete: tags, IN_USE bit, then the
 *                                           slot = NULL
 *                                       (D) retire empty nodes upwards: slot in
 *                                           the parent = NULL, free_rcu
 *                                       (E) shrink: rnode = child in slot 0;
 *                                           the old root keeps slot 0
 * (1)(A): a reader in the old root finds the same items as before (T1), and
 *         nothing beyond, as if it had come before the insert.
 * (3)(B): the load-acquire of (1) and (3) pairs with (A), (B): T3 holds for it.
 * (3)(D): the retired node has only NULL slots; the grace period keeps it.
 * (1)(E): the old root still leads to the child; both live for the reader's
 *         section, the child being retired later if at all.
 * Gang look-ups take a set bit as a hint and skip slots that are NULL.
 *
 * Tests: tests/host/test_radix_tree.c
 */
#include "lib/radix_tree.h"
#include "lib/err.h"
#include "lib/string.h"

#define SHIFT		RADIX_TREE_MAP_SHIFT
#define MASK		(RADIX_TREE_MAP_SIZE - 1)
#define IN_USE		RADIX_TREE_MAX_TAGS

static u64 low_bits(u32 n)
{
	return n >= 64 ? ~0ULL : (1ULL << n) - 1;
}

static u64 max_index(const struct radix_tree_node *node)
{
	return low_bits(node->shift + SHIFT);
}

static u32 slot_of(const struct radix_tree_node *node, u64 index)
{
	return index >> node->shift & MASK;
}

static void set_tag(struct radix_tree_node *node, u32 off, u32 tag)
{
	WRITE_ONCE(node->tags[tag], node->tags[tag] | BIT_ULL(off));
}

static void clear_tag(struct radix_tree_node *node, u32 off, u32 tag)
{
	WRITE_ONCE(node->tags[tag], node->tags[tag] & ~BIT_ULL(off));
}

static bool has_tag(const struct radix_tree_node *node, u32 off, u32 tag)
{
	return READ_ONCE(node->tags[tag]) >> off & 1;
}

void radix_tree_init(struct radix_tree_root *root,
		     const struct radix_tree_ops *ops, void *ctx)
{
	root->rnode = NULL;
	root->ops = ops;
	root->ctx = ctx;
}

static struct radix_tree_node *new_node(struct radix_tree_root *root,
					struct radix_tree_node *parent,
					u32 shift, u32 offset)
{
	struct radix_tree_node *node = root->ops->alloc(root->ctx);

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->shift = shift;
	node->offset = offset;
	node->parent = parent;
	return node;
}

/* (B) */
static void publish(struct radix_tree_node *node, u32 off, void *what)
{
	rcu_assign_pointer(node->slots[off], what);
	set_tag(node, off, IN_USE);
}

/* (D) from node upwards, then (E): restores T4. */
static void trim(struct radix_tree_root *root, struct radix_tree_node *node)
{
	struct radix_tree_node *parent;

	while (node && !node->tags[IN_USE]) {
		parent = node->parent;
		if (parent) {
			clear_tag(parent, node->offset, IN_USE);
			WRITE_ONCE(parent->slots[node->offset], NULL);
		} else {
			WRITE_ONCE(root->rnode, NULL);
		}
		root->ops->free_rcu(root->ctx, node);
		node = parent;
	}
	while ((node = root->rnode) && node->shift &&
	       node->tags[IN_USE] == 1) {
		struct radix_tree_node *low = node->slots[0];

		low->parent = NULL;
		rcu_assign_pointer(root->rnode, low);
		root->ops->free_rcu(root->ctx, node);
	}
}

/* (A) until the root covers index.  Returns 0 or -ENOMEM. */
static int grow(struct radix_tree_root *root, u64 index)
{
	struct radix_tree_node *old = root->rnode, *node;
	u32 shift = 0;

	if (!old) {
		while (low_bits(shift + SHIFT) < index)
			shift += SHIFT;
		node = new_node(root, NULL, shift, 0);
		if (!node)
			return -ENOMEM;
		rcu_assign_pointer(root->rnode, node);
		return 0;
	}
	while (max_index(old) < index) {
		node = new_node(root, NULL, old->shift + SHIFT, 0);
		if (!node) {
			trim(root, NULL);
			return -ENOMEM;
		}
		for (u32 t = 0; t <= IN_USE; t++)
			node->tags[t] = old->tags[t] != 0;
		node->slots[0] = old;
		old->parent = node;
		rcu_assign_pointer(root->rnode, node);
		old = node;
	}
	return 0;
}

int radix_tree_insert(struct radix_tree_root *root, u64 index, void *item)
{
	struct radix_tree_node *node, *below;
	u32 off;

	if (!item)
		return -EINVAL;
	if (grow(root, index))
		return -ENOMEM;
	for (node = root->rnode; node->shift; node = below) {
		off = slot_of(node, index);
		below = node->slots[off];
		if (below)
			continue;
		below = new_node(root, node, node->shift - SHIFT, off);
		if (!below) {
			trim(root, node);
			return -ENOMEM;
		}
		publish(node, off, below);
	}
	off = slot_of(node, index);
	if (node->slots[off])
		return -EEXIST;
	publish(node, off, item);
	return 0;
}

/* (1) to (3): the leaf that covers index, or NULL. */
static struct radix_tree_node *leaf_of(const struct radix_tree_root *root,
				       u64 index)
{
	struct radix_tree_node *node = rcu_dereference(root->rnode);

	if (!node || index > max_index(node))
		return NULL;
	while (node && node->shift)
		node = rcu_dereference(node->slots[slot_of(node, index)]);
	return node;
}

void **radix_tree_lookup_slot(const struct radix_tree_root *root, u64 index)
{
	struct radix_tree_node *leaf = leaf_of(root, index);
	void **slot;

	if (!leaf)
		return NULL;
	slot = &leaf->slots[index & MASK];
	return rcu_dereference(*slot) ? slot : NULL;
}

void *radix_tree_lookup(const struct radix_tree_root *root, u64 index)
{
	struct radix_tree_node *leaf = leaf_of(root, index);

	return leaf ? rcu_dereference(leaf->slots[index & MASK]) : NULL;
}

void *radix_tree_replace(struct radix_tree_root *root, u64 index, void *item)
{
	struct radix_tree_node *leaf = leaf_of(root, index);
	void *old = leaf ? leaf->slots[index & MASK] : NULL;

	if (old && item)
		rcu_assign_pointer(leaf->slots[index & MASK], item);
	return old;
}

/* Clears the bit and, where it was a node's last, its ancestors' (T2). */
static void untag(struct radix_tree_node *node, u32 off, u32 tag)
{
	while (node && has_tag(node, off, tag)) {
		clear_tag(node, off, tag);
		if (node->tags[tag])
			return;
		off = node->offset;
		node = node->parent;
	}
}

void *radix_tree_delete(struct radix_tree_root *root, u64 index)
{
	struct radix_tree_node *leaf = leaf_of(root, index);
	void *item = leaf ? leaf->slots[index & MASK] : NULL;

	if (!item)
		return NULL;
	for (u32 t = 0; t < RADIX_TREE_MAX_TAGS; t++)
		untag(leaf, index & MASK, t);
	clear_tag(leaf, index & MASK, IN_USE);
	WRITE_ONCE(leaf->slots[index & MASK], NULL);	/* (C) */
	trim(root, leaf);
	return item;
}

void *radix_tree_tag_set(struct radix_tree_root *root, u64 index, u32 tag)
{
	struct radix_tree_node *node = leaf_of(root, index);
	void *item = node ? node->slots[index & MASK] : NULL;
	u32 off = index & MASK;

	if (!item)
		return NULL;
	while (node && !has_tag(node, off, tag)) {
		set_tag(node, off, tag);
		off = node->offset;
		node = node->parent;
	}
	return item;
}

void *radix_tree_tag_clear(struct radix_tree_root *root, u64 index, u32 tag)
{
	struct radix_tree_node *leaf = leaf_of(root, index);
	void *item = leaf ? leaf->slots[index & MASK] : NULL;

	if (item)
		untag(leaf, index & MASK, tag);
	return item;
}

bool radix_tree_tag_get(const struct radix_tree_root *root, u64 index, u32 tag)
{
	struct radix_tree_node *leaf = leaf_of(root, index);

	return leaf && has_tag(leaf, index & MASK, tag);
}

bool radix_tree_tagged(const struct radix_tree_root *root, u32 tag)
{
	struct radix_tree_node *node = rcu_dereference(root->rnode);

	return node && READ_ONCE(node->tags[tag]);
}

/*
 * From the root down to the first leaf with a tagged slot at or after *index,
 * which is moved there.  Returns NULL where one branch came to an end: then
 * *index is behind that branch, or 0 when it was the last.
 */
static struct radix_tree_node *descend(struct radix_tree_node *node,
				       u64 *index, u32 tag)
{
	u64 bits, span;
	u32 off;

	for (;;) {
		off = slot_of(node, *index);
		bits = READ_ONCE(node->tags[tag]) >> off << off;
		if (!bits) {
			span = max_index(node);
			break;
		}
		if (!(bits >> off & 1)) {
			off = (u32)__builtin_ctzll(bits);
			*index &= ~max_index(node);
			*index |= (u64)off << node->shift;
		}
		if (!node->shift)
			return node;
		span = low_bits(node->shift);
		node = rcu_dereference(node->slots[off]);
		if (!node)
			break;
	}
	*index = (*index | span) + 1;
	return NULL;
}

static struct radix_tree_node *next_leaf(const struct radix_tree_root *root,
					 u64 *index, u32 tag)
{
	struct radix_tree_node *node, *leaf;

	do {
		node = rcu_dereference(root->rnode);
		if (!node || *index > max_index(node))
			return NULL;
		leaf = descend(node, index, tag);
	} while (!leaf && *index);
	return leaf;
}

u32 radix_tree_gang_lookup_tag(const struct radix_tree_root *root,
			       const struct radix_tree_batch *batch,
			       u64 first, u32 tag)
{
	struct radix_tree_node *leaf;
	u64 bits, index = first;
	u32 n = 0, off;
	void *item;

	while (n < batch->max && (leaf = next_leaf(root, &index, tag))) {
		off = index & MASK;
		bits = READ_ONCE(leaf->tags[tag]) >> off << off;
		for (; bits && n < batch->max; bits &= bits - 1) {
			off = (u32)__builtin_ctzll(bits);
			item = rcu_dereference(leaf->slots[off]);
			if (!item)
				continue;
			if (batch->indices)
				batch->indices[n] = (index & ~(u64)MASK) | off;
			batch->items[n++] = item;
		}
		index = (index | MASK) + 1;
		if (!index)
			break;
	}
	return n;
}

u32 radix_tree_gang_lookup(const struct radix_tree_root *root, void **items,
			   u64 *indices, u64 first, u32 max)
{
	const struct radix_tree_batch batch = { items, indices, max };

	return radix_tree_gang_lookup_tag(root, &batch, first, IN_USE);
}
