/* SPDX-License-Identifier: MIT */
/* The auditor's part about swap and the reclaim lists: see check_swap.c. */
#ifndef MM_CHECK_SWAP_H
#define MM_CHECK_SWAP_H

#include "arch/pte.h"

/* mm_check() only, one at a time. */
void check_swap_begin(void);
void check_swap_entry(pte_t e);
/* quiet: only counts.  Problems found. */
enum check_swap_mode { CHECK_SWAP_QUIET, CHECK_SWAP_PRINT };
u32 check_swap_end(enum check_swap_mode mode);
u32 check_lru(enum check_swap_mode mode, u64 off_list);

#endif
