/* SPDX-License-Identifier: MIT */
/* The allocator of the first milliseconds; see bootmem.c. */
#ifndef MM_BOOTMEM_H
#define MM_BOOTMEM_H

#include "lib/types.h"

struct bootinfo;
struct phys_range { phys_t start, end; };	/* whole frames */
#define BOOTMEM_REGIONS	128

/* Takes the memory map, leaves out what is in use.  Panics: too little. */
void bootmem_init(const struct bootinfo *bi);
/* Cleared, below 4 GiB, never given back.  Panics when there is none. */
phys_t bootmem_alloc(u64 bytes, u64 align);
/* RAM the kernel will manage, by address; NULL past the end. */
const struct phys_range *bootmem_usable(u32 i);
/* What the memory map calls anything but RAM; NULL past the end. */
const struct phys_range *bootmem_firmware(u32 i);
/* The part of RAM that is still free, by address; NULL past the end. */
const struct phys_range *bootmem_free(u32 i);

#endif
