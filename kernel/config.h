/* SPDX-License-Identifier: MIT */
/*
 * Build-time constants.  Code says `if (CONFIG_LAB)`, never `#if`: both builds
 * compile every line, and the compiler drops what a release build does not use.
 */
#ifndef KERNEL_CONFIG_H
#define KERNEL_CONFIG_H

#include "lib/limits.h"

#ifdef CONFIG_LAB_BUILD
#define CONFIG_LAB	1
#else
#define CONFIG_LAB	0
#endif

#ifdef CONFIG_KCSAN_BUILD
#define CONFIG_KCSAN	1
#else
#define CONFIG_KCSAN	0
#endif

#ifdef CONFIG_KASAN_BUILD
#define CONFIG_KASAN	1	/* mk/kasan.mk */
#else
#define CONFIG_KASAN	0
#endif

#define REWALK_VERSION	"0.1"
#define CONFIG_HZ		100
#define CONFIG_STACK_PAGES	6	/* per kernel stack, plus one guard page */
#define CONFIG_TRACE_EVENTS	4096	/* per CPU, a power of two */

#endif
