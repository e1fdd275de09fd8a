/* SPDX-License-Identifier: MIT */
/* Tests of mm/take_all_locks.c. */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/take_all_locks.h"
#include "tests/kt/kt_device.h"

#define VMAS 6

/* One file mapped by every second vma; one anon_vma shared by two of them. */
static struct mm_struct *mm_mixed(struct kt *t, struct kt_file *f)
{
	struct mm_struct *mm = mm_alloc();

	if (!KT_EXPECT(t, mm && f))
		return NULL;
	for (u32 i = 0; i < VMAS / 2; i++) {
		kt_map_file(mm, f, i * 0x10000, 0x2000, MAP_PRIVATE);
		kt_poke(mm, KT_BASE + i * 0x10000, i);
	}
	kt_map(mm, 0x100000, 0x3000, PROT_RW);
	for (u32 i = 0; i < 3; i++)
		kt_poke(mm, KT_BASE + 0x100000 + i * PAGE_SIZE, i);
	/* Splits it in three that share one anon_vma. */
	do_mprotect(mm, KT_BASE + 0x101000, 0x1000, PROT_READ);
	KT_EQ(t, kt_vmas(mm), VMAS);
	return mm;
}

enum expected { LOCKED, FREE };

static void expect_locks(struct kt *t, struct mm_struct *mm, enum expected x)
{
	struct anon_vma_chain *avc;
	struct vm_area_struct *vma;
	bool want = x == LOCKED;

	for_each_vma(mm, vma) {
		struct address_space *m = vma->vm_mapping;

		if (m) {
			KT_EQ(t, rwsem_is_write_locked(&m->i_mmap_rwsem), want);
			KT_EQ(t, test_bit(AS_MM_ALL_LOCKS,
					  (unsigned long *)&m->flags), want);
		}
		list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
			struct anon_vma *root = avc->anon_vma->root;

			KT_EQ(t, rwsem_is_write_locked(&root->rwsem), want);
			KT_EQ(t, root->all_locks_mark, want);
		}
	}
	KT_EQ(t, mm->all_locks_owner == current(), want);
}

KTEST(take_all_locks, all_taken_once)
{
	struct kt_file *f = kt_file_create(1, 0x10000);
	struct mm_struct *mm = mm_mixed(t, f);

	KT_ASSERT(t, mm);
	mmap_write_lock(mm);
	for (u32 i = 0; i < 3; i++) {
		KT_EQ(t, mm_take_all_locks(mm), 0);
		expect_locks(t, mm, LOCKED);
		mm_drop_all_locks(mm);
		expect_locks(t, mm, FREE);
	}
	mmap_write_unlock(mm);
	mmput(mm);
	kt_file_put(f);
}

/* More locks than lockdep has slots for. */
KTEST(take_all_locks, many)
{
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 100; i++) {
		kt_map(mm, i * 0x2000, 0x1000, PROT_RW);
		kt_poke(mm, KT_BASE + i * 0x2000, i);
	}
	mmap_write_lock(mm);
	KT_EQ(t, mm_take_all_locks(mm), 0);
	expect_locks(t, mm, LOCKED);
	mm_drop_all_locks(mm);
	expect_locks(t, mm, FREE);
	mmap_write_unlock(mm);
	mmput(mm);
}

struct taker {
	struct mm_struct *mm;
	int err;
};

static void take_thread(void *arg)
{
	struct taker *k = arg;

	mmap_write_lock(k->mm);
	k->err = mm_take_all_locks(k->mm);
	if (!k->err)
		mm_drop_all_locks(k->mm);
	mmap_write_unlock(k->mm);
}

/* A signal before the k-th vma of each pass: everything is undone. */
KTEST_FLAGS(take_all_locks, interrupted_at_each, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(1, 0x10000);
	struct mm_struct *mm = mm_mixed(t, f);

	KT_ASSERT(t, mm);
	for (u32 k = 1; k <= 3 * VMAS; k++) {
		struct taker taker = { mm, 1 };
		struct thread *th;

		race_arm("take_all_locks:vma", k);
		th = kthread_run("taker", -1, take_thread, &taker);
		KT_EQ(t, race_wait_parked("take_all_locks:vma"), 0);
		thread_interrupt(th);
		race_release("take_all_locks:vma");
		thread_join(th);
		KT_EQ(t, taker.err, -EINTR);
		mmap_read_lock(mm);
		expect_locks(t, mm, FREE);
		mmap_read_unlock(mm);
		KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, k), 0);
	}
	mmput(mm);
	kt_file_put(f);
}

static void take_many_thread(void *arg)
{
	struct taker *k = arg;

	for (u32 i = 0; i < 50; i++) {
		take_thread(k);
		if (k->err)
			break;
	}
}

/* Two mms that share a file and, after fork, anon_vmas. */
KTEST(take_all_locks, two_at_once)
{
	struct kt_file *f = kt_file_create(1, 0x10000);
	struct mm_struct *mm = mm_mixed(t, f), *child = mm_alloc();
	struct taker a = { mm, 1 }, b = { child, 1 };
	struct thread *ta, *tb;

	KT_ASSERT(t, mm && child);
	KT_EQ(t, dup_mmap(child, mm), 0);
	ta = kthread_run("taker", -1, take_many_thread, &a);
	tb = kthread_run("taker", -1, take_many_thread, &b);
	thread_join(ta);
	thread_join(tb);
	KT_EQ(t, a.err, 0);
	KT_EQ(t, b.err, 0);
	mmput(mm);
	mmput(child);
	kt_file_put(f);
}

/*
 * Two mms that share a file and anon_vmas, each registering and unregistering
 * all the time while its pages come and go.
 */
struct registrar {
	struct mm_struct *mm;
	u32 errors;
};

static void register_many_thread(void *arg)
{
	struct registrar *r = arg;
	struct kt_device d;

	for (u32 i = 0; i < 20; i++) {
		kt_device_init(&d, r->mm, KT_BASE);
		r->errors += mmu_notifier_register(&d.mn, r->mm) != 0;
		kt_poke(r->mm, KT_BASE, i);
		kt_device_map(&d);
		do_madvise_dontneed(r->mm, KT_BASE, 0x1000);
		r->errors += kt_device_stale(&d) || d.starts != d.ends;
		mmu_notifier_unregister(&d.mn, r->mm);
	}
}

static void register_in_two(struct kt *t, enum mmu_notifier_method way)
{
	struct kt_file *f = kt_file_create(1, 0x10000);
	struct mm_struct *mm, *child;
	struct registrar a = { 0 }, b = { 0 };
	struct thread *ta, *tb;

	mmu_notifier_set_method(way);
	a.mm = mm = mm_mixed(t, f);
	b.mm = child = mm_alloc();
	KT_ASSERT(t, mm && child);
	KT_EQ(t, dup_mmap(child, mm), 0);
	ta = kthread_run("registrar", -1, register_many_thread, &a);
	tb = kthread_run("registrar", -1, register_many_thread, &b);
	thread_join(ta);
	thread_join(tb);
	mmu_notifier_set_method(MN_DRAIN);
	KT_EQ(t, a.errors + b.errors, 0);
	mmap_read_lock(mm);
	expect_locks(t, mm, FREE);
	mmap_read_unlock(mm);
	mmput(mm);
	mmput(child);
	kt_file_put(f);
}

KTEST(take_all_locks, two_register)
{
	register_in_two(t, MN_LOCKS);
	register_in_two(t, MN_DRAIN);
}
