/* SPDX-License-Identifier: MIT */
/*
 * xorshift64*: a small, fast, repeatable generator for tests and hashes.
 * Never for secrets.  The state is the caller's.
 */
#ifndef LIB_PRNG_H
#define LIB_PRNG_H

#include "lib/types.h"

struct prng {
	u64 state;		/* never 0 */
};

/* Spreads the seed (splitmix64), so that seeds 1, 2, 3 differ at once. */
static inline void prng_seed(struct prng *p, u64 seed)
{
	u64 z = seed + 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	z ^= z >> 31;
	p->state = z ? z : 1;
}

static inline u64 prng_u64(struct prng *p)
{
	u64 x = p->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	p->state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

static inline u32 prng_u32(struct prng *p)
{
	return (u32)(prng_u64(p) >> 32);
}

/* Uniform enough in [0, n); n > 0. */
static inline u64 prng_below(struct prng *p, u64 n)
{
	return prng_u64(p) % n;
}

#endif
