/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader told us, in one form whatever its protocol.
 *
 * bootinfo_parse() reads the loader's structures exactly once, through a
 * reader that knows what may be read, and copies everything out: afterwards
 * nothing points into memory the loader used, except the ranges of module
 * data. What a loader says is not trusted; after success:
 *
 *   B1  mem[] is sorted by base and free of overlaps; neighbours of one type
 *       are merged; where entries overlapped, the less usable type won.
 *   B2  Usable regions begin and end on pages (rounded inwards; others are
 *       rounded outwards first), and none is empty, wraps, or reaches past
 *       the reader's phys_limit.
 *   B3  The kernel image lies in usable memory.
 *   B4  Each module is non-empty, lies in usable memory, and overlaps neither
 *       the image nor another module nor the structures that described it.
 *   B5  cmdline and all names are NUL-terminated.
 *   B6  rsdp_copy, when have_rsdp, has the right signature and checksums.
 *
 * After a failure `error` says why, as one phrase for the user; the other
 * fields hold what was read until then.
 *
 * Pure: no state, no hardware; also compiled for the host.
 * Tests: tests/host/test_bootinfo.c
 */
#ifndef BOOT_BOOTINFO_H
#define BOOT_BOOTINFO_H

#include "lib/types.h"

#define BOOTINFO_CMDLINE	4096
#define BOOTINFO_REGIONS	128
#define BOOTINFO_MODULES	8
#define BOOTINFO_NAME		64

/* The values of ACPI and of both protocols. */
enum mem_type {
	MEM_USABLE = 1,
	MEM_RESERVED = 2,
	MEM_ACPI = 3,		/* tables, usable once they were read */
	MEM_NVS = 4,
	MEM_BAD = 5,
};

enum boot_protocol {
	BOOT_UNKNOWN,
	BOOT_MULTIBOOT1,
	BOOT_MULTIBOOT2,
};

struct mem_region {
	u64 base, len;
	u32 type;		/* enum mem_type */
};

struct boot_module {
	u64 start, end;		/* physical, end exclusive */
	char name[BOOTINFO_NAME];
};

struct bootinfo {
	char cmdline[BOOTINFO_CMDLINE];
	bool cmdline_truncated;
	struct mem_region mem[BOOTINFO_REGIONS];
	int nr_mem;
	int mem_dropped;	/* regions left out at the end: none usable missed
				 * but what lies behind the last one kept */
	struct boot_module modules[BOOTINFO_MODULES];
	int nr_modules;
	int modules_dropped;	/* empty ones, and those that found no room */
	u64 rsdp_phys;		/* 0: known by rsdp_copy alone */
	u8 rsdp_copy[36];	/* 20 bytes count when its revision is 0 */
	bool have_rsdp;
	enum boot_protocol protocol;
	char loader[BOOTINFO_NAME];
	const char *error;	/* NULL: all is well */
	char errbuf[128];	/* what error points to */
};

/* How the parser reads memory, and the frame everything must fit in. */
struct bi_reader {
	/*
	 * Copy len bytes of physical memory. 0, or -EFAULT when any of it may
	 * not be read.
	 */
	int (*read)(const struct bi_reader *rd, u64 phys, void *dst, size_t len);
	void *ctx;
	u64 phys_limit;		/* first address the CPU cannot have */
	u64 image_start, image_end;	/* the kernel, bss included */
};

/* bi->error as a phrase with "%s: " and the like; returns -EINVAL. */
int bootinfo_fail(struct bootinfo *bi, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Parse what a loader with this magic left at info. bi is overwritten.
 * Not reentrant (static scratch space). Returns 0, or -EINVAL with bi->error.
 */
int bootinfo_parse(struct bootinfo *bi, const struct bi_reader *rd,
		   u32 magic, u64 info);

/* The name of a mem_type, for messages. */
const char *mem_type_name(u32 type);

/* Filled by boot_main() before kmain() is called. */
extern struct bootinfo bootinfo;

/* COM1, polled, works from the first C line on. Text only, no state. */
void early_puts(const char *s);

/* The composition root: kernel/main.c. bi->error may be set: it panics. */
_Noreturn void kmain(struct bootinfo *bi);

#endif
