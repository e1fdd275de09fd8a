/* SPDX-License-Identifier: MIT */
/*
 * MADT (CPUs, I/O APIC, overrides) and FADT (power off, reset).
 *
 * The tables' lengths and checksums are right (acpi.c Q1); what is inside is
 * not trusted: every field is read only when it lies within the length.
 */
#include "arch/acpi.h"
#include "arch/acpi_tables.h"
#include "arch/internal.h"
#include "arch/upcall.h"
#include "lib/string.h"

#define MADT_ENTRIES	44
#define MADT_LAPIC	36	/* offset of the local APIC's address */

enum { MADT_CPU, MADT_IOAPIC, MADT_OVERRIDE, MADT_LAPIC_ADDR = 5,
       MADT_X2APIC = 9 };
#define CPU_ENABLED	BIT(0)
#define XAPIC_MAX_ID	254

static u32 get(const u8 *p, u32 off, u32 size)
{
	u32 v = 0;

	memcpy(&v, p + off, size);
	return v;
}

static void add_cpu(u32 apic_id, u32 acpi_id, u32 flags)
{
	if (!(flags & CPU_ENABLED))
		return;
	if (apic_id > XAPIC_MAX_ID) {
		printk(MSG_WARN "acpi: CPU with APIC id %u left out\n",
		       apic_id);
		return;
	}
	for (u32 i = 0; i < acpi.nr_cpus; i++) {
		if (acpi.cpus[i].apic_id == apic_id) {
			printk(MSG_WARN "acpi: APIC id %u listed twice\n",
			       apic_id);
			return;
		}
	}
	/* Ids are distinct and at most 254: there is room. */
	acpi.cpus[acpi.nr_cpus].acpi_id = acpi_id;
	acpi.cpus[acpi.nr_cpus++].apic_id = apic_id;
}

static void add_ioapic(phys_t address, u32 gsi_base)
{
	static bool seen;

	/* The one with the ISA lines is the one we use. */
	if (seen && gsi_base != 0)
		return;
	seen = true;
	acpi.ioapic = address;
	acpi.ioapic_gsi_base = gsi_base;
}

static void add_override(u32 irq, u32 gsi, u32 flags)
{
	if (irq >= ARRAY_SIZE(acpi.irq_override)) {
		printk(MSG_WARN "acpi: override of IRQ %u ignored\n", irq);
		return;
	}
	acpi.irq_override[irq] = gsi;
	acpi.irq_flags[irq] = (u16)flags;
}

/* p[0] is the type, p[1] the length, which lies within the table. */
static void madt_entry(const u8 *p, u32 len)
{
	static const u8 need[] = {
		[MADT_CPU] = 8, [MADT_IOAPIC] = 12, [MADT_OVERRIDE] = 10,
		[MADT_LAPIC_ADDR] = 12, [MADT_X2APIC] = 16,
	};

	if (p[0] >= sizeof(need) || !need[p[0]])
		return;
	if (len < need[p[0]]) {
		printk(MSG_WARN "acpi: MADT entry %u of %u bytes ignored\n",
		       p[0], len);
		return;
	}
	switch (p[0]) {
	case MADT_CPU:
		add_cpu(p[3], p[2], get(p, 4, 4));
		break;
	case MADT_X2APIC:
		add_cpu(get(p, 4, 4), get(p, 12, 4), get(p, 8, 4));
		break;
	case MADT_IOAPIC:
		add_ioapic(get(p, 4, 4), get(p, 8, 4));
		break;
	case MADT_OVERRIDE:
		add_override(p[3], get(p, 4, 4), get(p, 8, 2));
		break;
	case MADT_LAPIC_ADDR:
		acpi.lapic = get(p, 4, 4) | (u64)get(p, 8, 4) << 32;
		break;
	}
}

void acpi_read_madt(const struct acpi_header *madt)
{
	const u8 *p = (const u8 *)madt;
	u32 off = MADT_ENTRIES;

	if (madt->length < MADT_ENTRIES) {
		printk(MSG_WARN "acpi: MADT too short: ignored\n");
		return;
	}
	acpi.lapic = get(p, MADT_LAPIC, 4);
	while (madt->length - off >= 2) {
		u32 len = p[off + 1];

		if (len < 2 || len > madt->length - off) {
			printk(MSG_WARN "acpi: MADT entry at %u has length "
			       "%u: the rest is ignored\n", off, len);
			return;
		}
		madt_entry(p + off, len);
		off += len;
	}
}

/* A small integer of AML: Zero, One, or a byte.  Moves *off. */
static bool aml_byte(const u8 *p, u32 end, u32 *off, u16 *val)
{
	if (*off >= end)
		return false;
	if (p[*off] <= 1) {
		*val = p[(*off)++];
		return true;
	}
	if (p[*off] != 0x0a || *off + 1 >= end)
		return false;
	*val = p[*off + 1];
	*off += 2;
	return true;
}

/*
 * `Name (_S5, Package () { a, b, ... })` in the DSDT's bytes, without an
 * interpreter: NameOp "_S5_" PackageOp PkgLength NumElements a b
 */
static bool parse_s5(const u8 *p, u32 end, u32 off)
{
	u16 a, b;

	if (off + 3 >= end || p[off] != 0x12)
		return false;
	off += 2 + (p[off + 1] >> 6);		/* PackageOp, PkgLength */
	off++;					/* NumElements */
	if (!aml_byte(p, end, &off, &a))
		return false;
	if (!aml_byte(p, end, &off, &b))
		b = a;
	acpi.slp_typ_s5 = a & 7;
	acpi.slp_typ_s5b = b & 7;
	return true;
}

static bool find_s5(const struct acpi_header *dsdt)
{
	const u8 *p = (const u8 *)dsdt;

	for (u32 i = sizeof(*dsdt); i + 8 < dsdt->length; i++) {
		if (memcmp(p + i, "_S5_", 4))
			continue;
		if (p[i - 1] != 0x08 && p[i - 1] != '\\')
			continue;
		if (parse_s5(p, dsdt->length, i + 4))
			return true;
	}
	return false;
}

enum {			/* offsets in the FADT [ACPI 5.2.9] */
	FADT_DSDT = 40, FADT_SMI_CMD = 48, FADT_ACPI_ENABLE = 52,
	FADT_PM1A_CNT = 64, FADT_PM1B_CNT = 68, FADT_FLAGS = 112,
	FADT_RESET_REG = 116, FADT_RESET_VALUE = 128, FADT_X_DSDT = 140,
};
#define FLAG_RESET_SUP	BIT(10)

void acpi_read_fadt(const struct acpi_header *fadt)
{
	const u8 *p = (const u8 *)fadt;
	const struct acpi_header *dsdt = NULL;
	struct acpi_gas reset;
	u64 x_dsdt = 0;

	if (fadt->length < FADT_FLAGS + 4) {
		printk(MSG_WARN "acpi: FADT too short: ignored\n");
		return;
	}
	if (fadt->length >= FADT_RESET_VALUE + 1 &&
	    get(p, FADT_FLAGS, 4) & FLAG_RESET_SUP) {
		memcpy(&reset, p + FADT_RESET_REG, sizeof(reset));
		acpi.reset_space = reset.space;
		acpi.reset_addr = reset.address;
		acpi.reset_value = p[FADT_RESET_VALUE];
	}
	if (fadt->length >= FADT_X_DSDT + 8)
		memcpy(&x_dsdt, p + FADT_X_DSDT, 8);
	if (x_dsdt)
		dsdt = acpi_table(x_dsdt, "DSDT");
	if (!dsdt && get(p, FADT_DSDT, 4))
		dsdt = acpi_table(get(p, FADT_DSDT, 4), "DSDT");
	if (!dsdt || !find_s5(dsdt))
		return;
	acpi.smi_cmd = (u16)get(p, FADT_SMI_CMD, 4);
	acpi.acpi_enable = p[FADT_ACPI_ENABLE];
	acpi.pm1b_cnt = (u16)get(p, FADT_PM1B_CNT, 4);
	acpi.pm1a_cnt = (u16)get(p, FADT_PM1A_CNT, 4);
}
