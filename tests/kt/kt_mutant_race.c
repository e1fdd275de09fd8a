/* SPDX-License-Identifier: MIT */
/*
 * As kt_mutant_gaps.c, for interleavings: faults against truncate, a stale
 * dirty entry against write-back, hardware's D against our read-modify-write.
 */
#include "kernel/racepoint.h"
#include "mm/tlb.h"
#include "tests/kt/kt_holder.h"
#include "tests/kt/kt_util.h"

#define DIRTY_PAGES	32
#define DIRTY_NS	150000000ULL	/* enough tries, on any host */

struct file_fault {
	struct mm_struct *mm;
	struct kt_file *f;
	enum fault_result res;
	struct page *page;
};

static void fault_thread(void *arg)
{
	struct file_fault *ff = arg;

	ff->res = kt_fault(ff->mm, KT_BASE, 0);
}

static bool file_fault_begin(struct kt *t, struct file_fault *ff)
{
	u64 w;

	ff->f = kt_file_create(4, PAGE_SIZE);
	ff->mm = mm_alloc();
	if (!KT_EXPECT(t, ff->f && ff->mm))
		return false;
	kt_map_file(ff->mm, ff->f, 0, PAGE_SIZE, MAP_SHARED);
	filemap_read(&ff->f->m, &w, 0, 8);
	ff->page = find_get_page(&ff->f->m, 0);
	return KT_EXPECT(t, ff->page);
}

static void file_fault_end(struct file_fault *ff)
{
	put_page(ff->page);
	mmput(ff->mm);
	kt_file_put(ff->f);
}

/* The fault waits for the page's lock; meanwhile the page leaves the file. */
KTEST(gaps, fault_sees_removal)
{
	struct kt_team team = { .nr = 0 };
	struct file_fault ff = { .mm = NULL };

	if (!file_fault_begin(t, &ff))
		return;
	lock_page(ff.page);
	kt_spawn(t, &team, -1, fault_thread, &ff);
	sleep_ms(10);
	delete_from_page_cache(ff.page);
	unlock_page(ff.page);
	kt_join(&team);
	KT_EQ(t, ff.res, FAULT_DONE);
	KT_EXPECT(t, pte_page(kt_pte(ff.mm, KT_BASE)) != ff.page);
	file_fault_end(&ff);
}

/* The same, and the file becomes shorter. */
KTEST(gaps, fault_sees_new_size)
{
	struct kt_team team = { .nr = 0 };
	struct file_fault ff = { .mm = NULL };

	if (!file_fault_begin(t, &ff))
		return;
	lock_page(ff.page);
	kt_spawn(t, &team, -1, fault_thread, &ff);
	sleep_ms(10);
	WRITE_ONCE(ff.f->m.size, 0);
	unlock_page(ff.page);
	kt_join(&team);
	KT_EQ(t, ff.res, FAULT_SIGBUS);
	KT_EXPECT(t, pte_none(kt_pte(ff.mm, KT_BASE)));
	file_fault_end(&ff);
}

static void truncate_thread(void *arg)
{
	truncate_pagecache(&((struct file_fault *)arg)->f->m, 0);
}

/* We are a fault that has the page locked while truncate has unmapped all. */
KTEST(gaps, truncate_unmaps_again)
{
	struct kt_team team = { .nr = 0 };
	struct file_fault ff = { .mm = NULL };
	struct vm_area_struct *vma;
	struct pt_pos pos;

	if (!file_fault_begin(t, &ff))
		return;
	mmap_read_lock(ff.mm);
	vma = vma_lookup(ff.mm, KT_BASE);
	lock_page(ff.page);
	kt_spawn(t, &team, -1, truncate_thread, &ff);
	sleep_ms(10);
	KT_EQ(t, lock_table_alloc(&ff.mm->pgt, KT_BASE, 1, &pos), 0);
	get_page(ff.page);
	page_add_file_rmap(ff.page, vma);
	pte_set(&pos, pte_make(page_to_pfn(ff.page),
			       PTE_P | PTE_U | PTE_NX | PTE_A));
	unlock_table(&pos);
	unlock_page(ff.page);
	mmap_read_unlock(ff.mm);
	kt_join(&team);
	KT_EXPECT(t, pte_none(kt_pte(ff.mm, KT_BASE)));
	file_fault_end(&ff);
}

static void unmap_thread(void *arg)
{
	unmap_mapping_range(&((struct kt_file *)arg)->m, 0, 0);
}

/*
 * Z2: the page has left the rmap, so write-back takes it for clean; no CPU may
 * write it any more without a fault, although the gather is not flushed yet.
 */
static void zapped_page_is_flushed(struct kt *t)
{
	struct kt_file *f = kt_file_create(3, PAGE_SIZE);
	struct mm_struct *mm = mm_alloc();
	struct kt_team team = { .nr = 0 };
	struct holder h;
	struct page *p;

	kt_map_file(mm, f, 0, PAGE_SIZE, MAP_SHARED);
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	holder_touch(&h, KT_BASE);
	p = find_get_page(&f->m, 0);
	race_arm("gather:before_flush", 1);
	kt_spawn(t, &team, (int)kt_third_cpu(), unmap_thread, f);
	KT_EQ(t, race_wait_parked("gather:before_flush"), 0);
	KT_EXPECT(t, !page_mapped(p));
	page_clear(p, PG_dirty);
	holder_touch(&h, KT_BASE);
	KT_EXPECT(t, page_test(p, PG_dirty) || page_mapped(p));
	race_release("gather:before_flush");
	kt_join(&team);
	put_page(p);
	holder_stop(&h);
	mmput(mm);
	kt_file_put(f);
}

KTEST_FLAGS(gaps, zapped_page_is_flushed, KTF_LAB_ONLY)
{
	if (!kt_third_cpu())
		KT_SKIP(t, "needs three CPUs");
	zapped_page_is_flushed(t);
}

/*
 * E2: a CPU sets D while we change other bits of the entry.  Once it has
 * written after a flush, the entry must say so.
 */
struct dirtier {
	struct mm_struct *mm;
	u32 stop, at;			/* at: the page written next */
	u64 writes;
};

static void dirtier_thread(void *arg)
{
	struct dirtier *d = arg;
	u64 w = 1;

	activate_mm(d->mm);
	while (!READ_ONCE(d->stop)) {
		WRITE_ONCE(d->at, (d->at + 1) % DIRTY_PAGES);
		if (!copy_to_user(KT_BASE + d->at * PAGE_SIZE, &w, 8))
			WRITE_ONCE(d->writes, d->writes + 1);
	}
	deactivate_mm();
}

static struct pt_pos page_pos(const struct pt_pos *first, u32 page)
{
	struct pt_pos pos = *first;

	pos.va += page * PAGE_SIZE;
	pos.ptep += page;
	return pos;
}

/* Number of pages that were written and do not say so. */
static u32 dirty_round(struct dirtier *d)
{
	struct pt_pos first, pos;
	u32 lost = 0;
	u64 seen;

	lock_leaf(&d->mm->pgt, KT_BASE, &first);
	for (u32 i = 0; i < DIRTY_PAGES; i++) {
		pos = page_pos(&first, i);
		pte_modify(&pos, PTE_D, 0);
	}
	flush_tlb_mm_range(d->mm, KT_BASE, KT_BASE + DIRTY_PAGES * PAGE_SIZE,
			   TLB_LEAVES);
	seen = READ_ONCE(d->writes);
	while (READ_ONCE(d->writes) < seen + 2 + DIRTY_PAGES) {
		pos = page_pos(&first, READ_ONCE(d->at));
		pte_modify(&pos, PTE_A, 0);
	}
	for (u32 i = 0; i < DIRTY_PAGES; i++)
		lost += !pte_dirty(pte_read(page_pos(&first, i).ptep));
	unlock_table(&first);
	return lost;
}

KTEST(gaps, dirty_is_never_lost)
{
	struct dirtier d = { .mm = NULL };
	struct kt_team team = { .nr = 0 };
	u64 end = ktime_get() + DIRTY_NS;
	u32 lost = 0;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	d.mm = mm_alloc();
	KT_ASSERT(t, d.mm);
	kt_map(d.mm, 0, DIRTY_PAGES * PAGE_SIZE, PROT_RW);
	kt_pin(0);
	kt_spawn(t, &team, (int)kt_other_cpu(), dirtier_thread, &d);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(d.writes) >= DIRTY_PAGES));
	for (u32 i = 0; i < 200 && !lost && ktime_get() < end; i++)
		lost += dirty_round(&d);
	KT_EQ(t, lost, 0);
	WRITE_ONCE(d.stop, 1);
	kt_join(&team);
	kt_unpin();
	mmput(d.mm);
}
