/* SPDX-License-Identifier: MIT */
/* Mapping operations, with Linux's meaning and errors.  All take mmap_lock. */
#ifndef MM_MMAP_H
#define MM_MMAP_H

#include "mm/vma.h"

#define PROT_NONE	0
#define PROT_READ	1
#define PROT_WRITE	2
#define PROT_EXEC	4
#define MAP_SHARED	0x01
#define MAP_PRIVATE	0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE	0x0f
#define MAP_FIXED	0x10
#define MAP_ANONYMOUS	0x20
#define MAP_GROWSDOWN	0x0100
#define MAP_LOCKED	0x2000
#define MAP_NORESERVE	0x4000
#define MAP_POPULATE	0x8000
#define MAP_STACK	0x20000
#define MAP_FIXED_NOREPLACE 0x100000
/* Flags that mean something, here or on other machines: Linux's legacy mask. */
#define MAP_KNOWN	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | 0x3900UL | \
			 MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | 0x70000UL | \
			 MAP_FIXED_NOREPLACE | 0xfc000000UL)

struct mmap_request {
	vaddr_t addr;
	u64 len;
	int prot, flags;
	struct address_space *mapping;	/* NULL: anonymous */
	u64 pgoff;
	u64 may;			/* VM_MAY* the file allows */
	u64 extra;			/* VM_STACK, VM_HEAP, ... */
};
/* The address, or -Exxx (as s64). */
s64 do_mmap(struct mm_struct *mm, const struct mmap_request *rq);
int do_munmap(struct mm_struct *mm, vaddr_t addr, u64 len);
int do_mprotect(struct mm_struct *mm, vaddr_t addr, u64 len, int prot);
vaddr_t do_brk(struct mm_struct *mm, vaddr_t brk);	/* the new or old brk */
/* mm/madvise.c: advice is MADV_*.  0 or -Exxx.  dontneed is its shorthand. */
int do_madvise(struct mm_struct *mm, vaddr_t addr, u64 len, u32 advice);
int do_madvise_dontneed(struct mm_struct *mm, vaddr_t addr, u64 len);
#define MREMAP_MAYMOVE	1
#define MREMAP_FIXED	2
#define MREMAP_DONTUNMAP 4
struct mremap_request {
	vaddr_t old;
	u64 old_len, new_len;
	int flags;
	vaddr_t new_addr;		/* with MREMAP_FIXED */
};
/* mremap: grow, shrink, move.  The address or -Exxx. */
s64 do_mremap(struct mm_struct *mm, const struct mremap_request *rq);
/*
 * mm/mlock.c: VM_LOCK_FLAGS of [addr, addr + len) become `lock`; 0 unlocks.
 * 0, -EINVAL, -ENOMEM: a hole, the limit, or a page that cannot come in.
 */
int do_mlock(struct mm_struct *mm, vaddr_t addr, u64 len, u64 lock);
enum lock_which { LOCK_CURRENT = BIT(0), LOCK_FUTURE = BIT(1) };
int do_mlockall(struct mm_struct *mm, enum lock_which which, u64 lock);
void do_munlockall(struct mm_struct *mm);
/* mmap_lock held.  Pages of [start, end) in locked vmas. */
u64 mm_locked_pages(struct mm_struct *mm, vaddr_t start, vaddr_t end);
/*
 * [addr, addr + len) of a shared mapping shows the file from page pgoff on.
 * 0 or -Exxx.
 */
s64 do_remap_file_pages(struct mm_struct *mm, vaddr_t addr, u64 len, u64 pgoff);
/* Zap every PTE that maps mapping's pages [first, last] (truncate). */
void unmap_mapping_range(struct address_space *mapping, u64 first, u64 last);
/* Zap [start, end) of one vma: notifier section, flush, free. */
void zap_vma_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end);
void exit_mmap(struct mm_struct *mm);
/* fork: child's vmas and copy-on-write PTEs.  0 or -ENOMEM (child torn down) */
int dup_mmap(struct mm_struct *child, struct mm_struct *parent);

/* softdirty.c: what is written to /proc/PID/clear_refs. */
enum clear_refs {
	CLEAR_REFS_ALL = 1, CLEAR_REFS_ANON, CLEAR_REFS_MAPPED,
	CLEAR_REFS_SOFT_DIRTY, CLEAR_REFS_PEAK_RSS, CLEAR_REFS_LAST,
};
/* No page is soft-dirty.  Locks: mmap_lock write.  Sleeps. */
void mm_clear_soft_dirty(struct mm_struct *mm);
/* No page was used: ALL, ANON or MAPPED ones.  Locks: mmap_lock read. */
void mm_clear_young(struct mm_struct *mm, enum clear_refs which);

#endif
