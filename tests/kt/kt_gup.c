/* SPDX-License-Identifier: MIT */
/* Tests of mm/gup.c. */
#include "lib/string.h"
#include "tests/kt/kt_mm.h"

KTEST(mm, gup_fast_refuses)
{
	struct mm_struct *mm = mm_alloc();
	struct page *p;
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	KT_EQ(t, gup_fast(mm, KT_BASE, 0, &p, &e), -EAGAIN);	/* nothing */
	kt_peek(mm, KT_BASE);
	KT_EQ(t, gup_fast(mm, KT_BASE, 0, &p, &e), -EAGAIN);	/* special */
	kt_poke(mm, KT_BASE + 0x1000, 1);
	do_mprotect(mm, KT_BASE + 0x1000, 0x1000, PROT_READ);
	KT_EQ(t, gup_fast(mm, KT_BASE + 0x1000, FAULT_WRITE, &p, &e), -EAGAIN);
	KT_EQ(t, gup_fast(mm, KT_BASE + 0x1000, 0, &p, &e), 0);
	put_page(p);
	do_mprotect(mm, KT_BASE + 0x1000, 0x1000, PROT_NONE);
	KT_EQ(t, gup_fast(mm, KT_BASE + 0x1000, 0, &p, &e), -EAGAIN);
	KT_EQ(t, gup_fast(mm, USER_END, 0, &p, &e), -EFAULT);
	mmput(mm);
}

KTEST(mm, gup_page_outlives_mapping)
{
	struct mm_struct *mm = mm_alloc();
	struct page *p, *q;
	bool w;
	pte_t e;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	KT_EQ(t, get_user_page(mm, KT_BASE, FAULT_WRITE, &p, &w), 0);
	KT_EXPECT(t, w);
	KT_EQ(t, gup_fast(mm, KT_BASE, FAULT_WRITE, &q, &e), 0);
	KT_EXPECT(t, p == q);
	put_page(q);
	*(u64 *)page_address(p) = 3;
	KT_EQ(t, kt_peek(mm, KT_BASE), 3);
	do_munmap(mm, KT_BASE, 0x1000);
	KT_EQ(t, page_count(p), 1);
	KT_EQ(t, *(u64 *)page_address(p), 3);
	put_page(p);
	KT_EQ(t, get_user_page(mm, KT_BASE, 0, &p, &w), -EFAULT);
	mmput(mm);
}

KTEST(mm, gup_copies)
{
	struct mm_struct *mm = mm_alloc();
	static char out[5000], in[5000];

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x3000, PROT_RW);
	for (u32 i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7);
	KT_EQ(t, copy_to_mm(mm, KT_BASE + 0xf00, out, sizeof(out)), 0);
	KT_EQ(t, copy_from_mm(mm, in, KT_BASE + 0xf00, sizeof(in)), 0);
	KT_EQ(t, memcmp(in, out, sizeof(in)), 0);
	KT_EQ(t, copy_to_mm(mm, KT_BASE + 0x2ff0, out, 100), 84);
	KT_EQ(t, copy_from_mm(mm, in, USER_END - 8, 100), 100);
	mmput(mm);
}
