/* SPDX-License-Identifier: MIT */
/*
 * What this CPU can do, and the control register bits that switch it on.
 * boot/ has checked for long mode and NX before any C ran.
 *
 * F1  cpu_features is written once, by cpu_features_init() on the boot CPU;
 *     all CPUs are assumed to be alike.
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/smp.h"
#include "lib/string.h"

#define CR0_MP		BIT(1)
#define CR0_EM		BIT(2)
#define CR0_TS		BIT(3)
#define CR0_NE		BIT(5)

#define XCR0_X87	BIT(0)
#define XCR0_SSE	BIT(1)
#define XCR0_AVX	BIT(2)

struct cpu_features cpu_features;

static bool bit(u32 reg, int n)
{
	return reg >> n & 1;
}

static void read_names(struct cpu_features *f, u32 max_ext)
{
	u32 r[4];

	cpuid(0, 0, r);
	memcpy(f->vendor, &r[1], 4);
	memcpy(f->vendor + 4, &r[3], 4);
	memcpy(f->vendor + 8, &r[2], 4);
	if (max_ext < 0x80000004)
		return;
	for (u32 i = 0; i < 3; i++) {
		cpuid(0x80000002 + i, 0, r);
		memcpy(f->brand + 16 * i, r, 16);
	}
}

/* The size depends on XCR0, so that is loaded first. */
static void read_xsave(struct cpu_features *f)
{
	u32 r[4];
	u64 have;

	f->xsave_size = 512;
	if (!f->xsave)
		return;
	cpuid(0xd, 0, r);
	have = r[0] | (u64)r[3] << 32;
	f->xcr0 = have & (XCR0_X87 | XCR0_SSE | XCR0_AVX);
	if (!f->avx)
		f->xcr0 &= ~XCR0_AVX;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	write_xcr0(f->xcr0);
	cpuid(0xd, 0, r);
	f->xsave_size = r[1];
}

void cpu_features_init(void)
{
	struct cpu_features *f = &cpu_features;
	u32 r[4], max, max_ext;

	cpuid(0, 0, r);
	max = r[0];
	cpuid(0x80000000, 0, r);
	max_ext = r[0];
	read_names(f, max_ext);

	cpuid(1, 0, r);
	f->xsave = bit(r[2], 26);
	f->avx = f->xsave && bit(r[2], 28);
	f->rdrand = bit(r[2], 30);
	if (max >= 7) {
		cpuid(7, 0, r);
		f->fsgsbase = bit(r[1], 0);
		f->smep = bit(r[1], 7);
		f->smap = bit(r[1], 20);
	}
	cpuid(0x80000001, 0, r);
	f->nx = bit(r[3], 20);
	f->pdpe1gb = bit(r[3], 26);
	f->rdtscp = bit(r[3], 27);
	f->maxphyaddr = 36;
	if (max_ext >= 0x80000008) {
		cpuid(0x80000008, 0, r);
		f->maxphyaddr = r[0] & 0xff;
	}
	read_xsave(f);
}

void cpu_features_enable(void)
{
	const struct cpu_features *f = &cpu_features;
	u64 cr4 = read_cr4() | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) |
		  CR0_WP | CR0_MP | CR0_NE);
	if (f->fsgsbase)
		cr4 |= CR4_FSGSBASE;
	if (f->smep)
		cr4 |= CR4_SMEP;
	if (f->smap)
		cr4 |= CR4_SMAP;
	if (f->xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	if (f->xsave)
		write_xcr0(f->xcr0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (f->nx ? EFER_NXE : 0));
	fpu_init_cpu();
}
