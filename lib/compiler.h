/* SPDX-License-Identifier: MIT */
/*
 * What the compiler can do, under Linux's names.  Pure macros: no state, and
 * every argument is evaluated once unless the comment says otherwise.
 */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#include "lib/types.h"

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* The C library's own headers define some of these names when hosted. */
#undef __packed
#undef __aligned
#undef __always_inline
#undef __used
#undef __noreturn
#undef static_assert
#undef __maybe_unused

#define __packed	__attribute__((__packed__))
#define __aligned(n)	__attribute__((__aligned__(n)))
#define __section(s)	__attribute__((__section__(s)))
#define __used		__attribute__((__used__))
#define __maybe_unused	__attribute__((__unused__))
#define __noreturn	__attribute__((__noreturn__))
#define __weak		__attribute__((__weak__))
#define __always_inline	inline __attribute__((__always_inline__))
#define noinline	__attribute__((__noinline__))
/* Zero at first; a checker's notes, in which mm/leaks.c follows no pointer. */
#define __unscanned	__attribute__((__section__(".bss.unscanned")))
#define __printf(a, b)	__attribute__((__format__(__printf__, a, b)))
#define __must_check	__attribute__((__warn_unused_result__))
#define __cold		__attribute__((__cold__))
#define fallthrough	__attribute__((__fallthrough__))

/* static_assert(expr) or static_assert(expr, "message") */
#define static_assert(expr, ...) \
	__static_assert(expr, ##__VA_ARGS__, #expr)
#define __static_assert(expr, msg, ...)	_Static_assert(expr, msg)

/* The compiler may not move memory accesses across; the CPU still may. */
#define barrier()	__asm__ __volatile__("" ::: "memory")

/* One access, whole, not cached, not repeated. */
#if defined(__SANITIZE_THREAD__) && __STDC_HOSTED__
/* On the host ThreadSanitizer knows only __atomic accesses (scalars). */
#define READ_ONCE(x)	__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), val, __ATOMIC_RELAXED)
#else
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, val) \
	do { *(volatile typeof(x) *)&(x) = (val); } while (0)
#endif

#define __PASTE2(a, b)	a##b
#define __PASTE(a, b)	__PASTE2(a, b)
#define __UNIQUE_ID(p)	__PASTE(__u_##p, __COUNTER__)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
/* Bits h down to l, both included. */
#define GENMASK(h, l)	((~0UL << (l)) & (~0UL >> (63 - (h))))

#define container_of(ptr, type, member) ({				\
	_Static_assert(							\
		__builtin_types_compatible_p(typeof(*(ptr)),		\
					     typeof(((type *)0)->member)) || \
		__builtin_types_compatible_p(typeof(*(ptr)), void),	\
		"container_of: pointer is not to that member");		\
	((type *)((char *)(ptr) - offsetof(type, member))); })

#define __cmp_once(a, b, ua, ub, op) ({					\
	__auto_type ua = (a);						\
	__auto_type ub = (b);						\
	ua op ub ? ua : ub; })
/* Mixed signs are caught by -Wsign-compare; then use min_t. */
#define min(a, b)	__cmp_once(a, b, __UNIQUE_ID(p), __UNIQUE_ID(q), <)
#define max(a, b)	__cmp_once(a, b, __UNIQUE_ID(p), __UNIQUE_ID(q), >)
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(type, v, lo, hi) \
	clamp((type)(v), (type)(lo), (type)(hi))

#define __swap_once(a, b, u)	do {					\
	typeof(a) u = (a);						\
	(a) = (b);							\
	(b) = u; } while (0)
/* Evaluates each argument twice. */
#define swap(a, b)	__swap_once(a, b, __UNIQUE_ID(swap))

/* a is a power of two; usable in static initialisers. */
#define __ALIGN_MASK(x, a)	((typeof(x))(a) - 1)
#define ALIGN(x, a)		(((x) + __ALIGN_MASK(x, a)) & ~__ALIGN_MASK(x, a))
#define ALIGN_DOWN(x, a)	((x) & ~__ALIGN_MASK(x, a))
#define IS_ALIGNED(x, a)	(((x) & __ALIGN_MASK(x, a)) == 0)
#define round_up(x, a)		ALIGN(x, a)
#define round_down(x, a)	ALIGN_DOWN(x, a)
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))

/* floor(log2(x)); x must not be 0.  A constant for a constant. */
#define ILOG2(x)	(63 - __builtin_clzll((unsigned long long)(x)))
/* Evaluates x more than once. */
#define IS_POWER_OF_2(x)	((x) != 0 && ((x) & ((x) - 1)) == 0)

#define __stringify_1(x)	#x
#define __stringify(x)		__stringify_1(x)

#include "lib/kcsan.h"

#endif
