/* SPDX-License-Identifier: MIT */
/* Small objects that do not move, packed into single frames: see zpool.c. */
#ifndef MM_ZPOOL_H
#define MM_ZPOOL_H

#include "lib/types.h"

#define ZPOOL_MAX_OBJECT 4096

void zpool_init(void);
/* len 1 .. ZPOOL_MAX_OBJECT.  NULL: no frame is left.  Does not sleep. */
void *zpool_alloc(u32 len);
/* len: what it was allocated with. */
void zpool_free(void *obj, u32 len);
/* Frames in use. */
u64 zpool_pages(void);

#endif
