/* SPDX-License-Identifier: MIT */
/*
 * KASAN: is this memory anybody's?  Part of the image with KASAN=1 only.
 *
 * One shadow byte for 8 bytes of the direct map and of the image (kasan.h says
 * what its values mean), at (address >> 3) + SHADOW_OFFSET.  The compiler calls
 * __asan_loadN and __asan_storeN before each access of instrumented code; they
 * look at the shadow.  Everything else has no shadow and is not checked:
 * vmalloc areas and stacks have guard pages, locals have nothing.
 *
 * Z1  Frames: KASAN_FREE_PAGE from free_pages() to alloc_pages().
 * Z2  Objects: KASAN_SLAB_FREE from kmem_cache_free() to kmem_cache_alloc(),
 *     KASAN_SLAB_REDZONE around them, up to the byte that was asked for.
 *     Objects of SLAB_TYPESAFE_BY_RCU caches may be read when free.
 * Z3  Globals: KASAN_GLOBAL_REDZONE behind each, by the constructors that the
 *     compiler emits.
 * Z4  A freed object waits in the quarantine, first in, first out, while that
 *     holds no more than its limit: a stale pointer does not find the next
 *     owner's data there.  Frames do not wait.
 * Z5  Nothing is checked before __kasan_init(), and nothing of a report.
 *
 * Holes between RAM ranges share one shadow page of zeros, read-only.
 * Lock: quarantine_lock, alone.  Tests: tests/kt/kt_kasan.c
 */
#include "mm/kasan.h"
#include "arch/kasan.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/err.h"
#include "mm/kasan_impl.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/slab_def.h"

#define SCALE		8UL
#define FRAMES_A_PAGE	(PAGE_SIZE * SCALE / PAGE_SIZE)	/* of shadow */
#define MAX_COVERED	(64UL << 30)
#define QUARANTINE_MAX	(1UL << 20)

extern char _text[], _end[];
extern void (*const __ctors_start[])(void), (*const __ctors_end[])(void);

static bool enabled;
static u64 direct_bytes, image_bytes;

static DEFINE_SPINLOCK(quarantine_lock, LOCK_SLAB_CPU);
static void *oldest, *newest;		/* quarantine_lock, as the next */
static u64 kept;

/*
 * The shadow.
 */
bool kasan_covers(u64 addr)
{
	return enabled && (addr - PAGE_OFFSET < direct_bytes ||
			   addr - (u64)_text < image_bytes);
}

void __kasan_poison(const void *addr, u64 len, u8 value)
{
	u8 *s = kasan_shadow((u64)addr);

	if (!kasan_covers((u64)addr))
		return;
	for (u64 n = ALIGN(len, SCALE) / SCALE; n; n--)
		*s++ = value;
}

void __kasan_unpoison(const void *addr, u64 len)
{
	__kasan_poison(addr, len & ~(SCALE - 1), 0);
	if (len % SCALE && kasan_covers((u64)addr))
		*kasan_shadow((u64)addr + len) = (u8)(len % SCALE);
}

/* The first byte of [addr, addr + size) that may not be touched, or 0. */
static u64 first_bad(u64 addr, u64 size)
{
	u64 end = addr + size;

	while (addr < end) {
		u8 s = *kasan_shadow(addr);
		u64 cell = addr & ~(SCALE - 1);

		if (s && (s8)s < (s8)(min(end - cell, SCALE)))
			return max(addr, s < SCALE ? cell + s : cell);
		addr = cell + SCALE;
	}
	return 0;
}

static __always_inline void check(u64 addr, u64 size, bool write, u64 ip)
{
	u64 bad;

	if (likely(!kasan_covers(addr) || !size))
		return;
	if (likely(!*kasan_shadow(addr) && addr % SCALE + size <= SCALE))
		return;
	bad = first_bad(addr, size);
	if (unlikely(bad))
		kasan_report(&(struct kasan_access){ addr, size, bad, ip,
						     write });
}

void __kasan_check(const void *addr, u64 size, bool write, u64 ip)
{
	check((u64)addr, size, write, ip);
}

/*
 * What the compiler and the linker call.
 */
#define CALLER	((u64)__builtin_return_address(0))

#define SIZED(n)							\
	void __asan_load##n##_noabort(u64 addr);			\
	void __asan_store##n##_noabort(u64 addr);			\
	void __asan_load##n##_noabort(u64 addr)				\
	{								\
		check(addr, n, false, CALLER);				\
	}								\
	void __asan_store##n##_noabort(u64 addr)			\
	{								\
		check(addr, n, true, CALLER);				\
	}
SIZED(1) SIZED(2) SIZED(4) SIZED(8) SIZED(16)

void __asan_loadN_noabort(u64 addr, u64 size);
void __asan_loadN_noabort(u64 addr, u64 size)
{
	check(addr, size, false, CALLER);
}

void __asan_storeN_noabort(u64 addr, u64 size);
void __asan_storeN_noabort(u64 addr, u64 size)
{
	check(addr, size, true, CALLER);
}

/* Of interest to checked stacks only. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}

/* The compiler's description of a global; gcc 12. */
struct global {
	const void *start;
	u64 size, size_with_redzone;
	const char *name, *file;
	u64 dynamic_init, location, odr_indicator;
};

void __asan_register_globals(struct global *g, u64 n);
void __asan_register_globals(struct global *g, u64 n)
{
	for (; n--; g++) {
		__kasan_poison(g->start, g->size_with_redzone,
			       KASAN_GLOBAL_REDZONE);
		__kasan_unpoison(g->start, g->size);
	}
}

void __asan_unregister_globals(struct global *g, u64 n);
void __asan_unregister_globals(struct global *g, u64 n)
{
	(void)g;
	(void)n;
}

void *__real_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n)
{
	check((u64)from, n, false, CALLER);
	check((u64)to, n, true, CALLER);
	return __real_memcpy(to, from, n);
}

void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n)
{
	check((u64)from, n, false, CALLER);
	check((u64)to, n, true, CALLER);
	return __real_memmove(to, from, n);
}

void *__real_memset(void *to, int c, size_t n);
void *__wrap_memset(void *to, int c, size_t n);
void *__wrap_memset(void *to, int c, size_t n)
{
	check((u64)to, n, true, CALLER);
	return __real_memset(to, c, n);
}

int __real_memcmp(const void *a, const void *b, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n)
{
	check((u64)a, n, false, CALLER);
	check((u64)b, n, false, CALLER);
	return __real_memcmp(a, b, n);
}

/* arch/kasan.h */
void upcall_kasan_check(const void *addr, u64 size, int write)
{
	check((u64)addr, size, write, CALLER);
}

/*
 * Free objects (Z4).
 */
bool __kasan_bad_free(const void *obj, u64 ip)
{
	struct page *p = virt_to_page(obj);
	struct kmem_cache *c = NULL;
	u32 i;

	if (!kasan_covers((u64)obj))
		return false;
	if (!page_test(p, PG_slab) || (u64)obj >= KERNEL_VMA ||
	    (slab_find_object(obj, &c, &i) != obj &&
	     (c || obj != page_address(p)))) {
		kasan_report_free("invalid free", obj, ip);
		return true;
	}
	if (!c || READ_ONCE(slab_owner(c, slab_of(obj), i)->inuse))
		return false;
	kasan_report_free("double free", obj, ip);
	return true;
}

static void **next_of(void *obj)
{
	return (void **)((char *)obj + slab_of(obj)->cache->link);
}

/* The oldest ones until no more than `limit` bytes are kept, chained. */
static void *take_oldest(u64 limit)
{
	void *first, *last = NULL;

	spin_lock(&quarantine_lock);
	first = oldest;
	while (oldest && kept > limit) {
		last = oldest;
		oldest = *next_of(last);
		kept -= slab_of(last)->cache->stride;
	}
	if (last)
		*next_of(last) = NULL;
	spin_unlock(&quarantine_lock);
	return last ? first : NULL;
}

static void release_oldest(u64 limit)
{
	void *obj = take_oldest(limit), *next;

	for (; obj; obj = next) {
		next = *next_of(obj);
		slab_free_now(slab_of(obj)->cache, obj);
	}
}

bool __kasan_quarantine(struct kmem_cache *c, void *obj)
{
	if (!enabled || c->flags & SLAB_TYPESAFE_BY_RCU)
		return false;
	spin_lock(&quarantine_lock);
	*next_of(obj) = NULL;
	if (oldest)
		*next_of(newest) = obj;
	else
		oldest = obj;
	newest = obj;
	kept += c->stride;
	spin_unlock(&quarantine_lock);
	if (READ_ONCE(kept) > QUARANTINE_MAX)
		release_oldest(QUARANTINE_MAX / 2);
	return true;
}

void __kasan_drain(void)
{
	release_oldest(0);
}

/*
 * Boot.
 */
static void map_shadow(u64 at, struct page *p, u64 len, u64 prot)
{
	const struct pt_mapping map = { at, page_to_phys(p), len, prot, 2 };

	if (!p || pgtable_map(&init_mm.pgt, &map))
		panic("too little memory: none for the shadow of all the rest");
}

static struct page *shadow_pages(u32 order)
{
	return alloc_pages(order, ALLOC_FROZEN | ALLOC_ZERO);
}

static bool all_valid(pfn_t pfn, u64 n)
{
	for (u64 i = 0; i < n; i += FRAMES_A_PAGE)
		if (!pfn_valid(pfn + i))
			return false;
	return true;
}

static void map_direct_shadow(struct page *zeros)
{
	pfn_t end = min(max_pfn, MAX_COVERED >> PAGE_SHIFT);
	u64 large = pt_size(2) / PAGE_SIZE * FRAMES_A_PAGE;

	for (pfn_t pfn = 0; pfn < end;) {
		u64 at = (u64)kasan_shadow((u64)phys_to_virt(pfn << PAGE_SHIFT));

		if (pfn % large == 0 && pfn + large <= end &&
		    all_valid(pfn, large)) {
			map_shadow(at, shadow_pages(9), pt_size(2), KPROT_RW);
			pfn += large;
			continue;
		}
		if (pfn_valid(pfn))
			map_shadow(at, shadow_pages(0), PAGE_SIZE, KPROT_RW);
		else
			map_shadow(at, zeros, PAGE_SIZE, KPROT_RO);
		pfn += FRAMES_A_PAGE;
	}
	direct_bytes = end << PAGE_SHIFT;
}

static void map_image_shadow(void)
{
	u64 at = (u64)kasan_shadow((u64)_text) & PAGE_MASK;

	for (; at < (u64)kasan_shadow((u64)_end) + 1; at += PAGE_SIZE)
		map_shadow(at, shadow_pages(0), PAGE_SIZE, KPROT_RW);
	image_bytes = (u64)(_end - _text);
}

void __kasan_init(void)
{
	struct page *zeros = shadow_pages(0);

	map_direct_shadow(zeros);
	map_image_shadow();
	WRITE_ONCE(enabled, true);
	for (pfn_t pfn = 0; pfn < direct_bytes >> PAGE_SHIFT; pfn++)
		if (pfn_valid(pfn) && page_is_free(pfn_to_page(pfn)))
			__kasan_poison(page_address(pfn_to_page(pfn)),
				       PAGE_SIZE, KASAN_FREE_PAGE);
	for (void (*const *fn)(void) = __ctors_start; fn < __ctors_end; fn++)
		(*fn)();
	pr_info("kasan: %llu MiB of RAM and the image are checked\n",
		direct_bytes >> 20);
}
