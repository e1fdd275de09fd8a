/* SPDX-License-Identifier: MIT */
/*
 * Bad accesses on purpose: each kind must be seen, and what is allowed must
 * not.  Part of the image with KASAN=1 only.  Reads only where a write would
 * hurt somebody.
 */
#include "arch/uaccess.h"
#include "kernel/ktest.h"
#include "lib/string.h"
#include "mm/kasan.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "tests/kt/kt_util.h"

static volatile u8 sink;

static bool saw(struct kt *t, const char *what, bool write)
{
	struct kasan_seen s = kasan_expect_end();

	KT_EQ(t, s.count, 1);
	if (s.count)
		KT_EXPECT(t, !strcmp(s.what, what));
	return KT_EQ(t, s.write, write);
}

KTEST(kasan, slab_use_after_free)
{
	volatile u8 *p = kmalloc(40);

	KT_ASSERT(t, p);
	kfree((void *)p);
	kasan_expect_begin();
	sink = p[39];
	saw(t, "use after free", false);
	kasan_expect_begin();
	p[8] = 0x6b;			/* the poison that is there */
	saw(t, "use after free", true);
}

KTEST(kasan, page_use_after_free)
{
	struct page *page = alloc_page(ALLOC_FROZEN);
	volatile u64 *p;

	KT_ASSERT(t, page);
	p = page_address(page);
	p[511] = 1;
	free_page(page);
	kasan_expect_begin();
	sink = (u8)p[511];
	saw(t, "use after free of a page", false);
}

KTEST(kasan, slab_right)
{
	volatile u8 *p = kmalloc(13), *q = kmalloc(64);

	KT_ASSERT(t, p && q);
	kasan_expect_begin();
	p[0] = 1;
	p[12] = 1;
	q[63] = 1;
	KT_EQ(t, kasan_expect_end().count, 0);
	kasan_expect_begin();
	p[13] = 1;
	saw(t, "out of bounds", true);
	kasan_expect_begin();
	sink = q[64];
	saw(t, "out of bounds", false);
	kfree((void *)p);
	kfree((void *)q);
}

/* Of any object but the first of its slab. */
KTEST(kasan, slab_left)
{
	volatile u8 *p[2] = { kmalloc(64), kmalloc(64) }, *at;

	KT_ASSERT(t, p[0] && p[1]);
	at = (u64)p[0] % PAGE_SIZE ? p[0] : p[1];
	kasan_expect_begin();
	sink = at[-1];
	saw(t, "out of bounds", false);
	kfree((void *)p[0]);
	kfree((void *)p[1]);
}

KTEST(kasan, large_block)
{
	volatile u8 *p = kmalloc(3 * PAGE_SIZE + 5);

	KT_ASSERT(t, p);
	kasan_expect_begin();
	p[3 * PAGE_SIZE + 4] = 1;
	KT_EQ(t, kasan_expect_end().count, 0);
	kasan_expect_begin();
	p[3 * PAGE_SIZE + 5] = 1;
	saw(t, "out of bounds", true);
	kfree((void *)p);
}

KTEST(kasan, double_free)
{
	u64 before = slab_objects_inuse();
	void *p = kmalloc(100);

	KT_ASSERT(t, p);
	kfree(p);
	kasan_expect_begin();
	kfree(p);
	saw(t, "double free", false);
	KT_EQ(t, slab_objects_inuse(), before);
}

KTEST(kasan, invalid_free)
{
	struct page *page = alloc_page(ALLOC_FROZEN);
	u8 *p = kmalloc(100);

	KT_ASSERT(t, p && page);
	kasan_expect_begin();
	kfree(p + 8);
	saw(t, "invalid free", false);
	kasan_expect_begin();
	kfree(page_address(page));
	saw(t, "invalid free", false);
	kfree(p);
	free_page(page);
}

static volatile u8 global[13];

KTEST(kasan, global)
{
	volatile u32 at = 12;

	kasan_expect_begin();
	sink = global[at];
	KT_EQ(t, kasan_expect_end().count, 0);
	at = 13;
	kasan_expect_begin();
	sink = global[at];
	saw(t, "out of bounds of a global", false);
}

KTEST(kasan, copies)
{
	volatile size_t n = 14;
	u8 *p = kzalloc(13), to[16];

	KT_ASSERT(t, p);
	kasan_expect_begin();
	memcpy(to, p, n - 1);
	KT_EQ(t, kasan_expect_end().count, 0);
	kasan_expect_begin();
	memcpy(to, p, n);
	saw(t, "out of bounds", false);
	kasan_expect_begin();
	memset(p, 0, n);
	saw(t, "out of bounds", true);
	kfree(p);
}

/* The kernel's side of a user copy, which is assembler. */
KTEST(kasan, user_copy)
{
	u8 *p = kzalloc(32);

	KT_ASSERT(t, p);
	kasan_expect_begin();
	KT_EXPECT(t, copy_from_user_keep(p, MMAP_MIN_ADDR, 32) == 32);
	KT_EQ(t, kasan_expect_end().count, 0);
	kasan_expect_begin();
	KT_EXPECT(t, copy_from_user_keep(p, MMAP_MIN_ADDR, 33) == 33);
	saw(t, "out of bounds", true);
	kasan_expect_begin();
	KT_EXPECT(t, copy_to_user(MMAP_MIN_ADDR, p, 33) == 33);
	saw(t, "out of bounds", false);
	kfree(p);
}

/* Z4: what was freed is not handed out again at once. */
KTEST(kasan, quarantine)
{
	void *p = kmalloc(96), *q;

	kfree(p);
	q = kmalloc(96);
	KT_EXPECT(t, p && q && p != q);
	kfree(q);
}

/* Unaligned and across two cells, all inside. */
KTEST(kasan, quiet)
{
	u64 before = kasan_count();
	u8 *p = kmalloc(24);

	KT_ASSERT(t, p);
	kasan_expect_begin();
	*(volatile u64 *)(void *)(p + 5) = 1;
	*(volatile u32 *)(void *)(p + 20) = 1;
	KT_EQ(t, kasan_expect_end().count, 0);
	kasan_expect_begin();
	sink = (u8)*(volatile u32 *)(void *)(p + 21);
	KT_EQ(t, kasan_expect_end().count, 1);
	kfree(p);
	KT_EQ(t, kasan_count(), before);
}

/* Boot and all tests before this one. */
KTEST(kasan, none_yet)
{
	KT_EQ(t, kasan_count(), 0);
}
