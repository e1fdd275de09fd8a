/* SPDX-License-Identifier: MIT */
/* Kernel areas and stacks: mm/vmalloc.c. */
#include "kernel/config.h"
#include "kernel/ktest.h"
#include "kernel/upcall.h"
#include "lib/string.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/vmalloc.h"

static pte_t kernel_pte(const void *p)
{
	pte_t e;

	rcu_read_lock();
	e = pgtable_read(&init_mm.pgt, (vaddr_t)p, NULL, NULL);
	rcu_read_unlock();
	return e;
}

KTEST(vmalloc, zeroed_mapped_guarded)
{
	u64 before = vmalloc_pages_inuse();
	u8 *p = vmalloc(3 * PAGE_SIZE + 1), *q = vmalloc(1);

	KT_ASSERT(t, p && q);
	KT_EQ(t, vmalloc_pages_inuse(), before + 5);
	for (u32 i = 0; i < 4 * PAGE_SIZE; i += 512)
		KT_EQ(t, p[i], 0);
	memset(p, 0xaa, 4 * PAGE_SIZE);
	KT_EQ(t, q[0], 0);
	KT_EXPECT(t, pte_present(kernel_pte(p)));
	KT_EXPECT(t, kernel_pte(p).val & PTE_NX);
	KT_EXPECT(t, pte_none(kernel_pte(p + 4 * PAGE_SIZE)));
	vfree(p);
	KT_EXPECT(t, pte_none(kernel_pte(p)));
	vfree(q);
	KT_EQ(t, vmalloc_pages_inuse(), before);
}

/* A hole is used again, and the new pages are seen, not the old ones. */
KTEST(vmalloc, range_is_reused)
{
	u64 *p = vmalloc(PAGE_SIZE), *q;

	KT_ASSERT(t, p);
	p[0] = 1;
	vfree(p);
	q = vmalloc(PAGE_SIZE);
	KT_EXPECT(t, q == p);
	KT_EQ(t, q ? q[0] : 1, 0);
	vfree(q);
}

KTEST(vmalloc, nonsense_sizes)
{
	KT_EXPECT(t, !vmalloc(0));
	KT_EXPECT(t, !vmalloc(~0UL));
	KT_EXPECT(t, !vmalloc(1UL << 46));
	vfree(NULL);
}

/* Each allocation inside it fails once: nothing leaks (the gates look). */
KTEST(vmalloc, every_failure)
{
	for (u32 n = 1; n < 20; n++) {
		void *p;

		alloc_fail_nth(n);
		p = vmalloc(6 * PAGE_SIZE);
		if (!alloc_failed_nth()) {
			alloc_fail_nth(0);
			KT_EXPECT(t, p);
			vfree(p);
			return;
		}
		alloc_fail_nth(0);
		KT_EXPECT(t, !p);
	}
	KT_EXPECT(t, !"it never succeeded");
}

KTEST(vmalloc, stacks_have_guards)
{
	void *s[20];

	for (u32 i = 0; i < 20; i++) {
		s[i] = kstack_alloc();
		KT_ASSERT(t, s[i]);
		memset(s[i], (int)i, CONFIG_STACK_PAGES * PAGE_SIZE);
		KT_EXPECT(t, pte_none(kernel_pte((char *)s[i] - 1)));
	}
	for (u32 i = 0; i < 20; i++) {
		KT_EQ(t, ((u8 *)s[i])[0], i);
		kstack_free(s[i]);
	}
	vmalloc_drain();
	KT_EXPECT(t, pte_none(kernel_pte(s[19])));
}
