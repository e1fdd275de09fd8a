/* SPDX-License-Identifier: MIT */
/*
 * ksmd: looks for equal pages in memory that asked for it.
 *
 * Each mm with mergeable memory has a slot; one pass looks at every page of
 * every slot once, in order of address:
 *	(1) a KSM page has its bytes: merge into that
 *	(2) it changed since the last pass: remember its checksum
 *	(3) a page of this pass has its bytes: the two become a KSM page
 *	(4) else it joins the pages of this pass (unstable tree)
 *
 * N1. Everything below is under ksm_mutex, taken for one page at a time, and
 *     nobody waits for a mmap_lock with it; so an mm that exits waits a moment
 *     only, even while the auditor holds all mmap_locks and waits for it.  A
 *     page whose mm is busy is left for the next pass.
 * N2. An mm has a slot from its first MADV_MERGEABLE (or its fork from a
 *     parent that has one) until exit_mmap, which takes it away first: the
 *     scanner, which keeps mms by their slots, needs no reference on them.
 * N3. An item remembers an address between two looks, no page and no vma: what
 *     it says is asked again under mmap_lock.  Addresses that are passed over
 *     lose theirs.
 *
 * How pages are merged: ksm_merge.c.  What is remembered of them: ksm_tree.c.
 *
 * Locks: ksm_mutex, then mmap_lock read (trylock), page locks; slots_lock for
 * the list.
 * Tests: tests/kt/kt_ksm.c, tests/race/race_ksm.c, abi/t_ksm
 */
#include "kernel/init.h"
#include "kernel/ktest.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/check.h"
#include "mm/fault.h"
#include "mm/ksm_impl.h"
#include "mm/slab.h"
#include "mm/swapops.h"

DEFINE_MUTEX(ksm_mutex, LOCK_KSM);
static LIST_HEAD(slots);			/* slots_lock */
static DEFINE_SPINLOCK(slots_lock, LOCK_PROC);

/* Where the pass is.  ksm_mutex. */
static struct {
	struct ksm_slot *slot;		/* NULL: between passes */
	vaddr_t va;			/* the next page */
	struct list_head *next;		/* the first item not passed yet */
} cursor;
static struct ksm_stats now, last;	/* ksm_mutex: of this, the last pass */

/*
 * Items and slots.
 */
static void free_item(struct ksm_item *item)
{
	ksm_unstable_erase(item);
	if (cursor.next == &item->link)
		cursor.next = item->link.next;
	list_del(&item->link);
	kfree(item);
	now.items--;
}

/* N3: the items of addresses below va. */
static void pass_items(vaddr_t va)
{
	while (cursor.next != &cursor.slot->items) {
		struct ksm_item *item =
			list_entry(cursor.next, struct ksm_item, link);

		if (item->va >= va)
			break;
		free_item(item);
	}
}

/* The item of cursor.va, passed by now; NULL: no memory. */
static struct ksm_item *item_here(void)
{
	struct ksm_item *item = list_entry(cursor.next, struct ksm_item, link);

	if (cursor.next != &cursor.slot->items && item->va == cursor.va) {
		cursor.next = item->link.next;
		return item;
	}
	item = kzalloc(sizeof(*item));
	if (!item)
		return NULL;
	item->slot = cursor.slot;
	item->va = cursor.va;
	list_add_tail(&item->link, cursor.next);
	now.items++;
	return item;
}

/* The slot after `slot` (NULL: the first); NULL: none. */
static struct ksm_slot *next_slot(struct ksm_slot *slot)
{
	struct list_head *at;

	spin_lock(&slots_lock);
	at = slot ? slot->link.next : slots.next;
	spin_unlock(&slots_lock);
	return at == &slots ? NULL : list_entry(at, struct ksm_slot, link);
}

static void cursor_to(struct ksm_slot *slot)
{
	cursor.slot = slot;
	cursor.va = 0;
	cursor.next = slot ? slot->items.next : NULL;
}

static void end_pass(void)
{
	last = now;
	now.full_scans++;
	now.unshared = now.volatile_ = 0;
	ksm_unstable_new_pass();
}

/* The cursor leaves its slot. */
static void leave_slot(void)
{
	cursor_to(next_slot(cursor.slot));
	if (!cursor.slot)
		end_pass();
}

static int ksm_enter(struct mm_struct *mm)
{
	struct ksm_slot *slot;

	rwsem_assert_held_write(&mm->mmap_lock);
	if (mm->ksm_slot)
		return 0;
	slot = kzalloc(sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->mm = mm;
	INIT_LIST_HEAD(&slot->items);
	mm->ksm_slot = slot;
	spin_lock(&slots_lock);
	list_add_tail(&slot->link, &slots);
	spin_unlock(&slots_lock);
	ksmd_wake();
	return 0;
}

int ksm_fork(struct mm_struct *child, const struct mm_struct *parent)
{
	return parent->ksm_slot ? ksm_enter(child) : 0;
}

void ksm_exit(struct mm_struct *mm)
{
	struct ksm_slot *slot = mm->ksm_slot;
	struct ksm_item *item, *n;

	if (!slot)
		return;
	mutex_lock(&ksm_mutex);
	if (cursor.slot == slot)
		leave_slot();
	list_for_each_entry_safe(item, n, &slot->items, link)
		free_item(item);
	spin_lock(&slots_lock);
	list_del(&slot->link);
	spin_unlock(&slots_lock);
	mm->ksm_slot = NULL;
	mutex_unlock(&ksm_mutex);
	kfree(slot);
}

/*
 * Looking.
 */
/* In one table, from *va on below end: a candidate's page, or NULL. */
static struct page *look_in_table(struct mm_struct *mm, vaddr_t *va,
				  vaddr_t end)
{
	struct page *p = NULL;
	struct pt_pos pos;
	bool more = true;

	lock_leaf(&mm->pgt, *va, &pos);
	for (; more && pos.va < end; more = pos_next(&pos)) {
		*va = pos.va;
		if (pos.level == 1 && ksm_candidate(pte_read(pos.ptep))) {
			p = pte_page(pte_read(pos.ptep));
			get_page(p);
			break;
		}
		*va = pos_end(&pos);
	}
	unlock_table(&pos);
	return p;
}

/*
 * The next candidate of the cursor's slot with a reference, at cursor.va.
 * NULL: not yet (at most one table was looked at), or, va at the end, none.
 * ERR_PTR(-EBUSY): mmap_lock is not to be had.
 */
static struct page *look(struct ksm_slot *slot)
{
	struct mm_struct *mm = slot->mm;
	struct vm_area_struct *vma;
	struct page *p = NULL;

	if (!ksm_mmap_trylock(mm))
		return ERR_PTR(-EBUSY);
	vma = find_vma(mm, cursor.va);
	while (vma && !ksm_vma(mm, max(cursor.va, vma->vm_start)))
		vma = vma_next(vma);
	if (!vma) {
		cursor.va = USER_END;
	} else {
		cursor.va = max(cursor.va, vma->vm_start);
		p = look_in_table(mm, &cursor.va, vma->vm_end);
	}
	mmap_read_unlock(mm);
	return p;
}

/* (1)-(4).  item may be freed. */
static void visit(struct ksm_item *item, struct page *p)
{
	struct page *kpage = ksm_stable_find(p), *other_page;
	struct ksm_item *other;
	u64 sum;

	if (kpage) {
		if (!ksm_merge_into(item, p, kpage))		/* (1) */
			free_item(item);
		put_page(kpage);
		return;
	}
	sum = ksm_checksum(p);
	if (item->sum != sum) {					/* (2) */
		item->sum = sum;
		now.volatile_++;
		return;
	}
	other = ksm_unstable_find(item, p, &other_page);
	if (!other) {						/* (4) */
		now.unshared++;
		return;
	}
	if (!ksm_merge_two(item, p, other, other_page)) {	/* (3) */
		free_item(other);
		free_item(item);
		now.unshared--;
	}
	put_page(other_page);
}

enum step { STEP_NOTHING, STEP_LOOKED, STEP_VISITED, STEP_BUSY };

static enum step scan_step(void)
{
	struct ksm_item *item;
	struct page *p;

	if (!cursor.slot)
		cursor_to(next_slot(NULL));
	if (!cursor.slot)
		return STEP_NOTHING;
	p = look(cursor.slot);
	if (IS_ERR(p))
		return STEP_BUSY;
	pass_items(cursor.va);
	if (!p) {
		if (cursor.va >= USER_END)
			leave_slot();
		return STEP_LOOKED;
	}
	now.scanned++;
	item = item_here();
	if (item)
		visit(item, p);
	put_page(p);
	cursor.va += PAGE_SIZE;
	return STEP_VISITED;
}

static enum step locked_step(void)
{
	enum step step;

	mutex_lock(&ksm_mutex);					/* N1 */
	step = scan_step();
	mutex_unlock(&ksm_mutex);
	if (step == STEP_BUSY)
		sleep_ms(1);
	return step;
}

/* Tables without a candidate cost less than a page, but something. */
#define TABLES_A_PAGE	16

void ksm_scan(u32 nr)
{
	u32 tables = nr * TABLES_A_PAGE;
	enum step step = STEP_LOOKED;

	while (nr && tables && step != STEP_NOTHING) {
		step = locked_step();
		nr -= step == STEP_VISITED;
		tables -= step != STEP_VISITED;
	}
	ksm_reap();
}

static u64 passes_done(bool *between)
{
	u64 n;

	mutex_lock(&ksm_mutex);
	n = now.full_scans;
	*between = !cursor.slot;
	mutex_unlock(&ksm_mutex);
	return n;
}

void ksm_scan_passes(u32 passes)
{
	bool between;
	u64 until = passes_done(&between) + passes;

	until += !between;
	while (passes_done(&between) < until)
		if (locked_step() == STEP_NOTHING)
			break;
	ksm_reap();
}

bool ksm_idle(void)
{
	return !next_slot(NULL);
}

/*
 * Back to ordinary pages.
 */
/* The first entry in [va, end) of a KSM page, or of one that may be. */
static vaddr_t next_merged(struct mm_struct *mm, vaddr_t va, vaddr_t end)
{
	struct pt_pos pos;
	bool more;

	while (va < end) {
		lock_leaf(&mm->pgt, va, &pos);
		for (more = true; more && pos.va < end; more = pos_next(&pos)) {
			pte_t e = pte_read(pos.ptep);

			va = pos.va;
			if (pos.level == 1 &&
			    (pte_is_migration(e) ||
			     (pte_mapped(e) && !pte_special(e) &&
			      page_is_ksm(pte_page(e))))) {
				unlock_table(&pos);
				return va;
			}
			va = pos_end(&pos);
		}
		unlock_table(&pos);
	}
	return end;
}

/* mmap_lock write held.  0, -ENOMEM, -EFAULT. */
static int unmerge(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	u32 flags = FAULT_UNSHARE | FAULT_REMOTE | FAULT_FORCE;
	vaddr_t va = start;

	while ((va = next_merged(vma->vm_mm, va, end)) < end) {
		switch (handle_mm_fault(vma, va, flags)) {
		case FAULT_DONE:
		case FAULT_RETRY:
			break;
		case FAULT_OOM:
			return -ENOMEM;
		default:
			return -EFAULT;
		}
	}
	return 0;
}

int ksm_advise(struct vm_area_struct *vma, vaddr_t start, vaddr_t end,
	       u64 flags)
{
	u64 change = (vma->vm_flags ^ flags) & VM_MERGEABLE;

	if (!change)
		return 0;
	return flags & VM_MERGEABLE ? ksm_enter(vma->vm_mm) :
				      unmerge(vma, start, end);
}

int ksm_unmerge_all(void)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm = NULL;
	int err = 0;

	while ((mm = mm_next(mm))) {
		mmap_write_lock(mm);
		for_each_vma(mm, vma)
			if (!err && (vma->vm_flags & VM_MERGEABLE))
				err = unmerge(vma, vma->vm_start, vma->vm_end);
		mmap_write_unlock(mm);
	}
	ksm_reap();
	return err;
}

/*
 * For others.
 */
void ksm_stats(struct ksm_stats *s)
{
	struct list_head *at;

	mutex_lock(&ksm_mutex);
	*s = now;
	s->unshared = last.unshared;
	s->volatile_ = last.volatile_;
	s->merged = (u64)atomic64_read(&ksm_nr_merged);
	s->busy = (u64)atomic64_read(&ksm_nr_busy);
	s->places = (u64)atomic64_read(&ksm_nr_places);
	spin_lock(&slots_lock);
	list_for_each(at, &slots)
		s->slots++;
	spin_unlock(&slots_lock);
	ksm_count_nodes(s);
	mutex_unlock(&ksm_mutex);
}

KT_SETTLE(ksm, ksm_reap);

static int ksm_init(void)
{
	mm_check_register(ksm_check_nodes);
	return 0;
}
INITCALL_LEVEL(1, ksm_init);
