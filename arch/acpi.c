/* SPDX-License-Identifier: MIT */
/*
 * ACPI: from the RSDP to what the kernel wants to know.
 *
 * Q1  A table is read only after its length has been checked against what is
 *     mapped and its checksum over that length is right.  A bad one is named
 *     and ignored, as if it were not there.
 * Q2  Table memory is read through the direct map when all its pages are
 *     there, else through a mapping of its own.  Physical addresses the CPU
 *     cannot have are refused first.
 * Q3  After acpi_init(), acpi.irq_override[] is total: identity where the
 *     MADT says nothing.
 *
 * The MADT and the FADT are taken apart in acpi_tables.c.
 */
#include "arch/acpi.h"
#include "arch/acpi_tables.h"
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/layout.h"
#include "arch/uaccess.h"
#include "arch/upcall.h"
#include "lib/string.h"

#define LAPIC_DEFAULT	0xfee00000
#define IOAPIC_DEFAULT	0xfec00000
#define TABLE_MAX	(4UL << 20)
#define RSDP_V1_LEN	20
#define RSDP_V2_LEN	36

struct acpi_info acpi;

static bool checksum_ok(const void *p, u64 len)
{
	const u8 *b = p;
	u8 sum = 0;

	for (u64 i = 0; i < len; i++)
		sum = (u8)(sum + b[i]);
	return sum == 0;
}

/* Q2.  NULL: cannot be read. */
static const void *acpi_map(phys_t pa, u64 len)
{
	u64 limit = 1UL << cpu_features.maxphyaddr;
	phys_t first = pa & PAGE_MASK;
	bool direct = true;
	u8 byte;

	if (!pa || pa >= limit || len > limit - pa)
		return NULL;
	for (phys_t p = first; p < pa + len && direct; p += PAGE_SIZE)
		direct = copy_nofault(&byte, phys_to_virt(p), 1) == 0;
	if (direct)
		return phys_to_virt(pa);
	return upcall_ioremap(pa, len);
}

const struct acpi_header *acpi_table(phys_t pa, const char *sig)
{
	const struct acpi_header *h = acpi_map(pa, sizeof(*h));
	char name[5] = "";
	u32 len;

	if (!h) {
		printk(MSG_WARN "acpi: table at 0x%llx cannot be read\n", pa);
		return NULL;
	}
	if (sig && memcmp(h->signature, sig, 4))
		return NULL;
	/* What is printed is what was in memory: letters only. */
	for (int i = 0; i < 4; i++) {
		char c = h->signature[i];

		name[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	len = READ_ONCE(h->length);
	if (len < sizeof(*h) || len > TABLE_MAX) {
		printk(MSG_WARN "acpi: %s: length %u: ignored\n", name, len);
		return NULL;
	}
	h = acpi_map(pa, len);
	if (!h || !checksum_ok(h, len)) {
		printk(MSG_WARN "acpi: %s: %s: ignored\n", name,
		       h ? "wrong checksum" : "cannot be read");
		return NULL;
	}
	return h;
}

/* Entries of the RSDT are 4 bytes, of the XSDT 8; neither is aligned. */
static phys_t root_entry(const struct acpi_header *root, u32 size, u32 i)
{
	phys_t pa = 0;

	memcpy(&pa, (const u8 *)(root + 1) + i * size, size);
	return pa;
}

static const struct acpi_header *find_table(const struct acpi_header *root,
					    u32 entry_size, const char *sig)
{
	u32 n = (root->length - (u32)sizeof(*root)) / entry_size;

	for (u32 i = 0; i < n; i++) {
		phys_t pa = root_entry(root, entry_size, i);
		const struct acpi_header *h = acpi_map(pa, sizeof(*h));

		if (h && !memcmp(h->signature, sig, 4)) {
			h = acpi_table(pa, sig);
			if (h)
				return h;
		}
	}
	return NULL;
}

static bool rsdp_ok(const u8 *p)
{
	const struct acpi_rsdp *r = (const void *)p;

	return !memcmp(r->signature, "RSD PTR ", 8) &&
	       checksum_ok(p, RSDP_V1_LEN) &&
	       (r->revision < 2 || checksum_ok(p, RSDP_V2_LEN));
}

static bool read_root(const struct acpi_rsdp *r)
{
	const struct acpi_header *root = NULL, *t;
	u32 entry_size = 8;

	if (r->revision >= 2 && r->xsdt)
		root = acpi_table(r->xsdt, "XSDT");
	if (!root) {
		entry_size = 4;
		root = acpi_table(r->rsdt, "RSDT");
	}
	if (!root)
		return false;
	t = find_table(root, entry_size, "APIC");
	if (t)
		acpi_read_madt(t);
	else
		printk(MSG_WARN "acpi: no MADT: one CPU\n");
	t = find_table(root, entry_size, "FACP");
	if (t)
		acpi_read_fadt(t);
	return true;
}

void acpi_init(phys_t rsdp, const u8 *rsdp_copy)
{
	const u8 *p = rsdp_copy;

	memset(&acpi, 0, sizeof(acpi));
	acpi.lapic = LAPIC_DEFAULT;
	acpi.ioapic = IOAPIC_DEFAULT;
	for (u32 i = 0; i < ARRAY_SIZE(acpi.irq_override); i++)
		acpi.irq_override[i] = i;		/* Q3 */

	if (!p || !rsdp_ok(p))
		p = rsdp ? acpi_map(rsdp, RSDP_V2_LEN) : NULL;
	if (p && rsdp_ok(p))
		acpi.present = read_root((const struct acpi_rsdp *)p);
	if (!acpi.present)
		printk(MSG_WARN "acpi: no usable tables: one CPU, devices at "
		       "their usual places\n");
}
