/* SPDX-License-Identifier: MIT */
/*
 * As kt_mutant_gaps.c, for devices: several subscribers of one mm, nested
 * sections, and a page-cache page that is frozen.
 */
#include "drivers/shadow/shadow.h"
#include "arch/uaccess.h"
#include "mm/mmu_notifier.h"
#include "mm/ptmigrate.h"
#include "mm/tlb.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

#define WRONG_NS	30000000ULL	/* how long a bug may take to show */
#define PAGES		4

/* Sleeps until cond, at most WRONG_NS.  Value: cond. */
#define shows(cond) ({							\
	u64 __end = ktime_get() + WRONG_NS;				\
	while (!(cond) && ktime_get() < __end)				\
		sleep_ms(1);						\
	!!(cond); })

struct two_devices {
	struct mm_struct *mm;
	struct shadow_dev *dev[2];
};

/* Both devices have read all pages. */
static bool devices_begin(struct kt *t, struct two_devices *d)
{
	d->mm = mm_alloc();
	if (!KT_EXPECT(t, d->mm))
		return false;
	kt_map(d->mm, 0, PAGES * PAGE_SIZE, PROT_RW);
	for (u32 i = 0; i < PAGES; i++)
		kt_poke(d->mm, KT_BASE + i * PAGE_SIZE, i);
	for (u32 n = 0; n < 2; n++) {
		d->dev[n] = shadow_attach(d->mm, "kvm");
		if (!KT_EXPECT(t, !IS_ERR(d->dev[n])))
			return false;
	}
	return true;
}

static int use_page(struct shadow_dev *dev, u32 page, enum shadow_op op)
{
	struct shadow_req rq = {
		.op = op, .va = KT_BASE + page * PAGE_SIZE, .len = 8, .val = 77,
	};
	int err = shadow_access(dev, &rq);

	return err ? err : rq.result;
}

static void devices_read(struct kt *t, struct two_devices *d)
{
	for (u32 n = 0; n < 2; n++)
		for (u32 i = 0; i < PAGES; i++)
			KT_EQ(t, use_page(d->dev[n], i, SHADOW_READ), 0);
}

static void devices_end(struct two_devices *d)
{
	for (u32 n = 0; n < 2; n++)
		shadow_detach(d->dev[n]);
	mmput(d->mm);
}

/* Frames that go away are in no device's tables: the model looks. */
KTEST(gaps, devices_lose_what_is_freed)
{
	struct two_devices d;

	if (!devices_begin(t, &d))
		return;
	devices_read(t, &d);
	KT_EQ(t, do_munmap(d.mm, KT_BASE, PAGES * PAGE_SIZE), 0);
	devices_end(&d);
}

/* A copy replaces the original in both. */
KTEST(gaps, devices_follow_a_copy)
{
	struct mm_struct *child = mm_alloc();
	struct two_devices d;

	if (!KT_EXPECT(t, child) || !devices_begin(t, &d))
		return;
	KT_EQ(t, dup_mmap(child, d.mm), 0);
	devices_read(t, &d);
	KT_EQ(t, kt_poke(d.mm, KT_BASE, 9), 0);
	KT_EQ(t, use_page(d.dev[0], 1, SHADOW_WRITE), 0);
	KT_EQ(t, kt_peek(child, KT_BASE + PAGE_SIZE), 1);
	KT_EQ(t, kt_peek(d.mm, KT_BASE + PAGE_SIZE), 77);
	mmput(child);			/* frees the original */
	devices_end(&d);
}

struct dev_fault {
	struct shadow_dev *dev;
	u32 done;
};

static void dev_fault_thread(void *arg)
{
	struct dev_fault *f = arg;

	use_page(f->dev, 2, SHADOW_READ);
	WRITE_ONCE(f->done, 1);
}

/* A small section inside a large one does not hide it. */
KTEST(gaps, device_waits_for_both_sections)
{
	struct mmu_notifier_range big, small;
	struct kt_team team = { .nr = 0 };
	struct dev_fault f = { .dev = NULL };
	struct two_devices d;

	if (!devices_begin(t, &d))
		return;
	f.dev = d.dev[0];
	mmu_notifier_range_init(&big, MMU_NOTIFY_CLEAR, d.mm, KT_BASE,
				KT_BASE + PAGES * PAGE_SIZE);
	mmu_notifier_range_init(&small, MMU_NOTIFY_CLEAR, d.mm, KT_BASE,
				KT_BASE + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&big);
	mmu_notifier_invalidate_range_start(&small);
	kt_spawn(t, &team, -1, dev_fault_thread, &f);
	KT_EXPECT(t, !shows(READ_ONCE(f.done)));
	mmu_notifier_invalidate_range_end(&small);
	mmu_notifier_invalidate_range_end(&big);
	kt_join(&team);
	KT_EQ(t, f.done, 1);
	devices_end(&d);
}

/*
 * A subscriber with few operations.
 */
struct listener {
	struct mmu_notifier mn;
	u32 flags, starts, moved, released;
};

static int heard_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *r)
{
	struct listener *l = container_of(mn, struct listener, mn);

	l->flags |= r->flags;
	l->starts++;
	return 0;
}

static void heard_move(struct mmu_notifier *mn, struct mm_struct *mm,
		       vaddr_t start, vaddr_t end, int level)
{
	(void)mm;
	if (start < end)
		container_of(mn, struct listener, mn)->moved |= 1U << level;
}

static void heard_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mm;
	container_of(mn, struct listener, mn)->released++;
}

static const struct mmu_notifier_ops listener_ops = {
	.invalidate_range_start = heard_start,
	.tables_moved = heard_move,
	.release = heard_release,
};

KTEST(gaps, subscriber_without_change_pte)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct listener l = { .mn = { .ops = &listener_ops } };
	struct ptmigrate_result res;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, mmu_notifier_register(&l.mn, mm), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 2), 0);
	KT_EQ(t, l.starts, 1);
	KT_EXPECT(t, !(l.flags & MMU_NOTIFIER_USE_CHANGE_PTE));
	KT_EQ(t, mm_relocate_tables(mm, PTMIGRATE_LIVE, &res), 0);
	KT_EQ(t, l.moved, 0x1e);		/* levels 1 to 4 */
	mmgrab(mm);
	mmput(mm);
	KT_EQ(t, l.released, 1);
	mmu_notifier_unregister(&l.mn, mm);
	mmdrop(mm);
	mmput(child);
}

/* A frozen page is not handed out; who looks it up waits. */
struct frozen {
	struct address_space *m;
	struct page *page;
	u32 done;
};

static void frozen_looker(void *arg)
{
	struct frozen *f = arg;

	f->page = find_get_page(f->m, 0);
	WRITE_ONCE(f->done, 1);
}

KTEST(gaps, frozen_page_is_not_found)
{
	struct kt_team team = { .nr = 0 };
	struct frozen z = { .m = NULL };
	struct kt_file *f;
	struct page *p;
	u64 w;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	f = kt_file_create(1, PAGE_SIZE);
	KT_ASSERT(t, f);
	z.m = &f->m;
	kt_pin(0);
	filemap_read(&f->m, &w, 0, 8);
	p = find_get_page(&f->m, 0);
	KT_EXPECT(t, page_ref_freeze(p, 2));
	kt_spawn(t, &team, (int)kt_other_cpu(), frozen_looker, &z);
	KT_EXPECT(t, !shows(READ_ONCE(z.done)));
	page_ref_unfreeze(p, 2);
	kt_join(&team);
	KT_EXPECT(t, z.page == p);
	KT_EQ(t, page_count(p), 3);
	put_page(p);
	put_page(p);
	kt_unpin();
	kt_file_put(f);
}

/* Without a table to free, the flush covers all that was cleared. */
KTEST(gaps, every_cleared_page_is_flushed)
{
	struct mm_struct *mm = mm_alloc();
	u64 w = 1;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 16 * PAGE_SIZE, PROT_RW);
	activate_mm(mm);
	for (u32 i = 0; i < 16; i++)
		KT_EQ(t, copy_to_user(KT_BASE + i * PAGE_SIZE, &w, 8), 0);
	KT_EQ(t, do_madvise_dontneed(mm, KT_BASE, 8 * PAGE_SIZE), 0);
	for (u32 i = 0; i < 16; i++) {
		KT_EQ(t, copy_from_user(&w, KT_BASE + i * PAGE_SIZE, 8), 0);
		KT_EQ(t, w, i >= 8);
	}
	deactivate_mm();
	mmput(mm);
}
