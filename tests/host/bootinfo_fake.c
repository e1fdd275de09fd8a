/* SPDX-License-Identifier: MIT */
/*
 * A small fake memory with boot information of both protocols in it, and the
 * judge of what the parser makes of it. bootinfo_fake.h says more.
 */
#include <stdio.h>
#include <string.h>

#include "tests/host/bootinfo_fake.h"

u8 memory[MEM_SIZE];
u64 readable_end;	/* first address past what may be read */
u8 bios[0x20000];	/* 0xe0000 */
u32 next_free;
struct bootinfo bi;
static int test_nr, failures;

void check(int good, const char *name)
{
	test_nr++;
	if (!good)
		failures++;
	printf("%s %d - %s\n", good ? "ok" : "not ok", test_nr, name);
	if (!good && bi.error)
		printf("# error: %s\n", bi.error);
}

static int read_fake(const struct bi_reader *rd, u64 phys, void *dst,
		     size_t len)
{
	(void)rd;
	if (phys >= MEM_BASE && phys <= readable_end &&
	    len <= readable_end - phys) {
		memcpy(dst, memory + (phys - MEM_BASE), len);
		return 0;
	}
	if (phys >= 0xe0000 && phys <= 0x100000 && len <= 0x100000 - phys) {
		memcpy(dst, bios + (phys - 0xe0000), len);
		return 0;
	}
	return -14;
}

const struct bi_reader reader = {
	.read = read_fake,
	.phys_limit = 1UL << 40,
	.image_start = IMAGE_START,
	.image_end = IMAGE_END,
};

static void reset(void)
{
	memset(memory, 0xaa, sizeof(memory));
	memset(bios, 0, sizeof(bios));
	readable_end = MEM_BASE + MEM_SIZE;
	next_free = 0;
}

/* Put bytes into the fake memory, on 8; returns their physical address. */
u32 put(const void *data, size_t len)
{
	u32 at = (next_free + 7) & ~7U;

	memcpy(memory + at, data, len);
	next_free = at + (u32)len;
	return (u32)MEM_BASE + at;
}

u32 put_str(const char *s)
{
	return put(s, strlen(s) + 1);
}

/* --- Do the invariants hold? ------------------------------------------- */

int in_usable(u64 start, u64 end)
{
	int i;

	for (i = 0; i < bi.nr_mem; i++)
		if (bi.mem[i].type == MEM_USABLE && bi.mem[i].base <= start &&
		    end <= bi.mem[i].base + bi.mem[i].len)
			return 1;
	return 0;
}

static int map_is_sound(void)
{
	u64 prev_end = 0;
	u32 prev_type = 0;
	int i;

	for (i = 0; i < bi.nr_mem; i++) {
		const struct mem_region *r = &bi.mem[i];

		if (!r->len || r->base < prev_end ||
		    r->base + r->len < r->base ||
		    r->base + r->len > reader.phys_limit)
			return 0;
		if (r->base % PAGE || r->len % PAGE)
			return 0;
		if (i && r->base == prev_end && r->type == prev_type)
			return 0;
		prev_end = r->base + r->len;
		prev_type = r->type;
	}
	return bi.nr_mem <= BOOTINFO_REGIONS;
}

static int modules_are_sound(void)
{
	int i, k;

	for (i = 0; i < bi.nr_modules; i++) {
		const struct boot_module *m = &bi.modules[i];

		if (m->start >= m->end || !in_usable(m->start, m->end) ||
		    !memchr(m->name, 0, sizeof(m->name)))
			return 0;
		if (m->start < IMAGE_END && IMAGE_START < m->end)
			return 0;
		for (k = 0; k < i; k++)
			if (m->start < bi.modules[k].end &&
			    bi.modules[k].start < m->end)
				return 0;
	}
	return 1;
}

/* After any parse: a clear error, or everything that was promised. */
int sound(int err)
{
	if (!memchr(bi.cmdline, 0, sizeof(bi.cmdline)) ||
	    !memchr(bi.loader, 0, sizeof(bi.loader)))
		return 0;
	if (err)
		return bi.error && bi.error[0] &&
		       memchr(bi.errbuf, 0, sizeof(bi.errbuf));
	return !bi.error && map_is_sound() && modules_are_sound() &&
	       in_usable(IMAGE_START, IMAGE_END);
}

void expect_error(int err, const char *part, const char *name)
{
	check(err && sound(err) && strstr(bi.error, part), name);
}

/* --- Multiboot 1 ------------------------------------------------------- */

struct mb1_info mb1;

void mb1_map(const struct mb1_mmap_entry *e, int n)
{
	mb1.mmap_addr = put(e, (size_t)n * sizeof(*e));
	mb1.mmap_length = (u32)((size_t)n * sizeof(*e));
	mb1.flags |= MB1_HAS_MMAP;
}

/* A PC with 128 MiB, from QEMU's -kernel. */
void mb1_good(void)
{
	static const struct mb1_mmap_entry map[] = {
		{ 20, 0, 0x9fc00, MEM_USABLE },
		{ 20, 0x9fc00, 0x400, MEM_RESERVED },
		{ 20, 0xf0000, 0x10000, MEM_RESERVED },
		{ 20, MiB, 127 * MiB, MEM_USABLE },
	};

	reset();
	memset(&mb1, 0, sizeof(mb1));
	mb1_map(map, 4);
	mb1.flags |= MB1_HAS_CMDLINE | MB1_HAS_LOADER;
	mb1.cmdline = put_str("build/kernel.elf run=\"help; mem\" smp=2");
	mb1.loader_name = put_str("qemu");
}

void mb1_add_modules(const struct mb1_module *m, u32 n)
{
	mb1.mods_addr = put(m, n * sizeof(*m));
	mb1.mods_count = n;
	mb1.flags |= MB1_HAS_MODULES;
}

int mb1_go(void)
{
	return bootinfo_parse(&bi, &reader, MB1_LOADER_MAGIC,
			      put(&mb1, sizeof(mb1)));
}

/* --- Multiboot 2 ------------------------------------------------------- */

u32 mb2_at;	/* physical address of the block */

void mb2_begin(void)
{
	struct mb2_info info = { 0, 0 };

	reset();
	mb2_at = put(&info, sizeof(info));
}

void mb2_tag(u32 type, const void *data, size_t len)
{
	struct mb2_tag tag = { type, (u32)(sizeof(tag) + len) };

	put(&tag, sizeof(tag));
	memcpy(memory + next_free, data, len);
	next_free += (u32)len;
}

void mb2_set_size(u32 size)
{
	memcpy(memory + (mb2_at - MEM_BASE), &size, sizeof(size));
}

void mb2_end(void)
{
	mb2_tag(MB2_TAG_END, "", 0);
	mb2_set_size(next_free - (mb2_at - (u32)MEM_BASE));
}

void mb2_map(u32 entry_size)
{
	struct { u32 size, version; struct mb2_mmap_entry e[2]; } m = {
		entry_size, 0, {
			{ 0, 0x9f000, MEM_USABLE, 0 },
			{ MiB, 127 * MiB, MEM_USABLE, 0 },
		}
	};

	mb2_tag(MB2_TAG_MMAP, &m, sizeof(m));
}

void mb2_module(u32 start, u32 end, const char *name, size_t len)
{
	u8 m[200];

	memcpy(m, &start, 4);
	memcpy(m + 4, &end, 4);
	memcpy(m + 8, name, len);
	mb2_tag(MB2_TAG_MODULE, m, 8 + len);
}

static void set_sum(u8 *bytes, size_t len, size_t at)
{
	u8 s = 0;
	size_t i;

	bytes[at] = 0;
	for (i = 0; i < len; i++)
		s = (u8)(s + bytes[i]);
	bytes[at] = (u8)-s;
}

void make_rsdp(u8 *r, u8 revision)
{
	u32 len = 36;

	memset(r, 0, 36);
	memcpy(r, "RSD PTR ", 8);
	memcpy(r + 9, "TESTER", 6);
	r[15] = revision;
	r[16] = 0x42;
	if (revision >= 2)
		memcpy(r + 20, &len, 4);
	set_sum(r, 20, 8);
	if (revision >= 2)
		set_sum(r, 36, 32);
}

void mb2_good(void)
{
	static const char line[] = "smp=2 loglevel=7";
	u8 rsdp[36];

	mb2_begin();
	mb2_tag(MB2_TAG_LOADER, "GRUB 2.06", 10);
	mb2_tag(MB2_TAG_CMDLINE, line, sizeof(line));
	mb2_module(0x200000, 0x234567, "initrd.cpio", 12);
	mb2_map(24);
	make_rsdp(rsdp, 0);
	mb2_tag(MB2_TAG_RSDP_V1, rsdp, 20);
	make_rsdp(rsdp, 2);
	mb2_tag(MB2_TAG_RSDP_V2, rsdp, 36);
	mb2_end();
}

int mb2_go(void)
{
	return bootinfo_parse(&bi, &reader, MB2_LOADER_MAGIC, mb2_at);
}

static u32 rnd_state = 12345;

u32 rnd(u32 below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 17;
	rnd_state ^= rnd_state << 5;
	return rnd_state % below;
}

int done(void)
{
	printf("1..%d\n", test_nr);
	return failures != 0;
}
