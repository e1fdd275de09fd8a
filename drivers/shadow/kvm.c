/* SPDX-License-Identifier: MIT */
/*
 * The KVM-like device: shadow entries without page references, kept right by
 * the notifier chain and a sequence count.
 *
 *	fault (engine)				section (whoever changes the mm)
 *	(1) mmu_lock: s = mmu_seq, slot		(A) range_start, mmu_lock held:
 *	(2) gup: the page and its rights	    open++, widen span,
 *	(3) mmu_lock				    zap, flush the device TLB
 *	(4) open and va in span, or	(B) PTEs change, pages are freed
 *	    mmu_seq != s: put, again		(C) range_end, mmu_lock held:
 *	(5) install; unlock; put		    seq++, open--
 *
 * (2) before (B), (3) between (A) and (C): the counter says so.
 * (2) before (B), (3) after (C): the sequence says so.
 * (2) after (C): the page is the new one; seq was read before it, so at worst
 *	one retry too many.
 * (5) before (A): (A) zaps it.
 *
 * No reference is kept after (5): (A) comes before any page of the range is
 * freed (G2), and waits for accesses in flight.
 *
 * mmu_seq has 64 bits and never wraps.
 *
 * Tests: tests/kt/kt_shadow.c; tests/race/race_shadow.c stages (3) in both
 * places with shadow:after_gup, and what a wrong (A) or (C) does to it.
 */
#include "drivers/shadow/kvm.h"
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/gup.h"

static struct kvm_dev *kvm_of_mn(struct mmu_notifier *mn)
{
	return kvm_of(dev_of(mn));
}

/*
 * What an open section covers: r, whatever the slots are (M3).  Bug (F8d):
 * nothing, when no slot shows any of it now.
 */
static struct mmu_notifier_range covered(const struct kvm_dev *d,
					 const struct mmu_notifier_range *r)
{
	struct mmu_notifier_range c = *r;
	struct kvm_part p = { .slot = 0 };

	if (BUG_SWITCH("shadow_fence_by_slot") &&
	    !kvm_next_part(d, r->start, r->end, &p))
		c.end = c.start;
	return c;
}

/* (A) */
static int kvm_range_start(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *r)
{
	struct kvm_dev *d = kvm_of_mn(mn);
	struct mmu_notifier_range c;

	spin_lock(&d->mmu_lock);
	c = covered(d, r);
	fence_open(&d->sections, &c);
	/* With the flag every change comes through change_pte (A5). */
	if (!(r->flags & MMU_NOTIFIER_USE_CHANGE_PTE))
		kvm_for_each_part(d, r->start, r->end, p)
			spt_zap_range(d, p.start, p.end);
	spin_unlock(&d->mmu_lock);
	return 0;
}

static void count_down(struct kvm_dev *d)
{
	spin_lock(&d->mmu_lock);
	fence_close(&d->sections);
	spin_unlock(&d->mmu_lock);
}

/*
 * (C).  Bug (F8c): the counter goes down first, and the lock is dropped
 * between: neither it nor the sequence tells of the section then.  With the
 * sequence first, the counter still would.
 */
static void kvm_range_end(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *r)
{
	struct kvm_dev *d = kvm_of_mn(mn);
	bool count_first = BUG_SWITCH("shadow_count_first");

	(void)r;
	if (count_first)
		count_down(d);
	RACE_POINT("shadow:before_seq");
	spin_lock(&d->mmu_lock);
	if (!BUG_SWITCH("shadow_no_seq"))
		WRITE_ONCE(d->mmu_seq, d->mmu_seq + 1);
	smp_wmb();		/* seq first; partner: check_entry()'s rmb */
	if (!count_first)
		fence_close(&d->sections);
	spin_unlock(&d->mmu_lock);
}

static int kvm_clear_flush_young(struct mmu_notifier *mn,
				 struct mm_struct *mm, vaddr_t start,
				 vaddr_t end)
{
	struct kvm_dev *d = kvm_of_mn(mn);
	int young = 0;

	(void)mm;
	spin_lock(&d->mmu_lock);
	kvm_for_each_part(d, start, end, p) {
		if (!spt_young(d, p.start, p.end, SPT_CLEAR))
			continue;
		shadow_tlb_flush(&d->dev, p.start, p.end);
		young = 1;
	}
	spin_unlock(&d->mmu_lock);
	return young;
}

static int kvm_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
			   vaddr_t start, vaddr_t end)
{
	struct kvm_dev *d = kvm_of_mn(mn);
	int young = 0;

	(void)mm;
	spin_lock(&d->mmu_lock);
	kvm_for_each_part(d, start, end, p)
		young |= spt_young(d, p.start, p.end, SPT_CLEAR);
	spin_unlock(&d->mmu_lock);
	return young;
}

static int kvm_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			  vaddr_t va)
{
	struct kvm_dev *d = kvm_of_mn(mn);
	int young = 0;

	(void)mm;
	spin_lock(&d->mmu_lock);
	kvm_for_each_part(d, va, va + PAGE_SIZE, p)
		young |= spt_young(d, p.start, p.end, SPT_TEST);
	spin_unlock(&d->mmu_lock);
	return young;
}

static void kvm_change_pte(struct mmu_notifier *mn, struct mm_struct *mm,
			   vaddr_t va, pte_t pte)
{
	struct kvm_dev *d = kvm_of_mn(mn);

	(void)mm;
	spin_lock(&d->mmu_lock);
	kvm_for_each_part(d, va, va + PAGE_SIZE, p)
		spt_change(d, p.start, pte);
	spin_unlock(&d->mmu_lock);
}

static void kvm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct kvm_dev *d = kvm_of_mn(mn);

	(void)mm;
	spin_lock(&d->mmu_lock);
	WRITE_ONCE(d->dev.dead, true);
	spt_zap_range(d, 0, USER_END);
	spin_unlock(&d->mmu_lock);
}

static const struct mmu_notifier_ops kvm_mn_ops = {
	.release		= kvm_release,
	.invalidate_range_start	= kvm_range_start,
	.invalidate_range_end	= kvm_range_end,
	.clear_flush_young	= kvm_clear_flush_young,
	.clear_young		= kvm_clear_young,
	.test_young		= kvm_test_young,
	.change_pte		= kvm_change_pte,
};

/* (4); mmu_lock held */
static bool must_retry(const struct kvm_dev *d, vaddr_t va, u64 seq)
{
	if (fence_covers(&d->sections, va) && !BUG_SWITCH("shadow_no_counter"))
		return true;
	if (BUG_SWITCH("shadow_seq_8bit"))	/* wraps, as CVE-2018-17182 */
		return (u8)d->mmu_seq != (u8)seq;
	return d->mmu_seq != seq;
}

/* What a fault goes by: the slot's address, and the sequence before. */
struct kvm_look {
	vaddr_t gpa, user;
	u64 seq;
};

/* (1).  False: no slot. */
static bool look_up_slot(struct kvm_dev *d, struct kvm_look *look)
{
	bool found;

	spin_lock(&d->mmu_lock);
	look->seq = d->mmu_seq;
	found = kvm_to_user(d, look->gpa, &look->user);
	spin_unlock(&d->mmu_lock);
	return found;
}

/* (3)..(5).  -EAGAIN: a section came between. */
static int try_install(struct kvm_dev *d, const struct kvm_look *look, pte_t e)
{
	int err = -EAGAIN;

	RACE_POINT("shadow:before_install");
	spin_lock(&d->mmu_lock);					/* (3) */
	if (d->dev.dead)
		err = -ESRCH;
	else if (!must_retry(d, look->user, look->seq))			/* (4) */
		err = spt_install(d, look->gpa, e);			/* (5) */
	spin_unlock(&d->mmu_lock);
	return err;
}

static int kvm_fault(struct shadow_dev *dev, vaddr_t va, enum shadow_access how)
{
	u32 flags = FAULT_REMOTE |
		(how == SHADOW_ACCESS_WRITE ? FAULT_WRITE : 0);
	struct kvm_dev *d = kvm_of(dev);
	struct kvm_look look = { .gpa = va };
	struct page *page;
	bool writable;
	int err;

	if (!look_up_slot(d, &look))					/* (1) */
		return -EFAULT;
	err = get_user_page(dev->mm, look.user, flags, &page, &writable);	/* (2) */
	if (err)
		return err;
	RACE_POINT("shadow:after_gup");
	err = try_install(d, &look,
			  pte_make(page_to_pfn(page),
				   PTE_P | (writable ? PTE_W : 0)));
	put_page(page);
	return err;
}

static int kvm_init(struct shadow_dev *dev, const struct shadow_window *w)
{
	struct kvm_dev *d = kvm_of(dev);

	(void)w;
	spin_lock_init(&d->mmu_lock, LOCK_SHADOW_MMU);
	d->slot[0] = (struct kvm_slot){ 0, USER_END, 0 };
	return pgtable_init(&d->spt, NULL, PGT_DEVICE);
}

static void kvm_exit(struct shadow_dev *dev)
{
	pgtable_free_all(&kvm_of(dev)->spt);
	pgtable_destroy(&kvm_of(dev)->spt);
}

static u64 kvm_tables(struct shadow_dev *dev)
{
	return (u64)atomic64_read(&kvm_of(dev)->spt.nr_tables);
}

const struct shadow_class shadow_kvm = {
	.name = "kvm",
	.node = "shadow-kvm",
	.size = sizeof(struct kvm_dev),
	.mn_ops = &kvm_mn_ops,
	.init = kvm_init,
	.exit = kvm_exit,
	.walk = spt_walk,
	.resolve = kvm_fault,
	.check = spt_check,
	.tables = kvm_tables,
	.command = kvm_command,
};
