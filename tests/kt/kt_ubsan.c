/* SPDX-License-Identifier: MIT */
/*
 * Undefined behaviour on purpose: each kind of check must be in the build and
 * reach its handler. Part of the image with UBSAN=1 only.
 */
#include "kernel/ubsan.h"
#include "tests/kt/kt_util.h"

struct pair {
	int first, second;
};

/* Volatile: the compiler must not see through what we are about to do. */
static volatile int sink;
static volatile int table[4];

KTEST(ubsan, signed_overflow)
{
	volatile int most = 0x7fffffff, least = -0x7fffffff - 1;

	ubsan_expect_begin();
	sink = most + 1;
	sink = least - 1;
	sink = most * 2;
	sink = -least;
	KT_EQ(t, ubsan_expect_end(), 4);
}

KTEST(ubsan, shift)
{
	volatile int by = 32;

	ubsan_expect_begin();
	sink = 1 << by;
	by = -1;
	sink = 1 << by;
	by = 31;
	sink = (int)(1U << by);
	KT_EQ(t, ubsan_expect_end(), 2);
}

KTEST(ubsan, bounds)
{
	volatile u32 index = 4;
	volatile int *past;

	ubsan_expect_begin();
	past = &table[index];
	KT_EQ(t, ubsan_expect_end(), 0);
	ubsan_expect_begin();
	sink = table[index];
	KT_EXPECT(t, ubsan_expect_end() > 0);
	(void)past;
}

KTEST(ubsan, null_member)
{
	struct pair *volatile none = NULL;
	int *volatile second;

	ubsan_expect_begin();
	second = &none->second;
	KT_EXPECT(t, ubsan_expect_end() > 0);
	(void)second;
}

KTEST(ubsan, bool_value)
{
	union {
		u8 byte;
		bool truth;
	} volatile both = { .byte = 2 };

	ubsan_expect_begin();
	sink = both.truth;
	KT_EQ(t, ubsan_expect_end(), 1);
}

/* What is expected does not count, and what is defined is not reported. */
KTEST(ubsan, quiet)
{
	u64 before = ubsan_count();
	volatile u32 most = 0xffffffff;

	ubsan_expect_begin();
	sink = (int)(most + 1);
	KT_EQ(t, ubsan_expect_end(), 0);
	KT_EQ(t, ubsan_count(), before);
}

/* Boot and all tests before this one. */
KTEST(ubsan, none_yet)
{
	KT_EQ(t, ubsan_count(), 0);
}
