/* SPDX-License-Identifier: MIT */
/* Swap slots and who counts them. */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "mm/page.h"
#include "mm/swapops.h"

/* Another entry for the slot, which has one.  False: it cannot count more. */
bool __must_check swap_duplicate(swp_entry_t entry);
/* An entry is gone; frees the slot with the last, and a page that cached it. */
void swap_free(swp_entry_t entry);

#endif
