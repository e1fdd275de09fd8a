/* SPDX-License-Identifier: MIT */
/* lib/string: against the C library's functions; strict number parsing. */
#include "tests/host/tap.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/string.h"

#define LEN	160

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void randomize(struct prng *rnd, u8 *p, size_t n)
{
	while (n--)
		*p++ = (u8)prng_u64(rnd);
}

/* Every length to 80 at every alignment; bytes around stay. */
static void test_copy_and_set(void)
{
	u8 src[LEN], ours[LEN], libs[LEN];
	struct prng rnd;

	prng_seed(&rnd, 1);
	for (size_t n = 0; n <= 80; n++)
		for (size_t d = 0; d < 9; d++)
			for (size_t s = 0; s < 9; s++) {
				randomize(&rnd, src, LEN);
				randomize(&rnd, ours, LEN);
				host_memcpy(libs, ours, LEN);
				CHECK(memcpy(ours + d, src + s, n) == ours + d);
				host_memcpy(libs + d, src + s, n);
				CHECK(!host_memcmp(ours, libs, LEN));
				CHECK(memset(ours + s, 0x1ab, n) == ours + s);
				host_memset(libs + s, 0x1ab, n);
				CHECK(!host_memcmp(ours, libs, LEN));
			}
}

static void test_overlapping_move(void)
{
	u8 ours[LEN], libs[LEN];
	struct prng rnd;

	prng_seed(&rnd, 2);
	for (size_t n = 0; n <= 70; n++)
		for (size_t d = 0; d < 80; d++) {
			randomize(&rnd, ours, LEN);
			host_memcpy(libs, ours, LEN);
			memmove(ours + d, ours + 40, n);
			host_memmove(libs + d, libs + 40, n);
			CHECKF(!host_memcmp(ours, libs, LEN),
			       "%zu bytes to %zu", n, d);
		}
}

static void test_compare(void)
{
	u8 a[40], b[40];
	struct prng rnd;

	prng_seed(&rnd, 3);
	for (int i = 0; i < 50000; i++) {
		size_t n = prng_below(&rnd, 33), o = prng_below(&rnd, 8);

		randomize(&rnd, a, sizeof(a));
		host_memcpy(b, a, sizeof(a));
		if (prng_below(&rnd, 4))
			b[prng_below(&rnd, 40)] = (u8)prng_u64(&rnd);
		CHECK(sign(memcmp(a + o, b + o, n)) ==
		      sign(host_memcmp(a + o, b + o, n)));
		CHECK(memchr(a + o, a[20], n) ==
		      host_memchr(a + o, a[20], n));
	}
}

/* Strings over a tiny alphabet, so that matches are common. */
static void random_string(struct prng *rnd, char *s, u64 max)
{
	u64 n = prng_below(rnd, max);

	for (u64 i = 0; i < n; i++)
		s[i] = "ab\377"[prng_below(rnd, 3)];
	s[n] = '\0';
}

static void test_strings(void)
{
	char a[20], b[6];
	struct prng rnd;

	prng_seed(&rnd, 4);
	for (int i = 0; i < 50000; i++) {
		size_t n = prng_below(&rnd, 8);

		random_string(&rnd, a, 19);
		random_string(&rnd, b, 5);
		CHECK(strlen(a) == host_strlen(a));
		CHECK(strnlen(a, n) == host_strnlen(a, n));
		CHECK(sign(strcmp(a, b)) == sign(host_strcmp(a, b)));
		CHECK(sign(strncmp(a, b, n)) == sign(host_strncmp(a, b, n)));
		CHECK(strchr(a, b[0]) == host_strchr(a, b[0]));
		CHECK(strrchr(a, b[0]) == host_strrchr(a, b[0]));
		CHECK(strstr(a, b) == host_strstr(a, b));
	}
}

static void test_bounded_copy(void)
{
	char buf[8] = "zzzzzzz";

	CHECK(strlcpy(buf, "hello", 0) == 5 && buf[0] == 'z');
	CHECK(strlcpy(buf, "hello", 1) == 5 && !strcmp(buf, ""));
	CHECK(strlcpy(buf, "hello", 4) == 5 && !strcmp(buf, "hel"));
	CHECK(strlcpy(buf, "hello", 8) == 5 && !strcmp(buf, "hello"));
	CHECK(strlcat(buf, "xyz", 8) == 8 && !strcmp(buf, "helloxy"));
	CHECK(strlcat(buf, "q", 8) == 8 && !strcmp(buf, "helloxy"));
	CHECK(strlcat(buf, "q", 4) == 5 && !strcmp(buf, "helloxy"));
}

static void test_numbers(void)
{
	static const struct {
		const char *s;
		int base, rc;
		u64 v;
	} t[] = {
		{ "0", 10, 0, 0 }, { "42", 0, 0, 42 }, { "0x2a", 0, 0, 42 },
		{ "0X2A", 16, 0, 42 }, { "2a", 16, 0, 42 }, { "017", 0, 0, 15 },
		{ "017", 10, 0, 17 }, { "zz", 36, 0, 1295 }, { "0", 0, 0, 0 },
		{ "18446744073709551615", 10, 0, U64_MAX },
		{ "18446744073709551616", 10, -ERANGE, 0 },
		{ "99999999999999999999999", 10, -ERANGE, 0 },
		{ "0xffffffffffffffff", 0, 0, U64_MAX },
		{ "0x10000000000000000", 0, -ERANGE, 0 },
		{ "", 10, -EINVAL, 0 }, { "0x", 0, -EINVAL, 0 },
		{ "x", 10, -EINVAL, 0 }, { "-1", 10, -EINVAL, 0 },
		{ "+1", 10, -EINVAL, 0 }, { " 1", 10, -EINVAL, 0 },
		{ "1 ", 10, -EINVAL, 0 }, { "12a", 10, -EINVAL, 0 },
		{ "0x1", 10, -EINVAL, 0 }, { "08", 0, -EINVAL, 0 },
		{ "1", 1, -EINVAL, 0 }, { "1", 37, -EINVAL, 0 },
		{ "\377", 10, -EINVAL, 0 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		u64 v = 777;
		int rc = strtou64(t[i].s, t[i].base, &v);

		CHECKF(rc == t[i].rc && v == (rc ? 777 : t[i].v),
		       "\"%s\" base %d: rc %d, %llu", t[i].s, t[i].base, rc, v);
	}
}

static void test_sizes(void)
{
	static const struct {
		const char *s;
		int rc;
		u64 v;
	} t[] = {
		{ "4096", 0, 4096 }, { "64k", 0, 65536 }, { "1M", 0, 1 << 20 },
		{ "3G", 0, 3ULL << 30 }, { "2T", 0, 2ULL << 40 },
		{ "0x10K", 0, 16384 }, { "", -EINVAL, 0 }, { "M", -EINVAL, 0 },
		{ "1MB", -EINVAL, 0 }, { "1X", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "99999999999999G", -ERANGE, 0 },
		{ "17179869183G", 0, 17179869183ULL << 30 },
		{ "17179869184G", -ERANGE, 0 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		u64 v = 777;
		int rc = parse_size(t[i].s, &v);

		CHECKF(rc == t[i].rc && v == (rc ? 777 : t[i].v),
		       "\"%s\": rc %d, %llu", t[i].s, rc, v);
	}
}

int main(void)
{
	RUN(test_copy_and_set);
	RUN(test_overlapping_move);
	RUN(test_compare);
	RUN(test_strings);
	RUN(test_bounded_copy);
	RUN(test_numbers);
	RUN(test_sizes);
	return tap_done();
}
