/* SPDX-License-Identifier: MIT */
/*
 * Relocatable page tables: move the table pages of a live mm to other frames
 * while its threads run, losing no accessed or dirty bit.
 */
#ifndef MM_PTMIGRATE_H
#define MM_PTMIGRATE_H

#include "mm/mm_types.h"

enum ptmigrate_mode {
	PTMIGRATE_LIVE, /* batches of tables; faults go on */
	PTMIGRATE_STOP, /* all locks, one flush for the whole mm */
	PTMIGRATE_PARK, /* all locks, all CPUs held: the oracle */
};

struct ptmigrate_result {
	u64 moved[PT_LEVELS + 1]; /* by level */
	u64 skipped_leaf, skipped_shared, skipped_policy;
	u64 flushes, ipis, harvested; /* A/D bits found in old tables */
};

/*
 * Moves every table page of mm, all four levels.  The caller pins mm_users.
 * Sleeps.  0, -ENOMEM (consistent, part moved), -EINTR.
 */
int mm_relocate_tables(struct mm_struct *mm, enum ptmigrate_mode mode,
		       struct ptmigrate_result *res);

#endif
