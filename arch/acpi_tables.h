/* SPDX-License-Identifier: MIT */
/*
 * Layouts of the ACPI tables that are read, and the readers.  Private to
 * acpi.c, acpi_tables.c and power.c.
 */
#ifndef ARCH_ACPI_TABLES_H
#define ARCH_ACPI_TABLES_H

#include "lib/types.h"
#include "lib/compiler.h"

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;		/* from revision 2 on */
	u64 xsdt;
	u8 checksum2, reserved[3];
} __packed;

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __packed;

struct acpi_gas {		/* generic address structure */
	u8 space, width, offset, access;
	u64 address;
} __packed;

static_assert(sizeof(struct acpi_rsdp) == 36);
static_assert(sizeof(struct acpi_header) == 36);
static_assert(sizeof(struct acpi_gas) == 12);

/*
 * The table at pa, checked as a whole; NULL with a message when it is bad,
 * NULL without one when its signature is not sig.
 */
const struct acpi_header *acpi_table(phys_t pa, const char *sig);
void acpi_read_madt(const struct acpi_header *madt);
void acpi_read_fadt(const struct acpi_header *fadt);

#endif
