/* SPDX-License-Identifier: MIT */
/* Tests of mm/vma_lock.c and of the tree's gaps (mm/vma_tree.c). */
#include "kernel/report.h"
#include "lib/prng.h"
#include "tests/kt/kt_mm.h"

#define WRITE	(FAULT_WRITE | FAULT_REMOTE)

static bool can_lock(struct mm_struct *mm, vaddr_t va)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(mm, va);

	if (vma)
		vma_end_read(vma);
	return vma;
}

KTEST(mm, vma_lock_and_marks)
{
	struct mm_struct *mm = mm_alloc();
	struct vm_area_struct *vma;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x2000, PROT_RW);
	kt_map(mm, 0x10000, 0x1000, PROT_RW);
	KT_EXPECT(t, can_lock(mm, KT_BASE + 0x1fff));
	KT_EXPECT(t, !can_lock(mm, KT_BASE + 0x2000));
	KT_EXPECT(t, !can_lock(mm, KT_BASE - 1));
	mmap_write_lock(mm);
	KT_EXPECT(t, can_lock(mm, KT_BASE));	/* mmap_lock alone: no mark */
	vma = vma_lookup(mm, KT_BASE);
	vma_start_write(vma);
	vma_start_write(vma);
	KT_EXPECT(t, vma_is_write_locked(vma));
	KT_EXPECT(t, !can_lock(mm, KT_BASE));
	KT_EXPECT(t, can_lock(mm, KT_BASE + 0x10000));
	mmap_write_downgrade(mm);
	KT_EXPECT(t, can_lock(mm, KT_BASE));
	mmap_read_unlock(mm);
	mmap_write_lock(mm);
	vma_start_write_all(mm);
	KT_EXPECT(t, !can_lock(mm, KT_BASE + 0x10000));
	mmap_write_unlock(mm);
	KT_EXPECT(t, can_lock(mm, KT_BASE + 0x10000));
	mmput(mm);
}

/* Which faults do without mmap_lock. */
KTEST(mm, vma_lock_faults)
{
	struct kt_file *f = kt_file_create(2, 0x4000);
	struct mm_struct *mm = mm_alloc();
	struct fault_stats a, b;

	KT_ASSERT(t, mm && f);
	kt_map(mm, 0, 0x4000, PROT_RW);
	kt_map_file(mm, f, 0x10000, 0x4000, MAP_SHARED);
	fault_stats(&a);
	KT_EQ(t, fault_user_address(mm, KT_BASE, FAULT_REMOTE), FAULT_DONE);
	KT_EQ(t, fault_user_address(mm, KT_BASE + 0x10000, WRITE), FAULT_DONE);
	fault_stats(&b);
	KT_EQ(t, b.vma_lock - a.vma_lock, 2);
	KT_EQ(t, b.mmap_lock - a.mmap_lock, 0);
	/* The first write makes the anon_vma. */
	KT_EQ(t, fault_user_address(mm, KT_BASE, WRITE), FAULT_DONE);
	KT_EQ(t, fault_user_address(mm, KT_BASE + 0x1000, WRITE), FAULT_DONE);
	KT_EQ(t, fault_user_address(mm, KT_BASE + 0x8000, 0),
	      FAULT_SIGSEGV_MAPERR);
	fault_stats(&a);
	KT_EQ(t, a.vma_lock - b.vma_lock, 1);
	KT_EQ(t, a.mmap_lock - b.mmap_lock, 2);
	do_mprotect(mm, KT_BASE, 0x1000, PROT_READ);
	KT_EQ(t, fault_user_address(mm, KT_BASE, WRITE), FAULT_SIGSEGV_ACCERR);
	mmput(mm);
	kt_file_put(f);
}

/* Whoever changes a vma marks it: no fault gets at it until the unlock. */
static void expect_marked(struct kt *t, struct mm_struct *mm, vaddr_t from,
			  vaddr_t to)
{
	for (vaddr_t va = from; va < to; va += PAGE_SIZE)
		KT_EXPECT(t, !can_lock(mm, va));
}

KTEST(mm, vma_changes_mark)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	vaddr_t b = KT_BASE;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x8000, PROT_RW);
	mmap_write_lock(mm);
	KT_EQ(t, vma_split(vma_lookup(mm, b), b + 0x2000), 0);
	expect_marked(t, mm, b, b + 0x8000);
	mmap_write_unlock(mm);
	KT_EXPECT(t, can_lock(mm, b) && can_lock(mm, b + 0x2000));
	mmap_write_lock(mm);
	vma_merge(vma_lookup(mm, b));
	expect_marked(t, mm, b, b + 0x8000);
	KT_EQ(t, munmap_locked(mm, b + 0x7000, b + 0x8000), 0);
	expect_marked(t, mm, b, b + 0x8000);
	KT_EQ(t, map_anon_locked(mm, b + 0x10000, b + 0x11000, VM_READ), 0);
	expect_marked(t, mm, b + 0x10000, b + 0x11000);
	KT_EQ(t, vma_tree_check(mm), 0);
	mmap_write_unlock(mm);
	KT_EXPECT(t, can_lock(mm, b + 0x10000) && !can_lock(mm, b + 0x7000));
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EXPECT(t, can_lock(child, b) && can_lock(mm, b));
	mmput(mm);
	mmput(child);
}

/* What find_unmapped_area() does, the slow way. */
static vaddr_t slow_room(struct mm_struct *mm, u64 len)
{
	struct vm_area_struct *vma;
	vaddr_t end = 0, best = 0;

	for_each_vma(mm, vma) {
		vaddr_t top = min(vma_gap_start(vma), mm->mmap_base);

		end = max(end, (vaddr_t)MMAP_MIN_ADDR);
		if (top >= len && top - len >= end)
			best = top - len;
		end = vma->vm_end;
	}
	if (mm->mmap_base >= len && mm->mmap_base - len >= end)
		best = mm->mmap_base - len;
	return best;
}

KTEST(mm, vma_room)
{
	struct mm_struct *mm = mm_alloc();
	struct prng r = { 1 };
	u64 pages = 1UL << 12;

	KT_ASSERT(t, mm);
	prng_seed(&r, 7);
	mm->mmap_base = KT_BASE + pages * PAGE_SIZE;
	kt_map(mm, pages * PAGE_SIZE, 0x1000, PROT_RW);	/* above the top */
	/* Just below the top, and wants its guard gap. */
	kt_mmap(mm, KT_BASE + (pages - 1) * PAGE_SIZE, PAGE_SIZE, PROT_RW,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN);
	mmap_read_lock(mm);
	KT_EQ(t, find_unmapped_area(mm, 0, PAGE_SIZE),
	      KT_BASE + (pages - 2) * PAGE_SIZE - STACK_GUARD_GAP);
	mmap_read_unlock(mm);
	for (u32 i = 0; i < 400; i++) {
		vaddr_t at = prng_below(&r, pages) * PAGE_SIZE;
		u64 len = (1 + prng_below(&r, 64)) * PAGE_SIZE;
		s64 want, got;

		if (prng_below(&r, 3))
			kt_mmap(mm, KT_BASE + at, PAGE_SIZE, PROT_RW,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
				(prng_below(&r, 8) ? 0 : MAP_GROWSDOWN));
		else
			do_munmap(mm, KT_BASE + at, len);
		mmap_read_lock(mm);
		want = (s64)slow_room(mm, len);
		got = find_unmapped_area(mm, 0, len);
		KT_EQ(t, vma_tree_check(mm), 0);
		mmap_read_unlock(mm);
		if (!KT_EQ(t, got, want ? want : -ENOMEM))
			break;
	}
	mmput(mm);
}

/*
 * To its neighbours a vma leads under mmap_lock only: neither an RCU section
 * nor its own lock makes the links stand still.
 */
KTEST_FLAGS(mm, vma_next_needs_lock, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct vm_area_struct *vma;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_map(mm, 0x10000, 0x1000, PROT_READ);
	vma = lock_vma_under_rcu(mm, KT_BASE);
	KT_ASSERT(t, vma);
	report_expect_begin();
	KT_EXPECT(t, vma_next(vma) && !vma_prev(vma));
	KT_EXPECT(t, vma_first(mm) == vma);
	KT_EQ(t, report_expect_end(), 3);
	KT_EXPECT(t, report_has("lock MMAP") &&
		     report_has("must be held at vma_next+") &&
		     report_has("must be held at vma_prev+"));
	vma_end_read(vma);
	report_expect_begin();
	rcu_read_lock();
	KT_EXPECT(t, vma_next(vma));
	rcu_read_unlock();
	KT_EQ(t, report_expect_end(), 1);
	mmap_read_lock(mm);
	KT_EXPECT(t, vma_prev(vma_next(vma)) == vma);
	mmap_read_unlock(mm);
	mmput(mm);
}
