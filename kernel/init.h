/* SPDX-License-Identifier: MIT */
/*
 * Initialisation calls: run once in thread context after all CPUs are up,
 * level 0 first, within a level in link order.  A function returns 0, or
 * -Exxx, which is reported; the boot goes on.
 *
 *	level	for
 *	  0	core services that others register with
 *	  1	memory management and file data
 *	  2	drivers (the default)
 *	  3	personalities
 */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include "lib/compiler.h"

struct initcall {
	const char *name;
	int (*fn)(void);
};

#define INITCALL_LEVEL(level, f)					\
	static const struct initcall initcall_##f			\
	__attribute__((section(".initcalls." #level), used, aligned(8))) = { #f, (f) }
#define INITCALL(f)	INITCALL_LEVEL(2, f)

#endif
