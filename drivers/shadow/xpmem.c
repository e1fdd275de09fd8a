/* SPDX-License-Identifier: MIT */
/*
 * The XPMEM-like device: a range of one process, the exporter, appears in
 * another, the importer, whose page-table entries map the exporter's pages.
 * It pins these, so it may do all its work in range_end, and sleep there.
 *
 *	fault (importer)			section of the exporter
 *	(1) s = seq; page being torn: wait	(A) entries change
 *	(2) pin the exporter's page		(B) range_end: seq++
 *	(3) lock; seq == s and not being	(C) lock: pins of the range leave
 *	    torn, else unpin and again		    the tree and are listed
 *	(4) into the tree, into the importer's	(D) section of the importer: its
 *	    table; unlock			    entries go; CPUs flush
 *						(E) off the list, wake; unpin
 *						(F) wait for listed ones of
 *						    the range
 *
 * (2) before (A), (4) before (C): (C)-(E) take it back.
 * (2) before (A), (3) after (B): the sequence says so.
 * (2) after (A): the new page; it may be taken back once for nothing.
 * (3) between (C) and (E): the list says so, and (4) never finds the old entry
 * standing.  (3) between (B) and (C): the tree says so, if its page is the old.
 *
 * X1  Until (D) the importer goes on with the old page.  That harms nobody: it
 *     is pinned, so it is nobody else's.  When the exporter's operation
 *     returns, the importer has lost it; (F) waits, since another thread may
 *     have taken the pins and not be through with (D).
 * X2  The flush of (D) is made whether or not an entry was found: the importer
 *     may have cleared it and not have flushed yet (compare CVE-2022-39188).
 * X3  No lock is held over (D): the importer's subscribers may be devices of
 *     this class, down to one whose exporter is the importer of this.  (F)
 *     waits for pins, never for ranges, and windows are not pinned (X4), so
 *     no circle of exporters waits for itself.
 * X4  The exporter's mm is looked at under its mmap_lock, which is only tried:
 *     the fault holds the importer's.  Pages of such a window cannot be pinned,
 *     so nothing is exported twice over.
 * X5  A page that was ever writable for the importer is dirty when it is
 *     unpinned.
 *
 * A section that must not block (the OOM reaper's) only moves the sequence:
 * its exporter is about to die, and its death takes everything back.
 *
 * Either side may die first.  Exporter: release, (B) to (F) for everything, and
 * faults end in SIGBUS.  Importer: its vmas go, and with the last the pins.
 *
 * Locks: lock (a mutex) for the tree; tear_lock for the running tear-downs.
 * Bug switches: xpmem_no_seq (3), xpmem_no_flush (X2), xpmem_no_wait (F).
 * Tests: tests/kt/kt_shadow_class.c, kt_xpmem.c, tests/race/race_xpmem.c
 */
#include "drivers/shadow/xpmem.h"
#include "kernel/racepoint.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/gup.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/vma.h"

#define BATCH	16U

/* Pins that one tear-down has taken. */
struct batch {
	struct list_head link;		/* x->tears */
	vaddr_t base;
	u32 nr;
	u64 index[BATCH];
	void *item[BATCH];
};

/*
 * Tear-down.
 */
static bool any_torn(struct xpmem *x, u64 first, u64 last)
{
	const struct batch *b;
	bool found = false;

	spin_lock(&x->tear_lock);
	list_for_each_entry(b, &x->tears, link)
		for (u32 i = 0; i < b->nr; i++)
			found |= b->index[i] >= first && b->index[i] <= last;
	spin_unlock(&x->tear_lock);
	return found;
}

bool xpmem_is_torn(struct xpmem *x, u64 index)
{
	return any_torn(x, index, index);
}

/* (C).  Up to BATCH pins of [first, last] are the caller's. */
static u32 claim(struct xpmem *x, u64 first, u64 last, struct batch *b)
{
	mutex_lock(&x->lock);
	b->nr = radix_tree_gang_lookup(&x->pins.i_pages, b->item, b->index,
				       first, BATCH);
	while (b->nr && b->index[b->nr - 1] > last)
		b->nr--;
	for (u32 i = 0; i < b->nr; i++)
		b->item[i] = radix_tree_delete(&x->pins.i_pages, b->index[i]);
	b->base = x->base;
	spin_lock(&x->tear_lock);
	list_add(&b->link, &x->tears);
	spin_unlock(&x->tear_lock);
	mutex_unlock(&x->lock);
	return b->nr;
}

static void clear_entry(struct xpmem *x, vaddr_t va, const struct page *page)
{
	struct pt_pos pos;
	pte_t e;

	if (lock_table(&x->imm->pgt, va, 1, &pos))
		return;
	e = pte_read(pos.ptep);
	/* The importer may have something else there by now. */
	if (pte_mapped(e) && pte_special(e) && pte_page(e) == page)
		pte_clear(&pos);
	unlock_table(&pos);
}

/* (D) */
static void clear_entries(struct xpmem *x, const struct batch *b)
{
	vaddr_t start = b->base + b->index[0] * PAGE_SIZE;
	vaddr_t end = b->base + (b->index[b->nr - 1] + 1) * PAGE_SIZE;
	struct mmu_notifier_range r;

	mmu_notifier_range_init(&r, MMU_NOTIFY_CLEAR, x->imm, start, end);
	mmu_notifier_invalidate_range_start(&r);
	for (u32 i = 0; i < b->nr; i++)
		clear_entry(x, b->base + b->index[i] * PAGE_SIZE,
			    pin_page(b->item[i]));
	RACE_POINT("xpmem:before_flush");
	if (!BUG_SWITCH("xpmem_no_flush"))			/* X2 */
		flush_tlb_mm_range(x->imm, start, end, TLB_LEAVES);
	mmu_notifier_invalidate_range_end(&r);
}

/* (E).  X5: outside a section only the page's lock keeps its file. */
static void unpin(struct xpmem *x, void *item, enum xpmem_where where)
{
	struct page *page = pin_page(item);

	if ((u64)item & XPMEM_WRITABLE) {
		if (where == XPMEM_OUTSIDE)
			lock_page(page);
		set_page_dirty(page);
		if (where == XPMEM_OUTSIDE)
			unlock_page(page);
	}
	unpin_user_page(page);
	shadow_count(&x->dev, SHADOW_ENTRIES, -1);
	shadow_count(&x->dev, SHADOW_ZAPS, 1);
}

static void take_back(struct xpmem *x, struct batch *b, enum xpmem_where where)
{
	if (b->nr)
		clear_entries(x, b);				/* (D) */
	spin_lock(&x->tear_lock);				/* (E) */
	list_del(&b->link);
	spin_unlock(&x->tear_lock);
	wake_up_all(&x->settled);
	for (u32 i = 0; i < b->nr; i++)
		unpin(x, b->item[i], where);
}

void xpmem_tear_down(struct xpmem *x, u64 first, u64 last,
		     enum xpmem_where where)
{
	u64 at = first;
	struct batch b;

	atomic64_inc(&x->seq);						/* (B) */
	do {
		claim(x, at, last, &b);
		take_back(x, &b, where);
		at = b.nr ? b.index[b.nr - 1] + 1 : last;
	} while (b.nr == BATCH);
	if (!BUG_SWITCH("xpmem_no_wait"))			/* (F) */
		wait_event(&x->settled, !any_torn(x, first, last));
}

/*
 * The exporter's callbacks.
 */
static void xpmem_range_end(struct mmu_notifier *mn,
			    const struct mmu_notifier_range *r)
{
	struct xpmem *x = xpmem_of(dev_of(mn));
	vaddr_t end = x->start + x->pages * PAGE_SIZE;

	if (r->end <= x->start || r->start >= end)
		return;
	if (!(r->flags & MMU_NOTIFIER_RANGE_BLOCKABLE)) {
		atomic64_inc(&x->seq);
		return;
	}
	xpmem_tear_down(x, (max(r->start, x->start) - x->start) >> PAGE_SHIFT,
			(min(r->end, end) - 1 - x->start) >> PAGE_SHIFT,
			XPMEM_SECTION);
}

static void die(struct xpmem *x)
{
	mutex_lock(&x->lock);
	WRITE_ONCE(x->dev.dead, true);
	mutex_unlock(&x->lock);
	xpmem_tear_down(x, 0, ~0ULL, XPMEM_OUTSIDE);
}

struct address_space *xpmem_mapping(struct shadow_dev *d)
{
	return &xpmem_of(d)->mapping;
}

void xpmem_kill_segment(u32 id)
{
	struct shadow_dev *d;

	mutex_lock(&shadow_list_mutex);
	list_for_each_entry(d, &shadow_list, link)
		if (d->class == &shadow_xpmem && xpmem_of(d)->segid == id)
			die(xpmem_of(d));
	mutex_unlock(&shadow_list_mutex);
}

static void xpmem_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mm;
	die(xpmem_of(dev_of(mn)));
}

static const struct mmu_notifier_ops xpmem_mn_ops = {
	.release		= xpmem_release,
	.invalidate_range_end	= xpmem_range_end,
};

/*
 * The importer's: the engine is one more reader of its tables.
 */
static void importer_flush(struct mmu_notifier *mn, struct mm_struct *mm,
			   vaddr_t start, vaddr_t end)
{
	(void)mm;
	shadow_tlb_flush(&container_of(mn, struct xpmem, imn)->dev, start, end);
}

static void importer_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	importer_flush(mn, mm, 0, USER_END);
}

static const struct mmu_notifier_ops importer_ops = {
	.release			= importer_release,
	.arch_invalidate_secondary_tlbs	= importer_flush,
};

/*
 * The engine: the importer's entries are its translations.
 */
static bool xpmem_walk(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		       pte_t *found)
{
	bool ok;
	int level;
	struct pt_path path;

	rcu_read_lock();
	(void)pgtable_read(&xpmem_of(d)->imm->pgt, va, &level, &path);
	ok = level == 1 && shadow_use_leaf((pte_t *)path.where[1], how, found);
	rcu_read_unlock();
	return ok;
}

static int xpmem_fault(struct shadow_dev *d, vaddr_t va, enum shadow_access how)
{
	struct xpmem *x = xpmem_of(d);
	enum fault_result res;

	if (READ_ONCE(d->dead) || !mmget_not_zero(x->imm))
		return -ESRCH;
	res = fault_user_address(x->imm, va, FAULT_REMOTE |
				 (how == SHADOW_ACCESS_WRITE ? FAULT_WRITE : 0));
	mmput(x->imm);
	if (res == FAULT_DONE)
		return 0;
	return res == FAULT_OOM ? -ENOMEM : -EFAULT;
}

/* Device of its own importer: a window on all of the exporter, in place. */
static int map_everything(struct xpmem *x)
{
	const struct mmap_request rq = {
		.addr = MMAP_MIN_ADDR, .len = USER_END - MMAP_MIN_ADDR,
		.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_FIXED,
		.mapping = &x->mapping, .pgoff = MMAP_MIN_ADDR >> PAGE_SHIFT,
		.may = VM_MAYREAD | VM_MAYWRITE,
	};
	s64 addr = do_mmap(x->imm, &rq);

	return addr < 0 ? (int)addr : 0;
}

static void leave_importer(struct xpmem *x)
{
	struct mm_struct *imm = x->imm;

	if (x->imn.mm)
		mmu_notifier_unregister(&x->imn, imm);
	if (x->own_imm)
		mmput(imm);
}

static int enter_importer(struct xpmem *x, const struct shadow_window *w)
{
	int err;

	x->imm = w->importer ?: mm_alloc();
	if (!x->imm)
		return -ENOMEM;
	x->own_imm = !w->importer;
	mmgrab(x->imm);
	x->imn.ops = &importer_ops;
	x->imn.name = "shadow-xpmem importer";
	err = mmu_notifier_register(&x->imn, x->imm);
	if (!err && x->own_imm)
		err = map_everything(x);
	if (err)
		leave_importer(x);
	return err;
}

static int xpmem_init(struct shadow_dev *d, const struct shadow_window *w)
{
	static const struct shadow_window everything = { .len = USER_END };
	struct xpmem *x = xpmem_of(d);

	if (!w)
		w = &everything;
	x->start = w->start;
	x->pages = w->len >> PAGE_SHIFT;
	x->segid = w->segid;
	mmgrab(d->mm);
	mutex_init(&x->lock, LOCK_SHADOW_DEV);
	spin_lock_init(&x->tear_lock, LOCK_SHADOW_MMU);
	INIT_LIST_HEAD(&x->tears);
	init_waitqueue_head(&x->settled);
	atomic_set(&x->refs, 1);
	address_space_init_tree(&x->pins);
	address_space_init(&x->mapping, &xpmem_aops, x);
	x->mapping.size = x->pages << PAGE_SHIFT;
	return enter_importer(x, w);
}

/* Neither engine nor exporter's callbacks any more. */
static void xpmem_exit(struct shadow_dev *d)
{
	struct xpmem *x = xpmem_of(d);

	if (!x->imm)
		return;
	die(x);
	leave_importer(x);
}

static void xpmem_free(struct shadow_dev *d)
{
	xpmem_put(xpmem_of(d));
}

const struct shadow_class shadow_xpmem = {
	.name = "xpmem",
	.node = "shadow-xpmem",
	.size = sizeof(struct xpmem),
	.mn_ops = &xpmem_mn_ops,
	.init = xpmem_init,
	.exit = xpmem_exit,
	.free = xpmem_free,
	.walk = xpmem_walk,
	.resolve = xpmem_fault,
	.dropped = NULL,
	.check = shadow_check_settled,
};
