/* SPDX-License-Identifier: MIT */
/* The walker: mm/pgtable*.c.  Mostly on a device's tables: no CPU uses them. */
#include "kernel/ktest.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "mm/internal_low.h"
#include "mm/mmu_notifier.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/vma.h"
#include "tests/kt/kt_mm.h"

#define VA		0x7654321000UL
#define FLAGS		(PTE_P | PTE_W | PTE_A)

static struct pgtable *tree_create(void)
{
	struct pgtable *pt = kzalloc(sizeof(*pt));

	if (pt && pgtable_init(pt, NULL, PGT_DEVICE)) {
		kfree(pt);
		pt = NULL;
	}
	return pt;
}

static void tree_destroy(struct pgtable *pt)
{
	pgtable_free_all(pt);
	pgtable_destroy(pt);
	kfree(pt);
}

static int map_at(struct pgtable *pt, vaddr_t va, phys_t pa, u64 len,
		  int max_level)
{
	const struct pt_mapping map = { va, pa, len, FLAGS, max_level };

	return pgtable_map(pt, &map);
}

static pte_t read_va(struct pgtable *pt, vaddr_t va, int *level)
{
	pte_t e;

	rcu_read_lock();
	e = pgtable_read(pt, va, level, NULL);
	rcu_read_unlock();
	return e;
}

KTEST(pgtable, lock_table_finds_or_says_where)
{
	struct pgtable *pt = tree_create();
	struct pt_pos pos;

	KT_ASSERT(t, pt);
	KT_EQ(t, lock_table(pt, VA, 1, &pos), -ENOENT);
	KT_EQ(t, pos.level, 4);
	KT_EQ(t, lock_table_alloc(pt, VA, 2, &pos), 0);
	KT_EQ(t, pos.level, 2);
	KT_EQ(t, pos.table->pt_level, 2);
	KT_EQ(t, pos.table->pt_base, VA & ~(pt_size(3) - 1));
	unlock_table(&pos);
	KT_EQ(t, lock_table(pt, VA, 1, &pos), -ENOENT);
	KT_EQ(t, pos.level, 2);
	KT_EQ(t, atomic64_read(&pt->nr_tables), 3);
	tree_destroy(pt);
}

/* Two lone leaves far apart, and a large one: nothing between them is met. */
KTEST(pgtable, next_table_skips_what_is_empty)
{
	const vaddr_t a = 0x1234567000UL, b = 0x7fffffffe000UL;
	const vaddr_t huge = 0x200000000000UL;
	struct pgtable *pt = tree_create();

	KT_ASSERT(t, pt);
	KT_EQ(t, pgtable_next_table(pt, 0, b, 1), b);
	KT_EQ(t, map_at(pt, a, 0x5000, PAGE_SIZE, 1), 0);
	KT_EQ(t, map_at(pt, b, 0x6000, PAGE_SIZE, 1), 0);
	KT_EQ(t, map_at(pt, huge, 0x40000000, pt_size(3), 3), 0);
	for (int level = 1; level < PT_LEVELS; level++) {
		vaddr_t first = a & ~(pt_size(level + 1) - 1);
		vaddr_t last = b & ~(pt_size(level + 1) - 1);

		KT_EQ(t, pgtable_next_table(pt, 0, b, level), first);
		KT_EQ(t, pgtable_next_table(pt, a, b, level), a);
		KT_EQ(t, pgtable_next_table(pt, a, a, level), a);
		/* A leaf above the level asked for ends the search too. */
		KT_EQ(t, pgtable_next_table(pt, a + pt_size(4), b, level),
		      level == 3 ? huge & ~(pt_size(4) - 1) : huge);
		KT_EQ(t, pgtable_next_table(pt, huge + pt_size(4), b, level),
		      last);
		KT_EQ(t, pgtable_next_table(pt, b, b + PAGE_SIZE, level), b);
	}
	tree_destroy(pt);
}

KTEST(pgtable, set_clear_modify)
{
	struct pgtable *pt = tree_create();
	struct pt_pos pos;
	int level;

	KT_ASSERT(t, pt);
	KT_EQ(t, lock_table_alloc(pt, VA, 1, &pos), 0);
	pte_set(&pos, pte_make(5, FLAGS));
	KT_EQ(t, pos.table->pt_nr, 1);
	KT_EQ(t, pte_modify(&pos, PTE_W, PTE_D).val, pte_make(5, FLAGS).val);
	KT_EQ(t, pte_replace(&pos, pte_make(6, FLAGS)).val,
	      pte_make(5, (FLAGS & ~PTE_W) | PTE_D).val);
	unlock_table(&pos);
	KT_EQ(t, pte_pfn(read_va(pt, VA + 0xfff, &level)), 6);
	KT_EQ(t, level, 1);
	lock_leaf(pt, VA, &pos);
	KT_EQ(t, pos.level, 1);
	KT_EQ(t, pte_clear(&pos).val, pte_make(6, FLAGS).val);
	KT_EQ(t, pos.table->pt_nr, 0);
	unlock_table(&pos);
	KT_EXPECT(t, pte_none(read_va(pt, VA, NULL)));
	tree_destroy(pt);
}

/* Ragged ends in small leaves, the middle in a large one. */
KTEST(pgtable, map_mixes_leaf_sizes)
{
	struct pgtable *pt = tree_create();
	vaddr_t va = 0x40000000 - 0x3000;
	u64 len = 0x3000 + pt_size(2) + 0x5000;
	struct pt_pos pos;
	int level;

	KT_ASSERT(t, pt);
	KT_EQ(t, map_at(pt, va, 0x80000000 - 0x3000, len, 3), 0);
	for (u64 off = 0; off < len; off += PAGE_SIZE) {
		pte_t e = read_va(pt, va + off, &level);
		phys_t pa = pte_phys(e) + ((va + off) & (pt_size(level) - 1));

		if (!KT_EQ(t, pa, 0x80000000 - 0x3000 + off))
			break;
	}
	read_va(pt, 0x40000000, &level);
	KT_EQ(t, level, 2);
	KT_EXPECT(t, pte_none(read_va(pt, va - 1, NULL)));
	KT_EXPECT(t, pte_none(read_va(pt, va + len, NULL)));
	KT_EQ(t, lock_table(pt, 0x40000000, 1, &pos), -EEXIST);
	KT_EQ(t, lock_table_alloc(pt, 0x40000000, 1, &pos), -EEXIST);
	KT_EQ(t, map_at(pt, 0x40000000, 0, PAGE_SIZE, 1), -EEXIST);
	lock_leaf(pt, 0x40012345, &pos);
	KT_EQ(t, pos.level, 2);
	KT_EQ(t, pos_end(&pos), 0x40200000);
	unlock_table(&pos);
	tree_destroy(pt);
}

KTEST(pgtable, pos_next_stays_in_the_table)
{
	struct pgtable *pt = tree_create();
	struct pt_pos pos;
	u32 n = 1;

	KT_ASSERT(t, pt);
	KT_EQ(t, lock_table_alloc(pt, 0x200123, 1, &pos), 0);
	while (pos_next(&pos)) {
		n++;
		KT_EXPECT(t, table_page(pos.ptep) == pos.table);
	}
	KT_EQ(t, n, PT_ENTRIES);
	KT_EQ(t, pos.va, 0x3ff000);
	unlock_table(&pos);
	tree_destroy(pt);
}

KTEST(pgtable, no_memory)
{
	struct pgtable *pt = tree_create();
	struct pt_pos pos;

	KT_ASSERT(t, pt);
	for (u32 n = 1; n <= 3; n++) {
		alloc_fail_nth(n);
		KT_EQ(t, lock_table_alloc(pt, VA + n * pt_size(4), 1, &pos),
		      -ENOMEM);
		KT_EXPECT(t, alloc_failed_nth());
		alloc_fail_nth(0);
	}
	KT_EQ(t, atomic64_read(&pt->nr_tables), 1 + 0 + 1 + 2);
	tree_destroy(pt);
}

KTEST(pgtable, path_recheck)
{
	struct pgtable *pt = tree_create();
	struct pt_path path;
	struct pt_pos pos;

	KT_ASSERT(t, pt);
	KT_EQ(t, map_at(pt, VA, 0x5000, PAGE_SIZE, 1), 0);
	rcu_read_lock();
	pgtable_read(pt, VA, NULL, &path);
	KT_EXPECT(t, pt_path_same(&path));
	lock_leaf(pt, VA, &pos);
	pte_modify(&pos, PTE_W, 0);
	unlock_table(&pos);
	KT_EXPECT(t, !pt_path_same(&path));
	rcu_read_unlock();
	tree_destroy(pt);
}

/* Threads fill and empty the same few tables: counts stay exact. */
#define NR_THREADS	4
struct fight { struct pgtable *pt; u64 seed; s64 net; };

static void fight_thread(void *arg)
{
	struct fight *f = arg;
	struct prng r;

	prng_seed(&r, f->seed);
	for (u32 i = 0; i < 1500; i++) {
		vaddr_t va = (prng_u64(&r) % 64) * pt_size(1) +
			     (prng_u64(&r) % 3) * pt_size(3);
		struct pt_pos pos;

		if (lock_table_alloc(f->pt, va, 1, &pos))
			continue;
		if (pte_none(pte_read(pos.ptep))) {
			pte_set(&pos, pte_make(f->seed, FLAGS));
			f->net++;
		} else {
			pte_clear(&pos);
			f->net--;
		}
		unlock_table(&pos);
	}
}

static s64 count_leaves(struct pgtable *pt, s64 *by_pt_nr)
{
	s64 n = 0;

	*by_pt_nr = 0;
	for (u32 i = 0; i < 3; i++) {
		struct pt_pos pos;

		if (lock_table(pt, i * pt_size(3), 1, &pos))
			continue;
		*by_pt_nr += pos.table->pt_nr;
		do
			n += !pte_none(pte_read(pos.ptep));
		while (pos_next(&pos));
		unlock_table(&pos);
	}
	return n;
}

KTEST(pgtable, many_cpus)
{
	struct pgtable *pt = tree_create();
	struct fight f[NR_THREADS];
	struct thread *th[NR_THREADS];
	s64 net = 0, counted;

	KT_ASSERT(t, pt);
	for (u32 i = 0; i < NR_THREADS; i++) {
		f[i] = (struct fight){ pt, i + 1, 0 };
		th[i] = kthread_run("fight", -1, fight_thread, &f[i]);
	}
	for (u32 i = 0; i < NR_THREADS; i++) {
		if (!IS_ERR(th[i]))
			thread_join(th[i]);
		net += f[i].net;
	}
	KT_EQ(t, count_leaves(pt, &counted), net);
	KT_EQ(t, counted, net);
	KT_EQ(t, atomic64_read(&pt->nr_tables), 1 + 1 + 3 + 3);
	tree_destroy(pt);
}

/* Replace the level-1 table of VA: steps (A)..(F) of the walker's table. */
static struct page *swap_table(struct pgtable *pt)
{
	struct page *new = table_alloc(pt, 1, VA), *old;
	struct pt_pos pos;
	pte_t *from;

	if (!new || lock_table(pt, VA, 2, &pos))
		return NULL;
	old = pte_page(pte_read(pos.ptep));
	table_lock(old);				/* (A) */
	from = page_address(old);
	copy_page(page_address(new), from);		/* (B) */
	new->pt_nr = old->pt_nr;
	pte_write_raw(pos.ptep,
		      __pte(page_to_phys(new) | table_flags(pt))); /* (C) */
	page_set(old, PG_retired);			/* (D) */
	unlock_table(&pos);
	for (u32 i = 0; i < PT_ENTRIES; i++)		/* (E) */
		pte_write_raw(&from[i], __pte(PTE_LIMBO));
	table_unlock_retired(old);			/* (F) */
	table_free_rcu(old);
	return new;
}

struct reader { struct pgtable *pt; struct page *got; pte_t seen; };

static void reader_thread(void *arg)
{
	struct reader *r = arg;
	struct pt_pos pos;

	if (lock_table(r->pt, VA, 1, &pos))
		return;
	r->got = pos.table;
	r->seen = pte_read(pos.ptep);
	unlock_table(&pos);
}

/* A reader between (1) and (2) while the table is replaced. */
static void stage_rewalk(struct kt *t, const char *bug)
{
	struct pgtable *pt = tree_create();
	struct reader r = { .pt = pt };
	struct thread *th;
	struct page *new;

	KT_ASSERT(t, pt);
	KT_EQ(t, map_at(pt, VA, 0x5000, PAGE_SIZE, 1), 0);
	if (bug)
		bug_set(bug, 1);
	th = thread_create("reader", reader_thread, &r);
	KT_ASSERT(t, !IS_ERR(th));
	KT_EQ(t, race_arm_thread("walk:before_lock", 1, th->tid), 0);
	thread_bind(th, kt_other_cpu());
	thread_start(th);
	KT_EQ(t, race_wait_parked("walk:before_lock"), 0);
	new = swap_table(pt);
	KT_EQ(t, race_release("walk:before_lock"), 0);
	thread_join(th);
	bug_clear_all();
	race_disarm_all();
	if (bug) {
		KT_EXPECT(t, r.got != new);
		KT_EXPECT(t, pte_limbo(r.seen));
	} else {
		KT_EXPECT(t, r.got == new);
		KT_EQ(t, pte_phys(r.seen), 0x5000);
	}
	tree_destroy(pt);
}

KTEST_FLAGS(pgtable, rewalk_after_retire, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	kt_pin(0);
	stage_rewalk(t, NULL);
	kt_unpin();
}

KTEST_FLAGS(pgtable, no_rewalk_is_caught, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	kt_pin(0);
	stage_rewalk(t, "no_rewalk");
	kt_unpin();
}

/* L4: only tables that lie wholly in the hole go. */
KTEST(pgtable, free_pgtables_respects_the_hole)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_gather tlb;
	struct pt_pos pos;
	vaddr_t va = pt_size(3) * 5;

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 3; i++) {
		KT_EQ(t, lock_table_alloc(&mm->pgt, va + i * pt_size(2), 1,
					  &pos), 0);
		unlock_table(&pos);
	}
	KT_EQ(t, atomic64_read(&mm->pgt.nr_tables), 6);
	tlb_gather_mmu(&tlb, mm);
	/* Neighbours live in the first and the last table. */
	free_pgtables(&tlb, va + 0x1000, va + 2 * pt_size(2) + 0x1000,
		      va + 0x1000, va + 3 * pt_size(2) - 0x1000);
	tlb_finish_mmu(&tlb);
	KT_EQ(t, atomic64_read(&mm->pgt.nr_tables), 5);
	KT_EQ(t, lock_table(&mm->pgt, va + pt_size(2), 1, &pos), -ENOENT);
	KT_EQ(t, pos.level, 2);
	tlb_gather_mmu(&tlb, mm);
	free_pgtables(&tlb, va, va + 3 * pt_size(2), 0, 0);
	tlb_finish_mmu(&tlb);
	KT_EQ(t, atomic64_read(&mm->pgt.nr_tables), 1);
	mmput(mm);
}

extern char _text[], _etext[], _rodata[], _erodata[], boot_stack_guard[];

/* Leaves of one kernel table, all levels below; N1 violations. */
static u32 wx_leaves(const pte_t *table, int level, u32 first)
{
	u32 bad = 0;

	for (u32 i = first; i < PT_ENTRIES; i++) {
		pte_t e = pte_read(&table[i]);

		if (!pte_present(e))
			continue;
		if (pte_table(e, level))
			bad += wx_leaves(phys_to_virt(pte_phys(e)), level - 1,
					 0);
		else
			bad += (pte_write(e) && !(e.val & PTE_NX)) ||
			       (e.val & PTE_U);
	}
	return bad;
}

KTEST(pgtable, kernel_is_w_xor_x)
{
	KT_EQ(t, wx_leaves(init_mm.pgt.pgd, PT_LEVELS, PT_ENTRIES / 2), 0);
	for (const char *p = _text; p < _erodata; p += PAGE_SIZE) {
		const void *alias = phys_to_virt(virt_to_phys(p));

		KT_EXPECT(t, !pte_write(read_va(&init_mm.pgt, (vaddr_t)p,
						NULL)));
		KT_EXPECT(t, !pte_write(read_va(&init_mm.pgt, (vaddr_t)alias,
						NULL)));
	}
	KT_EXPECT(t, read_va(&init_mm.pgt, (vaddr_t)_rodata, NULL).val & PTE_NX);
	KT_EXPECT(t, pte_none(read_va(&init_mm.pgt, (vaddr_t)boot_stack_guard,
				      NULL)));
}

KTEST(pgtable, kernel_half_is_shared_and_full)
{
	struct mm_struct *mm = mm_alloc();
	u32 low = 0, differs = 0, none = 0;

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < PT_ENTRIES; i++) {
		pte_t k = pte_read(&init_mm.pgt.pgd[i]);

		if (i < PT_ENTRIES / 2) {
			low += !pte_none(k) || !pte_none(mm->pgt.pgd[i]);
			continue;
		}
		none += pte_none(k);
		differs += !pte_same(k, mm->pgt.pgd[i]);
	}
	KT_EQ(t, low, 0);
	KT_EQ(t, none, 0);
	KT_EQ(t, differs, 0);
	mmput(mm);
}
