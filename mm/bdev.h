/* SPDX-License-Identifier: MIT */
/* A block device's bytes in the page cache. */
#ifndef MM_BDEV_H
#define MM_BDEV_H

#include "kernel/blkdev.h"
#include "mm/mm_types.h"

/* The device's file in the cache, made at the first call; NULL: no memory. */
struct address_space *bdev_mapping(struct block_device *bd);
/* The device behind such a file, or NULL. */
struct block_device *mapping_bdev(struct address_space *m);
/*
 * Tests: one of its own, that the flusher does not know; and its end (nothing
 * mapped; dirty bytes are lost).
 */
struct address_space *bdev_mapping_create(struct block_device *bd);
void bdev_mapping_destroy(struct address_space *m);
/*
 * I8: how many clean pages in the cache differ from the device (PG_error
 * aside), each reported.  *seen grows by the pages looked at.  -Exxx when the
 * device cannot be read.  Sleeps.
 */
s64 bdev_check(struct address_space *m, u64 *seen);

#endif
