/* SPDX-License-Identifier: MIT */
/* lib/compiler, lib/crc32, lib/prng. */
#include "tests/host/tap.h"
#include "lib/compiler.h"
#include "lib/crc32.h"
#include "lib/prng.h"

static void test_crc32(void)
{
	const char *s = "123456789";
	u32 piecewise = 0;

	CHECK(crc32(0, "", 0) == 0);
	CHECK(crc32(0, s, 9) == 0xcbf43926);
	for (int i = 0; i < 9; i += 3)
		piecewise = crc32(piecewise, s + i, 3);
	CHECK(piecewise == 0xcbf43926);
}

static void test_prng(void)
{
	struct prng a, b;
	int buckets[10] = { 0 };

	prng_seed(&a, 0);
	prng_seed(&b, 1);
	CHECK(a.state && prng_u64(&a) != prng_u64(&b));
	prng_seed(&b, 0);
	prng_u64(&b);
	CHECK(prng_u64(&a) == prng_u64(&b));	/* repeatable */
	for (int i = 0; i < 10000; i++)
		buckets[prng_below(&a, 10)]++;
	for (int i = 0; i < 10; i++)
		CHECKF(buckets[i] > 850 && buckets[i] < 1150, "%d", buckets[i]);
}

struct outer {
	char pad[3];
	int member;
};

static void test_macros(void)
{
	struct outer o;
	int a = 1, b = 2, calls = 0;

	CHECK(container_of(&o.member, struct outer, member) == &o);
	CHECK(min(a, b) == 1 && max(a, b) == 2 && max(a, max(b, 3)) == 3);
	CHECK(min(calls++, 5) == 0 && calls == 1);
	CHECK(clamp(7, 1, 5) == 5 && clamp(0, 1, 5) == 1);
	CHECK(min_t(u32, -1, 5) == 5);
	swap(a, b);
	CHECK(a == 2 && b == 1);
	CHECK(ALIGN(0xfffffffff001ULL, 4096) == 0x1000000000000ULL);
	CHECK(ALIGN(4096, 4096) == 4096 && ALIGN_DOWN(4097UL, 4096) == 4096);
	CHECK(round_up(1u, 8) == 8 && IS_ALIGNED(16, 8) && !IS_ALIGNED(9, 8));
	CHECK(DIV_ROUND_UP(9, 4) == 3 && DIV_ROUND_UP(8, 4) == 2);
	CHECK(ILOG2(1) == 0 && ILOG2(4096) == 12 && ILOG2(4097) == 12);
	CHECK(GENMASK(51, 12) == 0xffffffffff000UL && GENMASK(63, 0) == ~0UL);
	CHECK(BIT(63) == 0x8000000000000000UL && ARRAY_SIZE(o.pad) == 3);
}

int main(void)
{
	RUN(test_crc32);
	RUN(test_prng);
	RUN(test_macros);
	return tap_done();
}
