/* SPDX-License-Identifier: MIT */
/* lib/bitmap: every size to 200 bits against bytes; sets of CPUs. */
#include "tests/host/tap.h"
#include "lib/bitmap.h"
#include "lib/prng.h"
#include "lib/string.h"

#define MAX	200

static u8 model[MAX];
static DECLARE_BITMAP(map, MAX);

static u64 model_next(u64 size, u64 from, u8 want)
{
	for (; from < size; from++)
		if (model[from] == want)
			return from;
	return size;
}

/* Bits beyond the size are garbage on purpose (B1). */
static void fill_random(struct prng *rnd, u64 density)
{
	for (u32 i = 0; i < ARRAY_SIZE(map); i++)
		map[i] = prng_u64(rnd);
	for (u64 i = 0; i < MAX; i++) {
		model[i] = prng_below(rnd, 100) < density;
		if (model[i])
			set_bit(i, map);
		else
			clear_bit(i, map);
	}
}

static void check_size(u64 size)
{
	u32 weight = 0;

	for (u64 from = 0; from <= size; from++) {
		CHECK(find_next_bit(map, size, from) ==
		      model_next(size, from, 1));
		CHECK(find_next_zero_bit(map, size, from) ==
		      model_next(size, from, 0));
	}
	for (u64 i = 0; i < size; i++)
		weight += model[i];
	CHECK(bitmap_weight(map, size) == weight);
	CHECK(find_first_bit(map, size) == model_next(size, 0, 1));
	CHECK(find_first_zero_bit(map, size) == model_next(size, 0, 0));
	CHECK(bitmap_empty(map, size) == (weight == 0));
	CHECK(bitmap_full(map, size) == (weight == size));
}

static void test_find(void)
{
	static const u64 density[] = { 0, 2, 50, 98, 100 };
	struct prng rnd;

	prng_seed(&rnd, 1);
	for (u32 d = 0; d < ARRAY_SIZE(density); d++) {
		fill_random(&rnd, density[d]);
		for (u64 size = 1; size <= MAX; size++)
			check_size(size);
	}
}

static void test_fill(void)
{
	for (u64 size = 1; size <= MAX; size++) {
		memset(map, 0xff, sizeof(map));
		bitmap_zero(map, size);
		CHECK(bitmap_empty(map, size));
		bitmap_fill(map, size);
		CHECK(bitmap_full(map, size) &&
		      bitmap_weight(map, size) == size);
		bitmap_clear(map, size / 3, size / 2);
		CHECK(bitmap_weight(map, size) == size - size / 2);
		bitmap_set(map, size / 3, size / 2);
		CHECK(bitmap_full(map, size));
	}
}

static void test_bit_ops(void)
{
	unsigned long m[2] = { 0, 0 };

	CHECK(!test_and_set_bit(65, m) && m[1] == 2 && m[0] == 0);
	CHECK(test_and_set_bit(65, m) && test_bit(65, m));
	CHECK(test_and_clear_bit(65, m) && !test_bit(65, m));
	CHECK(!test_and_clear_bit(65, m));
	CHECK(!test_and_set_bit_lock(63, m) && test_and_set_bit_lock(63, m));
	CHECK(m[0] == 1UL << 63);
	clear_bit_unlock(63, m);
	change_bit(3, m);
	CHECK(m[0] == 8);
}

static void test_cpumask(void)
{
	struct cpumask a = CPUMASK_NONE, b, c;
	u32 cpu, n = 0;

	CHECK(cpumask_empty(&a) && cpumask_first(&a) == NR_CPUS);
	cpumask_set_cpu(0, &a);
	cpumask_set_cpu(63, &a);
	cpumask_set_cpu(64, &a);
	cpumask_set_cpu(NR_CPUS - 1, &a);
	for_each_cpu(cpu, &a) {
		CHECK(cpu == 0 || cpu == 63 || cpu == 64 || cpu == 255);
		n++;
	}
	CHECK(n == 4 && cpumask_weight(&a) == 4);
	CHECK(cpumask_next(64, &a) == 255 && cpumask_next(255, &a) == NR_CPUS);
	cpumask_setall(&b);
	CHECK(cpumask_weight(&b) == NR_CPUS);
	cpumask_clear_cpu(63, &b);
	cpumask_and(&c, &a, &b);
	CHECK(cpumask_weight(&c) == 3 && !cpumask_test_cpu(63, &c));
	cpumask_andnot(&c, &a, &b);
	CHECK(cpumask_weight(&c) == 1 && cpumask_first(&c) == 63);
	cpumask_or(&c, &a, &b);
	CHECK(cpumask_weight(&c) == NR_CPUS);
	cpumask_copy(&c, &a);
	CHECK(cpumask_test_and_clear_cpu(0, &c) && cpumask_first(&c) == 63);
	CHECK(!cpumask_test_and_set_cpu(1, &c) && cpumask_first(&c) == 1);
	cpumask_clear(&c);
	CHECK(cpumask_empty(&c));
}

int main(void)
{
	RUN(test_find);
	RUN(test_fill);
	RUN(test_bit_ops);
	RUN(test_cpumask);
	return tap_done();
}
