/* SPDX-License-Identifier: MIT */
/*
 * Kernel samepage merging: equal anonymous pages of memory that asked for it
 * (MADV_MERGEABLE) become one, read-only, until somebody writes.
 *
 * A KSM page is an anonymous page whose ->mapping names its struct ksm_node
 * (PAGE_MAPPING_KSM); it is never exclusive, so never writable.
 */
#ifndef MM_KSM_H
#define MM_KSM_H

#include "mm/rmap.h"

/*
 * vma's flags in [start, end) are about to become `flags`; if that sets or
 * clears VM_MERGEABLE: mm is registered, or its merged pages there become its
 * own again.  mmap_lock write held.  0, -ENOMEM, -EFAULT (a page is gone bad).
 */
int ksm_advise(struct vm_area_struct *vma, vaddr_t start, vaddr_t end,
	       u64 flags);
/* A child of parent is scanned if parent is.  0 or -ENOMEM. */
int ksm_fork(struct mm_struct *child, const struct mm_struct *parent);
/* Before the mappings go: the scanner does not come back.  Sleeps. */
void ksm_exit(struct mm_struct *mm);

/* rmap_walk of a KSM page, which is locked. */
int ksm_rmap_walk(struct page *p, rmap_fn *fn, void *arg);
/* new takes the place of old, which is frozen; both are locked. */
void ksm_page_moved(struct page *old, struct page *new);
/* The last reference of p is gone.  Any context. */
void ksm_page_freed(struct page *p);
/* Frees what remembers pages that are gone.  Sleeps. */
void ksm_reap(void);

/* Look at up to nr pages now, whether the scanner runs or not.  Sleeps. */
void ksm_scan(u32 nr);
/* Until all registered memory was looked at `passes` times from its start. */
void ksm_scan_passes(u32 passes);

/*
 * Would a walk of p come to va of vma?  For the auditor: p is mapped, and no
 * mmap_lock can be had by others, and pages do not move (motion.h).
 */
bool ksm_rmap_finds(const struct page *p, const struct vm_area_struct *vma,
		    vaddr_t va);

struct ksm_stats {
	u64 shared;		/* KSM pages in use */
	u64 sharing;		/* mappings of them beyond the first: saved */
	u64 unshared, volatile_; /* last pass: unique; changed since before */
	u64 full_scans, scanned;
	u64 merged, busy;	/* entries; pages not merged: in use */
	u64 slots, items, places; /* what it costs to know all that */
};
void ksm_stats(struct ksm_stats *s);

#endif
