/* SPDX-License-Identifier: MIT */
/* A shadow device and the mm it is attached to, for tests. */
#ifndef TESTS_KT_SHADOW_H
#define TESTS_KT_SHADOW_H

#include "drivers/shadow/shadow.h"
#include "tests/kt/kt_mm.h"

struct kt_shadow {
	struct mm_struct *mm;
	struct shadow_dev *d;
};

/* Anonymous memory of so many pages at KT_BASE, untouched, and a device. */
bool kt_shadow_begin(struct kt *t, struct kt_shadow *k, const char *kind,
		     u32 pages);
/* Detaches, puts the mm. */
void kt_shadow_end(struct kt *t, struct kt_shadow *k);
/* One access through the device.  The word or KT_NONE; 0 or -Exxx. */
u64 kt_dev_read(struct shadow_dev *d, vaddr_t va);
int kt_dev_write(struct shadow_dev *d, vaddr_t va, u64 v);
/* As kt_poke, and leaves the entry writable and clean. */
void kt_poke_clean(struct mm_struct *mm, vaddr_t va, u64 word);
u64 kt_dev_faults(struct shadow_dev *d);

#endif
