/* SPDX-License-Identifier: MIT */
/* Between ptmigrate.c and ptmigrate_move.c; nobody else includes it. */
#ifndef MM_PTMIGRATE_IMPL_H
#define MM_PTMIGRATE_IMPL_H

#include "mm/mm_types.h"
#include "mm/ptmigrate.h"

#define MOVE_BATCH	32		/* LIVE: tables per flush */

struct move { struct page *old, *new; };

struct mover {
	struct mm_struct *mm;
	enum ptmigrate_mode mode;
	struct ptmigrate_result *res;
	struct list_head spare;		/* frozen frames, by lru */
	u32 nr_spare;
	u32 nr, max;
	struct move *moves;		/* copied and switched, not settled */
};

/*
 * Steps (0) to (5): move `old`, whose parent entry is *entry (NULL: the root
 * pointer), to a spare frame.  The parent's lock is held.  LIVE: both tables
 * stay locked until move_settle().
 */
void move_table(struct mover *mv, const spinlock_t *parent, pte_t *entry,
		struct page *old);
/* Steps (6) to (9) for all of mv->moves. */
void move_settle(struct mover *mv);

#endif
