/* SPDX-License-Identifier: MIT */
/* lib/printf: every flag, width and precision against the C library. */
#include "tests/host/tap.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "lib/printf.h"

/* The formats are built at run time and some are wrong on purpose. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wformat-overflow"

#define SAME(fmt, ...) do {						\
	char o[128], lib[128];						\
	int no = snprintf(o, sizeof(o), fmt, ##__VA_ARGS__);		\
	int nl = host_snprintf(lib, sizeof(lib), fmt, ##__VA_ARGS__);	\
	CHECKF(no == nl && !host_strcmp(o, lib),			\
	       "\"%s\": %d \"%s\", not %d \"%s\"", fmt, no, o, nl, lib);	\
} while (0)

static const char *const widths[] = { "", "1", "7", "20" };
static const char *const precs[] = { "", ".", ".0", ".1", ".5", ".18" };
static const s64 values[] = {
	0, 1, -1, 7, 8, 42, -42, 255, 65535, -32768, 0x7fffffff, 0x80000000LL,
	0xffffffffLL, 1LL << 40, S64_MAX, -S64_MAX - 1,
};

static void flags_text(char *out, int set)
{
	for (int i = 0; i < 5; i++)
		if (set >> i & 1)
			*out++ = "-0+ #"[i];
	*out = '\0';
}

static void one_value(const char *head, s64 v)
{
	static const char *const lens[] = { "hh", "h", "", "l", "ll", "z" };
	char fmt[64];

	for (u32 l = 0; l < ARRAY_SIZE(lens); l++)
		for (const char *c = "diuxXo"; *c; c++) {
			host_snprintf(fmt, sizeof(fmt), "%s%s%c", head,
				      lens[l], *c);
			SAME(fmt, v);
		}
}

static void test_integers(void)
{
	char flags[8], head[32];

	for (int set = 0; set < 32; set++)
		for (u32 w = 0; w < ARRAY_SIZE(widths); w++)
			for (u32 p = 0; p < ARRAY_SIZE(precs); p++) {
				flags_text(flags, set);
				host_snprintf(head, sizeof(head), "%%%s%s%s",
					      flags, widths[w], precs[p]);
				for (u32 v = 0; v < ARRAY_SIZE(values); v++)
					one_value(head, values[v]);
			}
}

static void test_text(void)
{
	SAME("plain");
	SAME("");
	SAME("100%%");
	SAME("%s|%10s|%-10s|%.3s|%10.2s|%.0s", "abcdef", "abcdef", "abcdef",
	     "abcdef", "abcdef", "abcdef");
	SAME("%c%5c%-5c|", 'x', 'y', 'z');
	SAME("%s", (char *)NULL);
	SAME("%*d|%-*d|%*d", 8, 42, 8, 42, -8, 42);
	SAME("%.*d|%.*d|%.*s", 5, 42, -5, 42, 2, "abc");
	SAME("%*.*x", 12, 6, 0xabcd);
	SAME("%d %s %c %ld %x", 1, "two", '3', 4L, 5);
	SAME("%td %zd", (ptrdiff_t)-3, (ssize_t)-4);
}

/* %.Ns reads no further than N bytes: no terminator is needed. */
static void test_unterminated(void)
{
	char *s = malloc(3), buf[8];

	host_memcpy(s, "abc", 3);
	CHECK(snprintf(buf, sizeof(buf), "%.3s", s) == 3);
	CHECK(!host_strcmp(buf, "abc"));
	free(s);
}

static void test_pointers(void)
{
	char b[64];

	snprintf(b, sizeof(b), "%p", (void *)0x1234);
	CHECK(!host_strcmp(b, "0x0000000000001234"));
	snprintf(b, sizeof(b), "%p", NULL);
	CHECK(!host_strcmp(b, "0x0000000000000000"));
	snprintf(b, sizeof(b), "%pe|%10pe|%-8pe|", ERR_PTR(-ENOMEM),
		 ERR_PTR(-EIO), ERR_PTR(-EPERM));
	CHECKF(!host_strcmp(b, "-ENOMEM|      -EIO|-EPERM  |"), "%s", b);
	snprintf(b, sizeof(b), "%pe", ERR_PTR(-4000));
	CHECKF(!host_strcmp(b, "-4000"), "%s", b);
	snprintf(b, sizeof(b), "%pe", (void *)0xffff888000000000);
	CHECKF(!host_strcmp(b, "0xffff888000000000"), "%s", b);
	snprintf(b, sizeof(b), "%pa", (void *)1);
	CHECKF(!host_strcmp(b, "0x0000000000000001a"), "%s", b);
}

static void test_unknown(void)
{
	char b[32];

	CHECK(snprintf(b, sizeof(b), "%y %d", 5) == 4);
	CHECKF(!host_strcmp(b, "%y 5"), "%s", b);
	CHECK(snprintf(b, sizeof(b), "50%") == 3 && !host_strcmp(b, "50%"));
	snprintf(b, sizeof(b), "%n", NULL);
	CHECK(!host_strcmp(b, "%n"));
	/* The width of a conversion we do not know is not taken either. */
	snprintf(b, sizeof(b), "%*y %d", 5);
	CHECKF(!host_strcmp(b, "%*y 5"), "%s", b);
	snprintf(b, sizeof(b), "%.*y %*d", 4, 7);
	CHECKF(!host_strcmp(b, "%.*y    7"), "%s", b);
}

/* A precision near INT_MAX: counted, cut, and no overflow on the way. */
static void test_wide(void)
{
	char b[8];

	CHECK(snprintf(b, sizeof(b), "%#.*x", INT_MAX, 1) == INT_MAX);
	CHECKF(!host_strcmp(b, "0x00000"), "%s", b);
}

/* Every size from 0 on: never a byte too many, always terminated. */
static void test_sizes(void)
{
	const char *whole = "pid 12345 at 0xabc: -ENOENT";

	for (size_t size = 0; size < 40; size++) {
		char *b = malloc(size ? size : 1);
		int n = snprintf(b, size, "pid %d at %#x: %pe", 12345, 0xabc,
				 ERR_PTR(-ENOENT));
		size_t fit = size ? min(size - 1, host_strlen(whole)) : 0;

		CHECK(n == (int)host_strlen(whole));
		CHECK(!size || (!host_memcmp(b, whole, fit) && !b[fit]));
		CHECK(scnprintf(b, size, "%s", whole) == (int)fit);
		free(b);
	}
	CHECK(vsnprintf(NULL, 0, "abc", (va_list){ { 0 } }) == 3);
}

int main(void)
{
	RUN(test_integers);
	RUN(test_text);
	RUN(test_unterminated);
	RUN(test_pointers);
	RUN(test_unknown);
	RUN(test_wide);
	RUN(test_sizes);
	return tap_done();
}
