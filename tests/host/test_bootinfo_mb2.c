/* SPDX-License-Identifier: MIT */
/*
 * boot/bootinfo.h on the host: good and hostile Multiboot 2 information,
 * GRUB's way with quotes, and the RSDP. Prints TAP.
 */
#include <stdio.h>
#include <string.h>

#include "tests/host/bootinfo_fake.h"

static void test_mb2_good(void)
{
	int err;

	mb2_good();
	err = mb2_go();
	check(!err && sound(err), "mb2: a good one");
	check(bi.protocol == BOOT_MULTIBOOT2 && bi.nr_mem == 2 &&
	      !strcmp(bi.loader, "GRUB 2.06") &&
	      !strcmp(bi.cmdline, "smp=2 loglevel=7"),
	      "mb2: map, loader, command line");
	check(bi.nr_modules == 1 && bi.modules[0].end == 0x234567 &&
	      !strcmp(bi.modules[0].name, "initrd.cpio"), "mb2: module");
	check(bi.have_rsdp && bi.rsdp_copy[15] == 2,
	      "mb2: of two RSDPs the newer");
}

static void test_mb2_sizes(void)
{
	u32 size, full;
	int bad = 0, err;

	mb2_good();
	full = next_free - (mb2_at - (u32)MEM_BASE);
	for (size = 0; size < full; size++) {
		mb2_set_size(size);
		readable_end = mb2_at + (size < 8 ? 8 : size);
		err = mb2_go();
		bad |= !err || !sound(err) || !!strstr(bi.error, "be read");
	}
	check(!bad, "mb2: cut at every byte: refused, never read behind it");

	readable_end = MEM_BASE + MEM_SIZE;
	mb2_set_size(0xffffffff);
	expect_error(mb2_go(), "bytes", "mb2: block of 4 GiB");
	mb2_set_size(full);
	check(!mb2_go(), "mb2: whole again");
	expect_error(bootinfo_parse(&bi, &reader, MB2_LOADER_MAGIC,
				    mb2_at + 4), "aligned", "mb2: misaligned");
	expect_error(bootinfo_parse(&bi, &reader, MB2_LOADER_MAGIC,
				    0xfffffff8), "cannot be read",
		     "mb2: info cannot be read");
}

static void test_mb2_tags(void)
{
	static const u32 bad_tag[] = { 0, 7, 0x10000, 0xffffffff };
	static const u32 bad_entry[] = { 0, 8, 16, 25, 0xfffffff8 };
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(bad_tag) / sizeof(bad_tag[0]); i++) {
		mb2_good();
		memcpy(memory + 12, &bad_tag[i], 4);
		snprintf(name, sizeof(name), "mb2: tag of %u bytes",
			 bad_tag[i]);
		expect_error(mb2_go(), "bytes", name);
	}
	for (i = 0; i < sizeof(bad_entry) / sizeof(bad_entry[0]); i++) {
		mb2_begin();
		mb2_map(bad_entry[i]);
		mb2_end();
		snprintf(name, sizeof(name), "mb2: map entries of %u bytes",
			 bad_entry[i]);
		expect_error(mb2_go(), "entr", name);
	}
	mb2_begin();
	mb2_map(24);
	mb2_tag(MB2_TAG_CMDLINE, "abc", 3);
	mb2_end();
	expect_error(mb2_go(), "has no end", "mb2: command line without NUL");
	mb2_begin();
	mb2_map(24);
	mb2_module(0x200000, 0x201000, "abc", 3);
	mb2_end();
	expect_error(mb2_go(), "has no end", "mb2: module name without NUL");
	mb2_begin();
	mb2_tag(MB2_TAG_MODULE, "1234567", 7);
	mb2_end();
	expect_error(mb2_go(), "bytes", "mb2: short module tag");
	mb2_begin();
	mb2_tag(MB2_TAG_MMAP, "1234567", 7);
	mb2_end();
	expect_error(mb2_go(), "bytes", "mb2: short map");
	mb2_begin();
	mb2_end();
	expect_error(mb2_go(), "no memory map", "mb2: no tags at all");
	expect_error(bootinfo_parse(&bi, &reader, 0x12345678, mb2_at),
		     "magic", "a magic number of neither protocol");
}

static int line_becomes(const char *in, const char *want)
{
	mb2_begin();
	mb2_tag(MB2_TAG_LOADER, "GRUB 2.06", 10);
	mb2_tag(MB2_TAG_CMDLINE, in, strlen(in) + 1);
	mb2_map(24);
	mb2_end();
	return !mb2_go() && !strcmp(bi.cmdline, want);
}

static void test_grub_quotes(void)
{
	static char full[BOOTINFO_CMDLINE + 100];

	check(line_becomes("smp=2 a", "smp=2 a"), "GRUB: plain words");
	check(line_becomes("\"run=a; b\" x", "run=\"a; b\" x"),
	      "GRUB: run=\"a; b\"");
	check(line_becomes("\"run=\\\"a; b\\\"\" x", "run=\"a; b\" x"),
	      "GRUB: 'run=\"a; b\"'");
	check(line_becomes("a\\\\b it\\'s", "a\\b it's"), "GRUB: escapes");
	check(line_becomes("\"two words\"", "two words"), "GRUB: no =");
	check(line_becomes("\"run=a b", "run=a b"), "GRUB: open quote");
	check(line_becomes("\\", "\\") && line_becomes("\"", "") &&
	      line_becomes("", ""), "GRUB: nothing much");
	check(line_becomes("run=a\\ b", "run=a b"), "GRUB: escaped space");
	memset(full, ' ', sizeof(full) - 1);
	memcpy(full, "\"run=", 5);
	line_becomes(full, "");
	check(strlen(bi.cmdline) == BOOTINFO_CMDLINE - 2 &&
	      bi.cmdline_truncated, "GRUB: open quote, full buffer");
}

static void test_rsdp(void)
{
	u8 r[36];

	mb2_begin();
	mb2_map(24);
	make_rsdp(r, 2);
	r[33]++;
	mb2_tag(MB2_TAG_RSDP_V2, r, 36);
	mb2_end();
	check(!mb2_go() && !bi.have_rsdp, "RSDP: bad extended checksum");
	mb2_begin();
	mb2_map(24);
	make_rsdp(r, 2);
	mb2_tag(MB2_TAG_RSDP_V2, r, 35);
	mb2_tag(MB2_TAG_RSDP_V1, r, 0);
	mb2_end();
	check(!mb2_go() && !bi.have_rsdp, "RSDP: cut short");
	make_rsdp(r, 0);
	mb1_good();
	memcpy(bios + 0x1fff0 - 16, r, 20);
	check(!mb1_go() && bi.have_rsdp && bi.rsdp_phys == 0xfffe0,
	      "RSDP: found in the BIOS area");
	bios[0x1fff0 - 16 + 10]++;
	check(!mb1_go() && !bi.have_rsdp, "RSDP: bad checksum in BIOS area");
	mb1_good();
	make_rsdp(r, 2);
	memcpy(bios + 0x20000 - 32, r, 32);
	check(!mb1_go() && !bi.have_rsdp, "RSDP: runs over 1 MiB");
}

static void test_mutations(void)
{
	u8 saved[MEM_SIZE];
	int round, i, bad = 0;
	u32 len;

	mb2_good();
	len = next_free;
	memcpy(saved, memory, sizeof(saved));
	for (round = 0; round < 20000 && !bad; round++) {
		memcpy(memory, saved, sizeof(saved));
		for (i = 0; i <= (int)rnd(3); i++)
			memory[rnd(len)] = (u8)(rnd(3) ? rnd(256) : 0xff);
		bad = !sound(mb2_go());
	}
	check(!bad, "mb2: 20000 mutations");
}

int main(void)
{
	test_mb2_good();
	test_mb2_sizes();
	test_mb2_tags();
	test_grub_quotes();
	test_rsdp();
	test_mutations();
	return done();
}
