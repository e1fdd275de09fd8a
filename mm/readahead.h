/* SPDX-License-Identifier: MIT */
/* Reading pages before they are asked for. */
#ifndef MM_READAHEAD_H
#define MM_READAHEAD_H

#include "mm/mm_types.h"

/* As fadvise and madvise say it. */
enum ra_hint { RA_NORMAL, RA_RANDOM, RA_SEQUENTIAL };

/*
 * One open file's window; all zero at first.  Whoever sets `busy` moves it; a
 * second reader of the same file that comes meanwhile does without.
 */
struct file_ra {
	u32 busy;			/* a */
	u64 start;			/* the window: pages start, +size */
	u32 size, async;		/* the last `async` of it are not needed yet */
	u64 next;			/* the page a sequential reader wants next */
	u32 hint;			/* a: enum ra_hint */
};

/* Pages at most, in one window; twice that with RA_SEQUENTIAL. */
#define RA_MAX		32U

static inline bool mapping_can_readahead(const struct address_space *m)
{
	return m->a_ops->readahead;
}

/*
 * The page at index, as read_cache_page() gives it; the reader wants `want`
 * pages from there on.  Reads ahead as the window says.  Sleeps.
 */
struct page *read_page_ahead(struct address_space *m, struct file_ra *ra,
			     u64 index, u64 want);
/* The same for a fault at index: an aligned window around it, when missing. */
void read_around(struct address_space *m, u64 index);
/* Starts reading what is missing of [start, start + nr).  Pages started. */
u32 start_readahead(struct address_space *m, u64 start, u64 nr);

struct readahead_stats { u64 windows, pages, marks; };
void readahead_stats(struct readahead_stats *s);

#endif
