/* SPDX-License-Identifier: MIT */
/*
 * The memory map, from a list of claims to a partition (bootinfo.h B1, B2).
 *
 * Every claim is clipped and rounded as it comes in, so that no sum can wrap
 * afterwards. The edges of all claims, sorted, cut the address space into
 * pieces that each claim covers wholly or not at all; a piece gets the least
 * usable type that covers it, and equal neighbours are merged. Quadratic, on
 * at most 256 claims.
 *
 * Tests: tests/host/test_bootinfo.c, against a page-by-page model.
 */
#include "boot/bi.h"
#include "lib/err.h"

#define BI_PAGE	4096UL

const char *mem_type_name(u32 type)
{
	switch (type) {
	case MEM_USABLE:
		return "usable";
	case MEM_ACPI:
		return "ACPI tables";
	case MEM_NVS:
		return "ACPI NVS";
	case MEM_BAD:
		return "bad";
	default:
		return "reserved";
	}
}

/* The higher wins where claims overlap. */
static int mem_rank(u32 type)
{
	switch (type) {
	case MEM_USABLE:
		return 1;
	case MEM_ACPI:
		return 2;
	case MEM_NVS:
		return 3;
	case MEM_BAD:
		return 5;
	default:
		return 4;
	}
}

int bi_add_mem(struct bi_parse *p, u64 base, u64 len, u32 type)
{
	u64 limit = p->rd->phys_limit & ~(BI_PAGE - 1);
	u64 end = base + len;

	if (end < base || end > limit)
		end = limit;
	if (base >= end)
		return 0;
	if (type < MEM_USABLE || type > MEM_BAD)
		type = MEM_RESERVED;
	if (type == MEM_USABLE) {
		base = (base + BI_PAGE - 1) & ~(BI_PAGE - 1);
		end &= ~(BI_PAGE - 1);
	} else {
		base &= ~(BI_PAGE - 1);
		end = (end + BI_PAGE - 1) & ~(BI_PAGE - 1);
	}
	if (base >= end)
		return 0;
	if (p->nr_raw == BI_RAW_REGIONS)
		return bootinfo_fail(p->bi, "the memory map has more than %d entries",
				     BI_RAW_REGIONS);
	p->raw[p->nr_raw++] = (struct mem_region){ base, end - base, type };
	return 0;
}

/* Collect the edges in ascending order; returns how many. */
static int sort_edges(struct bi_parse *p)
{
	int n = 0, i, k;
	u64 e;

	for (i = 0; i < 2 * p->nr_raw; i++) {
		e = p->raw[i / 2].base + (i % 2 ? p->raw[i / 2].len : 0);
		for (k = n; k > 0 && p->edge[k - 1] > e; k--)
			p->edge[k] = p->edge[k - 1];
		p->edge[k] = e;
		n++;
	}
	return n;
}

/* The type of a piece, or 0 where nobody claims it. */
static u32 piece_type(const struct bi_parse *p, u64 start, u64 end)
{
	const struct mem_region *r;
	u32 type = 0;
	int i;

	for (i = 0; i < p->nr_raw; i++) {
		r = &p->raw[i];
		if (r->base > start || r->base + r->len < end)
			continue;
		if (!type || mem_rank(r->type) > mem_rank(type))
			type = r->type;
	}
	return type;
}

static void append_piece(struct bootinfo *bi, u64 start, u64 end, u32 type)
{
	struct mem_region *last = bi->nr_mem ? &bi->mem[bi->nr_mem - 1] : NULL;

	if (last && !bi->mem_dropped && last->type == type &&
	    last->base + last->len == start) {
		last->len += end - start;
		return;
	}
	if (bi->nr_mem == BOOTINFO_REGIONS) {
		bi->mem_dropped++;
		return;
	}
	bi->mem[bi->nr_mem++] = (struct mem_region){ start, end - start, type };
}

bool bi_is_usable(const struct bootinfo *bi, struct bi_range r)
{
	const struct mem_region *m;
	int i;

	for (i = 0; i < bi->nr_mem; i++) {
		m = &bi->mem[i];
		if (m->type == MEM_USABLE && m->base <= r.start &&
		    r.end <= m->base + m->len)
			return true;
	}
	return false;
}

int bi_finish_mem(struct bi_parse *p)
{
	struct bi_range image = { p->rd->image_start, p->rd->image_end };
	struct bootinfo *bi = p->bi;
	int n = sort_edges(p), i;
	u32 type;

	for (i = 0; i + 1 < n; i++) {
		if (p->edge[i] == p->edge[i + 1])
			continue;
		type = piece_type(p, p->edge[i], p->edge[i + 1]);
		if (type)
			append_piece(bi, p->edge[i], p->edge[i + 1], type);
	}
	if (!bi->nr_mem)
		return bootinfo_fail(bi, "the boot loader gave no memory map");
	if (!bi_is_usable(bi, image))
		return bootinfo_fail(bi, "no usable memory where the kernel lies (0x%llx-0x%llx)",
				     (unsigned long long)image.start,
				     (unsigned long long)image.end);
	return 0;
}
