/* SPDX-License-Identifier: MIT */
/*
 * ACPI's root pointer (bootinfo.h B6): 20 bytes in revision 0, 36 after, each
 * part with a checksum [ACPI 6.4, 5.2.5.3]. Multiboot 2 hands over a copy;
 * otherwise it lies on 16 bytes in the first KiB of the EBDA or in the BIOS
 * area, which only a PC BIOS fills.
 */
#include "boot/bi.h"
#include "lib/string.h"

#define RSDP_V1_SIZE	20
#define RSDP_V2_SIZE	36
#define RSDP_REVISION	15
#define RSDP_LENGTH	20

#define EBDA_SEGMENT	0x40e
#define BIOS_START	0xe0000
#define BIOS_END	0x100000

static u8 sum(const u8 *bytes, size_t len)
{
	u8 s = 0;

	while (len--)
		s += *bytes++;
	return s;
}

bool bi_take_rsdp(struct bootinfo *bi, const u8 *bytes, size_t len, u64 phys)
{
	size_t size = RSDP_V1_SIZE;
	u32 told;

	if (len < RSDP_V1_SIZE || memcmp(bytes, "RSD PTR ", 8) ||
	    sum(bytes, RSDP_V1_SIZE))
		return false;
	if (bytes[RSDP_REVISION] >= 2) {
		size = RSDP_V2_SIZE;
		if (len < RSDP_V2_SIZE)
			return false;
		memcpy(&told, bytes + RSDP_LENGTH, sizeof(told));
		if (told < RSDP_V2_SIZE || sum(bytes, RSDP_V2_SIZE))
			return false;
	}
	memset(bi->rsdp_copy, 0, sizeof(bi->rsdp_copy));
	memcpy(bi->rsdp_copy, bytes, size);
	bi->rsdp_phys = phys;
	bi->have_rsdp = true;
	return true;
}

static bool scan(struct bi_parse *p, u64 start, u64 end)
{
	u8 bytes[RSDP_V2_SIZE];
	u64 at;

	for (at = start; at + RSDP_V1_SIZE <= end; at += 16) {
		size_t len = end - at < sizeof(bytes) ? end - at
						      : sizeof(bytes);

		if (p->rd->read(p->rd, at, bytes, len))
			return false;
		if (bi_take_rsdp(p->bi, bytes, len, at))
			return true;
	}
	return false;
}

void bi_scan_rsdp(struct bi_parse *p)
{
	u64 ebda;
	u16 seg;

	if (!p->rd->read(p->rd, EBDA_SEGMENT, &seg, sizeof(seg))) {
		ebda = (u64)seg << 4;
		if (ebda >= 0x400 && ebda + 1024 <= 0xa0000 &&
		    scan(p, ebda, ebda + 1024))
			return;
	}
	scan(p, BIOS_START, BIOS_END);
}
