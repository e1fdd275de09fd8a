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
