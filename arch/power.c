/* SPDX-License-Identifier: MIT */
/*
 * The ends of the machine: power off, reboot, and QEMU's debug exit.  Each
 * tries one way after the other, the proper one first.
 */
#include "arch/acpi.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/layout.h"
#include "arch/smp.h"
#include "arch/upcall.h"

#define PM1_SCI_EN	BIT(0)
#define PM1_SLP_EN	BIT(13)
#define PM1_SLP_TYP(t)	((u32)(t) << 10)
#define QEMU_SLP	0x2000
#define DEBUG_EXIT_PORT	0xf4
#define DEBUG_EXIT_PASS	0x10
#define RESET_MEMORY	0
#define RESET_IO	1
#define KBD_STATUS	0x64
#define KBD_BUSY	BIT(1)
#define KBD_RESET	0xfe
#define CF9_PORT	0xcf9

static _Noreturn void halt_forever(const char *why)
{
	printk("%s\n", why);
	for (;;) {
		local_irq_disable();
		cpu_halt();
	}
}

void arch_debug_exit(u8 v)
{
	outb(DEBUG_EXIT_PORT, v);
}

/* Firmware that has not switched the chipset to ACPI mode is told to. */
static void acpi_mode(void)
{
	if (inw(acpi.pm1a_cnt) & PM1_SCI_EN || !acpi.smi_cmd)
		return;
	outb(acpi.smi_cmd, acpi.acpi_enable);
	for (int i = 0; i < 300 && !(inw(acpi.pm1a_cnt) & PM1_SCI_EN); i++)
		udelay(1000);
}

void arch_poweroff(void)
{
	local_irq_disable();
	if (acpi.pm1a_cnt) {
		acpi_mode();
		outw(acpi.pm1a_cnt,
		     (u16)(PM1_SLP_TYP(acpi.slp_typ_s5) | PM1_SLP_EN));
		if (acpi.pm1b_cnt)
			outw(acpi.pm1b_cnt,
			     (u16)(PM1_SLP_TYP(acpi.slp_typ_s5b) | PM1_SLP_EN));
		udelay(100000);
	}
	outw(0x604, QEMU_SLP);
	outw(0xb004, QEMU_SLP);
	arch_debug_exit(DEBUG_EXIT_PASS);
	halt_forever("It is now safe to turn off the machine.");
}

static void reset_by_acpi(void)
{
	volatile u8 *reg;

	if (!acpi.reset_addr)
		return;
	if (acpi.reset_space == RESET_IO) {
		outb((u16)acpi.reset_addr, acpi.reset_value);
	} else if (acpi.reset_space == RESET_MEMORY) {
		reg = upcall_ioremap(acpi.reset_addr, 1);
		if (reg)
			*reg = acpi.reset_value;
	}
	udelay(50000);
}

void arch_reboot(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed no_idt = { 0, 0 };

	local_irq_disable();
	reset_by_acpi();
	outb(CF9_PORT, 0x02);
	udelay(50);
	outb(CF9_PORT, 0x06);
	udelay(50000);
	for (int i = 0; i < 1000 && inb(KBD_STATUS) & KBD_BUSY; i++)
		udelay(10);
	outb(KBD_STATUS, KBD_RESET);
	udelay(50000);
	asm volatile("lidt %0; int3" :: "m"(no_idt));
	halt_forever("The machine does not reset; turn it off.");
}
