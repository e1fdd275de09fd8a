/* SPDX-License-Identifier: MIT */
/*
 * boot/bootinfo.h B1 to B6, on the host: good and hostile Multiboot 1
 * information, and the memory map against a model of it. Whatever the loader
 * says, the parser reads only what the reader allows, and either says what is
 * wrong or gives a result that keeps the invariants. Prints TAP.
 */
#include <stdio.h>
#include <string.h>

#include "tests/host/bootinfo_fake.h"

static void test_mb1_good(void)
{
	struct mb1_module m = { 0x200000, 0x300000, 0, 0 };
	int err;

	mb1_good();
	m.string = put_str("build/initrd.cpio and more");
	mb1_add_modules(&m, 1);
	err = mb1_go();
	check(!err && sound(err), "mb1: a good one");
	check(!strcmp(bi.cmdline, "run=\"help; mem\" smp=2"),
	      "mb1: QEMU's file name is dropped");
	check(bi.nr_modules == 1 && bi.modules[0].start == 0x200000 &&
	      bi.modules[0].end == 0x300000 &&
	      !strcmp(bi.modules[0].name, "build/initrd.cpio"),
	      "mb1: the module and its name");
	check(bi.nr_mem == 4 && bi.mem[0].len == 0x9f000 &&
	      bi.mem[1].base == 0x9f000 && bi.mem[1].len == PAGE,
	      "mb1: usable memory is rounded inwards, reserved outwards");
	check(bi.protocol == BOOT_MULTIBOOT1 && !bi.have_rsdp &&
	      !strcmp(bi.loader, "qemu"), "mb1: protocol, loader, no RSDP");
}

static void test_mb1_cmdline(void)
{
	static char longline[6000];
	int err;

	mb1_good();
	mb1.cmdline = put_str("build/kernel.elf");
	err = mb1_go();
	check(!err && !bi.cmdline[0], "mb1: only a file name: empty");

	mb1_good();
	mb1.cmdline = 0;
	err = mb1_go();
	check(!err && !bi.cmdline[0], "mb1: command line at 0: empty");

	mb1_good();
	mb1.flags &= ~(u32)MB1_HAS_LOADER;
	memset(longline, 'x', sizeof(longline) - 1);
	mb1.cmdline = put_str(longline);
	err = mb1_go();
	check(!err && bi.cmdline_truncated &&
	      strlen(bi.cmdline) == BOOTINFO_CMDLINE - 1,
	      "mb1: a long command line is cut, and says so");

	mb1_good();
	longline[BOOTINFO_CMDLINE - 1] = 0;
	mb1.flags &= ~(u32)MB1_HAS_LOADER;
	mb1.cmdline = put_str(longline);
	err = mb1_go();
	check(!err && !bi.cmdline_truncated &&
	      strlen(bi.cmdline) == BOOTINFO_CMDLINE - 1,
	      "mb1: 4095 characters are not cut");

	mb1_good();
	mb1.cmdline = MEM_BASE + MEM_SIZE - 3;
	expect_error(mb1_go(), "command line",
		     "mb1: command line runs out of memory");
}

static void test_mb1_map(void)
{
	static const u32 bad[] = { 0, 4, 19, 24, 0xffffffff, 0xfffffffc };
	struct mb1_mmap_entry e = { 20, MiB, 63 * MiB, MEM_USABLE };
	struct mb1_mmap_entry many[300];
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		mb1_good();
		e.size = bad[i];
		mb1_map(&e, 1);
		snprintf(name, sizeof(name), "mb1: entry size %u", bad[i]);
		expect_error(mb1_go(), "entry", name);
	}
	mb1_good();
	mb1.mmap_length -= 3;
	expect_error(mb1_go(), "ends inside", "mb1: map ends inside an entry");
	mb1_good();
	mb1.mmap_addr = 0xfffffff0;
	expect_error(mb1_go(), "memory map", "mb1: map cannot be read");
	mb1_good();
	mb1.mmap_length = 0xffffffff;
	check(sound(mb1_go()) && bi.error, "mb1: map of 4 GiB");
	mb1_good();
	mb1.mmap_length = 0;
	expect_error(mb1_go(), "no memory map", "mb1: an empty map");
	for (i = 0; i < 300; i++)
		many[i] = (struct mb1_mmap_entry){ 20, i * 2 * PAGE + MiB,
						   PAGE, MEM_USABLE };
	mb1_good();
	mb1_map(many, 300);
	expect_error(mb1_go(), "more than", "mb1: more entries than we take");
}

static void test_mb1_sizes(void)
{
	int err;

	mb1_good();
	mb1.flags = MB1_HAS_MEMORY;
	mb1.mem_lower = 639;
	mb1.mem_upper = 3 * 1024;
	err = mb1_go();
	check(!err && sound(err) && bi.nr_mem == 2 &&
	      bi.mem[1].len == 3 * MiB, "mb1: no map, but sizes: 4 MiB");
	mb1.mem_lower = mb1.mem_upper = 0xffffffff;
	err = mb1_go();
	check(!err && sound(err), "mb1: absurd sizes");
	mb1.flags = 0;
	expect_error(mb1_go(), "no memory map", "mb1: neither map nor sizes");
}

static const struct {
	struct mb1_module m[2];
	u32 n;
	const char *error, *name;
} bad_modules[] = {
	{ { { 0x300000, 0x200000, 0, 0 } }, 1, "before its start",
	  "module: end before start" },
	{ { { 0x8000000, 0x8001000, 0, 0 } }, 1, "not in usable",
	  "module: behind all memory" },
	{ { { 0xe8000, 0xe9000, 0, 0 } }, 1, "not in usable",
	  "module: in a hole" },
	{ { { 0x7fff000, 0x8001000, 0, 0 } }, 1, "not in usable",
	  "module: half behind all memory" },
	{ { { 0x17f000, 0x190000, 0, 0 } }, 1, "overlaps the kernel",
	  "module: over the kernel's bss" },
	{ { { 0x100000, 0x7000000, 0, 0 } }, 1, "overlaps the kernel",
	  "module: around the kernel" },
	{ { { 0x8000, 0x9000, 0, 0 } }, 1, "boot information",
	  "module: over the boot information" },
	{ { { 0x200000, 0x300000, 0, 0 },
	    { 0x2fffff, 0x400000, 0, 0 } }, 2, "overlap",
	  "module: two share a byte" },
	{ { { 0x200000, 0x300000, 0xfffffff0, 0 } }, 1, "the name",
	  "module: name cannot be read" },
};

static void test_mb1_modules(void)
{
	struct mb1_module nine[9];
	size_t i;
	int err;

	for (i = 0; i < sizeof(bad_modules) / sizeof(bad_modules[0]); i++) {
		mb1_good();
		mb1_add_modules(bad_modules[i].m, bad_modules[i].n);
		expect_error(mb1_go(), bad_modules[i].error,
			     bad_modules[i].name);
	}
	mb1_good();
	nine[0] = (struct mb1_module){ 0x200000, 0x200000, 0, 0 };
	mb1_add_modules(nine, 1);
	err = mb1_go();
	check(!err && !bi.nr_modules && bi.modules_dropped == 1,
	      "module: an empty one is left out");
	for (i = 0; i < 9; i++)
		nine[i] = (struct mb1_module){ 0x200000 + (u32)i * 0x1000,
					       0x201000 + (u32)i * 0x1000,
					       0, 0 };
	mb1_good();
	mb1_add_modules(nine, 9);
	err = mb1_go();
	check(!err && sound(err) && bi.nr_modules == BOOTINFO_MODULES &&
	      bi.modules_dropped == 1, "module: the ninth is left out");
	mb1_good();
	mb1.flags |= MB1_HAS_MODULES;
	mb1.mods_addr = 0xfffffff0;
	mb1.mods_count = 0xffffffff;
	expect_error(mb1_go(), "list of modules", "module: list unreadable");
}

/* --- The memory map against a model of it -------------------------------- */

static int rank_of(u32 type)
{
	static const int rank[] = { 0, 1, 4, 2, 3, 5 };

	return rank[type];
}

#define MODEL_PAGES	64
#define MODEL_BASE	(16 * MiB)

/* What type has this page, by the claims themselves? */
static u32 model_type(const struct mb1_mmap_entry *e, int n, u64 page)
{
	u64 start = MODEL_BASE + page * PAGE, end = start + PAGE;
	u32 type = 0;
	int i, covers;

	for (i = 0; i < n; i++) {
		u64 last = e[i].base + e[i].len;

		if (e[i].type == MEM_USABLE)
			covers = e[i].base <= start && end <= last;
		else
			covers = e[i].len && e[i].base < end && start < last;
		if (covers && (!type || rank_of(e[i].type) > rank_of(type)))
			type = e[i].type;
	}
	return type;
}

static u32 parsed_type(u64 page)
{
	u64 at = MODEL_BASE + page * PAGE;
	int i;

	for (i = 0; i < bi.nr_mem; i++)
		if (bi.mem[i].base <= at && at < bi.mem[i].base + bi.mem[i].len)
			return bi.mem[i].type;
	return 0;
}

static void test_map_model(void)
{
	struct mb1_mmap_entry e[24];
	int round, i, n, bad = 0;
	u64 page;

	for (round = 0; round < 3000 && !bad; round++) {
		n = 1 + (int)rnd(22);
		e[0] = (struct mb1_mmap_entry){ 20, MiB, MiB, MEM_USABLE };
		for (i = 1; i <= n; i++)
			e[i] = (struct mb1_mmap_entry){ 20,
				MODEL_BASE + rnd(MODEL_PAGES * 8) * (PAGE / 8),
				rnd(20 * 8) * (PAGE / 8), 1 + rnd(5) };
		mb1_good();
		mb1_map(e, n + 1);
		bad = mb1_go() || !sound(0);
		for (page = 0; page < MODEL_PAGES; page++)
			bad |= model_type(e, n + 1, page) != parsed_type(page);
	}
	check(!bad, "map: 3000 random ones agree with a page-by-page model");
}

static void test_map_extremes(void)
{
	const struct mb1_mmap_entry e[] = {
		{ 20, 0xfffffffffffff000, 0x2000, MEM_RESERVED },
		{ 20, 1UL << 39, 0xffffffffffffffff, MEM_USABLE },
		{ 20, 5UL << 30, 1UL << 30, MEM_USABLE },
		{ 20, 1UL << 40, 1UL << 30, MEM_USABLE },
		{ 20, 2 * MiB, 0, MEM_USABLE },
		{ 20, MiB, 3 * MiB, MEM_USABLE },
		{ 20, 32 * MiB, 0x1000, 0 },
		{ 20, 33 * MiB, 0x1000, 77 },
		{ 20, 34 * MiB, 1, MEM_RESERVED },
		{ 20, 35 * MiB + 1, 0x1ffe, MEM_USABLE },
	};
	const struct mb1_mmap_entry hole[] = {
		{ 20, MiB, 63 * MiB, MEM_USABLE },
		{ 20, IMAGE_END - 1, 1, MEM_RESERVED },
	};
	struct mb1_mmap_entry many[200];
	int err, i;

	mb1_good();
	mb1_map(e, sizeof(e) / sizeof(e[0]));
	err = mb1_go();
	check(!err && sound(err), "map: unsorted, wrapping, empty, unknown");
	check(in_usable(1UL << 39, 1UL << 40) &&
	      in_usable(5UL << 30, 6UL << 30) && bi.nr_mem == 6,
	      "map: clipped at the CPU's limit; above 4 GiB is kept");
	mb1_good();
	mb1_map(hole, 2);
	expect_error(mb1_go(), "where the kernel lies",
		     "map: the kernel's last byte is reserved");
	many[0] = (struct mb1_mmap_entry){ 20, MiB, MiB, MEM_USABLE };
	for (i = 1; i < 200; i++)
		many[i] = (struct mb1_mmap_entry){ 20, 4 * MiB + (u64)i * 2 *
			PAGE, PAGE, MEM_USABLE };
	mb1_good();
	mb1_map(many, 200);
	err = mb1_go();
	check(!err && sound(err) && bi.nr_mem == BOOTINFO_REGIONS &&
	      bi.mem_dropped == 200 - BOOTINFO_REGIONS,
	      "map: more regions than room: the last are left out");
}

static void test_mutations(void)
{
	u8 saved[MEM_SIZE];
	int round, i, bad = 0;
	u32 len, at;

	mb1_good();
	at = put(&mb1, sizeof(mb1));
	len = next_free;
	memcpy(saved, memory, sizeof(saved));
	for (round = 0; round < 20000 && !bad; round++) {
		memcpy(memory, saved, sizeof(saved));
		for (i = 0; i <= (int)rnd(3); i++)
			memory[rnd(len)] = (u8)(rnd(3) ? rnd(256) : 0xff);
		bad = !sound(bootinfo_parse(&bi, &reader, MB1_LOADER_MAGIC,
					    at));
	}
	check(!bad, "mb1: 20000 mutations");
}

int main(void)
{
	test_mb1_good();
	test_mb1_cmdline();
	test_mb1_map();
	test_mb1_sizes();
	test_mb1_modules();
	test_map_model();
	test_map_extremes();
	test_mutations();
	return done();
}
