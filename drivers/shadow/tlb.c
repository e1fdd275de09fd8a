/* SPDX-License-Identifier: MIT */
/*
 * The device's hardware: a TLB and a walker that sets accessed and dirty bits.
 *
 *	access (engine)			invalidate (P2 of spt.c)
 *	(1) tlb_lock			(A) entry cleared or narrowed
 *	(2) TLB hit, or walk		(B) tlb_lock: matching TLB entries go
 *	(3) load or store		(C) tlb_unlock
 *	(4) tlb_unlock
 *
 * (1) before (B): (B) waits until the access is over.  (B) before (1): the TLB
 * misses and the walk sees (A).  So after (C) nothing goes through the old
 * entry, which is what range_start promises its caller.
 */
#include "drivers/shadow/internal.h"
#include "kernel/trace.h"

static struct shadow_tlb_entry *slot(struct shadow_dev *d, vaddr_t va)
{
	return &d->tlb[(va >> PAGE_SHIFT) % SHADOW_TLB_SIZE];
}

void shadow_tlb_flush(struct shadow_dev *d, vaddr_t start, vaddr_t end)
{
	spin_lock(&d->tlb_lock);				/* (B) */
	for (u32 i = 0; i < SHADOW_TLB_SIZE; i++) {
		u64 va = d->tlb[i].vpn << PAGE_SHIFT;

		if (va >= start && va < end)
			d->tlb[i].pte = __pte(0);
	}
	d->stats.flushes++;
	spin_unlock(&d->tlb_lock);				/* (C) */
}

static bool allows(pte_t e, enum shadow_access how)
{
	return pte_present(e) &&
		(how == SHADOW_ACCESS_READ || pte_write(e));
}

/*
 * Walk and set A (and D), as a CPU does: with a compare-and-swap, and again
 * from the root when the entry changed meanwhile.
 */
static bool walk(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		 pte_t *found)
{
	u64 bits = how == SHADOW_ACCESS_WRITE ? PTE_AD : PTE_A;
	struct pt_path path;
	bool done = false;
	pte_t e, new;
	int level;

	rcu_read_lock();
	do {
		e = pgtable_read(&d->spt, va, &level, &path);
		if (level != 1 || !allows(e, how))
			break;
		new = __pte(e.val | bits);
		done = pte_try_cmpxchg_raw((pte_t *)path.where[1], &e, new);
	} while (!done);
	rcu_read_unlock();
	*found = __pte(e.val | bits);
	return done;
}

bool shadow_translate(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		      pfn_t *pfn)
{
	struct shadow_tlb_entry *t = slot(d, va);
	u64 vpn = va >> PAGE_SHIFT;

	assert_spin_held(&d->tlb_lock);
	if (t->vpn != vpn || !allows(t->pte, how) ||
	    (how == SHADOW_ACCESS_WRITE && !pte_dirty(t->pte))) {
		pte_t e;

		if (!walk(d, va, how, &e))
			return false;
		t->vpn = vpn;
		t->pte = e;
	}
	*pfn = pte_pfn(t->pte);
	return true;
}
