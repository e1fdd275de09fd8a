/* SPDX-License-Identifier: MIT */
/*
 * The first C code. Runs on the boot stack with the early page tables
 * (start32.S): the image, and the first 4 GiB of the direct map. No IDT yet,
 * so nothing here may fault: what the loader says is read through reader(),
 * which knows the mapped range, and an error is only noted; kmain() panics
 * with it once a panic can be shown.
 */
#include "boot/bootinfo.h"
#include "arch/io.h"
#include "arch/layout.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "lib/string.h"

#define EARLY_MAPPED	(4UL << 30)

#define COM1		0x3f8
#define COM1_LSR	(COM1 + 5)
#define LSR_THR_EMPTY	0x20
#define COM1_PATIENCE	100000

extern char _boot_start[], _end_phys[];
_Noreturn void boot_main(u32 magic, u32 info);

struct bootinfo bootinfo;

static void early_putc(char c)
{
	int patience = COM1_PATIENCE;

	while (!(inb(COM1_LSR) & LSR_THR_EMPTY) && --patience)
		__builtin_ia32_pause();
	outb(COM1, (u8)c);
}

void early_puts(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			early_putc('\r');
		early_putc(*s);
	}
}

static int read_direct(const struct bi_reader *rd, u64 phys, void *dst,
		       size_t len)
{
	(void)rd;
	if (phys > EARLY_MAPPED || len > EARLY_MAPPED - phys)
		return -EFAULT;
	memcpy(dst, phys_to_virt(phys), len);
	return 0;
}

/* First physical address past what the CPU can have [SDM 2A CPUID]. */
static u64 phys_limit(void)
{
	u32 a = 0x80000000, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (a < 0x80000008)
		return 1UL << 36;
	a = 0x80000008;
	c = 0;
	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	a &= 0xff;
	return 1UL << (a < 32 ? 32 : a > 52 ? 52 : a);
}

_Noreturn void boot_main(u32 magic, u32 info)
{
	const struct bi_reader reader = {
		.read = read_direct,
		.phys_limit = phys_limit(),
		.image_start = (u64)_boot_start,
		.image_end = (u64)_end_phys,
	};

	/* An error is in bootinfo.error. */
	bootinfo_parse(&bootinfo, &reader, magic, info);
	kmain(&bootinfo);
}
