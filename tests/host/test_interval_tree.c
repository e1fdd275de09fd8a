/* SPDX-License-Identifier: MIT */
/* lib/interval_tree: random queries against a plain array. */
#include "tests/host/tap.h"
#include "lib/interval_tree.h"
#include "lib/prng.h"

#define N	80
#define STEPS	20000

static struct interval_tree_node nodes[N];
static int in_tree[N];
static struct rb_root root;

static u64 check_last(struct rb_node *rb)
{
	struct interval_tree_node *n;
	u64 l, r, m;

	if (!rb)
		return 0;
	n = rb_entry(rb, struct interval_tree_node, rb);
	l = check_last(rb->rb_left);
	r = check_last(rb->rb_right);
	m = max(n->last, max(l, r));
	CHECKF(n->subtree_last == m, "%llu, not %llu", n->subtree_last, m);
	return m;
}

static int overlaps(const struct interval_tree_node *n, u64 a, u64 b)
{
	return n->start <= b && n->last >= a;
}

static void check_query(u64 a, u64 b)
{
	struct interval_tree_node *n;
	int seen[N] = { 0 };
	u64 prev = 0;

	interval_tree_for_each(n, &root, a, b) {
		int i = (int)(n - nodes);

		CHECK(in_tree[i] && !seen[i]);
		CHECK(n->start >= prev);
		seen[i]++;
		prev = n->start;
	}
	for (int i = 0; i < N; i++)
		CHECKF(seen[i] == (in_tree[i] && overlaps(&nodes[i], a, b)),
		       "node %d, query %llu..%llu", i, a, b);
}

static void random_ops(u64 range, u64 base)
{
	struct prng rnd;

	prng_seed(&rnd, range);
	root = RB_ROOT;
	for (int i = 0; i < N; i++)
		in_tree[i] = 0;
	for (int s = 0; s < STEPS; s++) {
		int i = (int)prng_below(&rnd, N);
		u64 a, len;

		if (in_tree[i]) {
			interval_tree_remove(&nodes[i], &root);
		} else {
			a = prng_below(&rnd, range);
			len = prng_below(&rnd, prng_below(&rnd, 8) ? 5 : range);
			nodes[i].start = base + a;
			nodes[i].last = base + min(a + len, range - 1);
			interval_tree_insert(&nodes[i], &root);
		}
		in_tree[i] = !in_tree[i];
		check_last(root.rb_node);
		a = prng_below(&rnd, range);
		len = prng_below(&rnd, 10);
		check_query(base + a, base + min(a + len, range - 1));
	}
	check_query(0, U64_MAX);
}

static void test_small_range(void)
{
	random_ops(40, 0);	/* many equal starts */
}

static void test_wide_range(void)
{
	random_ops(1000, 0);
}

static void test_top_of_range(void)
{
	random_ops(500, U64_MAX - 499);	/* last == U64_MAX happens */
}

static void test_empty(void)
{
	root = RB_ROOT;
	CHECK(!interval_tree_iter_first(&root, 0, U64_MAX));
}

int main(void)
{
	RUN(test_empty);
	RUN(test_small_range);
	RUN(test_wide_range);
	RUN(test_top_of_range);
	return tap_done();
}
