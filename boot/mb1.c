/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1 information: a fixed structure whose flags say which pointers
 * count. All pointers are 32-bit physical addresses, from the loader, and so
 * worth nothing before the reader has agreed. No RSDP: bi_scan_rsdp().
 */
#include "boot/bi.h"
#include "boot/multiboot.h"
#include "lib/err.h"

#define NO_LIMIT	(1UL << 32)

static int parse_strings(struct bi_parse *p, const struct mb1_info *info)
{
	struct bootinfo *bi = p->bi;
	int err;

	if ((info->flags & MB1_HAS_LOADER) && info->loader_name) {
		struct bi_range r = { info->loader_name, NO_LIMIT };

		err = bi_read_string(p, r, bi->loader, sizeof(bi->loader),
				     "the boot loader's name");
		if (err < 0)
			return err;
	}
	if ((info->flags & MB1_HAS_CMDLINE) && info->cmdline) {
		struct bi_range r = { info->cmdline, NO_LIMIT };

		err = bi_read_string(p, r, bi->cmdline, sizeof(bi->cmdline),
				     "the command line");
		if (err < 0)
			return err;
		bi->cmdline_truncated = err;
	}
	return 0;
}

static int parse_mmap(struct bi_parse *p, const struct mb1_info *info)
{
	u64 at = info->mmap_addr, end = at + info->mmap_length;
	struct mb1_mmap_entry e;
	int err;

	bi_add_busy(p, at, info->mmap_length);
	for (; at < end; at += (u64)e.size + 4) {
		if (end - at < sizeof(e))
			return bootinfo_fail(p->bi, "the memory map ends inside an entry");
		err = bi_read(p, at, &e, sizeof(e), "the memory map");
		if (err)
			return err;
		if (e.size < sizeof(e) - 4 || (u64)e.size + 4 > end - at)
			return bootinfo_fail(p->bi, "the memory map has an entry of %u bytes",
					     e.size);
		err = bi_add_mem(p, e.base, e.len, e.type);
		if (err)
			return err;
	}
	return 0;
}

/* The two sizes every PC loader gives; enough when there is no map. */
static int parse_sizes(struct bi_parse *p, const struct mb1_info *info)
{
	u64 lower = info->mem_lower < 640 ? info->mem_lower : 640;
	int err = bi_add_mem(p, 0, lower << 10, MEM_USABLE);

	if (err)
		return err;
	return bi_add_mem(p, 1 << 20, (u64)info->mem_upper << 10, MEM_USABLE);
}

static int parse_modules(struct bi_parse *p, const struct mb1_info *info)
{
	struct mb1_module m;
	u32 i;
	int err;

	bi_add_busy(p, info->mods_addr, (u64)info->mods_count * sizeof(m));
	for (i = 0; i < info->mods_count; i++) {
		err = bi_read(p, info->mods_addr + (u64)i * sizeof(m), &m,
			      sizeof(m), "the list of modules");
		if (!err)
			err = bi_add_module(p,
				(struct bi_range){ m.start, m.end },
				(struct bi_range){ m.string, m.string ?
						   NO_LIMIT : 0 });
		if (err)
			return err;
	}
	return 0;
}

int mb1_parse(struct bi_parse *p, u64 phys)
{
	struct mb1_info info;
	int err;

	p->bi->protocol = BOOT_MULTIBOOT1;
	err = bi_read(p, phys, &info, sizeof(info), "the boot information");
	if (err)
		return err;
	bi_add_busy(p, phys, sizeof(info));
	err = parse_strings(p, &info);
	if (!err && (info.flags & MB1_HAS_MMAP))
		err = parse_mmap(p, &info);
	else if (!err && (info.flags & MB1_HAS_MEMORY))
		err = parse_sizes(p, &info);
	if (!err && (info.flags & MB1_HAS_MODULES))
		err = parse_modules(p, &info);
	return err;
}
