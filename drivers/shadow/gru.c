/* SPDX-License-Identifier: MIT */
/*
 * The GRU-like device: a TLB and nothing else.  No tables, no references.
 *
 * A miss stops the device in a fault: hardware remembers the address in its
 * fault handle, and the driver answers with a drop-in, an entry for the TLB.
 *
 *	fault (engine)				section (whoever changes the mm)
 *	(1) fault handle: va, valid		(A) range_start, tlb_lock held:
 *	(2) wait until no open section		    active++, flush the range;
 *	    covers va				    a fault handle in it is
 *	(3) look va up: gup_fast, else		    no longer valid
 *	    get_user_page; put			(B) PTEs change, pages are freed
 *	(4) drop-in: ignored unless the		(C) range_end: active--, wake
 *	    handle is still valid
 *
 * (1) before (A): (4) is ignored.  The hardware does that: a flush that hits
 *	a pending fault cancels it, and this closes the gap between (2) and (4).
 * (1) between (A) and (C): (2) waits for (C).
 * (1) after (C): (3) sees what the section left.
 * (4) before (A): (A) flushes it.
 *
 * (3) never runs in an interrupt: a table of another mm may be freed under an
 * interrupt handler that holds nothing.  It runs on the engine's thread, with
 * the mm's users pinned.  The fast way is gup_fast, under its rules: interrupts
 * off is a read section that keeps the tables, and the whole path is looked at
 * again after the reference was taken.  The slow way may sleep and fault.
 *
 * U1  No accessed and no dirty bit: an entry says that the page was used, and
 *     one that allows writing, which only a write fault makes, that it was
 *     written.  When it leaves the TLB the page hears of it.  The process's
 *     PTE still holds the page then, since (A) comes before (B).
 * U2  Ageing therefore takes the entry away, and calls the page young.
 *
 * Locks: tlb_lock for everything.  Bug switches: gru_no_cancel (late drop-ins
 * are taken), gru_no_wait ((2) left out).
 * Tests: tests/kt/kt_shadow_class.c, tests/race/race_shadow_class.c
 */
#include "drivers/shadow/internal.h"
#include "kernel/racepoint.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/gup.h"

struct gru {
	struct shadow_dev dev;
	/* tlb_lock */
	struct shadow_fence sections;
	struct {
		vaddr_t va;
		bool valid;
	} handle;
	struct wait_queue_head unblocked; /* a section has ended */
};

static struct gru *gru_of(struct shadow_dev *d)
{
	return container_of(d, struct gru, dev);
}

static struct gru *gru_of_mn(struct mmu_notifier *mn)
{
	return gru_of(dev_of(mn));
}

/* tlb_lock held.  Entries dropped. */
static u32 gru_flush(struct gru *g, vaddr_t start, vaddr_t end)
{
	u32 n = shadow_tlb_drop(&g->dev, start, end);

	if (g->handle.va >= start && g->handle.va < end &&
	    !BUG_SWITCH("gru_no_cancel"))
		g->handle.valid = false;
	shadow_count(&g->dev, SHADOW_ZAPS, n);
	TRACE4(SHADOW_ZAP, g->dev.id, start, end, n);
	return n;
}

/* (A) */
static int gru_range_start(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *r)
{
	struct gru *g = gru_of_mn(mn);

	spin_lock(&g->dev.tlb_lock);
	fence_open(&g->sections, r);
	gru_flush(g, r->start, r->end);
	spin_unlock(&g->dev.tlb_lock);
	return 0;
}

/* (C) */
static void gru_range_end(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *r)
{
	struct gru *g = gru_of_mn(mn);

	(void)r;
	spin_lock(&g->dev.tlb_lock);
	fence_close(&g->sections);
	spin_unlock(&g->dev.tlb_lock);
	wake_up_all(&g->unblocked);
}

/* U2 */
static int gru_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
			   vaddr_t start, vaddr_t end)
{
	struct gru *g = gru_of_mn(mn);
	u32 n;

	(void)mm;
	spin_lock(&g->dev.tlb_lock);
	n = gru_flush(g, start, end);
	spin_unlock(&g->dev.tlb_lock);
	return n > 0;
}

static int gru_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			  vaddr_t va)
{
	struct shadow_dev *d = dev_of(mn);
	pfn_t pfn;
	int young;

	(void)mm;
	spin_lock(&d->tlb_lock);
	young = shadow_translate(d, va, SHADOW_ACCESS_READ, &pfn);
	spin_unlock(&d->tlb_lock);
	return young;
}

static void gru_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct gru *g = gru_of_mn(mn);

	(void)mm;
	spin_lock(&g->dev.tlb_lock);
	WRITE_ONCE(g->dev.dead, true);
	gru_flush(g, 0, USER_END);
	spin_unlock(&g->dev.tlb_lock);
}

static const struct mmu_notifier_ops gru_mn_ops = {
	.release		= gru_release,
	.invalidate_range_start	= gru_range_start,
	.invalidate_range_end	= gru_range_end,
	.clear_flush_young	= gru_clear_young,
	.clear_young		= gru_clear_young,
	.test_young		= gru_test_young,
};

/* (1) */
static void handle_set(struct gru *g, vaddr_t va)
{
	spin_lock(&g->dev.tlb_lock);
	g->handle.va = va;
	g->handle.valid = true;
	spin_unlock(&g->dev.tlb_lock);
}

/* (2) */
static bool blocked(struct gru *g, vaddr_t va)
{
	bool covered;

	spin_lock(&g->dev.tlb_lock);
	covered = fence_covers(&g->sections, va);
	spin_unlock(&g->dev.tlb_lock);
	return covered && !BUG_SWITCH("gru_no_wait");
}

/* (3).  *page with a reference.  What a fast look says of rights is enough. */
static int look_up(struct gru *g, vaddr_t va, u32 foll, struct page **page)
{
	bool writable;
	pte_t e;

	if (!gup_fast(g->dev.mm, va, foll, page, &e))
		return 0;
	return get_user_page(g->dev.mm, va, foll, page, &writable);
}

/* (4) */
static int drop_in(struct gru *g, vaddr_t va, pte_t e)
{
	int err = 0;

	spin_lock(&g->dev.tlb_lock);
	if (g->dev.dead) {
		err = -ESRCH;
	} else if (!g->handle.valid) {
		err = -EAGAIN;
	} else {
		shadow_tlb_insert(&g->dev, va, e);
		shadow_count(&g->dev, SHADOW_INSTALLS, 1);
		shadow_count(&g->dev, SHADOW_ENTRIES, 1);
	}
	g->handle.valid = false;
	spin_unlock(&g->dev.tlb_lock);
	return err;
}

static int gru_fault(struct shadow_dev *d, vaddr_t va, enum shadow_access how)
{
	bool write = how == SHADOW_ACCESS_WRITE;
	struct gru *g = gru_of(d);
	struct page *page;
	int err;

	handle_set(g, va);						/* (1) */
	wait_event_idle(&g->unblocked, !blocked(g, va));		/* (2) */
	RACE_POINT("gru:before_look_up");
	err = look_up(g, va, write ? FOLL_WRITE : 0, &page);		/* (3) */
	if (err)
		return err;
	put_page(page);
	RACE_POINT("gru:before_drop_in");
	return drop_in(g, va, pte_make(page_to_pfn(page), PTE_P | PTE_A |
				       (write ? PTE_W | PTE_D : 0)));
}

/* U1 */
static void gru_dropped(struct shadow_dev *d, vaddr_t va, pte_t e)
{
	struct page *page = pte_page(e);

	(void)va;
	shadow_count(d, SHADOW_ENTRIES, -1);
	if (pte_dirty(e))
		set_page_dirty(page);
	page_set(page, PG_referenced);
}

/* No section that is not open yet can begin its work while we hold the lock. */
static u32 gru_check(struct shadow_dev *d)
{
	u32 bad = 0;

	spin_lock(&d->tlb_lock);
	if (!gru_of(d)->sections.open)
		bad = shadow_tlb_check(d);
	spin_unlock(&d->tlb_lock);
	return bad;
}

static int gru_init(struct shadow_dev *d, const struct shadow_window *w)
{
	(void)w;
	init_waitqueue_head(&gru_of(d)->unblocked);
	return 0;
}

const struct shadow_class shadow_gru = {
	.name = "gru",
	.node = "shadow-gru",
	.size = sizeof(struct gru),
	.mn_ops = &gru_mn_ops,
	.init = gru_init,
	.resolve = gru_fault,
	.dropped = gru_dropped,
	.check = gru_check,
};
