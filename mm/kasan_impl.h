/* SPDX-License-Identifier: MIT */
/* What kasan.c and kasan_report.c share. */
#ifndef MM_KASAN_IMPL_H
#define MM_KASAN_IMPL_H

#include "lib/types.h"
#include "mm/kasan.h"

/* Of 0xffff800000000000 and above: ffffec0000000000, see arch/layout.h. */
#define KASAN_SHADOW_OFFSET	0xdffffc0000000000UL

struct kasan_access {
	u64 addr, size, bad, ip;
	bool write;
};

static inline u8 *kasan_shadow(u64 addr)
{
	return (u8 *)((addr >> 3) + KASAN_SHADOW_OFFSET);
}

/* Has addr a shadow, and is it in use yet? */
bool kasan_covers(u64 addr);
void kasan_report(const struct kasan_access *a);
void kasan_report_free(const char *what, const void *obj, u64 ip);

#endif
