/* SPDX-License-Identifier: MIT */
/*
 * Scalar types.  As in Linux, u64 is `unsigned long long`: print it with %llx
 * or %llu.  unsigned long, size_t and uintptr_t are 64 bits wide too.
 * Everything comes from headers that the compiler itself supplies, so that the
 * file means the same freestanding and on the host.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
#include <sys/types.h>		/* ssize_t, loff_t */
#else
typedef long ssize_t;
typedef s64 loff_t;
#endif

typedef u64 phys_t;		/* physical address, bytes */
typedef u64 vaddr_t;		/* virtual address, bytes */
typedef u64 pfn_t;		/* physical page frame number */

#ifndef INT_MAX
#define INT_MAX		__INT_MAX__
#endif
#ifndef INT_MIN
#define INT_MIN		(-INT_MAX - 1)
#endif
#ifndef UINT_MAX
#define UINT_MAX	(INT_MAX * 2U + 1U)
#endif
#ifndef LONG_MAX
#define LONG_MAX	__LONG_MAX__
#endif
#ifndef LONG_MIN
#define LONG_MIN	(-LONG_MAX - 1L)
#endif
#ifndef ULONG_MAX
#define ULONG_MAX	(LONG_MAX * 2UL + 1UL)
#endif
#ifndef SSIZE_MAX
#define SSIZE_MAX	LONG_MAX
#endif
#define U8_MAX		((u8)~0U)
#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)
#define S64_MAX		((s64)(U64_MAX >> 1))

#endif
