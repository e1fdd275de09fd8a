/* SPDX-License-Identifier: MIT */
/*
 * Flushes and the gather: mm/tlb.c, mm/gather.c.
 *
 * Real translations of real CPUs: kernel threads take an mm (activate_mm) and
 * read its user addresses.  A stale entry stays in a CPU's TLB under QEMU, so a
 * flush that is left out shows as a read that still succeeds.
 */
#include "arch/uaccess.h"
#include "kernel/ktest.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/internal_low.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/tlb.h"
#include "tests/kt/kt_mm.h"

#define VA		0x50000000UL
#define WORD		0x1122334455667788UL

/* An mm with `n` private frames at VA, outside any vma: no fault helps. */
static struct mm_struct *mm_with_pages(u32 n)
{
	struct mm_struct *mm = mm_alloc();

	for (u32 i = 0; mm && i < n; i++) {
		struct page *p = alloc_page(ALLOC_PLAIN | ALLOC_ZERO);
		struct pt_pos pos;

		if (!p || lock_table_alloc(&mm->pgt, VA + i * PAGE_SIZE, 1,
					   &pos))
			break;
		*(u64 *)page_address(p) = WORD + i;
		pte_set(&pos, pte_make(page_to_pfn(p),
				       PTE_P | PTE_U | PTE_W | PTE_A | PTE_NX));
		unlock_table(&pos);
	}
	return mm;
}

static void section(struct mm_struct *mm, struct mmu_notifier_range *r)
{
	mmu_notifier_range_init(r, MMU_NOTIFY_CLEAR, mm, VA, VA + (1UL << 21));
	mmu_notifier_invalidate_range_start(r);
}

/* Clears VA + i pages; the frame, its reference now the caller's. */
static struct page *clear_one(struct mm_struct *mm, u32 i)
{
	struct pt_pos pos;
	pte_t e;

	if (lock_table(&mm->pgt, VA + i * PAGE_SIZE, 1, &pos))
		return NULL;
	e = pte_clear(&pos);
	unlock_table(&pos);
	return pte_present(e) ? pte_page(e) : NULL;
}

/* All of mm_with_pages(), by the rules. */
static void mm_finish(struct mm_struct *mm, u32 n)
{
	struct mmu_notifier_range r;
	struct mmu_gather tlb;

	section(mm, &r);
	tlb_gather_mmu(&tlb, mm);
	for (u32 i = 0; i < n; i++) {
		struct page *p = clear_one(mm, i);

		if (!p)
			continue;
		tlb_note(&tlb, VA + i * PAGE_SIZE, 1);
		if (tlb_remove_page(&tlb, p))
			tlb_flush_mmu(&tlb);
	}
	free_pgtables(&tlb, VA, VA + n * PAGE_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	mmu_notifier_invalidate_range_end(&r);
	mmput(mm);
}

/*
 * A thread on another CPU that owns the mm and does one thing at a time:
 * the test sets `order`, the thread does it and sets it back to WAIT.
 */
enum order { WAIT, READ, SLEEP, MOVE, LEAVE };
struct user {
	struct mm_struct *mm;
	u32 order;
	u32 home, to;
	u64 not_read, value;
	struct wait_queue_head wq;
	struct thread *th;
};

static void user_do(struct user *u, u32 order)
{
	if (order == READ)
		u->not_read = copy_from_user(&u->value, VA, sizeof(u->value));
	if (order == SLEEP)
		sleep_ms(20);
	if (order == MOVE)
		thread_migrate_self(u->to);
}

static void user_thread(void *arg)
{
	struct user *u = arg;
	u32 order;

	activate_mm(u->mm);
	for (;;) {
		wait_event(&u->wq, smp_load_acquire(&u->order) != WAIT);
		order = u->order;
		if (order == LEAVE)
			break;
		user_do(u, order);
		smp_store_release(&u->order, WAIT);
		wake_up_all(&u->wq);
	}
	deactivate_mm();
}

static bool user_start(struct user *u, struct mm_struct *mm)
{
	*u = (struct user){ .mm = mm, .home = kt_other_cpu() };
	init_waitqueue_head(&u->wq);
	u->th = kthread_run("kt-user", (int)u->home, user_thread, u);
	return !IS_ERR(u->th);
}

static void user_order(struct user *u, u32 order)
{
	smp_store_release(&u->order, order);
	wake_up_all(&u->wq);
	if (order == LEAVE)
		thread_join(u->th);
	else
		wait_event(&u->wq, smp_load_acquire(&u->order) == WAIT);
}

/*
 * What another CPU reads before and after VA is cleared and flushed.  True:
 * it still read through a stale translation.
 */
static bool stage_remote(struct kt *t, const char *bug)
{
	bool stale;
	struct mm_struct *mm = mm_with_pages(1);
	struct mmu_notifier_range r;
	struct page *p;
	struct user u;

	if (!KT_EXPECT(t, mm && user_start(&u, mm)))
		return false;
	user_order(&u, READ);
	KT_EQ(t, u.not_read, 0);
	KT_EQ(t, u.value, WORD);
	section(mm, &r);
	p = clear_one(mm, 0);
	KT_EXPECT(t, p);
	if (bug)
		bug_set(bug, 1);
	flush_tlb_page(mm, VA);
	bug_clear_all();
	user_order(&u, READ);
	stale = !u.not_read;
	flush_tlb_mm(mm);
	user_order(&u, READ);
	KT_EQ(t, u.not_read, 8);
	mmu_notifier_invalidate_range_end(&r);
	put_page(p);
	user_order(&u, LEAVE);
	mm_finish(mm, 1);
	return stale;
}

KTEST(tlb, remote_flush)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	kt_pin(0);
	KT_EXPECT(t, !stage_remote(t, NULL));
	kt_unpin();
}

/* The TLB may lose an entry by itself: one try in five must show it. */
KTEST_FLAGS(tlb, local_flush_only_is_not_enough, KTF_LAB_ONLY)
{
	u32 stale = 0;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	kt_pin(0);
	for (u32 i = 0; i < 5 && !stale; i++)
		stale += stage_remote(t, "tlb_local_only");
	KT_EXPECT(t, stale);
	kt_unpin();
}

/* F3: a CPU that idles on a borrowed mm leaves it at the first flush. */
KTEST(tlb, lazy_cpu_leaves)
{
	struct mm_struct *mm;
	struct user u;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	mm = mm_with_pages(1);
	kt_pin(0);
	KT_ASSERT(t, mm && user_start(&u, mm));
	user_order(&u, READ);
	for (u32 i = 0; i < 100 && !cpu_tlb_state(u.home)->lazy; i++)
		sleep_ms(1);
	KT_EXPECT(t, cpu_tlb_state(u.home)->lazy);
	KT_EXPECT(t, cpu_tlb_state(u.home)->loaded_mm == mm);
	KT_EXPECT(t, cpumask_test_cpu(u.home, &mm->cpumask));
	flush_tlb_mm(mm);
	KT_EXPECT(t, cpu_tlb_state(u.home)->loaded_mm == &init_mm);
	KT_EXPECT(t, !cpumask_test_cpu(u.home, &mm->cpumask));
	user_order(&u, READ);			/* and comes back */
	KT_EQ(t, u.value, WORD);
	KT_EXPECT(t, cpumask_test_cpu(u.home, &mm->cpumask));
	user_order(&u, LEAVE);
	mm_finish(mm, 1);
	kt_unpin();
}

/* F4: the structure outlives its users as long as a CPU has it borrowed. */
KTEST(tlb, lazy_cpu_pins_the_root)
{
	struct mm_struct *mm;
	struct user u;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	mm = mm_alloc();
	kt_pin(0);
	KT_ASSERT(t, mm && user_start(&u, mm));
	u.to = 0;
	user_order(&u, MOVE);
	for (u32 i = 0; i < 100 && !cpu_tlb_state(u.home)->lazy; i++)
		sleep_ms(1);
	KT_EXPECT(t, cpu_tlb_state(u.home)->loaded_mm == mm);
	user_order(&u, LEAVE);
	KT_EQ(t, atomic_read(&mm->mm_count), 2);
	mmput(mm);
	tlb_leave_lazy_all();
	KT_EXPECT(t, cpu_tlb_state(u.home)->loaded_mm == &init_mm);
	rcu_barrier();
	kt_unpin();
}

/* F1: few pages one by one, many or after a missed generation all at once. */
KTEST(tlb, range_or_everything)
{
	struct mm_struct *mm = mm_with_pages(1);
	struct tlb_stats a, b;

	KT_ASSERT(t, mm);
	kt_pin(0);
	activate_mm(mm);
	tlb_stats(&a);
	flush_tlb_mm_range(mm, VA, VA + 3 * PAGE_SIZE, TLB_LEAVES);
	tlb_stats(&b);
	KT_EXPECT(t, b.pages - a.pages >= 3);
	flush_tlb_mm_range(mm, VA, VA + 33 * PAGE_SIZE, TLB_LEAVES);
	tlb_stats(&a);
	KT_EXPECT(t, a.full > b.full);
	flush_tlb_mm_range(mm, VA, VA + PAGE_SIZE, TLB_FREED_TABLES);
	tlb_stats(&b);
	KT_EXPECT(t, b.full > a.full);
	KT_EQ(t, cpu_tlb_state(0)->loaded_gen, atomic64_read(&mm->tlb_gen));
	deactivate_mm();
	mm_finish(mm, 1);
	kt_unpin();
}

/* T3: a queued page is freed by the flush and not before. */
KTEST(tlb, gather_flushes_then_frees)
{
	struct mm_struct *mm = mm_with_pages(1);
	struct mmu_notifier_range r;
	struct mmu_gather tlb;
	struct page *p;
	u64 gen;

	KT_ASSERT(t, mm);
	gen = (u64)atomic64_read(&mm->tlb_gen);
	section(mm, &r);
	tlb_gather_mmu(&tlb, mm);
	p = clear_one(mm, 0);
	KT_ASSERT(t, p);
	tlb_note(&tlb, VA, 1);
	KT_EXPECT(t, !tlb_remove_page(&tlb, p));
	KT_EQ(t, page_count(p), 1);
	tlb_flush_mmu(&tlb);
	KT_EQ(t, page_count(p), 0);
	KT_EQ(t, atomic64_read(&mm->tlb_gen), gen + 1);
	tlb_finish_mmu(&tlb);
	KT_EQ(t, atomic64_read(&mm->tlb_gen), gen + 1);
	KT_EQ(t, atomic_read(&mm->tlb_flush_pending), 0);
	mmu_notifier_invalidate_range_end(&r);
	mm_finish(mm, 1);
}

/* G1: the inner gather saw nothing, but must not return unflushed. */
KTEST(tlb, nested_gathers_flush_all)
{
	struct mm_struct *mm = mm_with_pages(0);
	struct mmu_gather outer, inner;
	u64 gen;

	KT_ASSERT(t, mm);
	tlb_gather_mmu(&outer, mm);
	tlb_gather_mmu(&inner, mm);
	gen = (u64)atomic64_read(&mm->tlb_gen);
	tlb_finish_mmu(&inner);
	KT_EQ(t, atomic64_read(&mm->tlb_gen), gen + 1);
	tlb_finish_mmu(&outer);
	KT_EQ(t, atomic64_read(&mm->tlb_gen), gen + 1);
	mmput(mm);
}

/* A full batch: 64 pages at most wait for one flush. */
KTEST(tlb, gather_batches)
{
	u32 n = GATHER_PAGES + 3;
	struct mm_struct *mm = mm_with_pages(n);
	u64 gen, frames = nr_free_pages();

	KT_ASSERT(t, mm);
	mmgrab(mm);
	gen = (u64)atomic64_read(&mm->tlb_gen);
	mm_finish(mm, n);
	KT_EQ(t, atomic64_read(&mm->tlb_gen), gen + 2);
	KT_EXPECT(t, nr_free_pages() >= frames + n);
	mmdrop(mm);
}

/* TLB_NEW_ROOT: CPUs load the root that stands in the mm now. */
KTEST(tlb, new_root_is_loaded)
{
	struct mm_struct *mm = mm_with_pages(1);
	struct page *old, *new;
	u64 value = 0;

	KT_ASSERT(t, mm);
	new = table_alloc(&mm->pgt, PT_LEVELS, 0);
	KT_ASSERT(t, new);
	kt_pin(0);
	activate_mm(mm);
	old = table_page(mm->pgt.pgd);
	spin_lock(&mm->pgt.root_lock);
	table_lock(old);
	copy_page(page_address(new), page_address(old));
	new->pt_nr = old->pt_nr;
	WRITE_ONCE(mm->pgt.pgd, page_address(new));
	page_set(old, PG_retired);
	table_unlock_retired(old);
	flush_tlb_mm_range(mm, 0, USER_END, TLB_NEW_ROOT);
	spin_unlock(&mm->pgt.root_lock);
	KT_EQ(t, cpu_tlb_state(0)->loaded_root, page_to_phys(new));
	table_free_rcu(old);
	KT_EQ(t, copy_from_user(&value, VA, 8), 0);
	KT_EQ(t, value, WORD);
	deactivate_mm();
	mm_finish(mm, 1);
	kt_unpin();
}

/*
 * The rules left out, one by one: the MMU model must see each, whatever QEMU
 * makes of it.  The mm is loaded on this CPU, so there is something to flush.
 */
static u32 reports_with(const char *bug)
{
	struct mm_struct *mm = mm_with_pages(2);
	u32 n;

	if (!mm)
		return 0;
	kt_pin(0);
	activate_mm(mm);
	mmu_model_reports();
	mmu_model_expect(1);
	if (bug)
		bug_set(bug, 1);
	mmgrab(mm);
	mm_finish(mm, 2);
	bug_clear_all();
	rcu_barrier();
	deactivate_mm();
	mmdrop(mm);
	mmu_model_expect(0);
	n = mmu_model_reports();
	kt_unpin();
	return n;
}

KTEST_FLAGS(tlb, model_is_content, KTF_LAB_ONLY)
{
	KT_EQ(t, reports_with(NULL), 0);
}

KTEST_FLAGS(tlb, free_before_flush_is_caught, KTF_LAB_ONLY)
{
	KT_EXPECT(t, reports_with("free_before_flush"));
}

KTEST_FLAGS(tlb, table_without_grace_period_is_caught, KTF_LAB_ONLY)
{
	KT_EXPECT(t, reports_with("table_no_gp"));
}

KTEST_FLAGS(tlb, skipped_lazy_cpu_is_caught, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_with_pages(1);
	struct user u;
	u32 n;

	if (!kt_other_cpu()) {
		mm_finish(mm, 1);
		KT_SKIP(t, "needs two CPUs");
	}
	kt_pin(0);
	KT_ASSERT(t, mm && user_start(&u, mm));
	user_order(&u, READ);
	u.to = 0;
	user_order(&u, MOVE);
	for (u32 i = 0; i < 100 && !cpu_tlb_state(u.home)->lazy; i++)
		sleep_ms(1);
	KT_EXPECT(t, cpu_tlb_state(u.home)->loaded_mm == mm);
	user_order(&u, LEAVE);
	mmu_model_reports();
	mmu_model_expect(1);
	bug_set("skip_lazy", 1);
	mmgrab(mm);
	mm_finish(mm, 1);
	bug_clear_all();
	tlb_leave_lazy_all();
	rcu_barrier();
	mmdrop(mm);
	mmu_model_expect(0);
	n = mmu_model_reports();
	KT_EXPECT(t, n);
	kt_unpin();
}
