/* SPDX-License-Identifier: MIT */
/* lib/atomic: each operation's value, and that two threads lose nothing. */
#include <pthread.h>

#include "tests/host/tap.h"
#include "lib/atomic.h"

static void test_values(void)
{
	atomic_t v = ATOMIC_INIT(5);
	int old = 0;

	CHECK(atomic_add_return(3, &v) == 8 && atomic_sub_return(2, &v) == 6);
	CHECK(atomic_inc_return(&v) == 7 && atomic_dec_return(&v) == 6);
	CHECK(atomic_fetch_add(1, &v) == 6 && atomic_fetch_sub(1, &v) == 7);
	CHECK(atomic_fetch_or(9, &v) == 6 && atomic_read(&v) == 15);
	CHECK(atomic_fetch_and(3, &v) == 15 && atomic_read(&v) == 3);
	CHECK(atomic_xchg(&v, 2) == 3);
	CHECK(atomic_cmpxchg(&v, 3, 9) == 2 && atomic_read(&v) == 2);
	CHECK(atomic_cmpxchg(&v, 2, 9) == 2 && atomic_read(&v) == 9);
	CHECK(!atomic_try_cmpxchg(&v, &old, 1) && old == 9);
	CHECK(atomic_try_cmpxchg(&v, &old, 1) && atomic_read(&v) == 1);
	CHECK(atomic_dec_and_test(&v) && !atomic_sub_and_test(1, &v));
	CHECK(atomic_inc_and_test(&v));
}

static void test_conditional(void)
{
	atomic64_t v = ATOMIC64_INIT(0);

	CHECK(!atomic64_inc_not_zero(&v) && atomic64_read(&v) == 0);
	atomic64_set(&v, 1LL << 40);
	CHECK(atomic64_inc_not_zero(&v));
	CHECK(atomic64_read(&v) == (1LL << 40) + 1);
	CHECK(!atomic64_add_unless(&v, 5, (1LL << 40) + 1));
	atomic64_set(&v, 1);
	CHECK(atomic64_dec_if_positive(&v) == 0);
	CHECK(atomic64_dec_if_positive(&v) == -1 && atomic64_read(&v) == 0);
}

static void test_generic(void)
{
	u64 q = 5, old = 4;
	void *p = &q, *seen;
	u8 byte = 1;

	CHECK(cmpxchg(&q, 5, 6) == 5 && q == 6 && cmpxchg(&q, 5, 7) == 6);
	CHECK(!try_cmpxchg(&q, &old, 8) && old == 6);
	CHECK(xchg(&byte, 2) == 1 && byte == 2);
	smp_store_release(&q, 9);
	CHECK(smp_load_acquire(&q) == 9);
	seen = rcu_dereference(p);
	CHECK(seen == &q);
	rcu_assign_pointer(p, NULL);
	CHECK(!p);
	smp_store_mb(&q, 1);
	CHECK(q == 1);
}

#define ROUNDS	100000

static atomic_t total;
static unsigned long bits;

static void *count(void *arg)
{
	u64 mine = (u64)(uintptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		atomic_inc(&total);
		set_bit(mine, &bits);
		atomic_add_unless(&total, 1, -1);
		clear_bit(mine, &bits);
	}
	set_bit(mine, &bits);
	return NULL;
}

static void test_two_threads(void)
{
	pthread_t t[2];

	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, count, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK(atomic_read(&total) == 4 * ROUNDS && bits == 3);
}

int main(void)
{
	RUN(test_values);
	RUN(test_conditional);
	RUN(test_generic);
	RUN(test_two_threads);
	return tap_done();
}
