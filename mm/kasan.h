/* SPDX-License-Identifier: MIT */
/*
 * KASAN=1 builds: a shadow byte for each 8 bytes of memory says how much of
 * them may be touched, and every access of instrumented code is checked.
 * In other builds all of this is nothing.  Any context, no locks but the
 * quarantine's.
 */
#ifndef MM_KASAN_H
#define MM_KASAN_H

#include "kernel/config.h"
#include "lib/types.h"

/* Shadow bytes: 0 all eight, 1..7 the first so many, else none and why not. */
enum kasan_shadow {
	KASAN_FREE_PAGE		= 0xff,
	KASAN_PAGE_REDZONE	= 0xfe,
	KASAN_SLAB_REDZONE	= 0xfc,
	KASAN_SLAB_FREE		= 0xfb,
	KASAN_GLOBAL_REDZONE	= 0xf9,
};

/* Between two objects of a slab. */
#define KASAN_REDZONE	(CONFIG_KASAN ? 32UL : 0UL)

struct kmem_cache;

void __kasan_poison(const void *addr, u64 len, u8 value);
void __kasan_unpoison(const void *addr, u64 len);
bool __kasan_bad_free(const void *obj, u64 ip);
bool __kasan_quarantine(struct kmem_cache *c, void *obj);
void __kasan_init(void);
void __kasan_drain(void);
void __kasan_check(const void *addr, u64 size, bool write, u64 ip);

/* [addr, addr + len) may not be touched; addr and the end on 8 bytes. */
static inline void kasan_poison(const void *addr, u64 len, u8 value)
{
	if (CONFIG_KASAN)
		__kasan_poison(addr, len, value);
}

/* The first len bytes may be touched, and what is left of the last eight not */
static inline void kasan_unpoison(const void *addr, u64 len)
{
	if (CONFIG_KASAN)
		__kasan_unpoison(addr, len);
}

/* True, and reported: obj is free already, or not the start of an object. */
static inline bool kasan_bad_free(const void *obj)
{
	return CONFIG_KASAN &&
	       __kasan_bad_free(obj, (u64)__builtin_return_address(0));
}

/*
 * True: obj, freed to c, is kept for a while; slab_free_now(c, obj) later.
 */
static inline bool kasan_quarantine(struct kmem_cache *c, void *obj)
{
	return CONFIG_KASAN && __kasan_quarantine(c, obj);
}

/* Boot, once all of RAM is mapped and in the allocator. */
static inline void kasan_init(void)
{
	if (CONFIG_KASAN)
		__kasan_init();
}

/* Empties the quarantine. */
static inline void kasan_drain(void)
{
	if (CONFIG_KASAN)
		__kasan_drain();
}

/* For string instructions, which the compiler does not see. */
static inline void kasan_check_write(const void *addr, u64 size)
{
	if (CONFIG_KASAN)
		__kasan_check(addr, size, true,
			      (u64)__builtin_return_address(0));
}
static inline void kasan_check_read(const void *addr, u64 size)
{
	if (CONFIG_KASAN)
		__kasan_check(addr, size, false,
			      (u64)__builtin_return_address(0));
}

/* Reports that nobody expected, since boot. */
u64 kasan_count(void);
/*
 * Tests: between the two, what the current thread does outside interrupts is
 * counted, not reported.  One thread at a time.
 */
struct kasan_seen {
	u32 count;
	const char *what;		/* of the last one */
	u64 addr, size;
	bool write;
};
void kasan_expect_begin(void);
struct kasan_seen kasan_expect_end(void);
/*
 * Around a bug that is switched on: the same for every thread.  The second
 * gives what was seen; 0 in builds that do not look.
 */
void __kasan_expect_all(void);
static inline void kasan_expect_all(void)
{
	if (CONFIG_KASAN)
		__kasan_expect_all();
}
static inline u32 kasan_expect_all_end(void)
{
	return CONFIG_KASAN ? kasan_expect_end().count : 0;
}

#endif
