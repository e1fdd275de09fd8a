/* SPDX-License-Identifier: MIT */
/*
 * Memory without a file that processes share (MAP_SHARED | MAP_ANONYMOUS), and
 * what it has in common with files that live in memory: their dirty pages go to
 * swap.  The slot of such a page in the file's tree has a swap item instead: the
 * swap entry, shifted, with bit 0 set, which no pointer to a page has.  It counts
 * as one user of the entry.
 */
#ifndef MM_SHMEM_H
#define MM_SHMEM_H

#include "mm/page.h"
#include "mm/swapops.h"

static inline bool item_is_swap(const void *item)
{
	return (u64)item & 1;
}
static inline void *swap_item(swp_entry_t s)
{
	return (void *)(s.val << 1 | 1);
}
static inline swp_entry_t item_entry(const void *item)
{
	return (swp_entry_t){ (u64)item >> 1 };
}

/* A dirty page of m may go to swap. */
static inline bool mapping_can_swap(const struct address_space *m)
{
	return test_bit(AS_SWAP, (const unsigned long *)&m->flags);
}
/* Clean ones too: nobody could make them again but for zeros. */
static inline bool mapping_swaps_all(const struct address_space *m)
{
	return mapping_can_swap(m) &&
	       !test_bit(AS_ORIGIN, (const unsigned long *)&m->flags);
}
/* m is new and has no pages.  Its flag AS_SWAP or AS_ORIGIN. */
static inline void mapping_set_kind(struct address_space *m, u32 flag)
{
	set_bit(flag, (unsigned long *)&m->flags);
}

/*
 * mm/shmem_swap.c.
 *
 * p isolated, locked, unmapped and flushed, dirty, of a file with AS_SWAP: it is
 * in the swap cache afterwards instead of its file.  False: no slot, or somebody
 * uses the page.
 */
bool shmem_swap_out(struct page *p);
/*
 * The page for the item, in its file again, uptodate, with a reference.  ERR_PTR:
 * -EAGAIN (the item is gone: look again), -ENOMEM, -EIO.  Sleeps.
 */
struct page *shmem_swap_in(struct address_space *m, u64 index, void *item);
/* Truncate.  False: the item is gone: look again. */
bool shmem_drop_swap(struct address_space *m, u64 index, void *item);
/* Items, in all files. */
u64 nr_swapped_items(void);
/* Some of the pages that swap device `type` has of files.  0, -ENOMEM, -EIO. */
int shmem_unuse(u32 type);

/*
 * A zero-filled object of `bytes` with one reference (a_ops->put drops it;
 * vmas hold more).  NULL: no memory.
 */
struct address_space *shmem_create(u64 bytes);

#endif
