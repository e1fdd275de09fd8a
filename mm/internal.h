/* SPDX-License-Identifier: MIT */
/*
 * What the files of mm/ that deal with vmas, faults and the page cache share
 * among themselves.  Nobody outside mm/ (and its tests) includes this.
 */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm/vma.h"
#include "mm/tlb.h"
#include "mm/pgtable.h"

#define MAX_MAP_COUNT	65530
#define STACK_LIMIT	(8UL << 20)		/* of a stack, when nobody says */
#define STACK_GUARD_GAP	(256UL * PAGE_SIZE)	/* kept free below one */
#define MMAP_BASE	(USER_END - (128UL << 20))

/* Set-up of each file's caches; all called by mm_high_init(). */
void vma_cache_init(void);
void anon_vma_cache_init(void);
void filemap_cache_init(void);
void fault_init(void);

/* The page every anonymous read fault maps: no rmap, no counts (PTE_SPECIAL) */
extern struct page *zero_page;
static inline bool pte_is_zero_page(pte_t e)
{
	return pte_special(e) && pte_pfn(e) == page_to_pfn(zero_page);
}

/*
 * mm/vma_tree.c.  Insert: marked from then on.  Erase: the vma is marked.
 * mmap_lock write.
 */
void vma_tree_insert(struct mm_struct *mm, struct vm_area_struct *vma);
void vma_tree_erase(struct mm_struct *mm, struct vm_area_struct *vma);
/* vma's ends have moved (or its neighbour's end has). */
void vma_tree_moved(struct vm_area_struct *vma);
/* A vma that seemed to contain addr, or NULL; neither is sure.  RCU. */
struct vm_area_struct *vma_walk_rcu(struct mm_struct *mm, vaddr_t addr);
/* The highest len free bytes in [low, top), guard gaps kept; 0: none. */
vaddr_t vma_find_room(struct mm_struct *mm, u64 len, vaddr_t low, vaddr_t top);
/* For the auditor: vmas that break T1 or T2. */
u32 vma_tree_check(struct mm_struct *mm);

/* vma->vm_mapping = m, with a reference on m's owner that vma_free drops. */
void vma_set_mapping(struct vm_area_struct *vma, struct address_space *m);
/* A copy of src's fields, in no tree and no chain.  NULL: no memory. */
struct vm_area_struct *vma_dup(const struct vm_area_struct *src);
/* Lowest address that may not be mapped below vma (a stack's guard gap). */
vaddr_t vma_gap_start(const struct vm_area_struct *vma);
/* Enter the interval tree of vma's mapping; i_mmap_rwsem write held. */
void vma_i_mmap_insert(struct vm_area_struct *vma);
/* An anon_vma a neighbour shares with vma when they may merge; NULL. */
struct anon_vma *vma_neighbour_anon_vma(struct vm_area_struct *vma);

/*
 * mm/zap.c.  Clears every leaf of vma in [start, end) into tlb.  Inside a
 * notifier section; a lock that keeps vma alive is held.  Flushes when full.
 */
void zap_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
	       vaddr_t start, vaddr_t end);
/* mm/munmap.c.  mmap_lock write held.  Unlinks and frees whole vmas. */
int munmap_locked(struct mm_struct *mm, vaddr_t start, vaddr_t end);
/* Takes every vma of mm away, its tables too.  mmap_lock write held. */
void unmap_all_locked(struct mm_struct *mm);

/* mm/mmap.c.  mmap_lock held.  A free range, or -ENOMEM. */
s64 find_unmapped_area(struct mm_struct *mm, vaddr_t hint, u64 len);
/* Fault in [start, end) as MAP_POPULATE does.  -ENOMEM: not all of it. */
int mm_populate(struct mm_struct *mm, vaddr_t start, vaddr_t end);
/* May so many more pages be mapped, or locked (mm/mlock.c)?  mmap_lock held. */
bool mm_may_map(const struct mm_struct *mm, u64 pages);
bool mm_may_lock(struct mm_struct *mm, u64 pages);
/*
 * mm/mlock.c.  The part of *vmap in [start, end) gets these flags; *vmap is the
 * vma that has it then.  mmap_lock write held.  0 or -ENOMEM, unchanged.
 */
int vma_set_flags(struct vm_area_struct **vmap, vaddr_t start, vaddr_t end,
		  u64 new_flags);
/* An anonymous private vma; mmap_lock write held.  0 or -ENOMEM. */
int map_anon_locked(struct mm_struct *mm, vaddr_t start, vaddr_t end, u64 flags);

/*
 * mm/fault.c.  A vma that contains va; grows a stack down to it.  mmap_lock
 * read held, dropped and taken again when a stack grows.  NULL: none.
 */
struct vm_area_struct *fault_find_vma(struct mm_struct *mm, vaddr_t va);

/*
 * mm/ptpair.c.  Lock the level-1 tables of a->va and b->va (pt and va of both
 * are set), lower address first; one lock when they are the same table.
 * -ENOENT: one of the tables is missing, nothing is locked.
 */
int __must_check lock_table_pair(struct pt_pos *a, struct pt_pos *b);
void unlock_table_pair(struct pt_pos *a, struct pt_pos *b);

#endif
