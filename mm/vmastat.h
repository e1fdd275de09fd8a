/* SPDX-License-Identifier: MIT */
/* What is mapped, for those who only look: smaps, pagemap, mincore. */
#ifndef MM_VMASTAT_H
#define MM_VMASTAT_H

#include "mm/mm_types.h"

struct vma_stat {		/* pages, but for pss_bytes */
	u64 rss, anon, swap, referenced;
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 pss_bytes;		/* each page divided by those who map it */
};
/* mmap_lock held. */
void vma_stat(struct vm_area_struct *vma, struct vma_stat *s);

#define PAGEMAP_PRESENT		BIT(63)
#define PAGEMAP_SWAP		BIT(62)
#define PAGEMAP_FILE		BIT(61)
#define PAGEMAP_EXCLUSIVE	BIT(56)
#define PAGEMAP_SOFT_DIRTY	BIT(55)
/* nr entries of /proc/PID/pagemap from va on.  Locks: mmap_lock read. */
void mm_pagemap(struct mm_struct *mm, vaddr_t va, u64 *entries, u64 nr);

/*
 * vec[i]: is page i of [start, start + nr pages) in memory, mapped or in the
 * page cache?  0, or -ENOMEM for a hole.  Locks: mmap_lock read.
 */
int mm_mincore(struct mm_struct *mm, vaddr_t start, u8 *vec, u64 nr);

#endif
