/* SPDX-License-Identifier: MIT */
/*
 * Bit maps in arrays of unsigned long, and sets of CPUs made of them.
 *
 * B1. Bits at and above a map's size never influence a result.
 * B2. Only set_bit/clear_bit and cpumask_set_cpu/clear_cpu/test_and_* are
 *     atomic; whole-map operations read and write word by word, so a
 *     concurrent atomic change of one bit is seen or not, never torn.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/atomic.h"
#include "lib/limits.h"

#define BITS_TO_LONGS(n)	DIV_ROUND_UP(n, BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits)	unsigned long name[BITS_TO_LONGS(bits)]

/* The index of the first 1 (flip: 0) at or after from; size if none. */
static inline u64 __find_next(const unsigned long *map, u64 size, u64 from,
			      unsigned long flip)
{
	u64 i = from / BITS_PER_LONG;
	unsigned long w;

	if (from >= size)
		return size;
	w = (READ_ONCE(map[i]) ^ flip) & (~0UL << (from % BITS_PER_LONG));
	while (!w) {
		if (++i * BITS_PER_LONG >= size)
			return size;
		w = READ_ONCE(map[i]) ^ flip;
	}
	return min_t(u64, i * BITS_PER_LONG + (u64)__builtin_ctzl(w), size);
}

static inline u64 find_next_bit(const unsigned long *map, u64 size, u64 from)
{
	return __find_next(map, size, from, 0);
}

static inline u64 find_next_zero_bit(const unsigned long *map, u64 size,
				     u64 from)
{
	return __find_next(map, size, from, ~0UL);
}

static inline u64 find_first_bit(const unsigned long *map, u64 size)
{
	return __find_next(map, size, 0, 0);
}

static inline u64 find_first_zero_bit(const unsigned long *map, u64 size)
{
	return __find_next(map, size, 0, ~0UL);
}

#define for_each_set_bit(bit, map, size)				\
	for ((bit) = find_first_bit(map, size); (bit) < (size);		\
	     (bit) = find_next_bit(map, size, (bit) + 1))

/* The bits of word i that belong to a map of `bits`. */
static inline unsigned long __bitmap_mask(u64 i, u64 bits)
{
	u64 left = bits - i * BITS_PER_LONG;

	return left >= BITS_PER_LONG ? ~0UL : BIT(left) - 1;
}

static inline void bitmap_zero(unsigned long *map, u64 bits)
{
	for (u64 i = 0; i < BITS_TO_LONGS(bits); i++)
		map[i] = 0;
}

/* Bits beyond the size are cleared. */
static inline void bitmap_fill(unsigned long *map, u64 bits)
{
	for (u64 i = 0; i < BITS_TO_LONGS(bits); i++)
		map[i] = __bitmap_mask(i, bits);
}

static inline void bitmap_copy(unsigned long *dst, const unsigned long *src,
			       u64 bits)
{
	for (u64 i = 0; i < BITS_TO_LONGS(bits); i++)
		dst[i] = READ_ONCE(src[i]);
}

static inline void bitmap_and(unsigned long *dst, const unsigned long *a,
			      const unsigned long *b, u64 bits)
{
	for (u64 i = 0; i < BITS_TO_LONGS(bits); i++)
		dst[i] = READ_ONCE(a[i]) & READ_ONCE(b[i]);
}

static inline void bitmap_or(unsigned long *dst, const unsigned long *a,
			     const unsigned long *b, u64 bits)
{
	for (u64 i = 0; i < BITS_TO_LONGS(bits); i++)
		dst[i] = READ_ONCE(a[i]) | READ_ONCE(b[i]);
}

static inline void bitmap_andnot(unsigned long *dst, const unsigned long *a,
				 const unsigned long *b, u64 bits)
{
	for (u64 i = 0; i < BITS_TO_LONGS(bits); i++)
		dst[i] = READ_ONCE(a[i]) & ~READ_ONCE(b[i]);
}

static inline bool bitmap_empty(const unsigned long *map, u64 bits)
{
	return find_first_bit(map, bits) == bits;
}

static inline bool bitmap_full(const unsigned long *map, u64 bits)
{
	return find_first_zero_bit(map, bits) == bits;
}

/*
 * Bits set in a word, summed in parallel.  Not the compiler's builtin: without
 * the POPCNT instruction that calls a library we do not link.
 */
static inline u32 hweight64(u64 w)
{
	w -= w >> 1 & 0x5555555555555555ULL;
	w = (w & 0x3333333333333333ULL) + (w >> 2 & 0x3333333333333333ULL);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (u32)(w * 0x0101010101010101ULL >> 56);
}

static inline u32 bitmap_weight(const unsigned long *map, u64 bits)
{
	u32 n = 0;

	for (u64 i = 0; i < BITS_TO_LONGS(bits); i++)
		n += hweight64(READ_ONCE(map[i]) & __bitmap_mask(i, bits));
	return n;
}

/* Not atomic.  Sets or clears [start, start + n). */
static inline void bitmap_set(unsigned long *map, u64 start, u64 n)
{
	for (u64 i = start; i < start + n; i++)
		__set_bit(i, map);
}

static inline void bitmap_clear(unsigned long *map, u64 start, u64 n)
{
	for (u64 i = start; i < start + n; i++)
		__clear_bit(i, map);
}

struct cpumask {
	DECLARE_BITMAP(bits, NR_CPUS);
};

#define CPUMASK_NONE	((struct cpumask){ { 0 } })

static inline void cpumask_set_cpu(u32 cpu, struct cpumask *m)
{
	set_bit(cpu, m->bits);
}

static inline void cpumask_clear_cpu(u32 cpu, struct cpumask *m)
{
	clear_bit(cpu, m->bits);
}

static inline bool cpumask_test_cpu(u32 cpu, const struct cpumask *m)
{
	return test_bit(cpu, m->bits);
}

static inline bool cpumask_test_and_set_cpu(u32 cpu, struct cpumask *m)
{
	return test_and_set_bit(cpu, m->bits);
}

static inline bool cpumask_test_and_clear_cpu(u32 cpu, struct cpumask *m)
{
	return test_and_clear_bit(cpu, m->bits);
}

static inline void cpumask_clear(struct cpumask *m)
{
	bitmap_zero(m->bits, NR_CPUS);
}

static inline void cpumask_setall(struct cpumask *m)
{
	bitmap_fill(m->bits, NR_CPUS);
}

static inline void cpumask_copy(struct cpumask *dst, const struct cpumask *src)
{
	bitmap_copy(dst->bits, src->bits, NR_CPUS);
}

static inline void cpumask_and(struct cpumask *dst, const struct cpumask *a,
			       const struct cpumask *b)
{
	bitmap_and(dst->bits, a->bits, b->bits, NR_CPUS);
}

static inline void cpumask_or(struct cpumask *dst, const struct cpumask *a,
			      const struct cpumask *b)
{
	bitmap_or(dst->bits, a->bits, b->bits, NR_CPUS);
}

static inline void cpumask_andnot(struct cpumask *dst,
				  const struct cpumask *a,
				  const struct cpumask *b)
{
	bitmap_andnot(dst->bits, a->bits, b->bits, NR_CPUS);
}

static inline bool cpumask_empty(const struct cpumask *m)
{
	return bitmap_empty(m->bits, NR_CPUS);
}

static inline u32 cpumask_weight(const struct cpumask *m)
{
	return bitmap_weight(m->bits, NR_CPUS);
}

/* The first CPU of m; NR_CPUS if it is empty. */
static inline u32 cpumask_first(const struct cpumask *m)
{
	return (u32)find_first_bit(m->bits, NR_CPUS);
}

/* The first CPU of m above cpu; NR_CPUS if there is none. */
static inline u32 cpumask_next(u32 cpu, const struct cpumask *m)
{
	return (u32)find_next_bit(m->bits, NR_CPUS, (u64)cpu + 1);
}

#define for_each_cpu(cpu, mask)						\
	for ((cpu) = cpumask_first(mask); (cpu) < NR_CPUS;		\
	     (cpu) = cpumask_next(cpu, mask))

#endif
