/* SPDX-License-Identifier: MIT */
/* Stopping all work on pages: mm/check_world.c. */
#ifndef MM_CHECK_WORLD_H
#define MM_CHECK_WORLD_H

#include "kernel/mutex.h"
#include "mm/mm_types.h"

extern struct mutex audit_mutex;	/* LOCK_AUDIT */
/* Every mm, locked, while the world stands; audit_mutex. */
extern struct held_mms { struct mm_struct **mm; u32 nr, max; } stopped_mms;

/* audit_mutex held.  Sleeps.  0, -ENOMEM or -EBUSY: nothing is stopped. */
int stop_world(void);
void start_world(void);

#endif
