/* SPDX-License-Identifier: MIT */
/*
 * Whole words by one string instruction: what clear_page, copy_page and the
 * poison of free frames are made of.  Direction flag clear, as everywhere in
 * the kernel.
 */
#ifndef ARCH_STRING_OPS_H
#define ARCH_STRING_OPS_H

#include "lib/types.h"

static inline void rep_stosq(void *dst, u64 value, u64 words)
{
	asm volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(value)
		     : "memory");
}

static inline void rep_movsq(void *dst, const void *src, u64 words)
{
	asm volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words)
		     :: "memory");
}

#endif
