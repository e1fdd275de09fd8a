/* SPDX-License-Identifier: MIT */
/*
 * What only the KVM-like device has: slots, its reverse map, the harvest of
 * dirty bits (drivers/shadow/kvm_slot.c, kvm_rmap.c).
 */
#include "drivers/shadow/kvm.h"
#include "tests/kt/kt_shadow.h"

#define PAGES	8
#define GUEST	0x10000000UL		/* a second place for the same memory */

static int set_slot(struct kt_shadow *k, u32 nr, vaddr_t guest, u64 pages,
		    vaddr_t user)
{
	const struct kvm_slot s = { guest, pages << PAGE_SHIFT, user };

	return kvm_set_slot(k->d, nr, &s);
}

/* Pages of user memory twice: at GUEST and at GUEST + 0x100000. */
static bool two_slots(struct kt *t, struct kt_shadow *k)
{
	if (!kt_shadow_begin(t, k, "kvm", PAGES))
		return false;
	for (u32 i = 0; i < PAGES; i++)
		kt_poke(k->mm, KT_BASE + i * PAGE_SIZE, i + 1);
	KT_EQ(t, set_slot(k, 0, 0, 0, 0), 0);
	KT_EQ(t, set_slot(k, 1, GUEST, PAGES, KT_BASE), 0);
	return KT_EQ(t, set_slot(k, 2, GUEST + 0x100000, 4, KT_BASE), 0);
}

KTEST(kvm, slots_show_the_memory)
{
	struct kt_shadow k;

	if (!two_slots(t, &k))
		return;
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), KT_NONE);	/* no slot there */
	KT_EQ(t, kt_dev_read(k.d, GUEST + 3 * PAGE_SIZE), 4);
	KT_EQ(t, kt_dev_write(k.d, GUEST + 0x100000, 9), 0);
	KT_EQ(t, kt_dev_read(k.d, GUEST), 9);
	KT_EQ(t, kt_peek(k.mm, KT_BASE), 9);
	KT_EQ(t, kt_dev_read(k.d, GUEST + 0x100000 + 4 * PAGE_SIZE), KT_NONE);
	KT_EQ(t, set_slot(&k, 3, GUEST + PAGE_SIZE, 1, KT_BASE), -EEXIST);
	KT_EQ(t, set_slot(&k, KVM_SLOTS, GUEST, 1, KT_BASE), -EINVAL);
	KT_EQ(t, set_slot(&k, 3, 0, 1, USER_END), -EINVAL);
	KT_EQ(t, set_slot(&k, 3, USER_END - PAGE_SIZE, 2, 0), -EINVAL);
	KT_EQ(t, set_slot(&k, 3, 1, 1, 0), -EINVAL);
	kt_shadow_end(t, &k);
}

/* A section goes to every place where the memory is shown. */
KTEST(kvm, sections_reach_every_slot)
{
	struct mm_struct *child = mm_alloc();
	struct kt_shadow k;
	vaddr_t gpa[4];
	pfn_t pfn;

	KT_ASSERT(t, child);
	if (!two_slots(t, &k))
		return;
	KT_EQ(t, kt_dev_write(k.d, GUEST, 1), 0);
	KT_EQ(t, kt_dev_write(k.d, GUEST + 0x100000, 1), 0);
	pfn = pte_pfn(kt_pte(k.mm, KT_BASE));
	KT_EQ(t, kvm_rmap_find(k.d, pfn, gpa, 4), 2);
	do_madvise_dontneed(k.mm, KT_BASE, PAGE_SIZE);
	KT_EQ(t, kvm_rmap_find(k.d, pfn, gpa, 4), 0);
	KT_EQ(t, kt_dev_read(k.d, GUEST), 0);
	KT_EQ(t, kt_dev_read(k.d, GUEST + 0x100000), 0);
	/* change_pte too: the copy replaces it in both, without a fault */
	kt_poke(k.mm, KT_BASE + PAGE_SIZE, 5);
	KT_EQ(t, dup_mmap(child, k.mm), 0);
	KT_EQ(t, kt_dev_read(k.d, GUEST + PAGE_SIZE), 5);
	KT_EQ(t, kt_dev_read(k.d, GUEST + 0x101000), 5);
	pfn = kt_dev_faults(k.d);
	kt_poke(k.mm, KT_BASE + PAGE_SIZE, 6);
	KT_EQ(t, kt_dev_read(k.d, GUEST + PAGE_SIZE), 6);
	KT_EQ(t, kt_dev_read(k.d, GUEST + 0x101000), 6);
	KT_EQ(t, kt_dev_faults(k.d), pfn);
	pfn = pte_pfn(kt_pte(k.mm, KT_BASE + PAGE_SIZE));
	KT_EQ(t, kvm_rmap_find(k.d, pfn, gpa, 4), 2);
	mmput(child);
	kt_shadow_end(t, &k);
}

/* A slot that goes takes its entries along; its memory stays in the other. */
KTEST(kvm, slot_goes)
{
	struct shadow_stats s;
	struct kt_shadow k;

	if (!two_slots(t, &k))
		return;
	KT_EQ(t, kt_dev_write(k.d, GUEST, 7), 0);
	KT_EQ(t, kt_dev_read(k.d, GUEST + 0x100000), 7);
	KT_EQ(t, set_slot(&k, 1, 0, 0, 0), 0);
	shadow_get_stats(k.d, &s);
	KT_EQ(t, s.entries, 1);
	KT_EQ(t, kt_dev_read(k.d, GUEST), KT_NONE);
	KT_EQ(t, kt_dev_read(k.d, GUEST + 0x100000), 7);
	KT_EQ(t, set_slot(&k, 3, GUEST - PAGE_SIZE, 2, KT_BASE), 0);
	KT_EQ(t, kt_dev_read(k.d, GUEST), 2);
	KT_EQ(t, set_slot(&k, 3, 0, 0, 0), 0);
	KT_EQ(t, set_slot(&k, 1, GUEST, 1, KT_BASE + PAGE_SIZE), 0);
	KT_EQ(t, kt_dev_read(k.d, GUEST), 2);
	kt_shadow_end(t, &k);
}

/* Written pages once each; written again after the harvest, again. */
KTEST(kvm, dirty_harvest)
{
	struct kt_shadow k;
	u8 bits[1] = { 0 };
	struct page *p;

	if (!two_slots(t, &k))
		return;
	for (u32 i = 0; i < PAGES; i++)
		KT_EQ(t, kt_dev_read(k.d, GUEST + i * PAGE_SIZE), i + 1);
	KT_EQ(t, kvm_harvest(k.d, GUEST, PAGES, bits), 0);
	KT_EQ(t, kt_dev_write(k.d, GUEST + PAGE_SIZE, 1), 0);
	KT_EQ(t, kt_dev_write(k.d, GUEST + 6 * PAGE_SIZE, 1), 0);
	p = pte_page(kt_pte(k.mm, KT_BASE + 6 * PAGE_SIZE));
	page_clear(p, PG_dirty);
	KT_EQ(t, kvm_harvest(k.d, GUEST, PAGES, bits), 2);
	KT_EQ(t, bits[0], 0x42);
	KT_EXPECT(t, page_test(p, PG_dirty));
	bits[0] = 0;
	KT_EQ(t, kvm_harvest(k.d, GUEST, PAGES, bits), 0);
	KT_EQ(t, kt_dev_write(k.d, GUEST + PAGE_SIZE, 2), 0);	/* TLB hit? */
	KT_EQ(t, kvm_harvest(k.d, GUEST, PAGES, bits), 1);
	KT_EQ(t, bits[0], 2);
	KT_EQ(t, kvm_harvest(k.d, GUEST + 1, 1, bits), -EINVAL);
	KT_EQ(t, kvm_harvest(k.d, USER_END - PAGE_SIZE, 2, bits), -EINVAL);
	kt_shadow_end(t, &k);
}
