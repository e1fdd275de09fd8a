/* SPDX-License-Identifier: MIT */
/*
 * Reverse mapping: from a page to every PTE that maps it.
 * page->mapping is the address_space of a file page, or anon_vma | 1, or, of a
 * page merged from several, ksm_node | 3.
 */
#ifndef MM_RMAP_H
#define MM_RMAP_H

#include "mm/vma.h"

struct pt_pos;

/*
 * One per vma that had an anonymous fault; shared by merge, chained by fork.
 * Only the root's rwsem is used.  The slab is type-stable under RCU.
 */
struct anon_vma {
	struct anon_vma *root;
	struct rwsem rwsem;			/* LOCK_ANON_VMA, root's */
	atomic_t refcount;
	u32 num_children;			/* root rwsem; self counts for a root */
	u32 num_active_vmas;			/* root rwsem */
	struct anon_vma *parent;
	struct rb_root rb_root;			/* avc interval tree; LSB: all-locks mark */
	bool all_locks_mark;			/* mm_all_locks_mutex */
};
struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;		/* vma->anon_vma_chain, newest first */
	struct interval_tree_node node;		/* in anon_vma->rb_root */
};

/* Make sure vma->anon_vma is set.  0 or -ENOMEM.  mmap_lock held if not. */
int anon_vma_prepare(struct vm_area_struct *vma);
/* fork / split: 0 or -ENOMEM with nothing linked. */
int anon_vma_fork(struct vm_area_struct *child, struct vm_area_struct *parent);
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);
void unlink_anon_vmas(struct vm_area_struct *vma);
void put_anon_vma(struct anon_vma *av);
/*
 * vma's range (start, pgoff) is about to change (split, merge, grow): take its
 * nodes out of the i_mmap and anon_vma trees, change it, put them back.
 */
void rmap_vma_detach(struct vm_area_struct *vma);
void rmap_vma_attach(struct vm_area_struct *vma);

/* The PTE's lock is held by the caller; mapcount and rss move here. */
void page_add_new_anon_rmap(struct page *p, struct vm_area_struct *vma, vaddr_t va);
void page_add_anon_rmap(struct page *p, struct vm_area_struct *vma);	/* fork */
/* A page of the swap cache, locked, that others may map or have in swap; or ours alone. */
enum swapped_as { SWAPPED_SHARED, SWAPPED_EXCLUSIVE };
void page_add_swapped_rmap(struct page *p, struct vm_area_struct *vma, vaddr_t va,
			   enum swapped_as as);
void page_add_file_rmap(struct page *p, struct vm_area_struct *vma);
/* A migrated or a KSM page, locked, is mapped by its first entry or one more. */
void page_restore_anon_rmap(struct page *p, struct vm_area_struct *vma);
void page_remove_rmap(struct page *p, struct vm_area_struct *vma);

/*
 * Calls fn for each vma that may map p, with the address; the caller of fn
 * must look at the PTE itself.  Stops when fn returns nonzero, returns that.
 * Takes i_mmap_rwsem or the anon_vma root for read.  p has a reference, and
 * is locked when it is a file page or a KSM page.
 */
typedef int rmap_fn(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		    void *arg);
int rmap_walk(struct page *p, rmap_fn *fn, void *arg);
/* The same of an anonymous page that nothing may map now.  av: its own. */
int rmap_walk_anon_vma(struct page *p, struct anon_vma *av, rmap_fn *fn,
		       void *arg);
/* Of any page, as if its mapping were av and its index this one. */
int rmap_walk_place(struct page *p, struct anon_vma *av, u64 index, rmap_fn *fn,
		    void *arg);
/* A mapped anonymous page's, with a reference; or NULL, as of KSM pages. */
struct anon_vma *page_get_anon_vma(struct page *p);
/*
 * Lock the leaf of vma at va if it maps p (page_vma_mapped_walk).  True: pos
 * is locked.
 */
bool page_vma_mapped(struct page *p, struct vm_area_struct *vma, vaddr_t va, struct pt_pos *pos);
/*
 * Mappings through which p was accessed since the last call, by CPUs or
 * devices.  *vm_flags (may be NULL): of the vmas that map it; with VM_LOCKED
 * the count is not complete.  A file or KSM page is locked.
 */
int page_referenced(struct page *p, u64 *vm_flags);
/* Write-protect and clean all PTEs; was any dirty?  p locked. */
bool page_mkclean(struct page *p);
/*
 * Unmap p everywhere; true when nothing maps it.  p is locked; an anonymous
 * one is in the swap cache, or lazyfree.  batch NULL: flushed on return; else
 * its flushes are owed by the batch.  mm/unmap.c
 */
struct tlb_batch;
bool try_to_unmap(struct page *p, struct tlb_batch *batch);
/*
 * A locked file page that leaves its file: nobody maps it afterwards, mlocked
 * or not.  Private copies of it stay.  Sleeps.
 */
void unmap_hole_page(struct page *p);

#endif
