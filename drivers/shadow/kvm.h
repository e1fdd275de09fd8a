/* SPDX-License-Identifier: MIT */
/* Between kvm.c, kvm_slot.c, kvm_rmap.c and spt.c. */
#ifndef DRIVERS_SHADOW_KVM_H
#define DRIVERS_SHADOW_KVM_H

#include "drivers/shadow/internal.h"

#define KVM_SLOTS	 8
#define KVM_RMAP_BUCKETS 256

/* The process's [user, user + len) at the guest's [guest, guest + len). */
struct kvm_slot {
	vaddr_t guest;
	u64 len;		/* 0: no slot */
	vaddr_t user;
};

struct kvm_dev {
	struct shadow_dev dev;
	spinlock_t mmu_lock;		/* LOCK_SHADOW_MMU; dev.dead too */
	struct pgtable spt;		/* mmu_lock: shadow entries */
	u64 mmu_seq;			/* mmu_lock; read without */
	struct shadow_fence sections;	/* mmu_lock; in user addresses */
	struct kvm_slot slot[KVM_SLOTS]; /* mmu_lock */
	struct hlist_head rmap[KVM_RMAP_BUCKETS]; /* mmu_lock */
};

static inline struct kvm_dev *kvm_of(struct shadow_dev *d)
{
	return container_of(d, struct kvm_dev, dev);
}

/* kvm_slot.c; mmu_lock held */
struct kvm_part {
	u32 slot;		/* where to look next; 0 at first */
	vaddr_t start, end;	/* guest addresses */
};
/* The next guest range that shows some of the user's; false: no more. */
bool kvm_next_part(const struct kvm_dev *d, vaddr_t start, vaddr_t end,
		   struct kvm_part *p);
#define kvm_for_each_part(d, start, end_, p)				\
	for (struct kvm_part p = { .slot = 0 };				\
	     kvm_next_part(d, start, end_, &p);)
/* False: no slot there. */
bool kvm_to_user(const struct kvm_dev *d, vaddr_t gpa, vaddr_t *user);
/* mmu_lock not held.  0, -EINVAL, -EEXIST: another slot is there. */
int kvm_set_slot(struct shadow_dev *dev, u32 nr, const struct kvm_slot *s);
/* Pages written since the last time, or -EINVAL; bits: zeros, of nr pages. */
s64 kvm_harvest(struct shadow_dev *dev, vaddr_t gpa, u64 nr, u8 *bits);
s64 kvm_command(struct shadow_dev *d, u32 cmd, u64 arg);

/* kvm_rmap.c; mmu_lock held */
int kvm_rmap_add(struct kvm_dev *d, pfn_t pfn, vaddr_t gpa); /* -ENOMEM */
void kvm_rmap_del(struct kvm_dev *d, pfn_t pfn, vaddr_t gpa);
void kvm_rmap_move(struct kvm_dev *d, vaddr_t gpa, pfn_t from, pfn_t to);
/* mmu_lock not held.  How many entries name pfn; up to max into gpa. */
u32 kvm_rmap_find(struct shadow_dev *dev, pfn_t pfn, vaddr_t *gpa, u32 max);
u32 kvm_rmap_check(struct kvm_dev *d);

/* spt.c; mmu_lock held; guest addresses */
u64 spt_harvest(struct kvm_dev *d, vaddr_t gpa, u64 nr, u8 *bits);
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
