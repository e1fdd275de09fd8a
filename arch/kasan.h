/* SPDX-License-Identifier: MIT */
/*
 * In builds with KASAN=1: is the kernel's side of a copy that the compiler
 * does not see what it should be?  Implemented in mm/kasan.c.
 */
#ifndef ARCH_KASAN_H
#define ARCH_KASAN_H

#include "lib/types.h"

enum { KASAN_READS, KASAN_WRITES };

void upcall_kasan_check(const void *addr, u64 size, int write);

static inline void arch_kasan_check(const void *addr, u64 size, int write)
{
#ifdef CONFIG_KASAN_BUILD
	upcall_kasan_check(addr, size, write);
#else
	(void)addr;
	(void)size;
	(void)write;
#endif
}

#endif
