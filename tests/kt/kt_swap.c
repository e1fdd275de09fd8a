/* SPDX-License-Identifier: MIT */
/* mm/swapops.h, mm/nonpresent.c, mm/swap_fault.c: entries that map nothing. */
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"
#include "kernel/panic.h"
#include "mm/mmu_notifier.h"
#include "mm/swapops.h"

KTEST(swap, entry_encoding)
{
	const u64 offsets[] = { 0, 1, 0x1234567, BIT(SWP_VAL_SHIFT) - 1 };

	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
		swp_entry_t s = swp_entry(MAX_SWAPFILES, offsets[i]);
		pte_t e = swp_to_pte(s), m;

		KT_EXPECT(t, pte_is_swap(e) && !pte_is_migration(e));
		KT_EXPECT(t, !pte_none(e) && !pte_mapped(e) && !pte_limbo(e));
		KT_EXPECT(t, !pte_write(e) && !pte_dirty(e) && !pte_young(e) &&
			     !pte_special(e));
		KT_EQ(t, pte_to_swp(e).val, s.val);
		KT_EQ(t, swp_offset(s), offsets[i]);
		KT_EXPECT(t, !pte_swp_exclusive(e));
		e = pte_mksoft_dirty(pte_swp_mkexclusive(e));
		KT_EXPECT(t, pte_swp_exclusive(e) && pte_soft_dirty(e));
		KT_EQ(t, pte_to_swp(e).val, s.val);
		m = make_migration_pte(SWP_MIGRATION_WRITE, offsets[i],
				       SWP_DIRTY | SWP_SOFT_DIRTY);
		KT_EXPECT(t, pte_is_migration(m) && !pte_is_swap(m));
		KT_EXPECT(t, !pte_mapped(m) && !pte_limbo(m));
		KT_EXPECT(t, pte_migration_write(m));
		m = pte_migration_retype(m, SWP_MIGRATION_READ_EXCLUSIVE);
		KT_EXPECT(t, pte_migration_read_exclusive(m) &&
			     (m.val & SWP_DIRTY));
		KT_EQ(t, pte_migration_pfn(m), offsets[i]);
	}
	KT_EXPECT(t, !pte_nonpresent(__pte(PTE_LIMBO)));
	KT_EXPECT(t, !pte_nonpresent(__pte(0)));
	KT_EXPECT(t, !pte_nonpresent(pte_make(1, PTE_P)));
	KT_EXPECT(t, !pte_nonpresent(pte_make(1, PTE_PROTNONE)));
}

/* What the migrator does to one page of an mm nobody runs. */
static struct page *to_migration(struct mm_struct *mm, vaddr_t va)
{
	struct mmu_notifier_range range;
	struct vm_area_struct *vma;
	struct pt_pos pos;
	struct page *p;

	down_read(&mm->mmap_lock);
	vma = vma_lookup(mm, va);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, mm, va,
				va + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	lock_leaf(&mm->pgt, va, &pos);
	p = pte_page(pte_read(pos.ptep));
	BUG_ON(!trylock_page(p));
	pte_replace(&pos, make_migration_pte(SWP_MIGRATION_WRITE,
					     page_to_pfn(p), SWP_DIRTY));
	page_remove_rmap(p, vma);
	unlock_table(&pos);
	mmu_notifier_invalidate_range_end(&range);
	up_read(&mm->mmap_lock);
	return p;
}

struct waiter { struct mm_struct *mm; vaddr_t va; u32 done; u64 word; };

static void waiter_main(void *arg)
{
	struct waiter *w = arg;

	w->word = kt_peek(w->mm, w->va);
	WRITE_ONCE(w->done, 1);
}

/* Fork, mremap and mprotect carry the entry on; unmapping drops it. */
KTEST(swap, migration_entry_is_carried)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	vaddr_t to = KT_BASE + (64UL << 20);
	struct page *p;

	KT_ASSERT(t, mm && child);
	KT_ASSERT(t, kt_map(mm, 0, PAGE_SIZE, PROT_RW) > 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 77), 0);
	p = to_migration(mm, KT_BASE);
	KT_EXPECT(t, pte_migration_write(kt_pte(mm, KT_BASE)));
	KT_EQ(t, kt_mremap(mm, KT_BASE, PAGE_SIZE, PAGE_SIZE, to), to);
	KT_EXPECT(t, pte_migration_write(kt_pte(mm, to)));
	KT_EQ(t, do_mprotect(mm, to, PAGE_SIZE, PROT_READ), 0);
	KT_EXPECT(t, pte_migration_read_exclusive(kt_pte(mm, to)));
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, pte_swp_type(kt_pte(mm, to)), SWP_MIGRATION_READ);
	KT_EQ(t, pte_swp_type(kt_pte(child, to)), SWP_MIGRATION_READ);
	mmput(child);
	mmput(mm);
	unlock_page(p);
	put_page(p);
}

KTEST(swap, fault_waits_for_migration)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_team team = { .nr = 0 };
	struct waiter w = { mm, KT_BASE, 0, 0 };
	struct vm_area_struct *vma;
	struct pt_pos pos;
	struct page *p;

	KT_ASSERT(t, mm && kt_map(mm, 0, PAGE_SIZE, PROT_RW) > 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 78), 0);
	p = to_migration(mm, KT_BASE);
	if (!kt_spawn(t, &team, -1, waiter_main, &w))
		return;
	KT_EXPECT(t, kt_wait_for(page_count(p) > 1));
	KT_EQ(t, READ_ONCE(w.done), 0);
	down_read(&mm->mmap_lock);
	vma = vma_lookup(mm, KT_BASE);
	lock_leaf(&mm->pgt, KT_BASE, &pos);
	page_add_new_anon_rmap(p, vma, KT_BASE);
	pte_replace(&pos, pte_make(page_to_pfn(p), PTE_P | PTE_U | PTE_NX));
	unlock_table(&pos);
	up_read(&mm->mmap_lock);
	unlock_page(p);
	kt_join(&team);
	KT_EQ(t, w.word, 78);
	mmput(mm);
}
