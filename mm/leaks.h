/* SPDX-License-Identifier: MIT */
/* What is in use and cannot be reached.  Lab builds; else nothing is found. */
#ifndef MM_LEAKS_H
#define MM_LEAKS_H

#include "lib/types.h"

/*
 * Looks with all other CPUs stopped.  The number of objects and frames in use
 * that nothing leads to, or -Exxx.  watch: ~address of an object whose
 * referrers are noted, or 0.  (An address as it is would be found.)  Sleeps.
 */
s32 leaks_scan(u64 watch);
/* What the last scan found, or where it met the watched address. */
void leaks_print(void);
void leaks_print_referrers(void);
/* Was this object or frame among them?  disguised: ~address. */
bool leaks_found(u64 disguised);

#endif
