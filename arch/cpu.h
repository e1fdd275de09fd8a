/* SPDX-License-Identifier: MIT */
/*
 * Small wrappers around single instructions: interrupt flag, CRs, MSRs,
 * CPUID, time stamp, halt.  No policy.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "lib/types.h"
#include "lib/compiler.h"

#define RFLAGS_CF	BIT(0)
#define RFLAGS_TF	BIT(8)
#define RFLAGS_IF	BIT(9)
#define RFLAGS_DF	BIT(10)
#define RFLAGS_IOPL	(3UL << 12)
#define RFLAGS_NT	BIT(14)
#define RFLAGS_AC	BIT(18)

#define CR0_WP		BIT(16)
#define CR4_PGE		BIT(7)
#define CR4_FSGSBASE	BIT(16)
#define CR4_OSFXSR	BIT(9)
#define CR4_OSXMMEXCPT	BIT(10)
#define CR4_OSXSAVE	BIT(18)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)

#define MSR_EFER	0xc0000080
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_SFMASK	0xc0000084
#define MSR_FS_BASE	0xc0000100
#define MSR_GS_BASE	0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_APIC_BASE	0x1b

#define EFER_SCE	BIT(0)
#define EFER_LME	BIT(8)
#define EFER_NXE	BIT(11)

static inline void cpu_relax(void) { asm volatile("pause" ::: "memory"); }
/*
 * At least `turns` cycles; for waits for a time, between two looks at the
 * clock.  A PAUSE costs QEMU as much as thousands of these.
 */
static inline void cpu_spin(u64 turns)
{
	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) :: "cc");
}
static inline void local_irq_disable(void) { asm volatile("cli" ::: "memory"); }
static inline void local_irq_enable(void) { asm volatile("sti" ::: "memory"); }
/* sti;hlt is atomic: an interrupt that is pending ends the hlt at once. */
static inline void cpu_idle_halt(void) { asm volatile("sti; hlt" ::: "memory"); }
static inline void cpu_halt(void) { asm volatile("hlt" ::: "memory"); }

static inline u64 local_save_flags(void)
{
	u64 f;

	asm volatile("pushfq; popq %0" : "=r"(f) :: "memory");
	return f;
}

static inline u64 local_irq_save(void)
{
	u64 f = local_save_flags();

	local_irq_disable();
	return f;
}

static inline void local_irq_restore(u64 f)
{
	if (f & RFLAGS_IF)
		local_irq_enable();
}

static inline bool irqs_disabled(void)
{
	return !(local_save_flags() & RFLAGS_IF);
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32))
		     : "memory");
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}

static inline void cpuid(u32 leaf, u32 sub, u32 r[4])
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(sub));
}

#define DEFINE_CR(n)							\
static inline u64 read_cr##n(void)					\
{									\
	u64 v;								\
									\
	asm volatile("mov %%cr" #n ", %0" : "=r"(v) :: "memory");	\
	return v;							\
}									\
static inline void write_cr##n(u64 v)					\
{									\
	asm volatile("mov %0, %%cr" #n :: "r"(v) : "memory");		\
}
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)

static inline void write_xcr0(u64 v)
{
	asm volatile("xsetbv" :: "c"(0), "a"((u32)v), "d"((u32)(v >> 32))
		     : "memory");
}

/* CPU feature summary, filled by cpu_features_init() on the boot CPU. */
struct cpu_features {
	bool smep, smap, xsave, avx, fsgsbase, pdpe1gb, rdtscp, nx, rdrand;
	u64 xcr0;		/* XCR0 value to use, 0 without XSAVE */
	u32 xsave_size;		/* bytes of an XSAVE area, or 512 for FXSAVE */
	u8 maxphyaddr;
	char vendor[13], brand[49];
};
extern struct cpu_features cpu_features;

#endif
