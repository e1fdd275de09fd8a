/* SPDX-License-Identifier: MIT */
/*
 * Names of functions, from the table that tools/ksyms.py makes: addresses
 * ascending, names as offsets into one text.  Without a table (the first of
 * the two links) there are only numbers.
 */
#include "kernel/panic.h"
#include "lib/printf.h"
#include "lib/string.h"

extern const u32 ksyms_count __weak;
extern const u64 ksyms_addrs[] __weak;
extern const u32 ksyms_offsets[] __weak;
extern const char ksyms_names[] __weak;
extern const char _text[], _etext[];

static u32 count(void)
{
	/* A weak symbol that is missing has no address. */
	return &ksyms_count ? ksyms_count : 0;
}

/* Index of the last symbol at or before addr, or -1. */
static s64 find(u64 addr)
{
	u32 lo = 0, hi = count();

	if (addr < (u64)_text || addr >= (u64)_etext)
		return -1;
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (ksyms_addrs[mid] <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (s64)lo - 1;
}

const char *ksym_format(u64 addr, char *buf, size_t len)
{
	s64 i = find(addr);

	if (i < 0)
		snprintf(buf, len, "0x%llx", addr);
	else
		snprintf(buf, len, "%s+0x%llx", &ksyms_names[ksyms_offsets[i]],
			 addr - ksyms_addrs[i]);
	return buf;
}

u64 ksym_lookup(const char *name)
{
	for (u32 i = 0; i < count(); i++)
		if (!strcmp(&ksyms_names[ksyms_offsets[i]], name))
			return ksyms_addrs[i];
	return 0;
}
