/* SPDX-License-Identifier: MIT */
/*
 * Who moves pages without holding a mmap_lock says so, and can be stopped:
 * reclaim, truncate, write-back, reading and writing files, data migration.
 */
#ifndef MM_MOTION_H
#define MM_MOTION_H

#include "lib/types.h"

/*
 * Between the two the caller may leave mappings, counts, lists and caches for a
 * moment not agreeing with each other.  Nests.  begin sleeps while pages are
 * stopped; never for a caller that holds a mmap_lock or a vma's lock.  No page
 * lock may be held, and inside no mmap_lock may be waited for.
 */
void page_motion_begin(void);
void page_motion_end(void);
/*
 * The same for reclaim, which is called with page locks held: by somebody who
 * is inside already, or holds a mmap_lock.
 */
void page_motion_begin_reclaim(void);

/*
 * For the auditor, which holds every mmap_lock: nobody is inside, and nobody
 * gets in until page_motion_start().  False: some did not come out within `ms`
 * (nothing is stopped then).  Sleeps.
 */
bool page_motion_stop(u64 ms);
void page_motion_start(void);

#endif
