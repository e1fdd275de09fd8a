/* SPDX-License-Identifier: MIT */
/*
 * The two Multiboot headers, first in the image (linker.ld L1, L2).
 *
 * Multiboot 1 has address fields, because its loaders refuse an ELF64 without
 * them; QEMU's -kernel goes this way. Multiboot 2 loads by program headers;
 * GRUB goes this way, under BIOS and UEFI, with the CPU in 32-bit mode in
 * both cases.
 */
#include "boot/multiboot.h"

#define MB1_FLAGS (MB1_PAGE_ALIGN | MB1_MEMORY_INFO | MB1_ADDRESS_FIELDS)

	.section .boot.header, "a"
	.balign 8
mb1_header:
	.long MB1_HEADER_MAGIC
	.long MB1_FLAGS
	.long -(MB1_HEADER_MAGIC + MB1_FLAGS)
	.long mb1_header		/* header_addr */
	.long _boot_start		/* load_addr */
	.long _load_end_phys		/* load_end_addr */
	.long _end_phys			/* bss_end_addr */
	.long start32			/* entry_addr */

	.balign 8
mb2_header:
	.long MB2_HEADER_MAGIC
	.long MB2_ARCH_I386
	.long mb2_header_end - mb2_header
	.long -(MB2_HEADER_MAGIC + MB2_ARCH_I386 + (mb2_header_end - mb2_header))

	.balign 8
1:	.word MB2_HTAG_INFO_REQUEST, MB2_HTAG_OPTIONAL
	.long 2f - 1b
	.long MB2_TAG_CMDLINE, MB2_TAG_MODULE, MB2_TAG_MMAP
	.long MB2_TAG_RSDP_V1, MB2_TAG_RSDP_V2
2:
	.balign 8
	.word MB2_HTAG_ENTRY, 0
	.long 12
	.long start32

	.balign 8
	.word MB2_HTAG_MODULE_ALIGN, 0
	.long 8

	.balign 8
	.word MB2_HTAG_END, 0
	.long 8
mb2_header_end:

	.section .note.GNU-stack, "", @progbits
