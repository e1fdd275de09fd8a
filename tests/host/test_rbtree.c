/* SPDX-License-Identifier: MIT */
/* lib/rbtree: random operations against a flag per key; R1..R3 each time. */
#include "tests/host/tap.h"
#include "lib/rbtree.h"
#include "lib/prng.h"

#define KEYS	200
#define STEPS	30000

struct item {
	struct rb_node rb;
	int key;
	int sum;		/* augmented: of the keys below and here */
};

static struct item items[KEYS], twins[KEYS];
static struct item *present[KEYS];	/* the model */
static struct rb_root root;

static struct item *item_of(struct rb_node *rb)
{
	return rb_entry(rb, struct item, rb);
}

static int sum_of(struct rb_node *rb)
{
	return rb ? item_of(rb)->sum : 0;
}

static void update(struct rb_node *rb)
{
	item_of(rb)->sum = item_of(rb)->key + sum_of(rb->rb_left) +
			   sum_of(rb->rb_right);
}

/* Returns the black height; checks everything below rb. */
static int check_node(struct rb_node *rb, struct rb_node *parent,
		      int augmented)
{
	int l, r, red;

	if (!rb)
		return 0;
	red = !(rb->parent_color & 1);
	CHECK(rb_parent(rb) == parent);
	if (red)
		CHECK(parent && (parent->parent_color & 1));
	l = check_node(rb->rb_left, rb, augmented);
	r = check_node(rb->rb_right, rb, augmented);
	CHECKF(l == r, "black heights %d and %d", l, r);
	if (augmented)
		CHECK(item_of(rb)->sum == item_of(rb)->key +
		      sum_of(rb->rb_left) + sum_of(rb->rb_right));
	return l + !red;
}

static void check_tree(int augmented)
{
	struct rb_node *rb = rb_first(&root);
	int i;

	check_node(root.rb_node, NULL, augmented);
	for (i = 0; i < KEYS; i++) {
		if (!present[i])
			continue;
		CHECK(rb == &present[i]->rb);
		if (!rb)
			return;
		rb = rb_next(rb);
	}
	CHECK(rb == NULL);
	rb = rb_last(&root);
	for (i = KEYS - 1; i >= 0; i--) {
		if (!present[i])
			continue;
		CHECK(rb == &present[i]->rb);
		if (!rb)
			return;
		rb = rb_prev(rb);
	}
	CHECK(rb == NULL);
}

static void insert(struct item *it, int augmented)
{
	struct rb_node **link = &root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < item_of(parent)->key ? &parent->rb_left
						      : &parent->rb_right;
	}
	rb_link_node(&it->rb, parent, link);
	if (augmented)
		rb_insert_augmented(&it->rb, &root, update);
	else
		rb_insert_color(&it->rb, &root);
}

static void random_ops(int augmented)
{
	struct prng rnd;
	int i, k;

	prng_seed(&rnd, 7);
	root = RB_ROOT;
	for (i = 0; i < KEYS; i++) {
		items[i].key = twins[i].key = i;
		present[i] = NULL;
	}
	for (i = 0; i < STEPS; i++) {
		/* phases of growing and of shrinking */
		int grow = (i / 1000) % 2 ? 35 : 65;

		k = (int)prng_below(&rnd, KEYS);
		if (present[k] && (int)prng_below(&rnd, 100) >= grow) {
			if (augmented)
				rb_erase_augmented(&present[k]->rb, &root,
						   update);
			else
				rb_erase(&present[k]->rb, &root);
			present[k] = NULL;
		} else if (!present[k] && (int)prng_below(&rnd, 100) < grow) {
			present[k] = &items[k];
			insert(present[k], augmented);
		}
		check_tree(augmented);
	}
}

static void test_plain(void)
{
	random_ops(0);
}

static void test_augmented(void)
{
	random_ops(1);
}

/* Every order of inserting and erasing 6 keys. */
static void permute(int *order, int n, int at, void (*done)(const int *, int))
{
	int i, t;

	if (at == n) {
		done(order, n);
		return;
	}
	for (i = at; i < n; i++) {
		t = order[at]; order[at] = order[i]; order[i] = t;
		permute(order, n, at + 1, done);
		t = order[at]; order[at] = order[i]; order[i] = t;
	}
}

static void build_and_erase(const int *order, int n)
{
	int i;

	root = RB_ROOT;
	for (i = 0; i < KEYS; i++)
		present[i] = NULL;
	for (i = 0; i < n; i++) {
		present[order[i]] = &items[order[i]];
		insert(&items[order[i]], 1);
		check_tree(1);
	}
	for (i = 0; i < n; i++) {
		int k = (order[i] * 5 + order[0]) % n;

		while (!present[k])
			k = (k + 1) % n;
		rb_erase_augmented(&present[k]->rb, &root, update);
		present[k] = NULL;
		check_tree(1);
	}
}

static void test_all_orders(void)
{
	int order[] = { 0, 1, 2, 3, 4, 5, 6 };

	permute(order, 7, 0, build_and_erase);
}

static void test_replace(void)
{
	int i;

	root = RB_ROOT;
	for (i = 0; i < KEYS; i++) {
		present[i] = &items[i];
		insert(&items[i], 1);
	}
	for (i = 0; i < KEYS; i++) {
		twins[i].sum = items[i].sum;
		rb_replace_node(&items[i].rb, &twins[i].rb, &root);
		present[i] = &twins[i];
		memset(&items[i].rb, 0xa5, sizeof(items[i].rb));
		check_tree(1);
	}
}

static void test_propagate(void)
{
	root = RB_ROOT;
	for (int i = 0; i < KEYS; i++) {
		present[i] = &items[i];
		items[i].key = i;
		insert(&items[i], 1);
	}
	for (int i = 0; i < KEYS; i++) {
		items[i].key += 1000;
		rb_augment_propagate(&items[i].rb, update);
		check_node(root.rb_node, NULL, 1);
	}
}

static void test_empty(void)
{
	struct rb_node lone;

	root = RB_ROOT;
	CHECK(RB_EMPTY_ROOT(&root));
	CHECK(!rb_first(&root) && !rb_last(&root));
	RB_CLEAR_NODE(&lone);
	CHECK(RB_EMPTY_NODE(&lone));
	CHECK(!rb_next(&lone) && !rb_prev(&lone));
}

int main(void)
{
	RUN(test_empty);
	RUN(test_plain);
	RUN(test_augmented);
	RUN(test_all_orders);
	RUN(test_replace);
	RUN(test_propagate);
	return tap_done();
}
