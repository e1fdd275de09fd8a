/* SPDX-License-Identifier: MIT */
/*
 * Pins against fork (mm/gup_fast.c), and forced writes against whoever throws
 * the copy away or has left the entry dirty (mm/gup.c, U1 and U2).
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"

struct actor {
	struct mm_struct *mm, *child;
	u64 word;
	s64 ret;
};

static void fork_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = dup_mmap(a->child, a->mm);
}

/*
 * Fork has seen that the page is not pinned and is about to share it; a pin
 * comes.  True: the pin was given, and the parent's next write goes elsewhere.
 */
static bool pin_detached(struct kt *t, u32 bug)
{
	struct actor a = { .mm = mm_alloc(), .child = mm_alloc() };
	bool detached = false;
	struct thread *th;
	struct page *p;
	pte_t e;
	int err;

	if (!KT_EXPECT(t, a.mm && a.child))
		return false;
	kt_map(a.mm, 0, 0x1000, PROT_RW);
	kt_poke(a.mm, KT_BASE, 1);
	kt_pin(0);
	bug_set("gup_no_seq", bug);
	race_arm("fork:pin_tested", 1);
	th = kthread_run("fork", (int)kt_other_cpu(), fork_thread, &a);
	KT_EQ(t, race_wait_parked("fork:pin_tested"), 0);
	err = gup_fast(a.mm, KT_BASE, FOLL_WRITE | FOLL_PIN, &p, &e);
	bug_set("gup_no_seq", 0);
	race_release("fork:pin_tested");
	thread_join(th);
	kt_unpin();
	KT_EQ(t, err, bug ? 0 : -EAGAIN);
	KT_EQ(t, a.ret, 0);
	KT_EQ(t, kt_poke(a.mm, KT_BASE, 2), 0);
	if (!err) {
		detached = *(u64 *)page_address(p) != 2;
		unpin_user_page(p);
	}
	mmput(a.mm);
	mmput(a.child);
	return detached;
}

KTEST_FLAGS(race, pin_vs_fork, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EXPECT(t, !pin_detached(t, 0));
	KT_EXPECT(t, pin_detached(t, 1));
}

static void pin_thread(void *arg)
{
	struct actor *a = arg;
	struct page *p;
	pte_t e;

	a->ret = gup_fast(a->mm, KT_BASE, FOLL_WRITE | FOLL_PIN, &p, &e);
	if (!a->ret)
		unpin_user_page(p);
}

/* The whole fork between two steps of the pin: undone, wherever that is. */
static void fork_within_pin(struct kt *t, const char *point)
{
	struct actor a = { .mm = mm_alloc(), .child = mm_alloc() };
	struct thread *th;
	struct page *p;

	KT_ASSERT(t, a.mm && a.child);
	kt_map(a.mm, 0, 0x1000, PROT_RW);
	kt_poke(a.mm, KT_BASE, 1);
	p = pte_page(kt_pte(a.mm, KT_BASE));
	kt_pin(0);
	race_arm(point, 1);
	th = kthread_run("pin", (int)kt_other_cpu(), pin_thread, &a);
	KT_EQ(t, race_wait_parked(point), 0);
	KT_EQ(t, dup_mmap(a.child, a.mm), 0);
	race_release(point);
	thread_join(th);
	kt_unpin();
	KT_EQ(t, a.ret, -EAGAIN);
	KT_EXPECT(t, !page_maybe_dma_pinned(p));
	mmput(a.mm);
	mmput(a.child);
}

KTEST_FLAGS(race, fork_within_pin, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	fork_within_pin(t, "gup_fast:before_get");
	fork_within_pin(t, "gup_fast:after_get");
}

static void force_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = (s64)access_remote_vm(a->mm, KT_BASE, &a->word, 8,
				       FOLL_WRITE | FOLL_FORCE);
}

/*
 * Dirty COW (CVE-2016-5195): the copy that a forced write to a private file
 * page has made is thrown away before the write.  True: the file has changed.
 */
static bool file_written(struct kt *t, u32 bug)
{
	struct kt_file *f = kt_file_create(3, 0x1000);
	struct actor a = { .mm = mm_alloc(), .word = 7 };
	struct thread *th;
	u64 word = 0;

	if (!KT_EXPECT(t, a.mm && f))
		return false;
	kt_map_file(a.mm, f, 0, 0x1000, MAP_PRIVATE);
	do_mprotect(a.mm, KT_BASE, 0x1000, PROT_READ);
	bug_set("gup_drops_write", bug);
	race_arm("gup:after_fault", 1);
	th = kthread_run("force", -1, force_thread, &a);
	KT_EQ(t, race_wait_parked("gup:after_fault"), 0);
	KT_EQ(t, do_madvise_dontneed(a.mm, KT_BASE, 0x1000), 0);
	KT_EQ(t, kt_peek(a.mm, KT_BASE), kt_word(3, 0));
	race_release("gup:after_fault");
	thread_join(th);
	bug_set("gup_drops_write", 0);
	KT_EQ(t, a.ret, 8);
	KT_EQ(t, kt_peek(a.mm, KT_BASE), 7);
	KT_EXPECT(t, !pte_write(kt_pte(a.mm, KT_BASE)));
	filemap_read(&f->m, &word, 0, 8);
	mmput(a.mm);
	kt_file_put(f);
	return word != kt_word(3, 0);
}

KTEST_FLAGS(race, forced_write_vs_dontneed, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !file_written(t, 0));
	KT_EXPECT(t, file_written(t, 1));
}

/*
 * Huge Dirty COW and its kin (CVE-2017-1000405, CVE-2022-2590): D taken for
 * the proof of a copy.  Fork leaves it in both entries of a shared page.
 * True: a forced write in the child changed the parent's page.
 */
static bool parent_written(struct kt *t, u32 bug)
{
	struct actor a = { .mm = mm_alloc(), .word = 7 };
	struct mm_struct *parent = mm_alloc();
	u64 word;

	if (!KT_EXPECT(t, a.mm && parent))
		return false;
	kt_map(parent, 0, 0x1000, PROT_RW);
	kt_poke(parent, KT_BASE, 1);
	KT_EQ(t, dup_mmap(a.mm, parent), 0);
	KT_EXPECT(t, pte_dirty(kt_pte(a.mm, KT_BASE)));
	do_mprotect(a.mm, KT_BASE, 0x1000, PROT_READ);
	bug_set("gup_dirty_is_cow", bug);
	force_thread(&a);
	bug_set("gup_dirty_is_cow", 0);
	KT_EQ(t, a.ret, 8);
	KT_EQ(t, kt_peek(a.mm, KT_BASE), 7);
	word = kt_peek(parent, KT_BASE);
	mmput(a.mm);
	mmput(parent);
	return word != 1;
}

KTEST_FLAGS(race, forced_write_dirty_entry, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !parent_written(t, 0));
	KT_EXPECT(t, parent_written(t, 1));
}
