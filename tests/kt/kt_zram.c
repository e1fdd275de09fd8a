/* SPDX-License-Identifier: MIT */
/* mm/zram.c, zpool.c: objects of all sizes side by side. */
#include "lib/prng.h"
#include "mm/slab.h"
#include "mm/zpool.h"
#include "tests/kt/kt_swap.h"
#include "tests/kt/kt_util.h"

/* Page n: so many random bytes, then zeros; eight pages have the same. */
static void make_page(u8 *page, u32 n)
{
	u32 noise = n / 8 * 130;
	struct prng r;

	prng_seed(&r, n);
	memset(page, 0, PAGE_SIZE);
	for (u32 i = 0; i < noise && i < PAGE_SIZE; i++)
		page[i] = (u8)prng_u64(&r);
	page[PAGE_SIZE - 1] = (u8)n;
}

KTEST(zram, neighbours_of_all_sizes)
{
	const u32 nr = 256;
	struct mm_struct *mm = mm_alloc();
	u8 *page = kmalloc(PAGE_SIZE), *back = kmalloc(PAGE_SIZE);

	KT_ASSERT(t, mm && page && back && nr_swap_total());
	KT_ASSERT(t, kt_map(mm, 0, nr * PAGE_SIZE, PROT_RW) > 0);
	for (u32 n = 0; n < nr; n++) {
		make_page(page, n);
		KT_EQ(t, copy_to_mm(mm, KT_BASE + n * PAGE_SIZE, page,
				    PAGE_SIZE), 0);
	}
	KT_EQ(t, kt_pageout(mm, KT_BASE, nr * PAGE_SIZE), nr);
	for (u32 n = 0; n < nr; n++) {
		make_page(page, n);
		KT_EQ(t, copy_from_mm(mm, back, KT_BASE + n * PAGE_SIZE,
				      PAGE_SIZE), 0);
		KT_EXPECT(t, !memcmp(page, back, PAGE_SIZE));
	}
	kfree(page);
	kfree(back);
	mmput(mm);
}

KTEST(zram, pool_gives_frames_back)
{
	u64 before = zpool_pages();
	void *obj[40];

	for (u32 len = 8; len <= ZPOOL_MAX_OBJECT; len += 511) {
		for (u32 i = 0; i < 40; i++) {
			obj[i] = zpool_alloc(len);
			KT_ASSERT(t, obj[i]);
			memset(obj[i], (int)i, len);
		}
		for (u32 i = 0; i < 40; i++)
			KT_EXPECT(t, ((u8 *)obj[i])[len - 1] == i &&
				     ((u8 *)obj[i])[0] == i);
		for (u32 i = 0; i < 40; i++)
			zpool_free(obj[i], len);
		KT_EQ(t, zpool_pages(), before);
	}
}
