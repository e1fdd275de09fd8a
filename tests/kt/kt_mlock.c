/* SPDX-License-Identifier: MIT */
/* Tests of mm/mlock.c and of the limits an mm carries. */
#include "tests/kt/kt_mm.h"

#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)

static u64 flags_at(struct mm_struct *mm, vaddr_t va)
{
	struct vm_area_struct *vma;
	u64 flags;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, va);
	flags = vma ? vma->vm_flags : 0;
	mmap_read_unlock(mm);
	return flags;
}

static u64 locked(struct mm_struct *mm)
{
	u64 n;

	mmap_read_lock(mm);
	n = mm_locked_pages(mm, 0, USER_END);
	mmap_read_unlock(mm);
	return n;
}

KTEST(mm, mlock_brings_pages_in)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x6000, PROT_RW);
	KT_EQ(t, do_mlock(mm, KT_BASE + 0x2345, 0x1000, VM_LOCKED), 0);
	KT_EQ(t, kt_vmas(mm), 3);		/* pages 2 and 3 */
	KT_EQ(t, atomic64_read(&mm->rss_anon), 2);
	KT_EQ(t, locked(mm), 2);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x6000, VM_LOCK_FLAGS), 0);
	KT_EQ(t, kt_vmas(mm), 1);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 2);	/* on fault */
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x6000, 0), 0);
	KT_EQ(t, locked(mm), 0);
	KT_EXPECT(t, !(flags_at(mm, KT_BASE) & VM_LOCK_FLAGS));
	mmput(mm);
}

KTEST(mm, mlock_errors)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x2000, PROT_RW);
	kt_mmap(mm, KT_BASE + 0x4000, 0x1000, PROT_NONE, ANON | MAP_FIXED);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0, VM_LOCKED), 0);
	KT_EQ(t, do_mlock(mm, KT_BASE, ~0UL - 0x1000, VM_LOCKED), -EINVAL);
	KT_EQ(t, do_mlock(mm, KT_BASE + 0x2000, 0x1000, VM_LOCKED), -ENOMEM);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x3000, VM_LOCKED), -ENOMEM);
	KT_EQ(t, locked(mm), 2);		/* what came before the hole */
	KT_EQ(t, do_mlock(mm, KT_BASE + 0x4000, 0x1000, VM_LOCKED), -ENOMEM);
	mmput(mm);
}

KTEST(mm, mlock_limit)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	mm->limit_locked = 0x3000;
	kt_map(mm, 0, 0x8000, PROT_RW);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x4000, VM_LOCKED), -ENOMEM);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x3000, VM_LOCKED), 0);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x3000, VM_LOCKED), 0);	/* once */
	KT_EQ(t, do_mlock(mm, KT_BASE + 0x1000, 0x3000, VM_LOCKED), -ENOMEM);
	KT_EQ(t, kt_mmap(mm, 0, 0x1000, PROT_RW, ANON | MAP_LOCKED), -EAGAIN);
	KT_EQ(t, do_mlockall(mm, LOCK_CURRENT, VM_LOCKED), -ENOMEM);
	KT_EQ(t, do_mlock(mm, KT_BASE, 0x1000, 0), 0);
	KT_EXPECT(t, kt_mmap(mm, 0, 0x1000, PROT_RW, ANON | MAP_LOCKED) > 0);
	mmput(mm);
}

KTEST(mm, mlockall_future)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	s64 a;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x2000, PROT_RW);
	KT_EQ(t, do_mlockall(mm, LOCK_CURRENT | LOCK_FUTURE, VM_LOCKED), 0);
	KT_EQ(t, locked(mm), 2);
	a = kt_mmap(mm, 0, 0x3000, PROT_RW, ANON);
	KT_EXPECT(t, flags_at(mm, (vaddr_t)a) & VM_LOCKED);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 5);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, locked(child), 0);
	KT_EQ(t, child->def_flags, 0);
	do_munlockall(mm);
	KT_EQ(t, locked(mm), 0);
	a = kt_mmap(mm, 0, 0x3000, PROT_RW, ANON);
	KT_EXPECT(t, !(flags_at(mm, (vaddr_t)a) & VM_LOCKED));
	mmput(child);
	mmput(mm);
}

/* RLIMIT_AS: everything that makes an address space larger looks at it. */
KTEST(mm, address_space_limit)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	mm->start_brk = mm->brk = KT_BASE + 0x100000;
	kt_map(mm, 0, 0x4000, PROT_RW);
	mm->limit_as = 0x6000;
	KT_EQ(t, kt_mmap(mm, 0, 0x3000, PROT_RW, ANON), -ENOMEM);
	KT_EQ(t, kt_mmap(mm, KT_BASE, 0x6000, PROT_RW, ANON | MAP_FIXED),
	      KT_BASE);				/* four of them replaced */
	KT_EQ(t, kt_mremap(mm, KT_BASE, 0x6000, 0x7000, KT_ANYWHERE), -ENOMEM);
	KT_EQ(t, do_brk(mm, mm->start_brk + 0x1000), mm->start_brk);
	KT_EQ(t, do_munmap(mm, KT_BASE, 0x1000), 0);
	KT_EQ(t, do_brk(mm, mm->start_brk + 0x1000), mm->start_brk + 0x1000);
	mm->limit_as = ~0UL;
	mm->limit_data = 0x1000;
	KT_EQ(t, do_brk(mm, mm->start_brk + 0x2000), mm->start_brk + 0x1000);
	mmput(mm);
}
