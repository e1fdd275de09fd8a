/* SPDX-License-Identifier: MIT */
/*
 * The verbs that change live entries.  The table's lock is held.
 *
 * E1  pt_nr of a table == its entries that are not none (LIMBO tables aside).
 * E2  Hardware sets A and D at any time, so an entry that may be present is
 *     changed by an atomic read-modify-write only, and the value that was
 *     there is what the caller gets.
 * E3  Lab: a present leaf of a user mm is cleared, narrowed or repointed only
 *     inside a notifier section (G1), and the MMU model hears of it: every
 *     CPU of the mm owes a flush.
 *
 * Tests: tests/kt/kt_pgtable.c
 */
#include "lib/schedpoint.h"
#include "kernel/trace.h"
#include "mm/internal_low.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/pgtable.h"

static u32 trace_id(const struct pt_pos *pos)
{
	return pos->pt->mm ? pos->pt->mm->id : 0;
}

/* Could a TLB that still holds `old` do what `new` forbids? */
static bool narrows(pte_t old, pte_t new)
{
	if (!pte_present(old))
		return false;
	if (!pte_present(new) || pte_phys(old) != pte_phys(new))
		return true;
	return (old.val & ~new.val & (PTE_W | PTE_U)) ||
	       (new.val & ~old.val & PTE_NX);
}

/* E3.  A clean bit needs a flush too, but no section. */
static void changed(struct pt_pos *pos, pte_t old, pte_t new)
{
	struct mm_struct *mm = pos->pt->mm;

	if (!CONFIG_LAB || !mm || mm == &init_mm ||
	    !pte_leaf(old, pos->level))
		return;
	if (narrows(old, new))
		mmu_notifier_assert_covered(mm, pos->va);
	else if (!(pte_present(old) && pte_dirty(old) && !pte_dirty(new)))
		return;
	mmu_model_pte_changed(pos, mm, old, new);
}

static void count(struct pt_pos *pos, pte_t old, pte_t new)
{
	if (pte_none(old) && !pte_none(new))
		pos->table->pt_nr++;
	if (!pte_none(old) && pte_none(new))
		pos->table->pt_nr--;
}

static void check_pos(const struct pt_pos *pos)
{
	assert_spin_held(&pos->table->ptl);
	KASSERT(table_page(pos->ptep) == pos->table);
	KASSERT(pos->table->pt_level == pos->level);
}

void pte_set(struct pt_pos *pos, pte_t e)
{
	check_pos(pos);
	sched_point(SP_PTE);
	KASSERT(pte_none(pte_read(pos->ptep)));
	TRACE4(PTE_SET, trace_id(pos), pos->va, 0, e.val);
	pte_write_raw(pos->ptep, e);
	count(pos, __pte(0), e);
	if (CONFIG_LAB && pos->pt->mm)
		mmu_section_set(pos->pt->mm, pos->va, e);
	sched_point(SP_PTE);
}

pte_t pte_clear(struct pt_pos *pos)
{
	return pte_replace(pos, __pte(0));
}

pte_t pte_replace(struct pt_pos *pos, pte_t e)
{
	pte_t old;

	check_pos(pos);
	sched_point(SP_PTE);
	old = pte_xchg_raw(pos->ptep, e);			/* E2 */
	KASSERT(!pte_table(old, pos->level) && !pte_limbo(old));
	count(pos, old, e);
	if (pte_none(e))
		TRACE4(PTE_CLEAR, trace_id(pos), pos->va, old.val, pos->level);
	else
		TRACE4(PTE_SET, trace_id(pos), pos->va, old.val, e.val);
	changed(pos, old, e);
	sched_point(SP_PTE);
	return old;
}

/* As pte_clear() and pte_set(); a lab build's records are theirs. */
static pte_t move_one(struct pt_pos *from, struct pt_pos *to, u64 set)
{
	pte_t old, new;

	sched_point(SP_PTE);
	old = pte_xchg_raw(from->ptep, __pte(0));		/* E2 */
	new = __pte(old.val | set);
	KASSERT(!pte_table(old, 1) && !pte_limbo(old));
	KASSERT(pte_none(pte_read(to->ptep)));
	pte_write_raw(to->ptep, new);
	if (!CONFIG_LAB)
		return old;
	TRACE4(PTE_CLEAR, trace_id(from), from->va, old.val, 1);
	changed(from, old, __pte(0));
	TRACE4(PTE_SET, trace_id(to), to->va, 0, new.val);
	if (to->pt->mm)
		mmu_section_set(to->pt->mm, to->va, new);
	sched_point(SP_PTE);
	return old;
}

u32 pte_move_run(const struct pt_pos *from, const struct pt_pos *to, u32 n,
		 u64 set)
{
	struct pt_pos f = *from, t = *to;
	u32 moved = 0, mapped = 0;

	check_pos(from);
	check_pos(to);
	KASSERT(from->level == 1 && to->level == 1);
	KASSERT(pt_index(f.va, 1) + n <= PT_ENTRIES &&
		pt_index(t.va, 1) + n <= PT_ENTRIES);
	for (; n; n--) {
		if (!pte_none(pte_read(f.ptep))) {
			mapped += pte_mapped(move_one(&f, &t, set));
			moved++;
		}
		f.ptep++;
		f.va += PAGE_SIZE;
		t.ptep++;
		t.va += PAGE_SIZE;
	}
	from->table->pt_nr -= moved;			/* E1 */
	to->table->pt_nr += moved;
	if (!CONFIG_LAB)
		TRACE4(PTE_MOVE, trace_id(from), from->va, to->va, moved);
	return mapped;
}

pte_t pte_modify(struct pt_pos *pos, u64 clear, u64 set)
{
	pte_t old, new;

	check_pos(pos);
	sched_point(SP_PTE);
	KASSERT(!((clear | set) & PTE_ADDR));
	old = pte_read(pos->ptep);
	do {
		new = __pte((old.val & ~clear) | set);
	} while (!pte_try_cmpxchg_raw(pos->ptep, &old, new));	/* E2 */
	KASSERT(!pte_table(old, pos->level) && !pte_limbo(old));
	count(pos, old, new);
	TRACE4(PTE_SET, trace_id(pos), pos->va, old.val, new.val);
	changed(pos, old, new);
	sched_point(SP_PTE);
	return old;
}

void pte_set_table(struct pt_pos *pos, pte_t e)
{
	check_pos(pos);
	sched_point(SP_PTE);
	KASSERT(pos->level > 1 && pte_none(pte_read(pos->ptep)));
	TRACE4(PTE_SET, trace_id(pos), pos->va, 0, e.val);
	/* The empty table before the way to it; partner: walk_down's loads. */
	smp_wmb();
	pte_write_raw(pos->ptep, e);
	count(pos, __pte(0), e);
	sched_point(SP_PTE);
}

pte_t pte_clear_table(struct pt_pos *pos)
{
	pte_t old;

	check_pos(pos);
	sched_point(SP_PTE);
	old = pte_xchg_raw(pos->ptep, __pte(0));
	KASSERT(pte_table(old, pos->level));
	TRACE4(PTE_CLEAR, trace_id(pos), pos->va, old.val, pos->level);
	count(pos, old, __pte(0));
	return old;
}
