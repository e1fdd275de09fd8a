/* SPDX-License-Identifier: MIT */
/*
 * Walkers that are overtaken by a relocation or a reuse: between two levels of
 * mm/pgtable.c's walk, between finding and locking a pair of tables, and
 * between finding an anon_vma and referencing it.
 */
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/internal_low.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_mm.h"

#define FAR	(KT_BASE + (64UL << 20))	/* under another leaf table */

struct walk {
	struct mm_struct *mm;
	int err, level;
	bool retired, stale;
	pte_t entry;
	struct page *page;
	u32 calls;
};

static struct page *leaf_table(struct mm_struct *mm, vaddr_t va)
{
	struct pt_path path;
	struct page *table;
	int level;

	rcu_read_lock();
	pgtable_read(&mm->pgt, va, &level, &path);
	table = level == 1 ? table_page(path.where[1]) : NULL;
	rcu_read_unlock();
	return table;
}

static void lock_walker(void *arg)
{
	struct walk *w = arg;
	struct pt_pos pos;

	w->err = lock_table(&w->mm->pgt, KT_BASE, 1, &pos);
	if (w->err)
		return;
	w->retired = page_test(pos.table, PG_retired);
	w->entry = pte_read(pos.ptep);
	unlock_table(&pos);
}

static void read_walker(void *arg)
{
	struct walk *w = arg;

	rcu_read_lock();
	w->entry = pgtable_read(&w->mm->pgt, KT_BASE, &w->level, NULL);
	rcu_read_unlock();
}

static void pair_walker(void *arg)
{
	struct walk *w = arg;
	struct pt_pos a = { .pt = &w->mm->pgt, .va = FAR };
	struct pt_pos b = { .pt = &w->mm->pgt, .va = KT_BASE };

	w->err = lock_table_pair(&a, &b);
	if (w->err)
		return;
	w->retired = page_test(a.table, PG_retired) ||
		     page_test(b.table, PG_retired);
	w->stale = a.table != leaf_table(w->mm, FAR) ||
		   b.table != leaf_table(w->mm, KT_BASE);
	unlock_table_pair(&a, &b);
}

/* fn runs on another CPU; it parks at its nth visit while all tables move. */
static void overtaken(struct kt *t, struct walk *w, void (*fn)(void *),
		      const char *point, u32 nth)
{
	struct ptmigrate_result r;
	struct thread *th;

	*w = (struct walk){ .mm = mm_alloc() };
	KT_ASSERT(t, w->mm);
	kt_pin(0);
	kt_map(w->mm, 0, 0x1000, PROT_RW);
	kt_poke(w->mm, KT_BASE, 42);
	kt_map(w->mm, FAR - KT_BASE, 0x1000, PROT_RW);
	kt_poke(w->mm, FAR, 43);
	th = thread_create("walker", fn, w);
	KT_ASSERT(t, !IS_ERR(th));
	thread_bind(th, kt_other_cpu());
	KT_EQ(t, race_arm_thread(point, nth, th->tid), 0);
	thread_start(th);
	KT_EQ(t, race_wait_parked(point), 0);
	KT_EQ(t, mm_relocate_tables(w->mm, PTMIGRATE_LIVE, &r), 0);
	race_release(point);
	thread_join(th);
	KT_EQ(t, kt_peek(w->mm, KT_BASE), 42);
	kt_unpin();
	mmput(w->mm);
}

/* What it read leads to a table that is LIMBO by now, at each level. */
KTEST_FLAGS(race, walk_between_levels, KTF_LAB_ONLY)
{
	struct walk w;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	for (u32 nth = 1; nth < PT_LEVELS; nth++) {
		overtaken(t, &w, lock_walker, "walk:between_levels", nth);
		KT_EQ(t, w.err, 0);
		KT_EXPECT(t, !w.retired);
		KT_EXPECT(t, pte_present(w.entry));
	}
}

KTEST_FLAGS(race, read_between_levels, KTF_LAB_ONLY)
{
	struct walk w;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	for (u32 nth = 1; nth < PT_LEVELS; nth++) {
		overtaken(t, &w, read_walker, "read:between_levels", nth);
		KT_EQ(t, w.level, 1);
		KT_EXPECT(t, pte_present(w.entry));
	}
}

KTEST_FLAGS(race, pair_before_lock, KTF_LAB_ONLY)
{
	struct walk w;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	overtaken(t, &w, pair_walker, "ptpair:before_lock", 1);
	KT_EQ(t, w.err, 0);
	KT_EXPECT(t, !w.retired);
	KT_EXPECT(t, !w.stale);
}

static int count_call(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		      void *arg)
{
	struct walk *w = arg;

	(void)p;
	(void)vma;
	(void)va;
	w->calls++;
	return 0;
}

static void rmap_walker(void *arg)
{
	struct walk *w = arg;

	rmap_walk(w->page, count_call, w);
}

static struct anon_vma *anon_vma_at(struct mm_struct *mm)
{
	struct anon_vma *av;

	down_read(&mm->mmap_lock);
	av = vma_lookup(mm, KT_BASE)->anon_vma;
	up_read(&mm->mmap_lock);
	return av;
}

/* An mm whose anon_vma is the object that av was, in users; false: none. */
static bool reuse(struct kt *t, const struct anon_vma *av,
		  struct mm_struct **users, u32 max)
{
	for (u32 i = 0; i < max; i++) {
		users[i] = mm_alloc();
		KT_EXPECT(t, users[i]);
		kt_map(users[i], 0, 0x1000, PROT_RW);
		kt_poke(users[i], KT_BASE, 9);
		if (anon_vma_at(users[i]) == av)
			return true;
	}
	return false;
}

/*
 * The anon_vma a walker found is freed and belongs to another process when it
 * takes its reference.  It must not walk that one's mappings: the page is not
 * mapped any more, which it sees once it has the reference.
 */
KTEST_FLAGS(race, rmap_anon_vma_reused, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc(), *users[24] = { NULL };
	struct walk w = { .mm = mm };
	struct anon_vma *av;
	struct thread *th;
	bool writable;

	if (!kt_other_cpu()) {
		mmput(mm);
		KT_SKIP(t, "needs two CPUs");
	}
	kt_pin(0);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	av = anon_vma_at(mm);
	KT_EQ(t, get_user_page(mm, KT_BASE, 0, &w.page, &writable), 0);
	race_arm("rmap:before_get", 1);
	th = kthread_run("walker", (int)kt_other_cpu(), rmap_walker, &w);
	KT_EQ(t, race_wait_parked("rmap:before_get"), 0);
	KT_EQ(t, do_munmap(mm, KT_BASE, 0x1000), 0);
	KT_EXPECT(t, !page_mapped(w.page));
	KT_EXPECT(t, reuse(t, av, users, ARRAY_SIZE(users)));
	race_release("rmap:before_get");
	thread_join(th);
	KT_EQ(t, w.calls, 0);
	put_page(w.page);
	for (u32 i = 0; i < ARRAY_SIZE(users); i++)
		if (users[i])
			mmput(users[i]);
	mmput(mm);
	kt_unpin();
}

struct slot_reader {
	struct address_space *m;
	void **slot;
	u32 inside, release;
	u64 seen;
};

static void slot_reader(void *arg)
{
	struct slot_reader *r = arg;

	rcu_read_lock();
	r->slot = radix_tree_lookup_slot(&r->m->i_pages, 1);
	smp_store_release(&r->inside, 1);
	while (!smp_load_acquire(&r->release))
		cpu_relax();
	r->seen = (u64)READ_ONCE(*r->slot);
	rcu_read_unlock();
}

/* A node stays readable, and empty, while a reader may hold a slot of it. */
KTEST(race, filemap_node_freed_under_reader)
{
	struct kt_file *f = kt_file_create(3, 0x3000);
	struct slot_reader r = { .m = &f->m };
	struct thread *th;
	u64 word;

	if (!kt_other_cpu()) {
		kt_file_put(f);
		KT_SKIP(t, "needs two CPUs");
	}
	kt_pin(0);
	for (u64 i = 0; i < 3; i++)
		filemap_read(&f->m, &word, i << PAGE_SHIFT, 8);
	th = kthread_run("reader", (int)kt_other_cpu(), slot_reader, &r);
	KT_ASSERT(t, !IS_ERR(th));
	while (!smp_load_acquire(&r.inside))
		yield();
	truncate_pagecache(&f->m, 0);
	KT_EQ(t, f->m.nrpages, 0);
	smp_store_release(&r.release, 1);
	thread_join(th);
	KT_EQ(t, r.seen, 0);
	kt_unpin();
	kt_file_put(f);
}
