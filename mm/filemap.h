/* SPDX-License-Identifier: MIT */
/*
 * The page cache: pages of an address_space by index, looked up without locks.
 *
 *	lookup (one RCU section)	remove (page locked, i_pages_lock held)
 *	(1) p = slot			(A) page_ref_freeze(p, expected)? else busy
 *	(2) get_page_unless_zero(p)	(B) remove the slot
 *	(3) slot still p? else put,(1)	(C) free p (count stays 0)
 *
 * (2) before (A): A sees the extra reference and gives up.  (A) before (2):
 * the reader retries and finds the slot empty or other.
 */
#ifndef MM_FILEMAP_H
#define MM_FILEMAP_H

#include "mm/page.h"

void address_space_init(struct address_space *m,
			const struct address_space_operations *ops, void *host);
/* Tree and lock only: for the swap cache. */
void address_space_init_tree(struct address_space *m);
/* Drops every page (all unmapped) and checks that none is left. */
void address_space_destroy(struct address_space *m);

/*
 * A locked page leaves the cache for good (truncate): whoever still has a
 * reference keeps the frame, with ->mapping NULL.  Drops the cache's reference.
 */
void delete_from_page_cache(struct page *p);

/* Page with a reference, or NULL.  Lockless. */
struct page *find_get_page(struct address_space *m, u64 index);
/*
 * The same, but a slot whose page is in swap gives its swap item (shmem.h).
 * put_item: what the answer holds is given back.
 */
void *find_get_item(struct address_space *m, u64 index);
void put_item(void *item);
/* Up to GANG pages with references, index >= *next, which moves behind them. */
#define GANG	16U
u32 find_get_pages(struct address_space *m, u64 *next, struct page **pages);
u32 find_get_items(struct address_space *m, u64 *next, void **items,
		   u64 *index);
/* Uptodate page with a reference, reading it if needed.  ERR_PTR. Sleeps. */
struct page *read_cache_page(struct address_space *m, u64 index);
/* New locked page enters the cache.  0, -EEXIST, -ENOMEM. */
int add_to_page_cache(struct page *p, struct address_space *m, u64 index);
/*
 * p locked, unmapped, clean (checked after the freeze, S5).  0, or -EBUSY when
 * someone holds a reference.  On success the cache's reference is gone and
 * the CALLER's was frozen away too: the page is freed.
 */
int remove_mapping(struct page *p);
/* The same, but p stays locked, with count 0, for the caller to free. */
int remove_mapping_frozen(struct page *p);
/* Truncate to `size` bytes: unmap, zero the tail, drop pages beyond. */
void truncate_pagecache(struct address_space *m, u64 size);
/*
 * Pages [first, last] become a hole: unmapped, dropped, dirty or not; private
 * copies stay.  The file's owner keeps writers away.  Sleeps.
 */
void punch_pagecache(struct address_space *m, u64 first, u64 last);
/* Drop every clean, unreferenced page (unmapping if asked).  Pages dropped. */
enum { DROP_UNMAPPED, DROP_MAPPED_TOO };
u64 invalidate_mapping_pages(struct address_space *m, int how);
/* The same for every file, mapped pages too; no lock held.  Sleeps. */
u64 filemap_drop_clean(void);
/*
 * The page's bytes have changed, before the call (mm/writeback.c, W1).  It is
 * locked, or mapped with its table's lock held, or else in no file that could
 * go away.
 */
void set_page_dirty(struct page *p);
/*
 * Reading p, which a_ops->readahead() was given, is over.  Unlocks it and
 * drops the reference it came with.  After an error it is read again when
 * somebody needs it.
 */
void page_read_done(struct page *p, int err);
/* A new page for index, locked and referenced, in m; ERR_PTR, -EEXIST. */
struct page *add_new_page(struct address_space *m, u64 index);
/*
 * new (locked, no file's) takes the place of old (locked, unmapped, not under
 * write-back), dirtiness and all; its bytes are the caller's.  0, or -EBUSY
 * when somebody else has a reference on old.  The cache's reference moves.
 */
int replace_page_cache_page(struct page *old, struct page *new);
/* A program writes through a shared mapping of it. */
static inline void mapping_note_write(struct address_space *m)
{
	if (!test_bit(AS_WRITTEN, (unsigned long *)&m->flags))
		set_bit(AS_WRITTEN, (unsigned long *)&m->flags);
}

/* Copy between a kernel buffer and the cache.  Bytes or -Exxx; short at EOF. */
ssize_t filemap_read(struct address_space *m, void *buf, u64 pos, size_t len);
ssize_t filemap_write(struct address_space *m, const void *buf, u64 pos, size_t len);
/* The same to and from user memory of current. */
ssize_t filemap_read_user(struct address_space *m, vaddr_t to, u64 pos, size_t len);
/* The same with the reader's window (mm/readahead.h). */
struct file_ra;
ssize_t filemap_read_ahead(struct address_space *m, struct file_ra *ra,
			   vaddr_t to, u64 pos, size_t len);
ssize_t filemap_write_user(struct address_space *m, vaddr_t from, u64 pos, size_t len);

struct filemap_stats {
	u64 lookups, retry_zero, retry_moved, freeze_failed;
	u64 added, removed, reads;
};
void filemap_stats(struct filemap_stats *s);
u64 nr_cache_pages(void);
u64 nr_shmem_pages(void);		/* those that only swap could free */
/* A page enters (1) or leaves (-1) a file's tree. */
void account_cache_page(const struct page *p, s64 n);
void for_each_mapping(void (*fn)(struct address_space *m, void *arg), void *arg);

#endif
