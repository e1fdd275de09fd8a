/* SPDX-License-Identifier: MIT */
/* lib/lzc: every byte comes back; damaged input is refused, never followed. */
#include "tests/host/tap.h"
#include "lib/lzc.h"
#include "lib/prng.h"
#include "lib/string.h"

#define PAGE	4096

/* Buffers of the exact size, so that ASan sees the first byte too many. */
static size_t round_trip(const u8 *data, size_t n, size_t max)
{
	struct lzc_work *w = malloc(sizeof(*w));
	u8 *in = malloc(n + 1), *out = malloc(max + 1), *back = malloc(n + 1);
	size_t len;

	memcpy(in, data, n);
	memset(w, 0xa5, sizeof(*w));
	len = lzc_compress(w, in, n, out, max);
	if (len) {
		u8 *exact = malloc(len);

		memcpy(exact, out, len);
		CHECK(len <= max);
		CHECK(lzc_decompress(exact, len, back, n) == (ssize_t)n);
		CHECK(!memcmp(back, data, n));
		if (n)
			CHECK(lzc_decompress(exact, len, back, n - 1) == -1);
		free(exact);
	}
	free(w);
	free(in);
	free(out);
	free(back);
	return len;
}

static void test_known_data(void)
{
	u8 page[PAGE];

	memset(page, 0, PAGE);
	CHECKF(round_trip(page, PAGE, PAGE) < 40, "%zu",
	       round_trip(page, PAGE, PAGE));
	for (u32 i = 0; i < PAGE / 8; i++)
		((u64 *)page)[i] = 0x100000000ULL + i;
	CHECKF(round_trip(page, PAGE, PAGE) < PAGE * 5 / 8, "%zu",
	       round_trip(page, PAGE, PAGE));
	for (u32 n = 0; n < 64; n++)
		CHECK(round_trip((const u8 *)"abcabcabcabcabcdabcdabcdabcdabcdefgh"
				 "abcdefghzzzzzzzzzzzzzzzzzzzzzzz", n, PAGE));
	CHECK(round_trip(page, 0, PAGE) == 1);
}

static void test_incompressible(void)
{
	struct prng r;
	u8 page[PAGE];

	prng_seed(&r, 1);
	for (u32 i = 0; i < PAGE; i++)
		page[i] = (u8)prng_u64(&r);
	CHECK(round_trip(page, PAGE, PAGE - 1) == 0);
	CHECK(round_trip(page, PAGE, 2 * PAGE) > PAGE);
}

/* A few words of a few, repeated at random distances: what memory is like. */
static void test_random_pages(void)
{
	struct prng r;
	u8 page[PAGE];

	prng_seed(&r, 2);
	for (int round = 0; round < TAP_LONG(3000); round++) {
		u32 n = (u32)prng_below(&r, PAGE + 1), i = 0;
		u32 kinds = 1 + (u32)prng_below(&r, 40);

		while (i < n) {
			u32 len = 1 + (u32)prng_below(&r, 400);
			u32 how = (u32)prng_below(&r, 3);

			for (; len && i < n; len--, i++)
				page[i] = how == 0 ? (u8)prng_below(&r, kinds) :
					  how == 1 && i > 100 ? page[i - 97] :
					  (u8)kinds;
		}
		round_trip(page, n, PAGE + 64);
		round_trip(page, n, prng_below(&r, PAGE));
	}
}

static void test_damaged_input(void)
{
	struct prng r;

	prng_seed(&r, 3);
	CHECK(lzc_decompress((const u8 *)"", 0, NULL, 0) == -1);
	for (int round = 0; round < TAP_LONG(100000); round++) {
		size_t n = 1 + prng_below(&r, 40), max = prng_below(&r, 300);
		u8 *in = malloc(n), *out = malloc(max + 1);
		ssize_t got;

		for (size_t i = 0; i < n; i++)
			in[i] = prng_below(&r, 3) ? (u8)prng_below(&r, 32) :
						    (u8)prng_u64(&r);
		out[max] = 0x77;
		got = lzc_decompress(in, n, out, max);
		CHECK(got >= -1 && got <= (ssize_t)max && out[max] == 0x77);
		free(in);
		free(out);
	}
}

int main(void)
{
	RUN(test_known_data);
	RUN(test_incompressible);
	RUN(test_random_pages);
	RUN(test_damaged_input);
	return tap_done();
}
