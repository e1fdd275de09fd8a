/* SPDX-License-Identifier: MIT */
/*
 * Which root each CPU has loaded, and the shootdown of stale translations.
 * T1..T3 and the Dekker table stand in tlb.h.
 *
 * F1  A flush names its generation g.  A CPU whose loaded_gen is g - 1 may
 *     flush just the range; one that is further behind flushes everything and
 *     takes the mm's present generation; one at g or beyond is done.  So
 *     loaded_gen == g means: nothing older than g is left (T2).
 * F2  loaded_mm is NULL while a CPU changes roots (interrupts off), so who
 *     reads another CPU's state never takes new fields for the old mm's.
 * F3  A CPU that runs a kernel thread on a borrowed mm (lazy) leaves the mm
 *     for init_mm at the first flush that reaches it, whatever the flush is
 *     for: it is bothered once.
 * F4  A lazy thread holds one mm_count of active_mm.  A last reference that
 *     is dropped with interrupts off goes to the RCU thread, which runs
 *     mmdrop() where it may free.
 *
 * Lab: after each flush every CPU still loaded with the mm must have caught up
 * (C4); the MMU model hears of every load and flush; bug switches
 * tlb_local_only, skip_lazy and no_root_reload leave parts out.
 * Tests: tests/kt/kt_tlb.c
 */
#include "mm/tlb.h"
#include "arch/mmu.h"
#include "arch/smp.h"
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/racepoint.h"
#include "lib/schedpoint.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "kernel/upcall.h"
#include "mm/early.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/page.h"
#include "mm/vma.h"

#define MAX_INVLPG	32		/* more pages: load CR3 instead */

struct flush {
	struct mm_struct *mm;
	vaddr_t start, end;
	u64 gen;
	u32 flags;
};

static DEFINE_PER_CPU(struct cpu_tlb, cpu_tlb) = { .loaded_mm = &init_mm };
static DEFINE_PER_CPU(struct tlb_stats, stats);

static struct mm_struct *dead_mms;	/* F4: by drop_next */
static struct rcu_head dead_rcu;

const struct cpu_tlb *cpu_tlb_state(u32 cpu)
{
	return per_cpu_ptr(&cpu_tlb, cpu);
}

void tlb_stats(struct tlb_stats *out)
{
	u32 cpu;

	*out = (struct tlb_stats){ 0 };
	for_each_cpu(cpu, &cpu_online_mask) {
		const struct tlb_stats *s = per_cpu_ptr(&stats, cpu);

		out->flushes += s->flushes;
		out->ipis += s->ipis;
		out->pages += s->pages;
		out->full += s->full;
		out->lazy_left += s->lazy_left;
		out->root_reloads += s->root_reloads;
	}
}

/* Irqs off.  (2): the root is read after our bit is in mm's cpumask. */
static void load_root(struct cpu_tlb *c, struct mm_struct *mm)
{
	u64 gen = (u64)atomic64_read(&mm->tlb_gen);
	const pte_t *root = READ_ONCE(mm->pgt.pgd);

	WRITE_ONCE(c->loaded_mm, NULL);				/* F2 */
	barrier();
	mmu_load_root(virt_to_phys(root));
	if (CONFIG_LAB)
		mmu_model_load_root(mm, root);
	c->loaded_root = virt_to_phys(root);
	WRITE_ONCE(c->loaded_gen, gen);
	barrier();
	WRITE_ONCE(c->loaded_mm, mm);
}

/* Irqs off.  init_mm keeps no mask: its tables never move or go. */
static void switch_to_mm(struct mm_struct *mm, u32 lazy)
{
	struct cpu_tlb *c = this_cpu_ptr(&cpu_tlb);
	struct mm_struct *old = c->loaded_mm;
	u32 cpu = smp_processor_id();

	WRITE_ONCE(c->lazy, lazy);
	if (old == mm)
		return;
	if (mm != &init_mm)
		cpumask_set_cpu(cpu, &mm->cpumask);		/* (1) */
	smp_mb();		/* partner: flush_tlb_mm_range (A)-(B) */
	load_root(c, mm);					/* (2) */
	if (old != &init_mm)
		cpumask_clear_cpu(cpu, &old->cpumask);		/* T1 */
	TRACE3(TLB_SWITCH, mm->id, c->loaded_gen, lazy);
}

bool tlb_unload(struct mm_struct *mm)
{
	struct cpu_tlb *c = this_cpu_ptr(&cpu_tlb);

	if (c->loaded_mm != mm)
		return false;
	load_root(c, &init_mm);
	WRITE_ONCE(c->loaded_mm, NULL);				/* F2 */
	return true;
}

void tlb_reload(struct mm_struct *mm)
{
	load_root(this_cpu_ptr(&cpu_tlb), mm);
}

static void drop_dead(struct rcu_head *unused)
{
	struct mm_struct *mm = xchg(&dead_mms, NULL), *next;

	(void)unused;
	for (; mm; mm = next) {
		next = mm->drop_next;
		mmdrop(mm);
	}
}

/* F4.  Irqs off. */
static void drop_borrowed(struct mm_struct *mm)
{
	struct mm_struct *head;

	if (!mm || mm == &init_mm ||
	    atomic_add_unless(&mm->mm_count, -1, 1))
		return;
	head = READ_ONCE(dead_mms);
	do {
		mm->drop_next = head;
	} while (!try_cmpxchg(&dead_mms, &head, mm));
	/* Whoever finds the list empty queues; drop_dead takes all of it. */
	if (!head)
		call_rcu(&dead_rcu, drop_dead);
}

/* From schedule(), irqs off, prev still current. */
void upcall_switch_mm(struct thread *prev, struct thread *next)
{
	struct mm_struct *borrowed = prev->mm ? NULL : prev->active_mm;

	if (next->mm) {
		next->active_mm = next->mm;
		switch_to_mm(next->mm, 0);
	} else {
		struct mm_struct *mm = prev->mm ? prev->mm : borrowed;

		if (!mm)
			mm = &init_mm;
		if (prev->mm)
			atomic_inc(&mm->mm_count);		/* F4 */
		next->active_mm = mm;
		borrowed = NULL;		/* handed on */
		this_cpu_ptr(&cpu_tlb)->lazy =
			this_cpu_ptr(&cpu_tlb)->loaded_mm != &init_mm;
	}
	if (!prev->mm)
		prev->active_mm = NULL;
	drop_borrowed(borrowed);
}

void upcall_thread_mm_drop(struct thread *t)
{
	/* A user thread has left its mm by deactivate_mm(). */
	KASSERT(!t->mm && !t->active_mm);
}

void activate_mm(struct mm_struct *mm)
{
	struct thread *t = current();
	u64 flags = local_irq_save();
	struct mm_struct *borrowed = t->mm ? NULL : t->active_mm;

	t->mm = mm;
	t->active_mm = mm;
	switch_to_mm(mm, 0);
	drop_borrowed(borrowed);
	local_irq_restore(flags);
}

void deactivate_mm(void)
{
	struct thread *t = current();
	u64 flags = local_irq_save();

	KASSERT(t->mm);
	t->mm = NULL;
	t->active_mm = &init_mm;
	switch_to_mm(&init_mm, 0);
	local_irq_restore(flags);
}

/* F3.  Irqs off, this CPU is lazy: load init_mm, let the borrowed mm go. */
static void leave_lazy(void)
{
	struct thread *t = current();
	struct mm_struct *mm = t->active_mm;

	KASSERT(!t->mm);
	switch_to_mm(&init_mm, 0);
	t->active_mm = &init_mm;
	drop_borrowed(mm);
	this_cpu_inc(stats.lazy_left);
}

static void leave_lazy_ipi(void *unused)
{
	(void)unused;
	if (this_cpu_read(cpu_tlb.lazy))
		leave_lazy();
}

void tlb_leave_lazy_all(void)
{
	on_each_cpu(leave_lazy_ipi, NULL);
}

/* Everything of the loaded mm; the root is read anew. */
static void flush_full(struct cpu_tlb *c, const struct flush *f)
{
	this_cpu_inc(stats.full);
	if (f->flags & TLB_NEW_ROOT && !BUG_SWITCH("no_root_reload"))
		this_cpu_inc(stats.root_reloads);
	if (BUG_SWITCH("no_root_reload")) {
		mmu_load_root(c->loaded_root);
		WRITE_ONCE(c->loaded_gen, (u64)atomic64_read(&f->mm->tlb_gen));
		return;
	}
	load_root(c, f->mm);
}

static void flush_pages(struct cpu_tlb *c, const struct flush *f)
{
	for (vaddr_t va = f->start; va < f->end; va += PAGE_SIZE) {
		mmu_flush_page(va);
		this_cpu_inc(stats.pages);
	}
	if (CONFIG_LAB)
		mmu_model_flush_range(f->mm, f->start, f->end);
	WRITE_ONCE(c->loaded_gen, f->gen);
}

/* On the CPU concerned, irqs off. */
static void flush_here(void *arg)
{
	const struct flush *f = arg;
	struct cpu_tlb *c = this_cpu_ptr(&cpu_tlb);

	if (c->loaded_mm != f->mm)
		return;			/* T1: it has left meanwhile */
	if (c->lazy)
		leave_lazy();						/* F3 */
	else if (c->loaded_gen >= f->gen)
		;							/* F1 */
	else if (c->loaded_gen + 1 == f->gen && !f->flags &&
		 f->end - f->start <= MAX_INVLPG * PAGE_SIZE)
		flush_pages(c, f);
	else
		flush_full(c, f);
	TRACE3(TLB_ACK, f->mm->id, f->gen, smp_processor_id());
}

/* C4.  A CPU that is changing roots has read a generation >= gen, or will. */
static bool caught_up(u32 cpu, const struct flush *f)
{
	const struct cpu_tlb *c = per_cpu_ptr(&cpu_tlb, cpu);

	for (int i = 0; i < 3; i++) {
		if (READ_ONCE(c->loaded_mm) != f->mm ||
		    READ_ONCE(c->loaded_gen) >= f->gen)
			return true;
		cpu_relax();
	}
	return false;
}

static void check_caught_up(const struct cpumask *mask, const struct flush *f)
{
	u32 cpu;

	if (BUG_SWITCH("tlb_local_only") || BUG_SWITCH("skip_lazy"))
		return;
	for_each_cpu(cpu, mask)
		if (!caught_up(cpu, f))
			panic("flush of mm %u: CPU %u is at generation %llu, not %llu",
			      f->mm->id, cpu, cpu_tlb_state(cpu)->loaded_gen,
			      f->gen);
}

/* The other CPUs that must hear of it. */
static void remote_mask(struct cpumask *mask, const struct mm_struct *mm)
{
	u32 cpu;

	cpumask_copy(mask, &mm->cpumask);
	cpumask_clear_cpu(smp_processor_id(), mask);
	if (BUG_SWITCH("tlb_local_only"))
		cpumask_clear(mask);
	if (!BUG_SWITCH("skip_lazy"))
		return;
	for_each_cpu(cpu, mask)
		if (READ_ONCE(per_cpu_ptr(&cpu_tlb, cpu)->lazy))
			cpumask_clear_cpu(cpu, mask);
}

u64 flush_tlb_mm_range(struct mm_struct *mm, vaddr_t start, vaddr_t end,
		       u32 flags)
{
	struct flush f = { mm, start & PAGE_MASK, PAGE_ALIGN(end), 0, flags };
	struct cpumask mask;
	u64 irq;

	KASSERT(mm != &init_mm);
	sched_point(SP_FLUSH);
	/* (A) is the caller's; this is a full barrier.  Then (B). */
	f.gen = (u64)atomic64_inc_return(&mm->tlb_gen);
	sched_point(SP_FLUSH);
	TRACE4(TLB_FLUSH, mm->id, f.start, f.end, f.gen);
	preempt_disable();
	this_cpu_inc(stats.flushes);
	remote_mask(&mask, mm);
	irq = local_irq_save();
	flush_here(&f);
	local_irq_restore(irq);
	if (!cpumask_empty(&mask)) {
		this_cpu_add(stats.ipis, cpumask_weight(&mask));
		smp_call_mask(&mask, flush_here, &f);
	}
	if (CONFIG_LAB)
		check_caught_up(&mask, &f);
	preempt_enable();
	sched_point(SP_FLUSH);
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, f.start, f.end);
	return f.gen;
}

void flush_tlb_page(struct mm_struct *mm, vaddr_t va)
{
	flush_tlb_mm_range(mm, va & PAGE_MASK, (va & PAGE_MASK) + PAGE_SIZE,
			   TLB_LEAVES);
}

void flush_tlb_mm(struct mm_struct *mm)
{
	flush_tlb_mm_range(mm, 0, USER_END, TLB_LEAVES);
}

static void flush_kernel_here(void *arg)
{
	const struct flush *f = arg;

	if (f->end - f->start > MAX_INVLPG * PAGE_SIZE) {
		mmu_flush_all();
		if (CONFIG_LAB)
			mmu_model_flush_all();
		return;
	}
	for (vaddr_t va = f->start; va < f->end; va += PAGE_SIZE)
		mmu_flush_page(va);
}

void flush_tlb_kernel_range(vaddr_t start, vaddr_t end)
{
	struct flush f = { &init_mm, start & PAGE_MASK, PAGE_ALIGN(end), 0, 0 };

	on_each_cpu(flush_kernel_here, &f);
}

void tlb_init(void)
{
	struct cpu_tlb *c = this_cpu_ptr(&cpu_tlb);

	c->loaded_mm = &init_mm;
	c->loaded_root = mmu_root();
}
