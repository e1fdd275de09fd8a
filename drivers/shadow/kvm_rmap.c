/* SPDX-License-Identifier: MIT */
/*
 * From a frame to the shadow entries that name it.
 *
 * R1  A present shadow entry has exactly one record, under its frame; a record
 *     names a present entry.  The auditor counts both ways.
 * R2  Records are made before their entry and go after it, under mmu_lock.
 *     change_pte cannot fail: it moves the record it has to the new frame.
 *
 * Locks: mmu_lock.  Tests: tests/kt/kt_kvm.c, and each check of the auditor
 */
#include "drivers/shadow/kvm.h"
#include "kernel/printk.h"
#include "lib/err.h"
#include "mm/slab.h"

struct kvm_rmap {
	struct hlist_node node;
	pfn_t pfn;
	vaddr_t gpa;
};

static struct hlist_head *bucket(struct kvm_dev *d, pfn_t pfn)
{
	return &d->rmap[pfn * 0x9e3779b97f4a7c15ULL >> 40 &
			(KVM_RMAP_BUCKETS - 1)];
}

static struct kvm_rmap *find(struct kvm_dev *d, pfn_t pfn, vaddr_t gpa)
{
	struct kvm_rmap *r;

	hlist_for_each_entry(r, bucket(d, pfn), node)
		if (r->pfn == pfn && r->gpa == gpa)
			return r;
	return NULL;
}

int kvm_rmap_add(struct kvm_dev *d, pfn_t pfn, vaddr_t gpa)
{
	struct kvm_rmap *r = kmalloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->pfn = pfn;
	r->gpa = gpa;
	hlist_add_head(&r->node, bucket(d, pfn));
	return 0;
}

void kvm_rmap_del(struct kvm_dev *d, pfn_t pfn, vaddr_t gpa)
{
	struct kvm_rmap *r = find(d, pfn, gpa);

	KASSERT(r);							/* R1 */
	hlist_del(&r->node);
	kfree(r);
}

void kvm_rmap_move(struct kvm_dev *d, vaddr_t gpa, pfn_t from, pfn_t to)
{
	struct kvm_rmap *r = find(d, from, gpa);

	KASSERT(r);							/* R1 */
	hlist_del(&r->node);
	r->pfn = to;
	hlist_add_head(&r->node, bucket(d, to));
}

u32 kvm_rmap_find(struct shadow_dev *dev, pfn_t pfn, vaddr_t *gpa, u32 max)
{
	struct kvm_dev *d = kvm_of(dev);
	struct kvm_rmap *r;
	u32 n = 0;

	spin_lock(&d->mmu_lock);
	hlist_for_each_entry(r, bucket(d, pfn), node) {
		if (r->pfn != pfn)
			continue;
		if (n < max)
			gpa[n] = r->gpa;
		n++;
	}
	spin_unlock(&d->mmu_lock);
	return n;
}

/* R1, one bucket. */
static u32 check_bucket(struct kvm_dev *d, struct hlist_head *head, u64 *nr)
{
	struct kvm_rmap *r;
	u32 bad = 0;
	int level;

	hlist_for_each_entry(r, head, node) {
		pte_t e = pgtable_read(&d->spt, r->gpa, &level, NULL);

		++*nr;
		if (level == 1 && pte_present(e) && pte_pfn(e) == r->pfn)
			continue;
		pr_err("shadow %u: rmap of frame %llx names %llx, which is %llx\n",
		       d->dev.id, r->pfn, r->gpa, e.val);
		bad++;
	}
	return bad;
}

u32 kvm_rmap_check(struct kvm_dev *d)
{
	u64 nr = 0, entries;
	u32 bad = 0;

	spin_lock(&d->mmu_lock);
	for (u32 i = 0; i < KVM_RMAP_BUCKETS; i++)
		bad += check_bucket(d, &d->rmap[i], &nr);
	entries = (u64)atomic64_read(&d->dev.count[SHADOW_ENTRIES]);
	spin_unlock(&d->mmu_lock);
	if (nr == entries)
		return bad;
	pr_err("shadow %u: %llu entries, %llu in the rmap\n", d->dev.id,
	       entries, nr);
	return bad + 1;
}
