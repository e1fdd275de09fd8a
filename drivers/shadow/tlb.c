/* SPDX-License-Identifier: MIT */
/*
 * The device's TLB.
 *
 *	access (engine)			invalidate (a callback of the class)
 *	(1) tlb_lock			(A) the class's own entry goes, if any
 *	(2) TLB hit, or the class's	(B) tlb_lock: matching TLB entries go
 *	    walk				(C) tlb_unlock
 *	(3) load or store
 *	(4) tlb_unlock
 *
 * (1) before (B): (B) waits until the access is over.  (B) before (1): the TLB
 * misses and the walk sees (A).  So after (C) nothing goes through the old
 * entry, which is what range_start promises its caller.
 *
 * Tests: tests/kt/kt_shadow.c, kt_shadow_class.c
 */
#include "drivers/shadow/internal.h"
#include "kernel/config.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "mm/mmu_model.h"

static struct shadow_tlb_entry *slot(struct shadow_dev *d, vaddr_t va)
{
	return &d->tlb[(va >> PAGE_SHIFT) % SHADOW_TLB_SIZE];
}

static vaddr_t entry_va(const struct shadow_tlb_entry *t)
{
	return t->vpn << PAGE_SHIFT;
}

static void entry_drop(struct shadow_dev *d, struct shadow_tlb_entry *t)
{
	if (!pte_present(t->pte))
		return;
	if (d->class->dropped)
		d->class->dropped(d, entry_va(t), t->pte);
	if (CONFIG_LAB)						/* V3 */
		mmu_model_secondary_del(d->id, entry_va(t), pte_pfn(t->pte));
	t->pte = __pte(0);
}

void shadow_tlb_insert(struct shadow_dev *d, vaddr_t va, pte_t e)
{
	struct shadow_tlb_entry *t = slot(d, va);

	assert_spin_held(&d->tlb_lock);
	entry_drop(d, t);
	t->vpn = va >> PAGE_SHIFT;
	t->pte = e;
	if (CONFIG_LAB)						/* V3 */
		mmu_model_secondary_add(d->id, entry_va(t), pte_pfn(e));
}

u32 shadow_tlb_drop(struct shadow_dev *d, vaddr_t start, vaddr_t end)
{
	u32 dropped = 0;

	assert_spin_held(&d->tlb_lock);
	for (u32 i = 0; i < SHADOW_TLB_SIZE; i++) {
		struct shadow_tlb_entry *t = &d->tlb[i];

		if (!pte_present(t->pte) || entry_va(t) < start ||
		    entry_va(t) >= end)
			continue;
		entry_drop(d, t);
		dropped++;
	}
	shadow_count(d, SHADOW_FLUSHES, 1);
	return dropped;
}

void shadow_tlb_flush(struct shadow_dev *d, vaddr_t start, vaddr_t end)
{
	spin_lock(&d->tlb_lock);				/* (B) */
	shadow_tlb_drop(d, start, end);
	spin_unlock(&d->tlb_lock);				/* (C) */
}

static bool allows(pte_t e, enum shadow_access how)
{
	return pte_present(e) && (how == SHADOW_ACCESS_READ ||
				  (pte_write(e) && pte_dirty(e)));
}

bool shadow_translate(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		      pfn_t *pfn)
{
	struct shadow_tlb_entry *t = slot(d, va);

	assert_spin_held(&d->tlb_lock);
	if (t->vpn != va >> PAGE_SHIFT || !allows(t->pte, how)) {
		pte_t e;

		if (!d->class->walk || !d->class->walk(d, va, how, &e))
			return false;
		shadow_tlb_insert(d, va, e);
	}
	*pfn = pte_pfn(t->pte);
	return true;
}

bool shadow_use_leaf(pte_t *p, enum shadow_access how, pte_t *found)
{
	u64 need = PTE_P | PTE_U | (how == SHADOW_ACCESS_WRITE ? PTE_W : 0);
	u64 bits = how == SHADOW_ACCESS_WRITE ? PTE_AD : PTE_A;
	pte_t e = pte_read(p);

	do {
		if ((e.val & need) != need)
			return false;
		*found = __pte(e.val | bits);
	} while (!pte_try_cmpxchg_raw(p, &e, *found));
	return true;
}

u32 shadow_tlb_check(struct shadow_dev *d)
{
	u32 bad = 0;

	assert_spin_held(&d->tlb_lock);
	for (u32 i = 0; i < SHADOW_TLB_SIZE; i++) {
		struct shadow_tlb_entry *t = &d->tlb[i];

		if (!pte_present(t->pte) ||
		    shadow_within_primary(d, entry_va(t), t->pte))
			continue;
		pr_err("shadow %u: TLB entry %llx of %llx exceeds the process's\n",
		       d->id, t->pte.val, entry_va(t));
		bad++;
	}
	return bad;
}

u32 shadow_check_settled(struct shadow_dev *d)
{
	u32 bad = 0;

	for (u32 i = 0; i < 4; i++) {
		spin_lock(&d->tlb_lock);
		bad = shadow_tlb_check(d);
		spin_unlock(&d->tlb_lock);
		if (!bad)
			break;
		sleep_ms(5);
	}
	return bad;
}
