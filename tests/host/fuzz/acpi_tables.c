/* SPDX-License-Identifier: MIT */
/*
 * arch/acpi_tables.c.  An input is a MADT, or a DSDT's length (16 bits), a
 * DSDT of that length and a FADT.  Headers get the right length, which is what
 * acpi.c has checked before these readers are called.
 */
#include "tests/host/fuzz/fuzz.h"
#include "arch/acpi.h"
#include "arch/acpi_tables.h"
#include "kernel/printk.h"

struct acpi_info acpi;
static const struct acpi_header *dsdt;

int printk(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

const struct acpi_header *acpi_table(phys_t pa, const char *sig)
{
	(void)pa;
	FUZZ_CHECK(!strcmp(sig, "DSDT"));
	return dsdt;
}

/* NULL when there is no room for a header. */
static struct acpi_header *table(const u8 *data, size_t size)
{
	struct acpi_header *h;

	if (size < sizeof(*h))
		return NULL;
	h = fuzz_copy(data, size);
	h->length = (u32)size;
	return h;
}

static void read_fadt(const u8 *data, size_t size)
{
	struct acpi_header *d, *fadt;
	u16 cut;

	host_memcpy(&cut, data, sizeof(cut));
	data += sizeof(cut);
	size -= sizeof(cut);
	cut = (u16)min((size_t)cut, size);
	d = table(data, cut);
	fadt = table(data + cut, size - cut);
	dsdt = d;
	if (fadt)
		acpi_read_fadt(fadt);
	FUZZ_CHECK(acpi.slp_typ_s5 < 8 && acpi.slp_typ_s5b < 8);
	free(d);
	free(fadt);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct acpi_header *madt = table(data, size);

	host_memset(&acpi, 0, sizeof(acpi));
	if (madt)
		acpi_read_madt(madt);
	free(madt);
	FUZZ_CHECK(acpi.nr_cpus < ARRAY_SIZE(acpi.cpus));
	for (u32 i = 0; i < acpi.nr_cpus; i++)
		FUZZ_CHECK(acpi.cpus[i].apic_id < 255);
	if (size >= 2)
		read_fadt(data, size);
	return 0;
}

static size_t madt_seed(u8 *buf)
{
	static const u8 entries[] = {
		0, 8, 0, 0, 1, 0, 0, 0,
		0, 8, 1, 1, 1, 0, 0, 0,
		1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,
		2, 10, 0, 0, 2, 0, 0, 0, 0, 0,
		2, 10, 0, 15, 9, 0, 0, 0, 13, 0,
		5, 12, 0, 0, 0, 0, 0xe0, 0xfe, 0, 0, 0, 0,
		9, 16, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0,
		4, 6, 0xff, 0, 0, 1,
	};

	host_memset(buf, 0, 44);
	host_memcpy(buf + 44, entries, sizeof(entries));
	return 44 + sizeof(entries);
}

static size_t fadt_seed(u8 *buf)
{
	static const u8 s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04,
				 0x0a, 0x05, 0x0a, 0x05, 0, 0 };
	const u16 cut = 36 + 4 + sizeof(s5);
	u8 *fadt = buf + 2 + cut;

	host_memset(buf, 0, 512);
	host_memcpy(buf, &cut, 2);
	host_memcpy(buf + 2 + 40, s5, sizeof(s5));
	fadt[40] = 1;			/* DSDT */
	fadt[113] = 4;			/* RESET_REG_SUP */
	fadt[116] = 1;
	fadt[120] = 0xf9;
	fadt[128] = 6;
	return 2 + cut + 148;
}

size_t fuzz_seed(u32 nr, u8 *buf)
{
	if (nr > 1)
		return 0;
	return nr ? fadt_seed(buf) : madt_seed(buf);
}
