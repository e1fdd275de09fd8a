/* SPDX-License-Identifier: MIT */
/* Tests of mm/mmu_model.c and mmu_model_table.c: each kind of report. */
#include "kernel/racepoint.h"
#include "kernel/report.h"
#include "mm/internal_low.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "tests/kt/kt_holder.h"

/* On after every test, whatever it did. */
KT_CHECK(mmu_model, mmu_model_check);

/* The last expected report says all of these. */
#define SAYS(t, ...) do {						\
	const char *const says[] = { __VA_ARGS__ };			\
	bool says_all = true;						\
									\
	for (u32 says_i = 0; says_i < ARRAY_SIZE(says); says_i++)	\
		if (!report_has(says[says_i])) {			\
			kt_fail(t, __FILE__, __LINE__, "not said: %s",	\
				says[says_i]);				\
			says_all = false;				\
		}							\
	if (!says_all)							\
		report_print();						\
} while (0)

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
	SAYS(t, "freed before flush: CPU ", " may still translate 40000000 of mm ",
	     "by the level-1 entry ", ", which became 0 by thread ",
	     "clear_entry+", " us ago; owed: a flush of 40000000-40001000 after");
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
	mmu_model_secondary_add(7, KT_BASE, page_to_pfn(p));
	mmu_model_page_free(p, 0);
	KT_EQ(t, mmu_model_reports(), 1);
	SAYS(t, "freed, but device 7 still maps 40000000 to it",
	     "kt_model_shadow_entry_outlives_page+",
	     "owed: that the device drops 40000000-40001000");
	mmu_model_secondary_del(7, KT_BASE, page_to_pfn(p));
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
	SAYS(t, "level 1 table of 40000000 of mm ", "settled, but CPU ",
	     "moved by thread ", "owed: a flush of 40000000-40200000");
	mmu_model_table_free(m.old);		/* no grace period either */
	KT_EQ(t, mmu_model_reports(), 1);
	SAYS(t, "freed before a grace period has passed; detached by thread ");
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
	SAYS(t, "lost the ", " bit that CPU ", " set through the old table",
	     "owed: a harvest after the flush");
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
	SAYS(t, "freed before flush", "zap_range+", "owed: a flush of 40000000-");
	if (!kt_other_cpu())
		return;		/* the other two are about other CPUs */
	KT_EXPECT(t, munmap_with_bug(t, "tlb_local_only", HOLD_ACTIVE) > 0);
	SAYS(t, "freed before flush", "zap_range+", "owed: a flush of 40000000-");
	KT_EXPECT(t, munmap_with_bug(t, "skip_lazy", HOLD_LAZY) > 0);
	SAYS(t, "freed before flush", "zap_range+", "owed: a flush of 40000000-");
}

/* Nobody switched it on, and a plain unmapping feeds it. */
KTEST_FLAGS(model, always_on, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_model_stats a, b;
	struct holder h;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	mmu_model_stats(&a);
	do_munmap(mm, KT_BASE, 0x1000);
	mmu_model_stats(&b);
	KT_EXPECT(t, b.prefills > a.prefills);
	KT_EXPECT(t, b.drains > a.drains);
	holder_stop(&h);
	mmput(mm);
}
