/* SPDX-License-Identifier: MIT */
/*
 * Shared by the two protocol parsers and the common part; nobody else
 * includes this. One struct bi_parse lives for one bootinfo_parse().
 */
#ifndef BOOT_BI_H
#define BOOT_BI_H

#include "boot/bootinfo.h"
#include "lib/types.h"

#define BI_RAW_REGIONS	256
#define BI_BUSY_RANGES	4

struct bi_range {
	u64 start, end;
};

struct bi_parse {
	struct bootinfo *bi;
	const struct bi_reader *rd;
	struct mem_region raw[BI_RAW_REGIONS];	/* as told, clipped */
	int nr_raw;
	u64 edge[2 * BI_RAW_REGIONS];
	struct bi_range busy[BI_BUSY_RANGES];	/* the loader's structures */
	int nr_busy;
};

/* All of these return 0, or -EINVAL with bi->error set. */

int mb1_parse(struct bi_parse *p, u64 info);
int mb2_parse(struct bi_parse *p, u64 info);

/* Copy len bytes; `what` is for the message. */
int bi_read(struct bi_parse *p, u64 phys, void *dst, size_t len,
	    const char *what);
/*
 * Copy a string of at most size - 1 characters and end it. It must have its
 * NUL in the first `avail` bytes. Returns 1 when it was cut short.
 */
int bi_read_string(struct bi_parse *p, struct bi_range from, char *dst,
		   size_t size, const char *what);

/* Add an entry of the memory map; any base, len and type. */
int bi_add_mem(struct bi_parse *p, u64 base, u64 len, u32 type);
/* Make bi->mem from the entries (B1, B2), then check the image (B3). */
int bi_finish_mem(struct bi_parse *p);
/* Is all of it usable memory? After bi_finish_mem(). */
bool bi_is_usable(const struct bootinfo *bi, struct bi_range r);

/* The string may lie anywhere in `name`; an empty range means none. */
int bi_add_module(struct bi_parse *p, struct bi_range data,
		  struct bi_range name);
/* Remember where a structure of the loader lies, for B4. */
void bi_add_busy(struct bi_parse *p, u64 start, u64 len);

/* Copies an RSDP of at most len bytes when it is sound; false if not. */
bool bi_take_rsdp(struct bootinfo *bi, const u8 *bytes, size_t len, u64 phys);
/* Look where a PC BIOS leaves it. */
void bi_scan_rsdp(struct bi_parse *p);

static inline bool bi_overlap(struct bi_range a, struct bi_range b)
{
	return a.start < b.end && b.start < a.end;
}

#endif
