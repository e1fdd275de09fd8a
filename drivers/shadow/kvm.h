/* SPDX-License-Identifier: MIT */
/* Between kvm.c and spt.c. */
#ifndef DRIVERS_SHADOW_KVM_H
#define DRIVERS_SHADOW_KVM_H

#include "drivers/shadow/internal.h"

struct kvm_dev {
	struct shadow_dev dev;
	spinlock_t mmu_lock;		/* LOCK_SHADOW_MMU; dev.dead too */
	struct pgtable spt;		/* mmu_lock: shadow entries */
	u64 mmu_seq;			/* mmu_lock; read without */
	struct shadow_fence sections;	/* mmu_lock */
};

static inline struct kvm_dev *kvm_of(struct shadow_dev *d)
{
	return container_of(d, struct kvm_dev, dev);
}

/* spt.c; mmu_lock held */
u64 spt_zap_range(struct kvm_dev *d, vaddr_t start, vaddr_t end);
int spt_install(struct kvm_dev *d, vaddr_t va, pte_t e);
void spt_change(struct kvm_dev *d, vaddr_t va, pte_t e);
enum spt_young { SPT_TEST, SPT_CLEAR };
int spt_young(struct kvm_dev *d, vaddr_t start, vaddr_t end,
	      enum spt_young how);
/* The class's walk and check. */
bool spt_walk(struct shadow_dev *dev, vaddr_t va, enum shadow_access how,
	      pte_t *found);
u32 spt_check(struct shadow_dev *dev); /* mmu_lock not held */

#endif
