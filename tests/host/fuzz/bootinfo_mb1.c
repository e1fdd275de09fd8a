/* SPDX-License-Identifier: MIT */
/*
 * boot/bootinfo.h B1 to B6 for Multiboot 1.  An input is the offset of the
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
	FUZZ_CHECK(sound(bootinfo_parse(&bi, &reader, MB1_LOADER_MAGIC,
					MEM_BASE + at)));
	return 0;
}

size_t fuzz_seed(u32 nr, u8 *buf)
{
	struct mb1_module m[2] = {
		{ 0x200000, 0x300000, 0, 0 }, { 0x400000, 0x400123, 0, 0 },
	};
	char name[100];
	u16 at;

	if (nr > 3)
		return 0;
	mb1_good();
	if (nr == 3) {		/* names that must be cut */
		host_memset(name, 'x', sizeof(name));
		name[sizeof(name) - 1] = 0;
		mb1.loader_name = m[0].string = put_str(name);
		mb1_add_modules(m, 1);
	} else if (nr) {
		m[0].string = put_str("build/initrd.cpio x");
		m[1].string = put_str("second");
		mb1_add_modules(m, nr);
	}
	at = (u16)(put(&mb1, sizeof(mb1)) - MEM_BASE);
	host_memcpy(buf, &at, sizeof(at));
	host_memcpy(buf + sizeof(at), memory, next_free);
	return sizeof(at) + next_free;
}
