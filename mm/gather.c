/* SPDX-License-Identifier: MIT */
/*
 * The gather: flush first, then free (T3).
 *
 *	unmapper (under the table's lock)	tlb_flush_mmu (no lock held)
 *	(1) clear the entry			(A) flush the range on all CPUs
 *	(2) tlb_note the address		(B) drop the page references
 *	(3) tlb_remove_page			(C) free the tables after RCU
 *
 * G1  Between (1) and (A) another thread may find the entry none and return
 *     to its caller although stale translations live on.  Open gathers are
 *     counted in mm->tlb_flush_pending; one that ends while another is open
 *     flushes the whole mm, so whoever saw the other's work has it flushed.
 * G2  Tables are detached (RETIRED) before they are queued and make (A) a
 *     flush with TLB_FREED_TABLES, which lazy CPUs get too.
 *
 * G3  Secondary MMUs that walk these tables hear of detached ones by
 *     tables_moved after (A), before (C).
 *
 * A gather lives on its thread's stack.  Bug switch free_before_flush swaps
 * (A) and (B).  Tests: tests/kt/kt_tlb.c
 */
#include "kernel/racepoint.h"
#include "mm/mmu_notifier.h"
#include "mm/page.h"
#include "mm/pgtable.h"
#include "mm/swap.h"
#include "mm/tlb.h"

static void range_reset(struct mmu_gather *tlb)
{
	tlb->start = ~0UL;
	tlb->end = 0;
	tlb->flags = TLB_LEAVES;
}

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm)
{
	tlb->mm = mm;
	tlb->nr = 0;
	tlb->batches = 0;
	tlb->tables = NULL;
	range_reset(tlb);
	atomic_inc(&mm->tlb_flush_pending);
	smp_mb__after_atomic();		/* partner: table locks in (1) */
}

static void note_range(struct mmu_gather *tlb, vaddr_t start, vaddr_t end)
{
	tlb->start = min(tlb->start, start);
	tlb->end = max(tlb->end, end);
}

void tlb_note(struct mmu_gather *tlb, vaddr_t va, int level)
{
	vaddr_t start = va & ~(pt_size(level) - 1);

	note_range(tlb, start, start + pt_size(level));
}

bool tlb_remove_page(struct mmu_gather *tlb, struct page *page)
{
	KASSERT(tlb->nr < GATHER_PAGES);
	KASSERT(tlb->start < tlb->end);		/* (2) comes before (3) */
	tlb->pages[tlb->nr++] = page;
	return tlb->nr == GATHER_PAGES;
}

void tlb_remove_table(struct mmu_gather *tlb, struct page *table)
{
	KASSERT(page_test(table, PG_retired));
	note_range(tlb, table->pt_base,
		   table->pt_base + pt_size(table->pt_level + 1));
	tlb->flags |= TLB_FREED_TABLES;
	table->rcu.next = tlb->tables ? &tlb->tables->rcu : NULL;
	tlb->tables = table;
}

static void free_queued(struct mmu_gather *tlb)
{
	struct page *table = tlb->tables, *next;

	for (u32 i = 0; i < tlb->nr; i++)
		put_page_and_swap(tlb->pages[i]);
	tlb->nr = 0;
	tlb->tables = NULL;
	for (; table; table = next) {
		next = table->rcu.next ?
			container_of(table->rcu.next, struct page, rcu) : NULL;
		table_free_rcu(table);
	}
}

/* Devices that walk the CPUs' tables may have cached where these are (G3). */
static void tell_walkers(struct mmu_gather *tlb)
{
	for (int level = 1; level < PT_LEVELS; level++)
		mmu_notifier_tables_moved(tlb->mm, tlb->start, tlb->end, level);
}

void tlb_flush_mmu(struct mmu_gather *tlb)
{
	if (BUG_SWITCH("free_before_flush"))
		free_queued(tlb);
	if (tlb->start < tlb->end) {
		RACE_POINT("gather:before_flush");
		flush_tlb_mm_range(tlb->mm, tlb->start, tlb->end, tlb->flags);
		if (tlb->flags & TLB_FREED_TABLES)
			tell_walkers(tlb);
		tlb->batches++;
	}
	range_reset(tlb);
	free_queued(tlb);
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
	struct mm_struct *mm = tlb->mm;

	if (atomic_read(&mm->tlb_flush_pending) > 1 &&
	    !BUG_SWITCH("gather_trusts_none"))			/* G1 */
		note_range(tlb, 0, USER_END);
	tlb_flush_mmu(tlb);
	KASSERT(!tlb->nr && !tlb->tables);
	atomic_dec(&mm->tlb_flush_pending);
}
