/* SPDX-License-Identifier: MIT */
/*
 * Segments: one GDT, one TSS and three IST stacks for each CPU.
 *
 * G1  The order of the selectors is what SYSCALL and SYSRET compute from STAR
 *     [SDM 2B SYSRET]: kernel code, kernel data, user data, user code.
 * G2  The word above the first frame of an IST stack holds the CPU's GS base
 *     (entry.S E3), so the IST entry of the TSS is the top minus 16.
 *
 * The boot CPU starts on static IST stacks; smp_boot_cpus() replaces them by
 * guarded ones.
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/upcall.h"
#include "lib/err.h"

#define TSS_SELECTOR	0x28
#define IST_STATIC_SIZE	(2 * 4096)

struct gdt {
	u64 entry[7];
};

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

DEFINE_PER_CPU(struct gdt, cpu_gdt) = { {
	0,
	0x00af9b000000ffff,	/* 0x08 kernel code, 64-bit */
	0x00cf93000000ffff,	/* 0x10 kernel data */
	0x00cff3000000ffff,	/* 0x18 user data */
	0x00affb000000ffff,	/* 0x20 user code, 64-bit */
	0, 0,			/* 0x28 TSS */
} };
DEFINE_PER_CPU(struct tss, cpu_tss);
DEFINE_PER_CPU(u64, syscall_stack);

static_assert(sizeof(struct tss) == 104);

static u8 static_ist[NR_IST - 1][IST_STATIC_SIZE]
	__aligned(4096) __section(".bss.page_aligned");

/* G2.  ist is IST_NMI and so on; top is 16-aligned. */
static void ist_set(u32 cpu, int ist, void *top)
{
	u64 *word = (u64 *)top - 2;

	*word = __per_cpu_offset[cpu];
	per_cpu(cpu_tss, cpu).ist[ist - 1] = (u64)word;
}

int ist_alloc(u32 cpu)
{
	for (int i = IST_NMI; i < NR_IST; i++) {
		void *top = upcall_alloc_stack();

		if (!top)
			return -ENOMEM;
		ist_set(cpu, i, top);
	}
	return 0;
}

/* GS is left alone: loading the selector would clear the base. */
static void load_segments(void)
{
	asm volatile("pushq %0\n\t"
		     "leaq 1f(%%rip), %%rax\n\t"
		     "pushq %%rax\n\t"
		     "lretq\n"
		     "1:\tmovl %1, %%ds\n\t"
		     "movl %1, %%es\n\t"
		     "movl %1, %%ss\n\t"
		     "movl %2, %%fs"
		     :: "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(0)
		     : "rax", "memory");
}

void gdt_init_cpu(u32 cpu)
{
	struct gdt *gdt = &per_cpu(cpu_gdt, cpu);
	struct tss *tss = &per_cpu(cpu_tss, cpu);
	u64 base = (u64)tss;
	struct table_pointer ptr = { sizeof(*gdt) - 1, (u64)gdt };

	if (cpu == 0) {
		for (int i = IST_NMI; i < NR_IST; i++)
			ist_set(0, i, static_ist[i - 1] + IST_STATIC_SIZE);
	}
	tss->iomap_base = sizeof(*tss);		/* no I/O for ring 3 */
	/* 64-bit TSS, available [SDM 3A 7.2.3] */
	gdt->entry[5] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 |
			0x89UL << 40 | (base >> 24 & 0xff) << 56;
	gdt->entry[6] = base >> 32;

	asm volatile("lgdt %0" :: "m"(ptr));
	load_segments();
	asm volatile("ltr %w0" :: "r"(TSS_SELECTOR));
}
