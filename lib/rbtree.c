/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees: see rbtree.h for the invariants R1..R3.  Both sides of each
 * case are one piece of code: a direction, LEFT or RIGHT, and its opposite.
 */
#include "lib/rbtree.h"

enum dir { LEFT, RIGHT };

#define BLACK	1UL		/* bit 0 of parent_color; red is 0 */

static struct rb_node **child(struct rb_node *n, enum dir d)
{
	return d == LEFT ? &n->rb_left : &n->rb_right;
}

static enum dir flip(enum dir d)
{
	return d == LEFT ? RIGHT : LEFT;
}

/* A missing child counts as black (R1). */
static bool is_black(const struct rb_node *n)
{
	return !n || (n->parent_color & BLACK);
}

static void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->parent_color = (unsigned long)parent | (n->parent_color & BLACK);
}

static void set_black(struct rb_node *n)
{
	n->parent_color |= BLACK;
}

static void set_red(struct rb_node *n)
{
	n->parent_color &= ~BLACK;
}

/* Whatever pointed to old (a child link of parent, or the root): now new. */
static void change_child(struct rb_node *parent, struct rb_node *old,
			 struct rb_node *new, struct rb_root *root)
{
	if (!parent)
		WRITE_ONCE(root->rb_node, new);
	else if (parent->rb_left == old)
		WRITE_ONCE(parent->rb_left, new);
	else
		WRITE_ONCE(parent->rb_right, new);
}

/* x goes down to side d; its other child takes its place.  Keeps R2, R3. */
static void rotate(struct rb_node *x, enum dir d, struct rb_root *root,
		   rb_update_fn *update)
{
	struct rb_node *up = *child(x, flip(d));
	struct rb_node *mid = *child(up, d);
	struct rb_node *parent = rb_parent(x);

	WRITE_ONCE(*child(x, flip(d)), mid);		/* R4 */
	if (mid)
		set_parent(mid, x);
	WRITE_ONCE(*child(up, d), x);
	set_parent(x, up);
	set_parent(up, parent);
	change_child(parent, x, up, root);
	if (update) {
		update(x);
		update(up);
	}
}

void rb_augment_propagate(struct rb_node *node, rb_update_fn *update)
{
	for (; node; node = rb_parent(node))
		update(node);
}

static void insert_fixup(struct rb_node *n, struct rb_root *root,
			 rb_update_fn *update)
{
	struct rb_node *parent, *gp, *uncle;
	enum dir d;

	while ((parent = rb_parent(n)) && !is_black(parent)) {
		gp = rb_parent(parent);	/* exists: the root is black */
		d = parent == gp->rb_left ? LEFT : RIGHT;
		uncle = *child(gp, flip(d));
		if (!is_black(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(gp);
			n = gp;
			continue;
		}
		if (n == *child(parent, flip(d))) {
			rotate(parent, d, root, update);
			swap(n, parent);
		}
		set_black(parent);
		set_red(gp);
		rotate(gp, flip(d), root, update);
	}
	set_black(root->rb_node);
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	insert_fixup(node, root, NULL);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 rb_update_fn *update)
{
	rb_augment_propagate(node, update);
	insert_fixup(node, root, update);
}

/* Paths through n (may be NULL, below parent) lack one black node. */
static void erase_fixup(struct rb_node *n, struct rb_node *parent,
			struct rb_root *root, rb_update_fn *update)
{
	struct rb_node *sib;
	enum dir d;

	while (parent && is_black(n)) {
		d = n == parent->rb_left ? LEFT : RIGHT;
		sib = *child(parent, flip(d));
		if (!is_black(sib)) {
			set_black(sib);
			set_red(parent);
			rotate(parent, d, root, update);
			sib = *child(parent, flip(d));
		}
		if (is_black(sib->rb_left) && is_black(sib->rb_right)) {
			set_red(sib);
			n = parent;
			parent = rb_parent(n);
			continue;
		}
		if (is_black(*child(sib, flip(d)))) {
			set_black(*child(sib, d));
			set_red(sib);
			rotate(sib, flip(d), root, update);
			sib = *child(parent, flip(d));
		}
		if (is_black(parent))
			set_black(sib);
		else
			set_red(sib);
		set_black(parent);
		set_black(*child(sib, flip(d)));
		rotate(parent, d, root, update);
		return;
	}
	if (n)
		set_black(n);
}

/*
 * Puts node's in-order successor, which has no left child, in node's place.
 * Returns the lowest node whose subtree changed; *orphan is its new child
 * where the successor was, *black the colour that left that place.
 */
static struct rb_node *replace_by_successor(struct rb_node *node,
					    struct rb_root *root,
					    struct rb_node **orphan,
					    bool *black)
{
	struct rb_node *s = node->rb_right, *parent;

	while (s->rb_left)
		s = s->rb_left;
	*black = is_black(s);
	*orphan = s->rb_right;
	parent = rb_parent(s);
	if (parent == node) {
		parent = s;
	} else {
		WRITE_ONCE(parent->rb_left, *orphan);
		if (*orphan)
			set_parent(*orphan, parent);
		WRITE_ONCE(s->rb_right, node->rb_right);
		set_parent(s->rb_right, s);
	}
	WRITE_ONCE(s->rb_left, node->rb_left);
	set_parent(s->rb_left, s);
	s->parent_color = node->parent_color;
	change_child(rb_parent(node), node, s, root);
	return parent;
}

static void erase(struct rb_node *node, struct rb_root *root,
		  rb_update_fn *update)
{
	struct rb_node *orphan, *parent;
	bool black;

	if (node->rb_left && node->rb_right) {
		parent = replace_by_successor(node, root, &orphan, &black);
	} else {
		orphan = node->rb_left ? node->rb_left : node->rb_right;
		parent = rb_parent(node);
		black = is_black(node);
		change_child(parent, node, orphan, root);
		if (orphan)
			set_parent(orphan, parent);
	}
	if (update)
		rb_augment_propagate(parent, update);
	if (black)
		erase_fixup(orphan, parent, root, update);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	erase(node, root, NULL);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			rb_update_fn *update)
{
	erase(node, root, update);
}

void rb_replace_node(struct rb_node *victim, struct rb_node *new,
		     struct rb_root *root)
{
	*new = *victim;
	if (new->rb_left)
		set_parent(new->rb_left, new);
	if (new->rb_right)
		set_parent(new->rb_right, new);
	change_child(rb_parent(victim), victim, new, root);
}

static struct rb_node *outermost(struct rb_node *n, enum dir d)
{
	while (n && *child(n, d))
		n = *child(n, d);
	return n;
}

/* The in-order neighbour on side d. */
static struct rb_node *neighbour(const struct rb_node *node, enum dir d)
{
	struct rb_node *n = (struct rb_node *)(unsigned long)node, *parent;

	if (RB_EMPTY_NODE(n))
		return NULL;
	if (*child(n, d))
		return outermost(*child(n, d), flip(d));
	while ((parent = rb_parent(n)) && n == *child(parent, d))
		n = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, LEFT);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->rb_node, LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->rb_node, RIGHT);
}
