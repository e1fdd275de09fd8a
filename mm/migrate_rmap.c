/* SPDX-License-Identifier: MIT */
/*
 * Entries of a page that is being moved: to migration entries and back.
 *
 * For each mapping, in this order (A8):
 *	(1) section start
 *	(2) table lock; the entry maps the page?
 *	(3) clear the entry, flush
 *	(4) pinned? the old entry back, give up
 *	(5) dirty -> page; migration entry; mapcount
 *	(6) unlock; section end; put
 * The way back needs no section (none -> present).
 *
 * R1. (4) mirrors gup_fast: it adds to the count, then looks at the entry; we
 *     take the entry away (a full barrier), then look at the count.  One of
 *     the two sees the other, so a pinned page keeps its frame.
 * R2. The type of the entry remembers write permission and exclusivity; what
 *     fork and mprotect do meanwhile they do to the entry (nonpresent.c), and
 *     munmap drops it.  So on the way back the entry is right, not our memory.
 * R3. On the way back every vma the page may be mapped in is visited under the
 *     rmap lock, which mremap holds for writing while it moves entries, and
 *     fork links the child's vma behind the parent's before it copies any: no
 *     migration entry is left behind.
 *
 * Locks: page locks, i_mmap or anon_vma root read, section, table.
 * Tests: tests/kt/kt_migrate.c, tests/race/race_migrate.c
 */
#include "kernel/racepoint.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/internal.h"
#include "mm/migrate.h"
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"
#include "mm/swapops.h"

static pte_t migration_pte(struct page *p, pte_t old, bool exclusive)
{
	enum swp_type type = SWP_MIGRATION_READ;
	u64 bits = 0;

	if (pte_write(old))
		type = SWP_MIGRATION_WRITE;
	else if (exclusive)
		type = SWP_MIGRATION_READ_EXCLUSIVE;
	bits |= pte_young(old) ? SWP_YOUNG : 0;
	bits |= pte_dirty(old) ? SWP_DIRTY : 0;
	bits |= old.val & SWP_SOFT_DIRTY;
	return make_migration_pte(type, page_to_pfn(p), bits);
}

/* (3)-(5).  False: the entry is as it was. */
static bool replace_entry(struct page *p, struct vm_area_struct *vma,
			  struct pt_pos *pos)
{
	bool exclusive = page_is_anon(p) && page_test(p, PG_anon_exclusive);
	pte_t old = pte_clear(pos);				/* (3) */

	flush_tlb_page(vma->vm_mm, pos->va);
	if (exclusive && page_maybe_dma_pinned(p)) {		/* (4), R1 */
		pte_set(pos, old);
		return false;
	}
	if (pte_dirty(old))
		set_page_dirty(p);				/* (5) */
	if (exclusive)
		page_clear(p, PG_anon_exclusive);
	pte_set(pos, migration_pte(p, old, exclusive));
	page_remove_rmap(p, vma);
	return true;
}

static int migrate_one(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		       void *arg)
{
	struct mmu_notifier_range range;
	bool gone = false, mapped;
	struct pt_pos pos;

	(void)arg;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, vma->vm_mm, va,
				va + PAGE_SIZE);
	if (BUG_SWITCH("migrate_change_pte"))
		range.flags |= MMU_NOTIFIER_USE_CHANGE_PTE;
	mmu_notifier_invalidate_range_start(&range);		/* (1) */
	mapped = page_vma_mapped(p, vma, va, &pos);		/* (2) */
	if (mapped) {
		gone = replace_entry(p, vma, &pos);
		unlock_table(&pos);
	}
	mmu_notifier_invalidate_range_end(&range);		/* (6) */
	if (gone)
		put_page(p);
	return mapped && !gone;
}

bool try_to_migrate(struct page *old)
{
	KASSERT(page_test(old, PG_locked));
	if (page_mapped(old))
		rmap_walk(old, migrate_one, NULL);
	return !page_mapped(old);
}

struct restore { struct page *old, *new; };

/* R2. */
static void restore_entry(struct page *new, struct vm_area_struct *vma,
			  struct pt_pos *pos, pte_t e)
{
	u64 prot = vma_pte_flags(vma->vm_flags) & ~PTE_W;
	bool write = pte_migration_write(e);

	prot |= e.val & SWP_YOUNG ? PTE_A : 0;
	prot |= e.val & SWP_DIRTY ? PTE_D : 0;
	prot |= e.val & SWP_SOFT_DIRTY;
	if (write && (vma->vm_flags & VM_WRITE))
		prot |= PTE_W;
	get_page(new);				/* the entry's */
	if (page_is_anon(new)) {
		page_restore_anon_rmap(new, vma);
		if (write || pte_migration_read_exclusive(e))
			page_set(new, PG_anon_exclusive);
	} else {
		page_add_file_rmap(new, vma);
	}
	pte_replace(pos, pte_make(page_to_pfn(new), prot));
}

static int restore_one(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		       void *arg)
{
	const struct restore *r = arg;
	struct pt_pos pos;
	pte_t e;

	(void)p;
	lock_leaf(&vma->vm_mm->pgt, va, &pos);
	e = pte_read(pos.ptep);
	if (pos.level == 1 && pte_is_migration(e) &&
	    pte_migration_pfn(e) == page_to_pfn(r->old))
		restore_entry(r->new, vma, &pos, e);
	unlock_table(&pos);
	return 0;
}

void remove_migration_ptes(struct page *old, struct page *new,
			   struct anon_vma *av)
{
	struct restore r = { old, new };

	KASSERT(page_test(old, PG_locked) && page_test(new, PG_locked));
	if (av)
		rmap_walk_anon_vma(new, av, restore_one, &r);
	else
		rmap_walk(new, restore_one, &r);
}
