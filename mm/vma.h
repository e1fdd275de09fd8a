/* SPDX-License-Identifier: MIT */
/*
 * The vmas of an mm.  All under mmap_lock: look-ups read, changes write, with
 * the vma marked (mm/mmap_lock.h).
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "mm/mmap_lock.h"

struct mm_struct *mm_alloc(void);		/* mm_users 1; NULL: no memory */
/* mm_users: the last put runs exit_mmap (sleeps).  mm_count: the structure. */
void mmget(struct mm_struct *mm);
bool __must_check mmget_not_zero(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
void mmgrab(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);		/* any context but irq */
/* Next user mm after prev (NULL: first) with a reference; drops prev's. */
struct mm_struct *mm_next(struct mm_struct *prev);
/*
 * Up to max live mms by score, the highest first, each with an mm_count.  For
 * those who may not put an mm_users: its last put tears the mm down.
 */
u32 mm_largest(struct mm_struct **out, u32 max,
	       u64 (*score)(const struct mm_struct *mm));
/* Is an mm that mm_next() does not show any more still being torn down? */
bool mm_any_dying(void);
/*
 * For the auditor: no mm is made until mm_create_start().  Sleeps.  How many
 * there are.
 */
u32 mm_create_stop(void);
void mm_create_start(void);

/* First vma with vm_end > addr, or NULL. */
struct vm_area_struct *find_vma(struct mm_struct *mm, vaddr_t addr);
/* The vma that contains addr, or NULL. */
struct vm_area_struct *vma_lookup(struct mm_struct *mm, vaddr_t addr);
struct vm_area_struct *vma_first(struct mm_struct *mm);
struct vm_area_struct *vma_next(struct vm_area_struct *vma);
struct vm_area_struct *vma_prev(struct vm_area_struct *vma);
#define for_each_vma(mm, vma) \
	for ((vma) = vma_first(mm); (vma); (vma) = vma_next(vma))

struct vm_area_struct *vma_alloc(struct mm_struct *mm, vaddr_t start, vaddr_t end, u64 flags);
void vma_free(struct vm_area_struct *vma);
/* Link into tree, i_mmap and counts.  mmap_lock write. */
void vma_link(struct mm_struct *mm, struct vm_area_struct *vma);
void vma_unlink(struct mm_struct *mm, struct vm_area_struct *vma);
/* Split at addr: [start,addr) stays, the new vma gets the rest.  0, -ENOMEM */
int vma_split(struct vm_area_struct *vma, vaddr_t addr);
/* The same at the limit of vmas too: for munmap, which gives one back. */
int vma_split_unlimited(struct vm_area_struct *vma, vaddr_t addr);
/* Merge with neighbours where flags, mapping, offset and anon_vma allow. */
struct vm_area_struct *vma_merge(struct vm_area_struct *vma);
/*
 * Split vma so that one covers just its part [start, end): that one.  NULL: no
 * memory, and all is as before.  Locks: mmap_lock write.
 */
struct vm_area_struct *vma_isolate(struct vm_area_struct *vma, vaddr_t start,
				   vaddr_t end);

static inline u64 vma_pages(const struct vm_area_struct *v)
{
	return (v->vm_end - v->vm_start) >> PAGE_SHIFT;
}
static inline bool vma_is_anon(const struct vm_area_struct *v) { return !v->vm_mapping; }
/* Copy-on-write mapping: private and may become writable. */
static inline bool is_cow_mapping(u64 flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}
static inline u64 linear_page_index(const struct vm_area_struct *v, vaddr_t va)
{
	return ((va - v->vm_start) >> PAGE_SHIFT) + v->vm_pgoff;
}
/* Writes are to be noticed: an entry has W only if it is soft-dirty. */
static inline bool vma_soft_dirty_enabled(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_SOFTDIRTY);
}
/* PTE flags a fully permitted leaf of this vma has (W only if VM_WRITE). */
u64 vma_pte_flags(u64 vm_flags);

#endif
