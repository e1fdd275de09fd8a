/* SPDX-License-Identifier: MIT */
/*
 * For the tests of boot/bootinfo.h: a fake physical memory of 64 KiB at
 * MEM_BASE, the BIOS area, and builders for good boot information, which a
 * test then spoils. The usual test: mb1_good(); change something;
 * expect_error(mb1_go(), "what it must say", "name").
 */
#ifndef TESTS_HOST_BOOTINFO_FAKE_H
#define TESTS_HOST_BOOTINFO_FAKE_H

#include "boot/bootinfo.h"
#include "boot/multiboot.h"

#define MEM_BASE	0x8000UL
#define MEM_SIZE	0x10000UL
#define IMAGE_START	0x100000UL
#define IMAGE_END	0x180000UL
#define PAGE		4096UL
#define MiB		(1UL << 20)

extern u8 memory[MEM_SIZE];
extern u64 readable_end;	/* first address past what may be read */
extern u8 bios[0x20000];	/* 0xe0000 */
extern u32 next_free;		/* offset in memory[] of the next put() */
extern const struct bi_reader reader;
extern struct bootinfo bi;	/* what the parser made of it */

/* One line of TAP; the plan and main()'s value. */
void check(int good, const char *name);
int done(void);

/* Put bytes into the fake memory, on 8; returns their physical address. */
u32 put(const void *data, size_t len);
u32 put_str(const char *s);

/* After any parse: a clear error, or everything that B1 to B6 promise. */
int sound(int err);
/* It must have failed, and the message must have this part. */
void expect_error(int err, const char *part, const char *name);
int in_usable(u64 start, u64 end);

/* The same numbers in every run; 0 to below - 1. */
u32 rnd(u32 below);

/* Multiboot 1: a PC with 128 MiB, from QEMU's -kernel. */
extern struct mb1_info mb1;
void mb1_good(void);
void mb1_map(const struct mb1_mmap_entry *e, int n);
void mb1_add_modules(const struct mb1_module *m, u32 n);
int mb1_go(void);

/* Multiboot 2: the same from GRUB; or tag by tag. */
extern u32 mb2_at;		/* physical address of the block */
void mb2_good(void);
void mb2_begin(void);
void mb2_tag(u32 type, const void *data, size_t len);
void mb2_map(u32 entry_size);
void mb2_module(u32 start, u32 end, const char *name, size_t len);
void mb2_set_size(u32 size);
void mb2_end(void);
int mb2_go(void);

/* 36 bytes; the checksums are right. */
void make_rsdp(u8 *r, u8 revision);

#endif
