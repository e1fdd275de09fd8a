/* SPDX-License-Identifier: MIT */
/* Who allocated and who freed: kernel/stackdepot.c, mm/page_owner.c. */
#include "kernel/ktest.h"
#include "kernel/panic.h"
#include "kernel/stackdepot.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/page_owner.h"
#include "mm/slab_def.h"

static noinline struct page *owner_takes_page(void)
{
	struct page *p = alloc_page(ALLOC_FROZEN);

	barrier();			/* no tail call: it must be in the trace */
	return p;
}

static noinline void owner_gives_page(struct page *p)
{
	free_page(p);
	barrier();
}

static noinline void *owner_takes_object(u64 size)
{
	void *p = kmalloc(size);

	barrier();
	return p;
}

static noinline void owner_gives_object(void *p)
{
	kfree(p);
	barrier();
}

static bool names(u32 trace, const char *function)
{
	char name[96];
	u64 ret;

	for (u32 i = 0; (ret = stackdepot_frame(trace, i)); i++) {
		ksym_format(ret - 1, name, sizeof(name));
		if (!strncmp(name, function, strlen(function)))
			return true;
	}
	return false;
}

KTEST_FLAGS(owner, same_trace_once, KTF_LAB_ONLY)
{
	u32 handle[3], before;

	for (u32 i = 0; i < 3; i++) {
		before = stackdepot_count();
		handle[i] = stackdepot_save(__builtin_frame_address(0));
	}
	KT_EXPECT(t, handle[0]);
	KT_EQ(t, handle[1], handle[0]);
	KT_EQ(t, handle[2], handle[0]);
	KT_EQ(t, stackdepot_count(), before);
	KT_EQ(t, stackdepot_frame(0, 0), 0);
}

/* D2: a frame pointer that leads out of the stack is not followed. */
KTEST_FLAGS(owner, wild_frame, KTF_LAB_ONLY)
{
	const u64 end = (u64)current()->stack + CONFIG_STACK_PAGES * PAGE_SIZE;
	const u64 wild[] = { 0, 8, PAGE_OFFSET, end - 8, end, ~0UL - 7 };

	for (u32 i = 0; i < ARRAY_SIZE(wild); i++) {
		u64 fake[2] = { wild[i], (u64)&stackdepot_save + 1 };
		u32 handle = stackdepot_save(fake);

		KT_EQ(t, stackdepot_frame(handle, 0), fake[1]);
		KT_EQ(t, stackdepot_frame(handle, 1), 0);
	}
}

KTEST_FLAGS(owner, page, KTF_LAB_ONLY)
{
	struct page *p = owner_takes_page();

	KT_ASSERT(t, p);
	KT_EXPECT(t, names(page_owner_alloc_trace(p), "owner_takes_page"));
	KT_EXPECT(t, !strcmp(page_kind_name(p), "kernel"));
	owner_gives_page(p);
	KT_EXPECT(t, names(page_owner_free_trace(p), "owner_gives_page"));
	KT_EXPECT(t, !strcmp(page_kind_name(p), "free"));
}

KTEST_FLAGS(owner, object, KTF_LAB_ONLY)
{
	u8 *p = owner_takes_object(50);
	const struct slab_owner *o;
	struct kmem_cache *c;
	u32 i;

	KT_ASSERT(t, p);
	KT_EXPECT(t, slab_find_object(p + 49, &c, &i) == p);
	o = slab_owner(c, slab_of(p), i);
	KT_EXPECT(t, o->inuse);
	KT_EQ(t, o->asked, 50);
	KT_EXPECT(t, names(o->alloc, "owner_takes_object"));
	owner_gives_object(p);
	KT_EXPECT(t, !o->inuse);
	KT_EXPECT(t, names(o->free, "owner_gives_object"));
}

KTEST_FLAGS(owner, kinds, KTF_LAB_ONLY)
{
	void *p = kmalloc(10), *large = kmalloc(20000);

	KT_ASSERT(t, p && large);
	KT_EXPECT(t, !strcmp(page_kind_name(virt_to_page(p)), "slab"));
	KT_EXPECT(t, !strcmp(page_kind_name(virt_to_page(large)), "slab"));
	KT_EXPECT(t, !strcmp(page_kind_name(virt_to_page(init_mm.pgt.pgd)),
			     "page table"));
	KT_EXPECT(t, !strcmp(page_kind_name(pfn_to_page(0)), "reserved"));
	kfree(p);
	kfree(large);
}
