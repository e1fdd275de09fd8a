/* SPDX-License-Identifier: MIT */
/*
 * Every lock under which a page table of one mm can be walked or changed.
 * mmap_lock is held for write by the caller until after the drop.
 */
#ifndef MM_TAKE_ALL_LOCKS_H
#define MM_TAKE_ALL_LOCKS_H

#include "mm/mm_types.h"

/* 0, or -EINTR with everything undone. */
int __must_check mm_take_all_locks(struct mm_struct *mm);
void mm_drop_all_locks(struct mm_struct *mm);

#endif
