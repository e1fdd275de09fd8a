/* SPDX-License-Identifier: MIT */
/*
 * anon_vmas that are published too early, or taken over twice: in both cases a
 * page is mapped where a walk from the page does not come by.
 */
#include "tests/kt/kt_mm.h"
#include "tests/race/race_util.h"

#define LEFT	KT_BASE
#define RIGHT	(KT_BASE + PAGE_SIZE)

static int count_one(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		     void *arg)
{
	struct pt_pos pos;

	if (page_vma_mapped(p, vma, va, &pos)) {
		unlock_table(&pos);
		++*(u32 *)arg;
	}
	return 0;
}

/* How many of the mappings of va's page a walk does not find. */
static u32 unfound(struct mm_struct *mm, vaddr_t va)
{
	struct page *p = pte_page(kt_pte(mm, va));
	u32 found = 0;

	lock_page(p);
	rmap_walk(p, count_one, &found);
	unlock_page(p);
	return (u32)page_mapcount(p) - found;
}

static struct mm_struct *forked(struct kt *t, struct mm_struct *mm)
{
	struct mm_struct *child = mm_alloc();

	KT_EXPECT(t, child && !dup_mmap(child, mm));
	return child;
}

/* The right page gets other rights: a vma of its own, or back again. */
static void set_right(struct kt *t, struct mm_struct *mm, int prot)
{
	KT_EQ(t, do_mprotect(mm, RIGHT, PAGE_SIZE, prot), 0);
}

/*
 * F31 (CVE-2022-42703).  The letters are processes, A the root's anon_vma:
 *	b forks c, which takes over A; c's vma is split and forks d, whose two
 *	vmas get anon_vmas of their own; b ends, and leaves its anon_vma B
 *	without vmas and children; d forks e: both vmas of e may take over B
 *	only if nobody looks for the first.  Then they have one anon_vma, but
 *	not the same chains, and merge: a chain is lost.
 */
static u32 taken_over_twice(struct kt *t)
{
	struct mm_struct *a = mm_alloc(), *b, *c, *d, *e;
	u32 lost;

	kt_map(a, 0, 2 * PAGE_SIZE, PROT_RW);
	kt_poke(a, LEFT, 1);
	kt_poke(a, RIGHT, 2);
	b = forked(t, a);
	mmput(a);
	c = forked(t, b);
	set_right(t, b, PROT_READ);
	set_right(t, c, PROT_READ);
	d = forked(t, c);
	mmput(b);
	set_right(t, d, PROT_RW);
	kt_poke(d, RIGHT, 3);			/* a page of d's own */
	set_right(t, d, PROT_READ);
	e = forked(t, d);
	set_right(t, e, PROT_RW);		/* may they merge? */
	KT_EQ(t, kt_peek(e, RIGHT), 3);
	lost = unfound(e, RIGHT);
	mmput(e);
	mmput(d);
	mmput(c);
	return lost;
}

KTEST_FLAGS(race, anon_vma_taken_over_twice, KTF_LAB_ONLY)
{
	KT_EQ(t, taken_over_twice(t), 0);
	bug_set("anon_vma_degree", 1);
	KT_EQ(t, taken_over_twice(t), 1);	/* red: e maps it, unfound */
}

static void poke_thread(void *arg)
{
	kt_poke(arg, LEFT, 4);
}

/* F32: a second fault uses what the first has published and not yet linked. */
static u32 used_before_linked(struct kt *t)
{
	struct mm_struct *mm = mm_alloc();
	struct thread *th;
	u32 lost;

	kt_map(mm, 0, 2 * PAGE_SIZE, PROT_RW);
	th = race_park(t, "anon_vma:allocated", -1, poke_thread, mm);
	KT_EQ(t, kt_poke(mm, RIGHT, 5), 0);
	lost = unfound(mm, RIGHT);
	race_let_go("anon_vma:allocated", th);
	KT_EQ(t, unfound(mm, RIGHT), 0);
	KT_EQ(t, unfound(mm, LEFT), 0);
	mmput(mm);
	return lost;
}

KTEST_FLAGS(race, anon_vma_used_before_linked, KTF_LAB_ONLY)
{
	KT_EQ(t, used_before_linked(t), 0);
	bug_set("anon_vma_early_publish", 1);
	KT_EQ(t, used_before_linked(t), 1);
}
