/* SPDX-License-Identifier: MIT */
/* Tests of mm/mmu_model.c and mmu_model_table.c: each kind of report. */
#include "kernel/racepoint.h"
#include "mm/internal_low.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "tests/kt/kt_holder.h"

enum flush_how { NO_FLUSH, FLUSH };

/* Clears the entry at KT_BASE as a zap would; returns its page. */
static struct page *clear_entry(struct mm_struct *mm, enum flush_how how)
{
	struct mmu_notifier_range r;
	struct pt_pos pos;
	pte_t e;

	mmu_notifier_range_init(&r, MMU_NOTIFY_CLEAR, mm, KT_BASE,
				KT_BASE + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&r);
	lock_leaf(&mm->pgt, KT_BASE, &pos);
	e = pte_clear(&pos);
	if (how == FLUSH)
		flush_tlb_page(mm, KT_BASE);
	unlock_table(&pos);
	mmu_notifier_invalidate_range_end(&r);
	return pte_page(e);
}

static void put_entry_back(struct mm_struct *mm, struct page *p)
{
	struct pt_pos pos;

	lock_leaf(&mm->pgt, KT_BASE, &pos);
	pte_set(&pos, pte_make(page_to_pfn(p), PTE_P | PTE_W | PTE_U | PTE_NX |
					       PTE_AD));
	unlock_table(&pos);
	flush_tlb_page(mm, KT_BASE);
}

KTEST_FLAGS(model, leaf_freed_before_flush, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct holder h;
	struct page *p;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	mmu_model_expect(1);
	p = clear_entry(mm, NO_FLUSH);
	mmu_model_page_free(p, 0);		/* what free_pages would say */
	KT_EQ(t, mmu_model_reports(), 1);
	put_entry_back(mm, p);
	p = clear_entry(mm, FLUSH);
	mmu_model_page_free(p, 0);
	KT_EQ(t, mmu_model_reports(), 0);
	mmu_model_expect(0);
	put_entry_back(mm, p);
	holder_stop(&h);
	mmput(mm);
}

/* Nobody has the mm loaded: nothing can be stale. */
KTEST_FLAGS(model, leaf_of_idle_mm, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct page *p;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	mmu_model_expect(1);
	p = clear_entry(mm, NO_FLUSH);
	mmu_model_page_free(p, 0);
	KT_EQ(t, mmu_model_reports(), 0);
	mmu_model_expect(0);
	put_entry_back(mm, p);
	mmput(mm);
}

KTEST_FLAGS(model, shadow_entry_outlives_page, KTF_LAB_ONLY)
{
	struct page *p = alloc_page(ALLOC_PLAIN);

	KT_ASSERT(t, p);
	mmu_model_expect(1);
	mmu_model_secondary(page_to_pfn(p), 1);
	mmu_model_page_free(p, 0);
	KT_EQ(t, mmu_model_reports(), 1);
	mmu_model_secondary(page_to_pfn(p), -1);
	mmu_model_page_free(p, 0);
	KT_EQ(t, mmu_model_reports(), 0);
	mmu_model_expect(0);
	put_page(p);
}

struct fake_move { struct page *old, *new; };

/* A full table of clean writable entries and its copy, on the way. */
static bool fake_move(struct kt *t, struct mm_struct *mm, struct fake_move *m)
{
	pte_t *e;

	m->old = table_alloc(&mm->pgt, 1, KT_BASE);
	m->new = table_alloc(&mm->pgt, 1, KT_BASE);
	if (!KT_EXPECT(t, m->old && m->new))
		return false;
	e = page_address(m->old);
	for (u32 i = 0; i < PT_ENTRIES; i++)
		e[i] = pte_make(1, PTE_P | PTE_W | PTE_U);
	copy_page(page_address(m->new), e);
	mmu_model_table_moving(mm, m->old, m->new);
	return true;
}

static void fake_end(struct fake_move *m)
{
	table_free(m->old);
	table_free(m->new);
}

KTEST_FLAGS(model, table_flush_missing, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct fake_move m;
	struct holder h;

	KT_ASSERT(t, mm);
	if (!holder_start(t, &h, mm, HOLD_LAZY) || !fake_move(t, mm, &m))
		return;
	mmu_model_expect(1);
	copy_page(page_address(m.new), page_address(m.old));
	mmu_model_table_settled(mm, m.old, m.new);
	KT_EQ(t, mmu_model_reports(), 1);
	mmu_model_table_free(m.old);		/* no grace period either */
	KT_EQ(t, mmu_model_reports(), 1);
	mmu_model_expect(0);
	fake_end(&m);
	holder_stop(&h);
	mmput(mm);
}

KTEST_FLAGS(model, table_late_bits_lost, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_model_stats a, b;
	struct fake_move m;
	struct holder h;

	KT_ASSERT(t, mm);
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	mmu_model_stats(&a);
	if (!fake_move(t, mm, &m))
		return;
	mmu_model_expect(1);
	copy_page(page_address(m.new), page_address(m.old)); /* too early */
	flush_tlb_mm_range(mm, KT_BASE, KT_BASE + PAGE_SIZE, TLB_FREED_TABLES);
	mmu_model_stats(&b);
	KT_EXPECT(t, b.ad_writes > a.ad_writes && b.drains > a.drains);
	mmu_model_table_settled(mm, m.old, m.new);
	KT_EQ(t, mmu_model_reports(), 1);
	synchronize_rcu();
	mmu_model_table_free(m.old);
	KT_EQ(t, mmu_model_reports(), 0);
	mmu_model_expect(0);
	fake_end(&m);
	holder_stop(&h);
	mmput(mm);
}

KTEST_FLAGS(model, table_done_right, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct fake_move m;
	struct holder h;

	KT_ASSERT(t, mm);
	if (!holder_start(t, &h, mm, HOLD_LAZY) || !fake_move(t, mm, &m))
		return;
	mmu_model_expect(1);
	flush_tlb_mm_range(mm, KT_BASE, KT_BASE + PAGE_SIZE, TLB_FREED_TABLES);
	copy_page(page_address(m.new), page_address(m.old)); /* harvest */
	mmu_model_table_settled(mm, m.old, m.new);
	synchronize_rcu();
	mmu_model_table_free(m.old);
	KT_EQ(t, mmu_model_reports(), 0);
	mmu_model_expect(0);
	fake_end(&m);
	holder_stop(&h);
	mmput(mm);
}

/* A munmap whose flush comes after the free, and one that skips lazy CPUs. */
static u32 munmap_with_bug(struct kt *t, const char *bug, enum holder_how how)
{
	struct mm_struct *mm = mm_alloc();
	struct holder h;
	u32 reports;

	if (!KT_EXPECT(t, mm))
		return 0;
	kt_map(mm, 0, 0x2000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	if (!holder_start(t, &h, mm, how))
		return 0;
	mmu_model_reports();
	mmu_model_expect(1);
	if (bug)
		bug_set(bug, 1);
	do_munmap(mm, KT_BASE, 0x2000);
	bug_clear_all();
	flush_tlb_mm(mm);
	rcu_barrier();
	reports = mmu_model_reports();
	mmu_model_expect(0);
	holder_stop(&h);
	mmput(mm);
	return reports;
}

KTEST_FLAGS(model, munmap_bugs, KTF_LAB_ONLY)
{
	KT_EQ(t, munmap_with_bug(t, NULL, HOLD_ACTIVE), 0);
	KT_EQ(t, munmap_with_bug(t, NULL, HOLD_LAZY), 0);
	KT_EXPECT(t, munmap_with_bug(t, "free_before_flush", HOLD_ACTIVE) > 0);
	if (!kt_other_cpu())
		return;		/* the other two are about other CPUs */
	KT_EXPECT(t, munmap_with_bug(t, "tlb_local_only", HOLD_ACTIVE) > 0);
	KT_EXPECT(t, munmap_with_bug(t, "skip_lazy", HOLD_LAZY) > 0);
}
