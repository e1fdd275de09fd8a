/* SPDX-License-Identifier: MIT */
/*
 * The KVM-like device: shadow entries without page references, kept right by
 * the notifier chain and a sequence count.
 *
 *	fault (engine)				section (whoever changes the mm)
 *	(1) s = mmu_seq; rmb			(A) range_start, mmu_lock held:
 *	(2) gup: the page and its rights	    in_progress++, widen range,
 *	(3) mmu_lock				    zap, flush the device TLB
 *	(4) in_progress and va in range, or	(B) PTEs change, pages are freed
 *	    mmu_seq != s: put, again		(C) range_end, mmu_lock held:
 *	(5) install; unlock; put		    seq++, in_progress--
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
 * While several sections are open the range is their span: an over-estimate,
 * which costs retries only.  mmu_seq has 64 bits and never wraps.
 *
 * Lifetime: shadow_attach() .. shadow_detach().  The process may exit between:
 * release zaps everything, and every later access is -ESRCH.
 *
 * Tests: tests/kt/kt_shadow.c; tests/race/race_shadow.c stages (3) in both
 * places with shadow:after_gup and shadow:before_install.
 */
#include "arch/smp.h"
#include "drivers/shadow/internal.h"
#include "kernel/init.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/check.h"
#include "mm/gup.h"

DEFINE_MUTEX(shadow_list_mutex, LOCK_DEVLIST);
LIST_HEAD(shadow_list);
static atomic_t last_id = { -1 };

static struct shadow_dev *dev_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct shadow_dev, mn);
}

/* (A) */
static int shadow_range_start(struct mmu_notifier *mn,
			      const struct mmu_notifier_range *r)
{
	struct shadow_dev *d = dev_of(mn);

	spin_lock(&d->mmu_lock);
	if (!d->in_progress++) {
		d->inval_start = r->start;
		d->inval_end = r->end;
	} else {
		d->inval_start = min(d->inval_start, r->start);
		d->inval_end = max(d->inval_end, r->end);
	}
	/* With the flag every change comes through change_pte (A5). */
	if (!(r->flags & MMU_NOTIFIER_USE_CHANGE_PTE))
		spt_zap_range(d, r->start, r->end);
	spin_unlock(&d->mmu_lock);
	return 0;
}

/* (C) */
static void shadow_range_end(struct mmu_notifier *mn,
			     const struct mmu_notifier_range *r)
{
	struct shadow_dev *d = dev_of(mn);

	(void)r;
	spin_lock(&d->mmu_lock);
	if (!BUG_SWITCH("shadow_no_seq"))
		WRITE_ONCE(d->mmu_seq, d->mmu_seq + 1);
	smp_wmb();		/* seq first; partner: check_entry()'s rmb */
	KASSERT(d->in_progress);
	WRITE_ONCE(d->in_progress, d->in_progress - 1);
	spin_unlock(&d->mmu_lock);
}

static int shadow_clear_flush_young(struct mmu_notifier *mn,
				    struct mm_struct *mm, vaddr_t start,
				    vaddr_t end)
{
	struct shadow_dev *d = dev_of(mn);
	int young;

	(void)mm;
	spin_lock(&d->mmu_lock);
	young = spt_young(d, start, end, SPT_CLEAR);
	if (young)
		shadow_tlb_flush(d, start, end);
	spin_unlock(&d->mmu_lock);
	return young;
}

static int shadow_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
			      vaddr_t start, vaddr_t end)
{
	struct shadow_dev *d = dev_of(mn);
	int young;

	(void)mm;
	spin_lock(&d->mmu_lock);
	young = spt_young(d, start, end, SPT_CLEAR);
	spin_unlock(&d->mmu_lock);
	return young;
}

static int shadow_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			     vaddr_t va)
{
	struct shadow_dev *d = dev_of(mn);
	int young;

	(void)mm;
	spin_lock(&d->mmu_lock);
	young = spt_young(d, va, va + PAGE_SIZE, SPT_TEST);
	spin_unlock(&d->mmu_lock);
	return young;
}

static void shadow_change_pte(struct mmu_notifier *mn, struct mm_struct *mm,
			      vaddr_t va, pte_t pte)
{
	struct shadow_dev *d = dev_of(mn);

	(void)mm;
	spin_lock(&d->mmu_lock);
	spt_change(d, va, pte);
	spin_unlock(&d->mmu_lock);
}

static void shadow_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct shadow_dev *d = dev_of(mn);

	(void)mm;
	spin_lock(&d->mmu_lock);
	WRITE_ONCE(d->dead, true);
	spt_zap_range(d, 0, USER_END);
	spin_unlock(&d->mmu_lock);
}

static const struct mmu_notifier_ops shadow_ops = {
	.release		= shadow_release,
	.invalidate_range_start	= shadow_range_start,
	.invalidate_range_end	= shadow_range_end,
	.clear_flush_young	= shadow_clear_flush_young,
	.clear_young		= shadow_clear_young,
	.test_young		= shadow_test_young,
	.change_pte		= shadow_change_pte,
};

/* (4); mmu_lock held */
static bool must_retry(const struct shadow_dev *d, vaddr_t va, u64 seq)
{
	if (d->in_progress && va >= d->inval_start && va < d->inval_end &&
	    !BUG_SWITCH("shadow_no_counter"))
		return true;
	return d->mmu_seq != seq;
}

/* (3)..(5).  -EAGAIN: a section came between. */
static int try_install(struct shadow_dev *d, vaddr_t va, u64 seq, pte_t e)
{
	int err = -EAGAIN;

	RACE_POINT("shadow:before_install");
	spin_lock(&d->mmu_lock);					/* (3) */
	if (d->dead)
		err = -ESRCH;
	else if (must_retry(d, va, seq))				/* (4) */
		d->stats.retries++;
	else
		err = spt_install(d, va, e);				/* (5) */
	spin_unlock(&d->mmu_lock);
	return err;
}

static int fault_once(struct shadow_dev *d, vaddr_t va, u32 flags)
{
	u64 seq = READ_ONCE(d->mmu_seq);				/* (1) */
	struct page *page;
	bool writable;
	int err;

	smp_rmb();		/* partner: mmu_lock in (C) */
	err = get_user_page(d->mm, va, flags, &page, &writable);	/* (2) */
	if (err)
		return err;
	RACE_POINT("shadow:after_gup");
	err = try_install(d, va, seq,
			  pte_make(page_to_pfn(page),
				   PTE_P | (writable ? PTE_W : 0)));
	put_page(page);
	return err;
}

int shadow_fault(struct shadow_dev *d, vaddr_t va, enum shadow_access how)
{
	u32 flags = FAULT_REMOTE |
		(how == SHADOW_ACCESS_WRITE ? FAULT_WRITE : 0);
	int err;

	va &= PAGE_MASK;
	if (!mmget_not_zero(d->mm))
		return -ESRCH;
	do {
		err = fault_once(d, va, flags);
		if (err == -EAGAIN)
			yield();
	} while (err == -EAGAIN);
	spin_lock(&d->mmu_lock);
	d->stats.faults++;
	spin_unlock(&d->mmu_lock);
	TRACE4(SHADOW_FAULT, d->id, va, how, err);
	mmput(d->mm);
	return err;
}

static struct shadow_dev *shadow_alloc(struct mm_struct *mm)
{
	struct shadow_dev *d = kzalloc(sizeof(*d));

	if (!d)
		return NULL;
	d->id = (u32)atomic_inc_return(&last_id);
	d->mm = mm;
	d->mn.ops = &shadow_ops;
	d->mn.name = "shadow";
	spin_lock_init(&d->mmu_lock, LOCK_SHADOW_MMU);
	spin_lock_init(&d->tlb_lock, LOCK_SHADOW_TLB);
	mutex_init(&d->req_mutex, LOCK_SHADOW_DEV);
	init_waitqueue_head(&d->wait);
	if (pgtable_init(&d->spt, NULL, PGT_DEVICE)) {
		kfree(d);
		return NULL;
	}
	return d;
}

static void shadow_free(struct shadow_dev *d)
{
	pgtable_free_all(&d->spt);
	pgtable_destroy(&d->spt);
	kfree(d);
}

static void shadow_list_add(struct shadow_dev *d)
{
	mutex_lock(&shadow_list_mutex);
	list_add_tail(&d->link, &shadow_list);
	mutex_unlock(&shadow_list_mutex);
}

static void shadow_list_del(struct shadow_dev *d)
{
	mutex_lock(&shadow_list_mutex);
	list_del(&d->link);
	mutex_unlock(&shadow_list_mutex);
}

struct shadow_dev *shadow_attach(struct mm_struct *mm, const char *kind)
{
	struct shadow_dev *d;
	int err;

	if (strcmp(kind, "kvm"))
		return ERR_PTR(-EINVAL);
	d = shadow_alloc(mm);
	if (!d)
		return ERR_PTR(-ENOMEM);
	err = mmu_notifier_register(&d->mn, mm);
	if (err)
		goto fail;
	/* The last CPU: programs fill the others first. */
	d->engine = kthread_run("shadow", cpumask_weight(&cpu_online_mask) - 1,
				shadow_engine, d);
	if (!IS_ERR(d->engine)) {
		shadow_list_add(d);
		return d;
	}
	err = PTR_ERR(d->engine);
	mmu_notifier_unregister(&d->mn, mm);
fail:
	shadow_free(d);
	return ERR_PTR(err);
}

void shadow_detach(struct shadow_dev *d)
{
	shadow_list_del(d);
	mutex_lock(&d->req_mutex);		/* the last request ends */
	WRITE_ONCE(d->stop, true);
	wake_up_all(&d->wait);
	mutex_unlock(&d->req_mutex);
	thread_join(d->engine);
	mmu_notifier_unregister(&d->mn, d->mm);
	shadow_free(d);
}

struct shadow_dev *shadow_find(u32 id)
{
	struct shadow_dev *d;

	list_for_each_entry(d, &shadow_list, link)
		if (d->id == id)
			return d;
	return NULL;
}

void shadow_get_stats(struct shadow_dev *d, struct shadow_stats *s)
{
	spin_lock(&d->mmu_lock);
	*s = d->stats;
	s->tables = (u64)atomic64_read(&d->spt.nr_tables);
	spin_unlock(&d->mmu_lock);
}

u32 shadow_dev_id(const struct shadow_dev *d)
{
	return d->id;
}

static u32 check_all(void)
{
	struct shadow_dev *d;
	u32 bad = 0;

	mutex_lock(&shadow_list_mutex);
	list_for_each_entry(d, &shadow_list, link)
		bad += spt_check(d);
	mutex_unlock(&shadow_list_mutex);
	return bad;
}

static int shadow_init(void)
{
	mm_check_register(check_all);
	return 0;
}
INITCALL(shadow_init);
