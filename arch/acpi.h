/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables the kernel needs: RSDP, RSDT/XSDT, MADT (CPUs, I/O APICs,
 * interrupt overrides), FADT (power off, reset).  Every length and checksum is
 * checked; a bad table is reported and ignored.
 */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H

#include "lib/types.h"

struct acpi_madt_cpu { u32 apic_id; u32 acpi_id; };

struct acpi_info {
	bool present;		/* an RSDP and a root table were found */
	u32 nr_cpus;
	struct acpi_madt_cpu cpus[256];
	phys_t lapic;
	phys_t ioapic;
	u32 ioapic_gsi_base;
	u32 irq_override[16];	/* ISA irq -> GSI */
	u16 irq_flags[16];
	u16 pm1a_cnt;		/* 0: none */
	u16 pm1b_cnt;		/* 0: none */
	u16 slp_typ_s5, slp_typ_s5b;
	u16 smi_cmd;		/* port that switches to ACPI mode, 0: none */
	u8 acpi_enable;		/* what to write there */
	phys_t reset_addr;	/* 0: none */
	u8 reset_space;		/* 0: memory, 1: I/O port */
	u8 reset_value;
};
extern struct acpi_info acpi;

/*
 * rsdp: physical address, or 0.  Without ACPI: one CPU, legacy PIC mask,
 * local APIC at its architectural address; a message says so.
 */
void acpi_init(phys_t rsdp, const u8 *rsdp_copy);

#endif
