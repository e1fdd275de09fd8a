/* SPDX-License-Identifier: MIT */
/* lib/list: rings against an array, chains, and the RCU forms' promises. */
#include "tests/host/tap.h"
#include "lib/list.h"
#include "lib/prng.h"

#define N	40

struct item {
	int id;
	struct list_head link;
	struct hlist_node hash;
};

static struct item items[N];
static int model[2][N], count[2];	/* two lists, in order */
static struct list_head heads[2];
static int where[N];			/* which list, or -1 */

static void check_list(int l)
{
	struct item *it, *next;
	int i = 0;

	list_for_each_entry(it, &heads[l], link) {
		CHECK(i < count[l] && it->id == model[l][i]);
		CHECK(it->link.next->prev == &it->link);
		i++;
	}
	CHECK(i == count[l]);
	list_for_each_entry_reverse(it, &heads[l], link)
		CHECK(i > 0 && it->id == model[l][--i]);
	list_for_each_entry_rcu(it, &heads[l], link)
		CHECK(it->id == model[l][i++]);
	i = 0;
	list_for_each_entry_safe(it, next, &heads[l], link)
		CHECK(it->id == model[l][i++]);
	CHECK(list_empty(&heads[l]) == !count[l]);
	CHECK(list_is_singular(&heads[l]) == (count[l] == 1));
	it = list_first_entry_or_null(&heads[l], struct item, link);
	CHECK(count[l] ? it && it->id == model[l][0] : !it);
}

static void model_add(int l, int id, int at)
{
	for (int i = count[l]++; i > at; i--)
		model[l][i] = model[l][i - 1];
	model[l][at] = id;
	where[id] = l;
}

static void model_del(int id)
{
	int l = where[id], i = 0;

	while (model[l][i] != id)
		i++;
	for (count[l]--; i < count[l]; i++)
		model[l][i] = model[l][i + 1];
	where[id] = -1;
}

static void add(int op, int id, int l)
{
	struct list_head *e = &items[id].link;

	if (op == 0)
		list_add(e, &heads[l]);
	else if (op == 1)
		list_add_tail(e, &heads[l]);
	else if (op == 2)
		list_add_rcu(e, &heads[l]);
	else
		list_add_tail_rcu(e, &heads[l]);
	model_add(l, id, op & 1 ? count[l] : 0);
}

static void move(int op, int id, int l)
{
	struct list_head *e = &items[id].link;

	model_del(id);
	if (op == 0) {
		list_move(e, &heads[l]);
		model_add(l, id, 0);
	} else if (op == 1) {
		list_move_tail(e, &heads[l]);
		model_add(l, id, count[l]);
	} else if (op == 2) {
		list_del(e);
	} else {
		list_del_init(e);
		CHECK(list_empty(e));
	}
}

static void splice(int tail)
{
	int n = count[1];

	if (tail)
		list_splice_tail_init(&heads[1], &heads[0]);
	else
		list_splice_init(&heads[1], &heads[0]);
	for (int i = 0; i < n; i++)
		model_add(0, model[1][i], tail ? count[0] : i);
	count[1] = 0;
}

static void test_random(void)
{
	struct prng rnd;

	prng_seed(&rnd, 5);
	INIT_LIST_HEAD(&heads[0]);
	INIT_LIST_HEAD(&heads[1]);
	for (int i = 0; i < N; i++) {
		items[i].id = i;
		where[i] = -1;
	}
	for (int s = 0; s < 20000; s++) {
		int id = (int)prng_below(&rnd, N);
		int op = (int)prng_below(&rnd, 4);

		if (prng_below(&rnd, 100) == 0)
			splice(op & 1);
		else if (where[id] < 0)
			add(op, id, (int)prng_below(&rnd, 2));
		else
			move(op, id, (int)prng_below(&rnd, 2));
		check_list(0);
		check_list(1);
	}
}

/* L2: a reader on a removed entry walks on. */
static void test_rcu_removal(void)
{
	LIST_HEAD(head);
	struct item *it;
	int seen = 0;

	for (int i = 0; i < 4; i++)
		list_add_tail_rcu(&items[i].link, &head);
	list_for_each_entry_rcu(it, &head, link) {
		if (it->id == 1)
			list_del_rcu(&items[1].link);
		seen = seen * 10 + it->id;
	}
	CHECK(seen == 123);
	list_replace_rcu(&items[2].link, &items[9].link);
	seen = 0;
	list_for_each_entry_rcu(it, &head, link)
		seen = seen * 10 + it->id;
	CHECK(seen == 93);
}

static int chain(struct hlist_head *h)
{
	struct item *it;
	int seen = 0, rcu = 0;

	hlist_for_each_entry(it, h, hash)
		seen = seen * 10 + it->id;
	hlist_for_each_entry_rcu(it, h, hash)
		rcu = rcu * 10 + it->id;
	CHECK(seen == rcu);
	return seen;
}

static void test_hlist(void)
{
	HLIST_HEAD(head);
	struct hlist_node *n;
	struct item *it;

	CHECK(hlist_empty(&head));
	for (int i = 1; i <= 5; i++) {
		INIT_HLIST_NODE(&items[i].hash);
		CHECK(hlist_unhashed(&items[i].hash));
		if (i & 1)
			hlist_add_head(&items[i].hash, &head);
		else
			hlist_add_head_rcu(&items[i].hash, &head);
	}
	CHECK(chain(&head) == 54321);
	hlist_del_init_rcu(&items[3].hash);
	CHECK(hlist_unhashed(&items[3].hash));
	CHECK(items[3].hash.next == &items[2].hash);
	hlist_del_init_rcu(&items[3].hash);	/* again: nothing */
	hlist_del_rcu(&items[5].hash);
	CHECK(items[5].hash.next == &items[4].hash);
	CHECK(chain(&head) == 421);
	hlist_for_each_entry_safe(it, n, &head, hash)
		hlist_del_init(&it->hash);
	CHECK(hlist_empty(&head));
}

int main(void)
{
	RUN(test_random);
	RUN(test_rcu_removal);
	RUN(test_hlist);
	return tap_done();
}
