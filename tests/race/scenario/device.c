/* SPDX-License-Identifier: MIT */
/* See device.h. */
#include "lib/err.h"
#include "mm/mmu_notifier_impl.h"
#include "tests/race/scenario/device.h"

/* Level 0's callbacks do not say whom they call. */
static struct kt_device *level0;

static int level0_young(struct mm_struct *mm, vaddr_t va)
{
	(void)mm;
	(void)va;
	return 0;
}

static void level0_page(struct mm_struct *mm, vaddr_t va)
{
	if (level0 && level0->mm == mm && level0->va == va)
		level0->maps = 0;
}

static void level0_range_end(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	if (level0 && level0->mm == mm && level0->va >= start &&
	    level0->va < end)
		level0->maps = 0;
}

int device_attach(struct kt_device *d)
{
	static const struct mm_notifier_ops ops = {
		level0_young, level0_page, level0_range_end,
	};
	int err;

	if (mmu_notifier_method() != MN_MINIMAL)
		return mmu_notifier_register(&d->mn, d->mm);
	err = mm_add_notifier_ops(d->mm, &ops);
	if (!err)
		level0 = d;
	return err;
}

void device_detach(struct kt_device *d)
{
	if (level0 == d)
		level0 = NULL;
	else
		mmu_notifier_unregister(&d->mn, d->mm);
}

static int change_start(struct mmu_notifier *mn,
			const struct mmu_notifier_range *r)
{
	struct kt_device *d = kt_device_of(mn);
	pfn_t keeps = d->maps;

	kt_device_start(mn, r);
	if (r->flags & MMU_NOTIFIER_USE_CHANGE_PTE)
		d->maps = keeps;
	return 0;
}

static void change_pte(struct mmu_notifier *mn, struct mm_struct *mm,
		       vaddr_t va, pte_t e)
{
	struct kt_device *d = kt_device_of(mn);

	(void)mm;
	if (d->maps && d->va == va)
		d->maps = pte_pfn(e);
}

const struct mmu_notifier_ops device_change_ops = {
	.release = kt_device_release,
	.invalidate_range_start = change_start,
	.invalidate_range_end = kt_device_end,
	.change_pte = change_pte,
};

static enum device_access look(const struct kt_device *d, u64 **word)
{
	struct page *p;

	if (!d->maps)
		return DEVICE_FAULTS;
	p = pfn_to_page(d->maps);
	if (!page_count(p))
		return DEVICE_STALE;
	*word = (u64 *)page_address(p) + (d->va & ~PAGE_MASK) / sizeof(u64);
	return DEVICE_DONE;
}

enum device_access device_store(const struct kt_device *d, u64 word)
{
	u64 *at;
	enum device_access res = look(d, &at);

	if (res == DEVICE_DONE)
		WRITE_ONCE(*at, word);
	return res;
}

enum device_access device_load(const struct kt_device *d, u64 *word)
{
	u64 *at;
	enum device_access res = look(d, &at);

	if (res == DEVICE_DONE)
		*word = READ_ONCE(*at);
	return res;
}
