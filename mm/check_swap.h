/* SPDX-License-Identifier: MIT */
/* The auditor's part about swap and the reclaim lists: see check_swap.c. */
#ifndef MM_CHECK_SWAP_H
#define MM_CHECK_SWAP_H

#include "mm/swapops.h"

/* mm_check() only, one at a time. */
void check_swap_begin(void);
void check_swap_entry(swp_entry_t entry);
/* Problems found, each printed. */
u32 check_swap_end(void);
u32 check_lru(u64 off_list);

#endif
