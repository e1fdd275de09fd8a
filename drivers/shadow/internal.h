/* SPDX-License-Identifier: MIT */
/* Between the files of drivers/shadow; nobody else includes it. */
#ifndef DRIVERS_SHADOW_INTERNAL_H
#define DRIVERS_SHADOW_INTERNAL_H

#include "drivers/shadow/shadow.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"
#include "mm/mmu_notifier.h"
#include "mm/pgtable.h"

#define SHADOW_TLB_SIZE 64 /* direct mapped by page number */

struct shadow_tlb_entry {
	u64 vpn; /* valid when pte is present */
	pte_t pte;
};

struct shadow_dev {
	u32 id;		      /* I */
	struct mm_struct *mm; /* I: mm_count held by the notifier */
	struct mmu_notifier mn;
	struct list_head link; /* shadow_list_mutex */

	spinlock_t mmu_lock;		/* LOCK_SHADOW_MMU */
	struct pgtable spt;		/* mmu_lock: shadow entries */
	u64 mmu_seq;			/* mmu_lock; read without */
	u32 in_progress;		/* mmu_lock: sections open */
	vaddr_t inval_start, inval_end; /* mmu_lock: what they cover */
	bool dead;			/* mmu_lock: release has run */

	spinlock_t tlb_lock;			      /* LOCK_SHADOW_TLB */
	struct shadow_tlb_entry tlb[SHADOW_TLB_SIZE]; /* tlb_lock */

	struct mutex req_mutex;	     /* LOCK_SHADOW_DEV: one caller */
	struct shadow_req *req;	     /* engine's when set; a */
	bool stop;		     /* a */
	struct wait_queue_head wait; /* req and stop change */
	struct thread *engine;

	struct shadow_stats stats; /* mmu_lock or tlb_lock, see engine.c */
};

extern struct mutex shadow_list_mutex;
extern struct list_head shadow_list;
struct shadow_dev *shadow_find(u32 id); /* shadow_list_mutex held */

/* spt.c; mmu_lock held */
u64 spt_zap_range(struct shadow_dev *d, vaddr_t start, vaddr_t end);
int spt_install(struct shadow_dev *d, vaddr_t va, pte_t e);
void spt_change(struct shadow_dev *d, vaddr_t va, pte_t e);
enum spt_young { SPT_TEST, SPT_CLEAR };
int spt_young(struct shadow_dev *d, vaddr_t start, vaddr_t end,
	      enum spt_young how);
u32 spt_check(struct shadow_dev *d); /* mmu_lock not held */

/* tlb.c */
void shadow_tlb_flush(struct shadow_dev *d, vaddr_t start, vaddr_t end);
/* tlb_lock held.  False: a device fault. */
enum shadow_access { SHADOW_ACCESS_READ, SHADOW_ACCESS_WRITE };
bool shadow_translate(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		      pfn_t *pfn);

/* kvm.c: resolve a device fault.  0, -EFAULT, -ENOMEM, -ESRCH.  Sleeps. */
int shadow_fault(struct shadow_dev *d, vaddr_t va, enum shadow_access how);
/* engine.c */
void shadow_engine(void *dev);

#endif
