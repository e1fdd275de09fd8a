/* SPDX-License-Identifier: MIT */
/*
 * A write fault that has copied a page (mm/cow.c, between (1) and (2)) while
 * the original is thrown away, and the same between a get_user_page's fault
 * and its look at the entry.
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"

struct writer {
	struct mm_struct *mm;
	vaddr_t va;
	int err;
};

static void write_thread(void *arg)
{
	struct writer *w = arg;

	w->err = kt_poke(w->mm, w->va, 1);
}

KTEST_FLAGS(race, cow_copy_vs_dontneed, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct writer w = { mm, KT_BASE, -1 };
	struct thread *th;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE + 8, 42);
	KT_EQ(t, dup_mmap(child, mm), 0);
	race_arm("cow:after_copy", 1);
	th = kthread_run("writer", -1, write_thread, &w);
	KT_EQ(t, race_wait_parked("cow:after_copy"), 0);
	KT_EQ(t, do_madvise_dontneed(mm, KT_BASE, 0x1000), 0);
	race_release("cow:after_copy");
	thread_join(th);
	KT_EQ(t, w.err, 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + 8), 0);	/* never the stale copy */
	KT_EQ(t, kt_peek(child, KT_BASE + 8), 42);
	mmput(mm);
	mmput(child);
}

/* Two first faults on one page: the second finds it mapped and lets it be. */
KTEST_FLAGS(race, fault_vs_fault, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct writer w = { mm, KT_BASE, -1 };
	struct thread *th;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	race_arm("fault:before_map", 1);
	th = kthread_run("writer", -1, write_thread, &w);
	KT_EQ(t, race_wait_parked("fault:before_map"), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE + 8, 42), 0);
	race_release("fault:before_map");
	thread_join(th);
	KT_EQ(t, w.err, 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE + 8), 42);
	mmput(mm);
}

/*
 * CVE-2020-29374: a child that holds a page it has unmapped must not see what
 * the parent writes afterwards.  True: it did.
 */
static bool secret_leaks(struct kt *t, const char *bug)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct page *held;
	bool writable, leak;

	if (!KT_EXPECT(t, mm && child))
		return false;
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, get_user_page(child, KT_BASE, 0, &held, &writable), 0);
	do_munmap(child, KT_BASE, 0x1000);
	if (bug)
		bug_set(bug, 1);
	KT_EQ(t, kt_poke(mm, KT_BASE, 2), 0);
	if (bug)
		bug_set(bug, 0);
	leak = *(u64 *)page_address(held) != 1;
	put_page(held);
	mmput(child);
	mmput(mm);
	return leak;
}

KTEST_FLAGS(race, cow_reuse_vs_holder, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !secret_leaks(t, NULL));
	KT_EXPECT(t, secret_leaks(t, "cow_by_mapcount"));
}

/*
 * The same while the parent decides (CVE-2020-29368): between two counters the
 * child takes a reference and unmaps.  True: it sees the parent's word.
 */
static bool secret_leaks_midway(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct writer w = { mm, KT_BASE, -1 };
	struct thread *th;
	struct page *held;
	bool writable, leak;

	if (!KT_EXPECT(t, mm && child))
		return false;
	kt_pin(0);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 0);
	KT_EQ(t, dup_mmap(child, mm), 0);
	bug_set("cow_two_counters", bug);
	race_arm("cow:decide", 1);
	th = kthread_run("writer", (int)kt_other_cpu(), write_thread, &w);
	KT_EQ(t, race_wait_parked("cow:decide"), 0);
	KT_EQ(t, get_user_page(child, KT_BASE, 0, &held, &writable), 0);
	do_munmap(child, KT_BASE, 0x1000);
	race_release("cow:decide");
	thread_join(th);
	bug_set("cow_two_counters", 0);
	KT_EQ(t, w.err, 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	leak = *(u64 *)page_address(held) != 0;
	put_page(held);
	kt_unpin();
	mmput(child);
	mmput(mm);
	return leak;
}

KTEST_FLAGS(race, cow_decision_is_one_look, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EXPECT(t, !secret_leaks_midway(t, 0));
	KT_EXPECT(t, secret_leaks_midway(t, 1));
}

/* The copy vanishes after the fault: the file must not be written instead. */
KTEST_FLAGS(race, gup_write_vs_dontneed, KTF_LAB_ONLY)
{
	struct kt_file *f = kt_file_create(3, 0x1000);
	struct mm_struct *mm = mm_alloc();
	struct writer w = { mm, KT_BASE, -1 };
	struct thread *th;
	u64 word = 0;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x1000, MAP_PRIVATE);
	race_arm("gup:after_fault", 1);
	th = kthread_run("writer", -1, write_thread, &w);
	KT_EQ(t, race_wait_parked("gup:after_fault"), 0);
	KT_EQ(t, do_madvise_dontneed(mm, KT_BASE, 0x1000), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), kt_word(3, 0));	/* file page mapped */
	race_release("gup:after_fault");
	thread_join(th);
	KT_EQ(t, w.err, 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	filemap_read(&f->m, &word, 0, 8);
	KT_EQ(t, word, kt_word(3, 0));
	mmput(mm);
	kt_file_put(f);
}
