/* SPDX-License-Identifier: MIT */
/*
 * The whole-system auditor: stops everybody's work on memory, walks
 * everything, and checks
 *  I1 mapcount == present PTEs found	I2 every PTE reachable by rmap
 *  I3 secondary within primary		I4 count >= mappings + cache
 *  I5 free pages in no PTE, spte, table  I6 tables: one parent, level, pt_nr
 *  I7 no LIMBO or RETIRED reachable	I8 counters (rss, tables, nrpages) right,
 *					   dirty tags as the pages' flags say
 * and then that every clean cached page equals its device (check_disk.c).
 */
#ifndef MM_CHECK_H
#define MM_CHECK_H

#include "lib/types.h"

/*
 * Problems found, each printed in one line; exact, whatever else is under way.
 * Sleeps.
 */
u32 mm_check(void);
/* Devices add their I3 and I5 here; fn returns problems it printed. */
void mm_check_register(u32 (*fn)(void));

#endif
