/* SPDX-License-Identifier: MIT */
/*
 * What only a device that walks the CPU's tables does (drivers/shadow/sva.c):
 * it must hear of tables that leave the tree.  Its caches are kept as long as
 * the callbacks let it, so one that is not called shows at the next access.
 */
#include "kernel/scenario.h"
#include "kernel/racepoint.h"
#include "kernel/rcu.h"
#include "mm/mmu_model.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_shadow.h"

#define PAGES	4

static u64 stale_of(struct kt_shadow *k)
{
	struct shadow_stats s;

	shadow_get_stats(k->d, &s);
	return s.stale;
}

/* Pages written; the device has read all but the last, by cached tables. */
static bool warm(struct kt *t, struct kt_shadow *k)
{
	if (!kt_shadow_begin(t, k, "sva", PAGES))
		return false;
	for (u32 i = 0; i < PAGES; i++)
		kt_poke(k->mm, KT_BASE + i * PAGE_SIZE, i + 1);
	for (u32 i = 0; i < PAGES - 1; i++)
		KT_EQ(t, kt_dev_read(k->d, KT_BASE + i * PAGE_SIZE), i + 1);
	return true;
}

/* Its accesses stand in the process's own entries. */
KTEST(sva, sets_the_process_bits)
{
	struct kt_shadow k;
	pte_t e;

	if (!kt_shadow_begin(t, &k, "sva", 2))
		return;
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 0);
	e = kt_pte(k.mm, KT_BASE);
	KT_EXPECT(t, pte_young(e) && !pte_dirty(e) && pte_is_zero_page(e));
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 1), 0);
	e = kt_pte(k.mm, KT_BASE);
	KT_EXPECT(t, pte_young(e) && pte_dirty(e) && pte_write(e));
	kt_poke_clean(k.mm, KT_BASE + PAGE_SIZE, 1);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE + PAGE_SIZE, 2), 0);
	KT_EXPECT(t, pte_dirty(kt_pte(k.mm, KT_BASE + PAGE_SIZE)));
	kt_shadow_end(t, &k);
}

/* Every level, the root too: with the callback no walk goes astray. */
static u64 relocate_under(struct kt *t, int mode, u32 bug)
{
	struct ptmigrate_result r;
	struct kt_shadow k;
	u64 stale;

	if (!warm(t, &k))
		return 0;
	bug_set("sva_keeps_tables", bug);
	mmu_model_expect(1);
	KT_EQ(t, mm_relocate_tables(k.mm, mode, &r), 0);
	KT_EQ(t, r.moved[1] && r.moved[2] && r.moved[3] && r.moved[4], 1);
	bug_clear_all();
	KT_EQ(t, kt_dev_read(k.d, KT_BASE + (PAGES - 1) * PAGE_SIZE),
	      bug ? KT_NONE : PAGES);
	rcu_barrier();			/* the old tables are freed */
	KT_EQ(t, mmu_model_reports() > 0, bug);
	mmu_model_expect(0);
	stale = stale_of(&k);
	shadow_detach(k.d);
	mmput(k.mm);
	return stale;
}

KTEST_FLAGS(sva, relocation_is_told, KTF_LAB_ONLY)
{
	KT_EQ(t, relocate_under(t, PTMIGRATE_LIVE, 0), 0);
	KT_EQ(t, relocate_under(t, PTMIGRATE_STOP, 0), 0);
	KT_EXPECT(t, relocate_under(t, PTMIGRATE_LIVE, 1));
	KT_EXPECT(t, relocate_under(t, PTMIGRATE_STOP, 1));
}

/* munmap frees the table that the device has cached. */
static u32 free_under(struct kt *t, u32 bug)
{
	struct kt_shadow k;
	u32 reports;

	if (!warm(t, &k))
		return 0;
	bug_set("sva_keeps_tables", bug);
	mmu_model_expect(1);
	KT_EQ(t, do_munmap(k.mm, KT_BASE, PAGES * PAGE_SIZE), 0);
	scenario_now("munmap is done; the tables that the device cached are freed");
	bug_clear_all();
	rcu_barrier();
	reports = mmu_model_reports();
	mmu_model_expect(0);
	shadow_detach(k.d);
	mmput(k.mm);
	return reports;
}

KTEST_FLAGS(sva, freed_table_is_told, KTF_LAB_ONLY)
{
	KT_EQ(t, free_under(t, 0), 0);
	KT_EXPECT(t, free_under(t, 1) > 0);
}

/* G5: what appears needs no callback, and none is made for it. */
KTEST(sva, new_pages_cost_one_fault)
{
	struct kt_shadow k;
	struct shadow_stats a, b;

	if (!warm(t, &k))
		return;
	shadow_get_stats(k.d, &a);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE + (PAGES - 1) * PAGE_SIZE), PAGES);
	shadow_get_stats(k.d, &b);
	KT_EQ(t, b.faults, a.faults);	/* the process made the entry */
	KT_EQ(t, b.installs, a.installs + 1);
	KT_EQ(t, b.zaps, a.zaps);
	kt_shadow_end(t, &k);
}

static bool walks_freed_table(struct kt *t, u32 bug)
{
	return free_under(t, bug) > 0;
}

SCENARIO(F30, .year = 2025, .fix = "CVE-2025-71202", .bug = "sva_keeps_tables",
	 .title = "an IOMMU walks tables from its cache after they were freed",
	 .point = "gather:before_flush", .harm = walks_freed_table)
