/* SPDX-License-Identifier: MIT */
/*
 * Shadow entries: a device's tables, built by the one page-table engine.
 *
 * P1  Entries are made, changed and cleared under mmu_lock (and their table's
 *     lock, inside the verbs); the device's hardware sets A and D in them at any
 *     time, as a CPU does.
 * P2  Whoever clears or narrows an entry flushes the device TLB before
 *     mmu_lock is released, so that no access through it is in flight.
 * P3  Dirty bits found on the way out go to the page: the process's PTE still
 *     holds the page then, because the section has not changed it yet.
 * P4  A table, once made, stays until the device is detached, so the hardware
 *     walks them under RCU alone.
 *
 * Tests: tests/kt/kt_shadow.c
 */
#include "drivers/shadow/kvm.h"
#include "kernel/printk.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/mmu_model.h"

/* An entry is not what it was: its state goes to the page (P3). */
static void harvest(const struct pt_pos *pos, pte_t old)
{
	const struct kvm_dev *d = container_of(pos->pt, struct kvm_dev, spt);
	struct page *page = pte_page(old);

	if (pte_dirty(old))
		set_page_dirty(page);
	if (pte_young(old))
		page_set(page, PG_referenced);
	if (CONFIG_LAB)
		mmu_model_secondary_del(d->dev.id, pos->va, pte_pfn(old));
}

static void gone(const struct pt_pos *pos, pte_t old)
{
	harvest(pos, old);
	kvm_rmap_del(container_of(pos->pt, struct kvm_dev, spt), pte_pfn(old),
		     pos->va);
}

/* Clears the present entries of one table from pos on; how many. */
static u64 zap_table(struct pt_pos *pos, vaddr_t end)
{
	u64 zapped = 0;

	do {
		if (!pte_present(pte_read(pos->ptep)))
			continue;
		gone(pos, pte_clear(pos));
		zapped++;
	} while (pos_next(pos) && pos->va < end);
	return zapped;
}

u64 spt_zap_range(struct kvm_dev *d, vaddr_t start, vaddr_t end)
{
	u64 zapped = 0;
	vaddr_t va = start, next;

	assert_spin_held(&d->mmu_lock);
	while (va < end) {
		struct pt_pos pos;

		lock_leaf(&d->spt, va, &pos);
		next = (va & ~(pt_size(pos.level + 1) - 1)) +
			pt_size(pos.level + 1);
		if (pos.level == 1)
			zapped += zap_table(&pos, end);
		else
			next = pos_end(&pos);
		unlock_table(&pos);
		va = next;
	}
	shadow_count(&d->dev, SHADOW_ZAPS, (s64)zapped);
	shadow_count(&d->dev, SHADOW_ENTRIES, -(s64)zapped);
	shadow_tlb_flush(&d->dev, start, end);			/* P2 */
	TRACE4(SHADOW_ZAP, d->dev.id, start, end, zapped);
	return zapped;
}

int spt_install(struct kvm_dev *d, vaddr_t va, pte_t e)
{
	struct pt_pos pos;
	pte_t old;
	int err;

	assert_spin_held(&d->mmu_lock);
	err = lock_table_alloc(&d->spt, va, 1, &pos);
	if (err)
		return err;
	old = pte_read(pos.ptep);
	if (!pte_present(old)) {
		err = kvm_rmap_add(d, pte_pfn(e), va);
		if (err)
			goto out;
		pte_set(&pos, e);
		shadow_count(&d->dev, SHADOW_INSTALLS, 1);
		shadow_count(&d->dev, SHADOW_ENTRIES, 1);
		if (CONFIG_LAB)
			mmu_model_secondary_add(d->dev.id, va, pte_pfn(e));
	} else {
		/* G10: same frame; only an upgrade brings us here. */
		KASSERT(pte_pfn(old) == pte_pfn(e));
		pte_modify(&pos, 0, e.val & PTE_W);
	}
out:
	unlock_table(&pos);
	return err;
}

/* The process's entry becomes e: ours follows, read-only (A5 allows it). */
void spt_change(struct kvm_dev *d, vaddr_t va, pte_t e)
{
	struct pt_pos pos;
	pte_t old;

	assert_spin_held(&d->mmu_lock);
	if (lock_table(&d->spt, va, 1, &pos))
		return;
	old = pte_read(pos.ptep);
	if (pte_present(old)) {
		kvm_rmap_move(d, va, pte_pfn(old), pte_pfn(e));
		harvest(&pos, pte_replace(&pos, pte_make(pte_pfn(e),
							 PTE_P | PTE_A)));
		if (CONFIG_LAB)
			mmu_model_secondary_add(d->dev.id, va, pte_pfn(e));
	}
	unlock_table(&pos);
	shadow_tlb_flush(&d->dev, va, va + PAGE_SIZE);	/* P2 */
}

static u64 harvest_table(struct pt_pos *pos, vaddr_t gpa, vaddr_t end, u8 *bits)
{
	u64 found = 0, n;

	do {
		pte_t e = pte_read(pos->ptep);

		if (!pte_present(e) || !pte_dirty(e))
			continue;
		pte_modify(pos, PTE_D, 0);
		set_page_dirty(pte_page(e));			/* P3 */
		n = (pos->va - gpa) >> PAGE_SHIFT;
		bits[n / 8] |= (u8)(1U << n % 8);
		found++;
	} while (pos_next(pos) && pos->va < end);
	return found;
}

u64 spt_harvest(struct kvm_dev *d, vaddr_t gpa, u64 nr, u8 *bits)
{
	vaddr_t va = gpa, end = gpa + (nr << PAGE_SHIFT);
	u64 found = 0;

	assert_spin_held(&d->mmu_lock);
	while (va < end) {
		struct pt_pos pos;

		if (!lock_table(&d->spt, va, 1, &pos)) {
			found += harvest_table(&pos, gpa, end, bits);
			unlock_table(&pos);
		}
		va = (va & ~(pt_size(2) - 1)) + pt_size(2);
	}
	shadow_tlb_flush(&d->dev, gpa, end);			/* P2 */
	return found;
}

static int young_table(struct pt_pos *pos, vaddr_t end, enum spt_young how)
{
	int young = 0;

	do {
		pte_t e = pte_read(pos->ptep);

		if (!pte_present(e) || !pte_young(e))
			continue;
		young = 1;
		if (how == SPT_CLEAR)
			pte_modify(pos, PTE_A, 0);
	} while (pos_next(pos) && pos->va < end);
	return young;
}

int spt_young(struct kvm_dev *d, vaddr_t start, vaddr_t end,
	      enum spt_young how)
{
	vaddr_t va = start;
	int young = 0;

	assert_spin_held(&d->mmu_lock);
	while (va < end) {
		struct pt_pos pos;

		if (!lock_table(&d->spt, va, 1, &pos)) {
			young |= young_table(&pos, end, how);
			unlock_table(&pos);
		}
		va = (va & ~(pt_size(2) - 1)) + pt_size(2);
	}
	return young;
}

/*
 * The hardware's walk: sets A (and D) as a CPU does, with a compare-and-swap,
 * and again from the root when the entry changed meanwhile.
 */
bool spt_walk(struct shadow_dev *dev, vaddr_t va, enum shadow_access how,
	      pte_t *found)
{
	u64 bits = how == SHADOW_ACCESS_WRITE ? PTE_AD : PTE_A;
	struct kvm_dev *d = kvm_of(dev);
	struct pt_path path;
	bool done = false;
	pte_t e, new;
	int level;

	rcu_read_lock();
	do {
		e = pgtable_read(&d->spt, va, &level, &path);
		if (level != 1 || !pte_present(e) ||
		    (how == SHADOW_ACCESS_WRITE && !pte_write(e)))
			break;
		new = __pte(e.val | bits);
		done = pte_try_cmpxchg_raw((pte_t *)path.where[1], &e, new);
	} while (!done);
	rcu_read_unlock();
	*found = __pte(e.val | bits);
	return done;
}

/* Is e still there?  mmu_lock held. */
static bool entry_is(struct kvm_dev *d, vaddr_t va, pte_t e)
{
	int level;
	pte_t now = pgtable_read(&d->spt, va, &level, NULL);

	return level == 1 && !((now.val ^ e.val) & ~PTE_AD);
}

/* I3 for one entry, decided only while no section is open. */
static u32 check_entry(struct kvm_dev *d, vaddr_t va, pte_t e)
{
	u64 seq = READ_ONCE(d->mmu_seq);
	vaddr_t user;
	u32 bad;

	smp_rmb();
	spin_lock(&d->mmu_lock);
	bad = !d->sections.open && kvm_to_user(d, va, &user);
	spin_unlock(&d->mmu_lock);
	if (!bad || shadow_within_primary(&d->dev, user, e))
		return 0;
	/* A section that came and went, before seq was read too, explains it. */
	spin_lock(&d->mmu_lock);
	bad = !d->sections.open && d->mmu_seq == seq && !d->dev.dead &&
		entry_is(d, va, e);
	spin_unlock(&d->mmu_lock);
	if (bad)
		pr_err("shadow %u: entry %llx of %llx exceeds the process's\n",
		       d->dev.id, e.val, va);
	return bad;
}

/*
 * I3 over the whole tree.  The device's tables stay (P4), but a new one may
 * appear; entries are read without locks and judged by check_entry().
 */
u32 spt_check(struct shadow_dev *dev)
{
	struct kvm_dev *d = kvm_of(dev);
	vaddr_t va = 0;
	u32 bad = 0;

	while (va < USER_END && !READ_ONCE(d->dev.dead)) {
		int level;
		pte_t e;

		rcu_read_lock();
		e = pgtable_read(&d->spt, va, &level, NULL);
		rcu_read_unlock();
		if (level == 1 && pte_present(e))
			bad += check_entry(d, va, e);
		va = (va & ~(pt_size(level) - 1)) + pt_size(level);
	}
	return bad + kvm_rmap_check(d);
}
