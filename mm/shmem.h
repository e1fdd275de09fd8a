/* SPDX-License-Identifier: MIT */
/* Memory without a file that processes share: MAP_SHARED | MAP_ANONYMOUS. */
#ifndef MM_SHMEM_H
#define MM_SHMEM_H

#include "mm/mm_types.h"

/*
 * A zero-filled object of `bytes` with one reference (a_ops->put drops it;
 * vmas hold more).  NULL: no memory.
 */
struct address_space *shmem_create(u64 bytes);

#endif
