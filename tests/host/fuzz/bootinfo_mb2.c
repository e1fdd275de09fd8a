/* SPDX-License-Identifier: MIT */
/*
 * boot/bootinfo.h B1 to B6 for Multiboot 2.  An input is the offset of the
 * information (16 bits), then memory from MEM_BASE on; behind it nothing may
 * be read.
 */
#include "tests/host/fuzz/fuzz.h"
#include "tests/host/bootinfo_fake.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u16 at;

	if (size < sizeof(at) || size - sizeof(at) > MEM_SIZE)
		return 0;
	host_memcpy(&at, data, sizeof(at));
	size -= sizeof(at);
	host_memcpy(memory, data + sizeof(at), size);
	readable_end = MEM_BASE + size;
	FUZZ_CHECK(sound(bootinfo_parse(&bi, &reader, MB2_LOADER_MAGIC,
					MEM_BASE + at)));
	return 0;
}

size_t fuzz_seed(u32 nr, u8 *buf)
{
	u16 at;

	if (nr > 1)
		return 0;
	if (nr) {
		mb2_begin();
		mb2_map(24);
		mb2_module(0x200000, 0x234567, "initrd.cpio", 12);
		mb2_module(0x400000, 0x400001, "x", 2);
		mb2_end();
	} else {
		mb2_good();
	}
	at = (u16)(mb2_at - MEM_BASE);
	host_memcpy(buf, &at, sizeof(at));
	host_memcpy(buf + sizeof(at), memory, next_free);
	return sizeof(at) + next_free;
}
