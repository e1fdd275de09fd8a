/* SPDX-License-Identifier: MIT */
/*
 * The parts of Multiboot 1 (0.6.96) and Multiboot 2 (2.0) that are used.
 * Also included from assembly.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#define MB1_HEADER_MAGIC	0x1badb002
#define MB1_LOADER_MAGIC	0x2badb002
#define MB1_PAGE_ALIGN		(1 << 0)
#define MB1_MEMORY_INFO		(1 << 1)
#define MB1_ADDRESS_FIELDS	(1 << 16)

#define MB2_HEADER_MAGIC	0xe85250d6
#define MB2_LOADER_MAGIC	0x36d76289
#define MB2_ARCH_I386		0

/* Tags of the Multiboot 2 header. */
#define MB2_HTAG_END		0
#define MB2_HTAG_INFO_REQUEST	1
#define MB2_HTAG_ENTRY		3
#define MB2_HTAG_MODULE_ALIGN	6
#define MB2_HTAG_OPTIONAL	1

/* Tags of the Multiboot 2 information. */
#define MB2_TAG_END		0
#define MB2_TAG_CMDLINE		1
#define MB2_TAG_LOADER		2
#define MB2_TAG_MODULE		3
#define MB2_TAG_MMAP		6
#define MB2_TAG_RSDP_V1		14
#define MB2_TAG_RSDP_V2		15

#ifndef __ASSEMBLER__

#include "lib/types.h"
#include "lib/compiler.h"

/* Bits of mb1_info.flags. */
#define MB1_HAS_MEMORY		BIT(0)
#define MB1_HAS_CMDLINE		BIT(2)
#define MB1_HAS_MODULES		BIT(3)
#define MB1_HAS_MMAP		BIT(6)
#define MB1_HAS_LOADER		BIT(9)

struct mb1_info {
	u32 flags;
	u32 mem_lower, mem_upper;	/* KiB below 640 KiB, from 1 MiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 loader_name;
};

struct mb1_module {
	u32 start, end, string, reserved;
};

/* size counts what follows it, at least 20; the next entry is size + 4 on. */
struct mb1_mmap_entry {
	u32 size;
	u64 base, len;
	u32 type;
} __packed;

struct mb2_info {
	u32 total_size, reserved;
};

/* Each tag starts on 8 bytes; size counts the header, not the padding. */
struct mb2_tag {
	u32 type, size;
};

struct mb2_mmap {
	struct mb2_tag tag;
	u32 entry_size, entry_version;
};

struct mb2_mmap_entry {
	u64 base, len;
	u32 type, reserved;
};

struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;		/* then the string */
};

#endif
#endif
