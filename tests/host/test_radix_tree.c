/* SPDX-License-Identifier: MIT */
/*
 * lib/radix_tree: random operations against an array of candidate indices, the
 * structure (T1, T2, T4) each time, failing allocations one by one, and
 * readers that run beside a writer (built under ThreadSanitizer, too).
 */
#include <pthread.h>

#include "tests/host/tap.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/radix_tree.h"

#define IN_USE	RADIX_TREE_MAX_TAGS
#define MAX_CAND	600

struct model {
	u64 index;		/* ascending */
	char *item;		/* NULL: absent */
	int tag[RADIX_TREE_MAX_TAGS];
};

static struct model cand[MAX_CAND];
static int nr_cand;
static char objects[MAX_CAND * 2];
static struct radix_tree_root root;
static long live, fail_after;		/* fail_after < 0: never */
static struct radix_tree_node *retired;	/* linked through rcu_space */

static struct radix_tree_node *node_alloc(void *ctx)
{
	struct radix_tree_node *n;

	CHECK(ctx == &live);
	if (fail_after == 0)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	n = malloc(sizeof(*n));
	memset(n, 0xa5, sizeof(*n));
	live++;
	return n;
}

static void node_free_rcu(void *ctx, struct radix_tree_node *n)
{
	CHECK(ctx == &live);
	n->rcu_space[0] = (u64)(uintptr_t)retired;
	retired = n;
	live--;
}

static const struct radix_tree_ops ops = { node_alloc, node_free_rcu };

/* The end of the grace period. */
static void free_retired(void)
{
	while (retired) {
		struct radix_tree_node *n = retired;

		retired = (void *)(uintptr_t)n->rcu_space[0];
		free(n);
	}
}

static void setup(void)
{
	static const u64 bases[] = {
		0, 60, 4090, 262140, 1ULL << 32, (1ULL << 60) - 5,
		U64_MAX - 30,
	};

	nr_cand = 0;
	for (u32 b = 0; b < ARRAY_SIZE(bases); b++)
		for (u64 i = 0; i < 31; i++) {
			if (b && bases[b] + i <= cand[nr_cand - 1].index)
				continue;
			cand[nr_cand++] = (struct model){ bases[b] + i, NULL,
							  { 0 } };
		}
	fail_after = -1;
	live = 0;
	radix_tree_init(&root, &ops, &live);
}

/* Returns the number of nodes from node down. */
static long check_node(struct radix_tree_node *node,
		       struct radix_tree_node *parent)
{
	long nodes = 1;

	CHECK(node->parent == parent);
	CHECK(node->tags[IN_USE] != 0);
	if (!parent)
		CHECK(!node->shift || node->tags[IN_USE] != 1);
	else
		CHECK(node->shift + 6 == parent->shift &&
		      parent->slots[node->offset] == node);
	for (u32 i = 0; i < RADIX_TREE_MAP_SIZE; i++) {
		struct radix_tree_node *low = node->slots[i];

		CHECK((low != NULL) == (node->tags[IN_USE] >> i & 1));
		for (u32 t = 0; t < RADIX_TREE_MAX_TAGS && !low; t++)
			CHECK(!(node->tags[t] >> i & 1));
		if (!low || !node->shift)
			continue;
		for (u32 t = 0; t < RADIX_TREE_MAX_TAGS; t++)
			CHECK((node->tags[t] >> i & 1) == (low->tags[t] != 0));
		nodes += check_node(low, node);
	}
	return nodes;
}

static void check_gang(u64 first, u32 max, u32 tag)
{
	void *items[64];
	u64 indices[64];
	const struct radix_tree_batch batch = { items, indices, max };
	u32 n, k = 0;

	if (tag == IN_USE)
		n = radix_tree_gang_lookup(&root, items, indices, first, max);
	else
		n = radix_tree_gang_lookup_tag(&root, &batch, first, tag);
	CHECK(n <= max);
	for (int i = 0; i < nr_cand && k < max; i++) {
		if (cand[i].index < first || !cand[i].item ||
		    (tag != IN_USE && !cand[i].tag[tag]))
			continue;
		CHECKF(k < n && items[k] == cand[i].item &&
		       indices[k] == cand[i].index, "first %llu max %u tag %u",
		       first, max, tag);
		k++;
	}
	CHECKF(k == n, "%u found, %u expected", n, k);
}

static void check_all(void)
{
	int tagged[RADIX_TREE_MAX_TAGS] = { 0 }, any = 0;

	CHECK(live == (root.rnode ? check_node(root.rnode, NULL) : 0));
	for (int i = 0; i < nr_cand; i++) {
		struct model *m = &cand[i];
		void **slot = radix_tree_lookup_slot(&root, m->index);

		CHECK(radix_tree_lookup(&root, m->index) == m->item);
		CHECK((slot != NULL) == (m->item != NULL));
		CHECK(!slot || *slot == m->item);
		any |= m->item != NULL;
		for (u32 t = 0; t < RADIX_TREE_MAX_TAGS; t++) {
			CHECK(radix_tree_tag_get(&root, m->index, t) ==
			      (m->tag[t] != 0));
			tagged[t] |= m->tag[t];
		}
	}
	CHECK(radix_tree_empty(&root) == !any);
	for (u32 t = 0; t < RADIX_TREE_MAX_TAGS; t++)
		CHECK(radix_tree_tagged(&root, t) == (tagged[t] != 0));
}

static void model_delete(struct model *m)
{
	CHECK(radix_tree_delete(&root, m->index) == m->item);
	*m = (struct model){ m->index, NULL, { 0 } };
}

static void model_insert(struct model *m, char *item)
{
	int rc = radix_tree_insert(&root, m->index, item);

	CHECK(rc == (m->item ? -EEXIST : 0));
	if (!rc)
		m->item = item;
}

static void step(struct prng *rnd, u64 growth)
{
	int i = (int)prng_below(rnd, (u64)nr_cand);
	u32 t = (u32)prng_below(rnd, RADIX_TREE_MAX_TAGS);
	struct model *m = &cand[i];

	switch (prng_below(rnd, 10)) {
	case 0: case 1: case 2: case 3:
		if (prng_below(rnd, 100) < growth)
			model_insert(m, &objects[i]);
		else
			model_delete(m);
		break;
	case 4:
		CHECK(radix_tree_replace(&root, m->index,
					 &objects[MAX_CAND + i]) == m->item);
		if (m->item)
			m->item = &objects[MAX_CAND + i];
		break;
	case 5: case 6:
		CHECK(radix_tree_tag_set(&root, m->index, t) == m->item);
		m->tag[t] = m->item != NULL;
		break;
	case 7:
		CHECK(radix_tree_tag_clear(&root, m->index, t) == m->item);
		m->tag[t] = 0;
		break;
	default:
		check_gang(m->index - prng_below(rnd, 3),
			   (u32)prng_below(rnd, 64), t);
		check_gang(m->index + prng_below(rnd, 100), 64, IN_USE);
	}
}

static void test_random(void)
{
	struct prng rnd;

	setup();
	prng_seed(&rnd, 3);
	for (int i = 0; i < TAP_LONG(40000); i++) {
		step(&rnd, (i / 2000) % 2 ? 15 : 85);
		if (i % 8 == 0)
			check_all();
		if (i % 100 == 0)
			free_retired();
	}
	for (int i = 0; i < nr_cand; i++)
		model_delete(&cand[i]);
	check_all();
	CHECK(live == 0);
	free_retired();
}

static void test_edges(void)
{
	setup();
	CHECK(radix_tree_insert(&root, 0, NULL) == -EINVAL);
	CHECK(!radix_tree_delete(&root, 0));
	CHECK(!radix_tree_lookup_slot(&root, U64_MAX));
	model_insert(&cand[nr_cand - 1], objects);	/* U64_MAX - 0 */
	CHECK(cand[nr_cand - 1].index == U64_MAX);
	check_all();
	check_gang(0, 64, IN_USE);
	check_gang(U64_MAX, 64, IN_USE);
	check_gang(U64_MAX, 0, IN_USE);
	model_insert(&cand[0], objects);
	check_all();
	model_delete(&cand[nr_cand - 1]);
	CHECK(live == 1);	/* shrunk to one leaf */
	model_delete(&cand[0]);
	CHECK(live == 0);
	free_retired();
}

/* Growing and shrinking by any number of levels keeps the tags. */
static void test_tags_and_height(void)
{
	setup();
	model_insert(&cand[3], objects);
	radix_tree_tag_set(&root, cand[3].index, 1);
	cand[3].tag[1] = 1;
	for (int i = 31; i < nr_cand; i += 7) {
		model_insert(&cand[i], objects + 1);
		check_all();
		check_gang(0, 64, 1);
		model_delete(&cand[i]);
		check_all();
		CHECK(live == 1);
	}
	model_delete(&cand[3]);
	CHECK(live == 0);
	free_retired();
}

/* With allocation k failing, an insert changes nothing. */
static void test_no_memory(void)
{
	static const int seeds[][2] = { { -1, 217 }, { 0, 1 }, { 0, 200 },
					{ 100, 5 }, { 210, 0 }, { 0, 216 } };

	for (u32 s = 0; s < ARRAY_SIZE(seeds); s++) {
		struct model *m;
		long k, before;
		int rc = -ENOMEM;

		setup();
		m = &cand[seeds[s][1] % nr_cand];
		if (seeds[s][0] >= 0)
			model_insert(&cand[seeds[s][0] % nr_cand], objects);
		before = live;
		for (k = 0; rc; k++) {
			fail_after = k;
			rc = radix_tree_insert(&root, m->index, objects + 1);
			fail_after = -1;
			CHECK(rc == 0 || rc == -ENOMEM);
			CHECK(rc == 0 || live == before);
			m->item = rc ? NULL : objects + 1;
			check_all();
			CHECK(k < 30);
			if (k >= 30)
				break;
		}
		for (int i = 0; i < nr_cand; i++)
			model_delete(&cand[i]);
		CHECK(live == 0);
		free_retired();
	}
}

/* A slot that was looked up before the delete reads NULL after it. */
static void test_stale_slot(void)
{
	void **slot;

	setup();
	model_insert(&cand[0], objects);
	model_insert(&cand[nr_cand - 1], objects + 1);
	slot = radix_tree_lookup_slot(&root, 0);
	CHECK(slot && *slot == objects);
	model_delete(&cand[0]);
	CHECK(*slot == NULL);		/* its node is retired, not yet freed */
	model_insert(&cand[0], objects + 2);
	CHECK(*slot == NULL);
	for (int i = 0; i < nr_cand; i++)
		model_delete(&cand[i]);
	free_retired();
}

#define STABLE		7	/* this index is always there */
#define READERS		2

static int stop;
static long reader_errors[READERS], reader_finds[READERS];

static void *reader(void *arg)
{
	long me = (long)(intptr_t)arg;
	void *items[8];
	u64 indices[8];

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		void *p = radix_tree_lookup(&root, STABLE);
		u32 n;

		if (p != &objects[STABLE])
			reader_errors[me]++;
		n = radix_tree_gang_lookup(&root, items, indices, 0, 8);
		if (!n || indices[0] != STABLE)
			reader_errors[me]++;
		for (u32 i = 0; i < n; i++)
			if (items[i] != &objects[indices[i] % MAX_CAND])
				reader_errors[me]++;
		reader_finds[me] += n;
	}
	return NULL;
}

/* The tree grows, shrinks, fills and empties round the stable index. */
static void test_concurrent_readers(void)
{
	pthread_t th[READERS];
	struct prng rnd;
	int i;

	setup();
	prng_seed(&rnd, 11);
	CHECK(radix_tree_insert(&root, STABLE, &objects[STABLE]) == 0);
	for (i = 0; i < READERS; i++)
		pthread_create(&th[i], NULL, reader, (void *)(intptr_t)i);
	for (i = 0; i < TAP_LONG(20000); i++) {
		u64 index = 8 + (prng_u64(&rnd) >> (4 + prng_below(&rnd, 59)));

		CHECK(radix_tree_insert(&root, index,
					&objects[index % MAX_CAND]) == 0);
		radix_tree_tag_set(&root, index, 1);
		CHECK(radix_tree_delete(&root, index));
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < READERS; i++) {
		pthread_join(th[i], NULL);
		CHECK(reader_errors[i] == 0);
		CHECK(reader_finds[i] > 0);
	}
	CHECK(radix_tree_delete(&root, STABLE));
	CHECK(live == 0);
	free_retired();
}

int main(void)
{
	RUN(test_edges);
	RUN(test_tags_and_height);
	RUN(test_random);
	RUN(test_no_memory);
	RUN(test_stale_slot);
	RUN(test_concurrent_readers);
	return tap_done();
}
