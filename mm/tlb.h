/* SPDX-License-Identifier: MIT */
/*
 * Who has which address space loaded, and how stale translations die.
 *
 * T1  A CPU is in mm->cpumask before it loads mm's root and until it has
 *     loaded another one; lazy CPUs (kernel threads on a borrowed mm) count.
 * T2  mm->tlb_gen is bumped before the IPIs; a CPU that acknowledged
 *     generation g holds no translation or table pointer older than g.
 * T3  A page or table page goes back to the allocator only after T2 for the
 *     generation in which it became unreachable (the gather does that).
 *
 * switch_mm and flush meet Dekker-style:
 *	switch_mm (irqs off)		flush
 *	(1) set cpu in cpumask; mb	(A) change entry or root; mb
 *	(2) read mm->pgt.pgd, load CR3	(B) bump tlb_gen; read cpumask
 * either (B) sees the bit and the IPI lands after the load, or (2) loads
 * what (A) wrote.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "mm/mm_types.h"

enum tlb_flush_flags {
	TLB_LEAVES	= 0,
	TLB_FREED_TABLES = BIT(0),	/* table pages go away: lazy CPUs too */
	TLB_NEW_ROOT	= BIT(1),	/* reload CR3 from mm->pgt.pgd */
};

/*
 * Flush [start, end) of mm on every CPU that has it loaded and wait.  May be
 * called with table locks held; interrupts on.  Returns the generation.
 * Also calls mmu_notifier_arch_invalidate_secondary_tlbs.
 */
u64 flush_tlb_mm_range(struct mm_struct *mm, vaddr_t start, vaddr_t end, u32 flags);
void flush_tlb_page(struct mm_struct *mm, vaddr_t va);
void flush_tlb_mm(struct mm_struct *mm);
void flush_tlb_kernel_range(vaddr_t start, vaddr_t end);	/* all CPUs */

#define GATHER_PAGES 64
struct mmu_gather {
	struct mm_struct *mm;
	vaddr_t start, end;		/* pending flush; start > end: nothing */
	u32 flags;
	u32 nr;
	u32 batches;
	struct page *pages[GATHER_PAGES];
	struct page *tables;		/* chained by rcu.next */
};
void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm);
/* Note a changed leaf whose flush is owed. */
void tlb_note(struct mmu_gather *tlb, vaddr_t va, int level);
/*
 * Queue one reference to be dropped after the flush.  True: the batch is
 * full, call tlb_flush_mmu() before queueing more (after unlocking).
 */
bool tlb_remove_page(struct mmu_gather *tlb, struct page *page);
void tlb_remove_table(struct mmu_gather *tlb, struct page *table);
void tlb_flush_mmu(struct mmu_gather *tlb);	/* flush, then free */
void tlb_finish_mmu(struct mmu_gather *tlb);

/* Per-CPU state, readable by others for messages and the auditor. */
struct cpu_tlb {
	struct mm_struct *loaded_mm;
	phys_t loaded_root;
	u64 loaded_gen;
	u32 lazy;
};
const struct cpu_tlb *cpu_tlb_state(u32 cpu);

/* Make mm the current thread's (exec) / none (exit): switches at once. */
void activate_mm(struct mm_struct *mm);
void deactivate_mm(void);

/*
 * Irqs off: this CPU drops everything of mm and walks init_mm's tables, until
 * tlb_reload().  False: it had not loaded mm.
 */
bool tlb_unload(struct mm_struct *mm);
void tlb_reload(struct mm_struct *mm);

/* Every CPU that has a borrowed mm loaded goes to init_mm and drops it. */
void tlb_leave_lazy_all(void);

struct tlb_stats { u64 flushes, ipis, pages, full, lazy_left, root_reloads; };
void tlb_stats(struct tlb_stats *out);

#endif
