/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations and memory ordering, under Linux's names.
 *
 * A1. Operations that return a value (and the test_and_ ones) order like a
 *     full barrier on both sides; failed cmpxchg, add_unless and
 *     inc_not_zero promise no order.
 * A2. Operations that return nothing promise atomicity only.
 * A3. read and set are one plain access.
 *
 * A4. A place where another CPU may come between stands before each atomic
 *     read-modify-write (lab builds: lib/schedpoint.h).
 *
 * Built on the compiler's __atomic operations alone, so that ThreadSanitizer
 * understands every one of them on the host.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/schedpoint.h"

#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
/* Between an atomic that returns nothing and what follows or precedes it. */
#define smp_mb__before_atomic()	smp_mb()
#define smp_mb__after_atomic()	smp_mb()

#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
/* Store, then a full barrier. */
#define smp_store_mb(p, v)	\
	do { WRITE_ONCE(*(p), v); smp_mb(); } while (0)

/* Partner of each other: what v points to is complete when p shows v. */
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define rcu_dereference(p)	__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
/* c says what protects the reader; kernel/rcu.h has both with the check. */
#define rcu_dereference_check(p, c) rcu_dereference(p)
/* Nobody reads p yet, or v is NULL. */
#define RCU_INIT_POINTER(p, v)	WRITE_ONCE(p, v)

/* Returns what *ptr held; the exchange happened if that equals old. */
#define cmpxchg(ptr, old, new)						\
	__cmpxchg_once(ptr, old, new, __UNIQUE_ID(cmp))
#define __cmpxchg_once(ptr, old, new, u) ({				\
	typeof(*(ptr)) u = (old);					\
	sched_point(SP_ATOMIC);						\
	__atomic_compare_exchange_n(ptr, &u, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
	u; })
/* True if exchanged; else *oldp is updated to what was found. */
#define try_cmpxchg(ptr, oldp, new)					\
	(sched_point(SP_ATOMIC),					\
	 __atomic_compare_exchange_n(ptr, oldp, new, false,		\
				     __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
#define xchg(ptr, v)							\
	(sched_point(SP_ATOMIC),					\
	 __atomic_exchange_n(ptr, v, __ATOMIC_SEQ_CST))

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }

#define __ATOMIC_FAMILY(pfx, atype, type)				\
static __always_inline type pfx##_read(const atype *v)			\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);		\
}									\
static __always_inline type pfx##_read_acquire(const atype *v)		\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);		\
}									\
static __always_inline void pfx##_set(atype *v, type i)			\
{									\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static __always_inline void pfx##_set_release(atype *v, type i)		\
{									\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELEASE);		\
}									\
static __always_inline void pfx##_add(type i, atype *v)			\
{									\
	sched_point(SP_ATOMIC);						\
	__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static __always_inline void pfx##_sub(type i, atype *v)			\
{									\
	sched_point(SP_ATOMIC);						\
	__atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static __always_inline void pfx##_inc(atype *v)				\
{									\
	pfx##_add(1, v);						\
}									\
static __always_inline void pfx##_dec(atype *v)				\
{									\
	pfx##_sub(1, v);						\
}									\
static __always_inline void pfx##_or(type i, atype *v)			\
{									\
	sched_point(SP_ATOMIC);						\
	__atomic_fetch_or(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static __always_inline void pfx##_and(type i, atype *v)			\
{									\
	sched_point(SP_ATOMIC);						\
	__atomic_fetch_and(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static __always_inline type pfx##_fetch_add(type i, atype *v)		\
{									\
	sched_point(SP_ATOMIC);						\
	return __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static __always_inline type pfx##_fetch_sub(type i, atype *v)		\
{									\
	sched_point(SP_ATOMIC);						\
	return __atomic_fetch_sub(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static __always_inline type pfx##_fetch_or(type i, atype *v)		\
{									\
	sched_point(SP_ATOMIC);						\
	return __atomic_fetch_or(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static __always_inline type pfx##_fetch_and(type i, atype *v)		\
{									\
	sched_point(SP_ATOMIC);						\
	return __atomic_fetch_and(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static __always_inline type pfx##_add_return(type i, atype *v)		\
{									\
	sched_point(SP_ATOMIC);						\
	return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static __always_inline type pfx##_sub_return(type i, atype *v)		\
{									\
	sched_point(SP_ATOMIC);						\
	return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static __always_inline type pfx##_inc_return(atype *v)			\
{									\
	return pfx##_add_return(1, v);					\
}									\
static __always_inline type pfx##_dec_return(atype *v)			\
{									\
	return pfx##_sub_return(1, v);					\
}									\
static __always_inline bool pfx##_dec_and_test(atype *v)		\
{									\
	return pfx##_sub_return(1, v) == 0;				\
}									\
static __always_inline bool pfx##_inc_and_test(atype *v)		\
{									\
	return pfx##_add_return(1, v) == 0;				\
}									\
static __always_inline bool pfx##_sub_and_test(type i, atype *v)	\
{									\
	return pfx##_sub_return(i, v) == 0;				\
}									\
static __always_inline type pfx##_xchg(atype *v, type i)		\
{									\
	return xchg(&v->counter, i);					\
}									\
static __always_inline type pfx##_cmpxchg(atype *v, type old, type new)	\
{									\
	return cmpxchg(&v->counter, old, new);				\
}									\
static __always_inline bool pfx##_try_cmpxchg(atype *v, type *old, type new) \
{									\
	return try_cmpxchg(&v->counter, old, new);			\
}									\
/* Adds a unless the value is u.  Returns whether it added. */		\
static __always_inline bool pfx##_add_unless(atype *v, type a, type u)	\
{									\
	type c = pfx##_read(v);						\
									\
	do {								\
		if (c == u)						\
			return false;					\
	} while (!try_cmpxchg(&v->counter, &c, c + a));			\
	return true;							\
}									\
static __always_inline bool pfx##_inc_not_zero(atype *v)		\
{									\
	return pfx##_add_unless(v, 1, 0);				\
}									\
/* Decrements unless that would go below 0.  Returns old value - 1. */	\
static __always_inline type pfx##_dec_if_positive(atype *v)		\
{									\
	type c = pfx##_read(v);						\
									\
	do {								\
		if (c <= 0)						\
			break;						\
	} while (!try_cmpxchg(&v->counter, &c, c - 1));			\
	return c - 1;							\
}

__ATOMIC_FAMILY(atomic, atomic_t, int)
__ATOMIC_FAMILY(atomic64, atomic64_t, s64)

/*
 * Atomic bits in maps of unsigned long; n may be beyond the first word.
 * set_bit, clear_bit: A2.  The test_and_ ones: A1.
 */
static __always_inline void set_bit(u64 n, unsigned long *map)
{
	sched_point(SP_ATOMIC);
	__atomic_fetch_or(&map[n / 64], BIT(n % 64), __ATOMIC_RELAXED);
}

static __always_inline void clear_bit(u64 n, unsigned long *map)
{
	sched_point(SP_ATOMIC);
	__atomic_fetch_and(&map[n / 64], ~BIT(n % 64), __ATOMIC_RELAXED);
}

static __always_inline void change_bit(u64 n, unsigned long *map)
{
	sched_point(SP_ATOMIC);
	__atomic_fetch_xor(&map[n / 64], BIT(n % 64), __ATOMIC_RELAXED);
}

static __always_inline bool test_bit(u64 n, const unsigned long *map)
{
	return __atomic_load_n(&map[n / 64], __ATOMIC_RELAXED) >> (n % 64) & 1;
}

static __always_inline bool test_and_set_bit(u64 n, unsigned long *map)
{
	sched_point(SP_ATOMIC);
	return __atomic_fetch_or(&map[n / 64], BIT(n % 64),
				 __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}

static __always_inline bool test_and_clear_bit(u64 n, unsigned long *map)
{
	sched_point(SP_ATOMIC);
	return __atomic_fetch_and(&map[n / 64], ~BIT(n % 64),
				  __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}

/* Acquire / release forms, for bits that are locks. */
static __always_inline bool test_and_set_bit_lock(u64 n, unsigned long *map)
{
	sched_point(SP_ATOMIC);
	return __atomic_fetch_or(&map[n / 64], BIT(n % 64),
				 __ATOMIC_ACQUIRE) >> (n % 64) & 1;
}

static __always_inline void clear_bit_unlock(u64 n, unsigned long *map)
{
	sched_point(SP_ATOMIC);
	__atomic_fetch_and(&map[n / 64], ~BIT(n % 64), __ATOMIC_RELEASE);
}

/* The same without atomicity: the caller excludes all other writers. */
static __always_inline void __set_bit(u64 n, unsigned long *map)
{
	map[n / 64] |= BIT(n % 64);
}

static __always_inline void __clear_bit(u64 n, unsigned long *map)
{
	map[n / 64] &= ~BIT(n % 64);
}

#endif
