/* SPDX-License-Identifier: MIT */
/*
 * Fault-around: a read fault on a file page also maps its neighbours that are
 * in the page cache already, so that a program that goes through a file takes
 * one fault for FAULT_AROUND_PAGES pages instead of one each.
 *
 * A1. Best effort: only pages that are uptodate and can be locked at once are
 *     mapped; nothing is read or waited for, and nothing allocated but the
 *     table that the fault needs anyway.
 * A2. X4 of fault.c holds for each of them: found by the speculative protocol
 *     (filemap.h), locked, still in its file and below its end when its entry
 *     is set, and unlocked after that.
 * A3. The window lies in one leaf table, in the vma, and around the fault, so
 *     one stay under one table lock maps all of it.
 * A4. Only the faulting page's entry says accessed: the others were not, and
 *     reclaim must see so.
 *
 *	here				truncate, reclaim
 *	(1) batch look-up under RCU	(A) lock page
 *	(2) get_page_unless_zero	(B) freeze or unmap it
 *	(3) trylock; mapping, index?	(C) take it out of the file, unlock
 *	(4) set the entries, unlock
 * (3) before (A): the entry is there when (B) unmaps.  (C) before (3): the
 * page is not the file's any more and is left alone.
 *
 * Locks: up to FAULT_AROUND_PAGES page locks (tried, never waited for), then
 * the table's.  Tests: tests/kt/kt_fault_around.c, tests/race/race_fault.c
 */
#include "arch/percpu.h"
#include "kernel/racepoint.h"
#include "mm/cow.h"
#include "mm/filemap.h"
#include "mm/rmap.h"
#include "mm/shmem.h"

struct window {
	u64 first, last;		/* file pages, inclusive */
	u32 nr;
	struct page *pages[FAULT_AROUND_PAGES];	/* locked, ours, ascending */
};

/* A3. */
static void choose_window(const struct fault_ctx *f, struct window *w)
{
	const struct vm_area_struct *vma = f->vma;
	vaddr_t start = f->va & ~(FAULT_AROUND_PAGES * PAGE_SIZE - 1);
	vaddr_t end = start + FAULT_AROUND_PAGES * PAGE_SIZE;

	start = max(start, vma->vm_start);
	end = min(end, vma->vm_end);
	w->first = linear_page_index(vma, start);
	w->last = linear_page_index(vma, end - PAGE_SIZE);
	w->nr = 0;
}

/* (2) and (3).  True: p is locked, has our reference, and may be mapped. */
static bool take(struct address_space *m, struct page *p, u64 index)
{
	u64 end = DIV_ROUND_UP(READ_ONCE(m->size), PAGE_SIZE);

	if (!get_page_unless_zero(p))
		return false;
	if (!trylock_page(p)) {
		put_page(p);
		return false;
	}
	if (READ_ONCE(p->mapping) == m && p->index == index && index < end &&
	    page_test(p, PG_uptodate) && !page_test(p, PG_readahead))
		return true;
	unlock_page(p);
	put_page(p);
	return false;
}

/* (1) */
static void take_pages(struct address_space *m, struct window *w)
{
	void *item[FAULT_AROUND_PAGES];
	u64 index[FAULT_AROUND_PAGES];
	u32 n;

	rcu_read_lock();
	n = radix_tree_gang_lookup(&m->i_pages, item, index, w->first,
				   (u32)(w->last - w->first + 1));
	for (u32 i = 0; i < n && index[i] <= w->last; i++)
		if (!item_is_swap(item[i]) && take(m, item[i], index[i]))
			w->pages[w->nr++] = item[i];
	rcu_read_unlock();
}

/* (4).  Where something is mapped already, that stays.  False: no table. */
static bool map_pages(struct fault_ctx *f, struct window *w, u64 prot)
{
	struct pt_pos pos;

	if (lock_table_alloc(&f->mm->pgt, f->va, 1, &pos))
		return false;
	pos.ptep -= pt_index(f->va, 1);
	for (u32 i = 0; i < w->nr; i++) {
		struct page *p = w->pages[i];
		struct pt_pos at = pos;

		at.va = f->vma->vm_start +
			((p->index - f->vma->vm_pgoff) << PAGE_SHIFT);
		at.ptep += pt_index(at.va, 1);
		if (!pte_none(pte_read(at.ptep)))
			continue;
		get_page(p);				/* the entry's */
		page_add_file_rmap(p, f->vma);
		pte_set(&at, pte_make(page_to_pfn(p), prot |
				      (at.va == f->va ? PTE_A : 0)));
		if (at.va != f->va)
			this_cpu_inc(fault_counts.around);
	}
	pos.ptep += pt_index(f->va, 1);
	unlock_table(&pos);
	return true;
}

bool fault_around(struct fault_ctx *f, u64 prot)
{
	bool done = false, mapped;
	struct window w;

	choose_window(f, &w);
	take_pages(f->vma->vm_mapping, &w);
	RACE_POINT("fault_around:locked");
	mapped = w.nr && map_pages(f, &w, prot & ~PTE_A);
	for (u32 i = 0; i < w.nr; i++) {
		done |= mapped &&
			w.pages[i]->index == linear_page_index(f->vma, f->va);
		unlock_page(w.pages[i]);
		put_page(w.pages[i]);
	}
	return done;
}
