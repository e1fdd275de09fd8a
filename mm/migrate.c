/* SPDX-License-Identifier: MIT */
/*
 * Moving a data page: its bytes, its mappings and its place in its file go to
 * another frame, and programs notice nothing but a longer fault.
 *
 *	migrator			fault, look-up, gup, write(2)
 *	(1) isolate, lock the page
 *	(2) entries -> migration	a fault waits for the page lock
 *	(3) freeze: count == expected?	a getter fails, and looks again
 *	    else back to (2), or busy
 *	(4) copy bytes and flags; new
 *	    takes old's place
 *	(5) unfreeze old for ourselves	from here on look-ups find new, locked
 *	(6) migration entries -> new
 *	(7) unlock both; free old
 *
 * D1. From (3) to (5) nobody but us touches old: nothing maps it, and its count
 *     is 0, with every holder we know of counted in `expected` (S4).  So the
 *     copy is complete, PG_dirty included (S5).
 * D2. A waiter takes a reference only if it can (get_page_unless_zero): before
 *     (3) it makes the freeze fail and is waited for by trying again, after
 *     (3) it fails.  A plain get would be overwritten by (5), and its put
 *     would free the page under somebody (bug switch migration_plain_get in
 *     swap_fault.c).
 * D3. new is locked until (6) is done, so that truncate and reclaim leave it
 *     alone; it becomes uptodate with its bytes, before it can be found.
 * D4. A pinned page is not moved: (2) refuses, or (3) fails.
 * D5. When (3) fails the entries go back to old: no program waits for a page
 *     that stays where it is.
 *
 * So whoever holds a reference on a page of a file, and finds it in the file
 * when it has locked it, need not ask whether it was moved meanwhile.
 *
 * Not moved: pages in the swap cache, under write-back, or off the LRU.
 * Locks: page lock old, then new (fresh: nobody can hold it and wait); then
 * i_pages_lock.  Tests: tests/kt/kt_migrate.c, tests/race/race_migrate.c
 */
#include "arch/percpu.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/lru.h"
#include "mm/migrate.h"
#include "mm/mmu_model.h"
#include "mm/motion.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"

#define ATTEMPTS	6

static DEFINE_PER_CPU(struct migrate_stats, counts);

void migrate_stats(struct migrate_stats *s)
{
	*s = (struct migrate_stats){ 0 };
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct migrate_stats *c = per_cpu_ptr(&counts, cpu);

		if (cpu && !__per_cpu_offset[cpu])
			continue;
		s->moved += READ_ONCE(c->moved);
		s->retried += READ_ONCE(c->retried);
		s->busy += READ_ONCE(c->busy);
	}
}

struct page *new_page_anywhere(struct page *old, void *arg)
{
	(void)old;
	(void)arg;
	return alloc_page(ALLOC_PLAIN);
}

/* (4).  old is frozen (D1). */
static void copy_to_new(struct page *old, struct page *new)
{
	static const enum page_flag kept[] = {
		PG_dirty, PG_uptodate, PG_referenced, PG_swapbacked, PG_active,
		PG_unevictable,
	};

	copy_page(page_address(new), page_address(old));
	for (u32 i = 0; i < ARRAY_SIZE(kept); i++)
		if (page_test(old, kept[i]))
			page_set(new, kept[i]);
	new->index = old->index;
	new->private = old->private;
	WRITE_ONCE(new->mapping, old->mapping);
	if (page_is_ksm(old))
		ksm_page_moved(old, new);
}

/* (5).  Anything but 0 is a getter that broke D2. */
static void unfreeze(struct page *old, int count)
{
	if (CONFIG_LAB && page_count(old)) {
		mmu_model_report("pfn %llx: count is %d, but the page is frozen",
				 page_to_pfn(old), page_count(old));
		atomic_add(count, &old->_refcount);
		return;
	}
	page_ref_unfreeze(old, count);
}

/* (3)-(5), anonymous: our reference is the only one.  False: it is not. */
static bool replace_anon(struct page *old, struct page *new)
{
	if (!page_ref_freeze(old, 1))
		return false;
	RACE_POINT("migrate:frozen");
	copy_to_new(old, new);
	if (CONFIG_LAB)
		page_become(new, PG_anon);
	unfreeze(old, 1);
	RACE_POINT("migrate:copied");
	return true;
}

/* The same of a file's page: the cache's reference goes to new. */
static bool replace_file(struct page *old, struct page *new)
{
	struct address_space *m = old->mapping;

	spin_lock(&m->i_pages_lock);
	if (!page_ref_freeze(old, 2)) {
		spin_unlock(&m->i_pages_lock);
		return false;
	}
	copy_to_new(old, new);
	get_page(new);
	BUG_ON(radix_tree_replace(&m->i_pages, old->index, new) != old);
	WRITE_ONCE(old->mapping, NULL);
	page_clear(old, PG_dirty);
	if (CONFIG_LAB) {
		page_unbecome(old, PG_cache);
		page_become(new, PG_cache);
	}
	unfreeze(old, 1);
	spin_unlock(&m->i_pages_lock);
	return true;
}

static bool replace(struct page *old, struct page *new)
{
	if (page_is_anon(old))
		return replace_anon(old, new);
	return old->mapping && replace_file(old, new);
}

static bool may_move(const struct page *p)
{
	if (page_test(p, PG_swapcache) || page_test(p, PG_writeback))
		return false;
	/* Truncated, or the last mapping is gone: free it, do not move it. */
	return page_is_anon(p) ? page_mapped(p) : p->mapping != NULL;
}

/* (2)-(6).  Both locked. */
static int move_locked(struct page *old, struct page *new)
{
	struct anon_vma *av = NULL;
	bool moved;

	if (!may_move(old))
		return -EBUSY;
	if (page_is_anon(old) && !page_is_ksm(old)) {
		av = page_get_anon_vma(old);
		if (!av)
			return -EBUSY;
	}
	moved = try_to_migrate(old);				/* (2) */
	RACE_POINT("migrate:unmapped");
	moved = moved && replace(old, new);
	remove_migration_ptes(old, moved ? new : old, av);	/* (6), D5 */
	if (av)
		put_anon_vma(av);
	if (moved)
		return 0;
	return page_maybe_dma_pinned(old) ? -EBUSY : -EAGAIN;	/* D4 */
}

static int try_move(struct page *old, struct page *new)
{
	int err;

	for (u32 i = 0; i < ATTEMPTS; i++) {
		lock_page(old);					/* (1) */
		BUG_ON(!trylock_page(new));
		err = move_locked(old, new);
		unlock_page(new);
		unlock_page(old);
		if (err != -EAGAIN)
			return err;
		this_cpu_inc(counts.retried);
		sleep_ms(1UL << i);	/* waiters put what they took */
	}
	return -EBUSY;
}

int migrate_page(struct page *old, new_page_fn *new_page, void *arg)
{
	struct page *new = new_page(old, arg);
	int err;

	page_motion_begin();
	err = new ? try_move(old, new) : -ENOMEM;
	if (err) {
		if (new)
			put_page(new);
		this_cpu_inc(counts.busy);
		lru_putback(old);
	} else {
		this_cpu_inc(counts.moved);
		lru_forget_isolated(old);
		put_page(old);					/* (7) */
		lru_add(new);
		put_page(new);		/* mappings and file have theirs */
	}
	page_motion_end();
	return err;
}

/*
 * What is mapped where.
 */

/* A reference on va's page; mmap_lock read.  ERR_PTR. */
static struct page *get_mapped_page(struct mm_struct *mm, vaddr_t va)
{
	struct page *p = ERR_PTR(-ENOENT);
	struct pt_pos pos;
	pte_t e;

	if (va >= USER_END || !vma_lookup(mm, va))
		return ERR_PTR(-EFAULT);
	lock_leaf(&mm->pgt, va & PAGE_MASK, &pos);
	e = pte_read(pos.ptep);
	if (pos.level == 1 && pte_mapped(e)) {
		p = pte_special(e) ? ERR_PTR(-EFAULT) : pte_page(e);
		if (!IS_ERR(p))
			get_page(p);
	}
	unlock_table(&pos);
	return p;
}

int page_mapped_at(struct mm_struct *mm, vaddr_t va)
{
	struct page *p = get_mapped_page(mm, va);

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	put_page(p);
	return 0;
}

struct page *isolate_mapped_page(struct mm_struct *mm, vaddr_t va,
				 enum move_which which)
{
	struct page *p = get_mapped_page(mm, va), *ret = p;

	if (IS_ERR(p))
		return p;
	if (which == MOVE_SOLE && page_mapcount(p) > 1)
		ret = ERR_PTR(-EACCES);
	else if (!lru_isolate_page(p))
		ret = ERR_PTR(-EBUSY);
	put_page(p);
	return ret;
}
