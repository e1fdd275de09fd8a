/* SPDX-License-Identifier: MIT */
/* Swap slots.  There is no device yet, so no entry either. */
#include "mm/swap.h"

bool swap_duplicate(swp_entry_t entry)
{
	panic("swap entry %llx, but no device", entry.val);
}

void swap_free(swp_entry_t entry)
{
	panic("swap entry %llx, but no device", entry.val);
}
