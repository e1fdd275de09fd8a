/* SPDX-License-Identifier: MIT */
/*
 * The interrupt descriptor table, one for all CPUs, the registers of SYSCALL,
 * and the SMAP instructions of the entry paths.
 *
 * I1  Every vector is an interrupt gate: IRQs are off when entry.S starts.
 * I2  Ring 3 may use int3 and into; any other `int n` is a #GP.
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "lib/string.h"

#define GATE_INTERRUPT	0x8e
#define GATE_RING3	0x60

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

static struct gate idt[256] __aligned(4096);

static void set_gate(u32 vector, u8 ist, u8 flags)
{
	u64 entry = (u64)entry_stubs + vector * ENTRY_STUB_SIZE;

	idt[vector] = (struct gate){
		.offset_low = (u16)entry,
		.offset_mid = (u16)(entry >> 16),
		.offset_high = (u32)(entry >> 32),
		.selector = KERNEL_CS,
		.ist = ist,
		.type = GATE_INTERRUPT | flags,
	};
}

void idt_build(void)
{
	for (u32 v = 0; v < 256; v++)
		set_gate(v, IST_NONE, 0);
	set_gate(TRAP_NMI, IST_NMI, 0);
	set_gate(TRAP_DF, IST_DF, 0);
	set_gate(TRAP_MC, IST_MC, 0);
	set_gate(TRAP_BP, IST_NONE, GATE_RING3);
	set_gate(TRAP_OF, IST_NONE, GATE_RING3);
}

void idt_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed ptr = { sizeof(idt) - 1, (u64)idt };

	asm volatile("lidt %0" :: "m"(ptr));
}

void syscall_init_cpu(void)
{
	/* SYSCALL: CS 0x08, SS 0x10.  SYSRET: CS 0x10 + 16, SS 0x10 + 8. */
	wrmsr(MSR_STAR, (u64)(KERNEL_DS | 3) << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC |
			  RFLAGS_NT | RFLAGS_IOPL);
}

/* The image is still writable when this runs (boot/start32.S). */
static void patch(const u64 *site, const u64 *end, u8 last)
{
	for (; site < end; site++) {
		u8 *p = (u8 *)*site;

		p[0] = 0x0f;
		p[1] = 0x01;
		p[2] = last;
	}
}

void smap_patch(void)
{
	if (!cpu_features.smap)
		return;
	patch(entry_clac_sites, entry_clac_sites_end, 0xca);
	patch(user_clac_sites, user_clac_sites_end, 0xca);
	patch(user_stac_sites, user_stac_sites_end, 0xcb);
}
