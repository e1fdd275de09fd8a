/* SPDX-License-Identifier: MIT */
/*
 * The only instructions of the kernel that touch user memory, and a few more
 * that may fault.  Each has an entry in the exception table, which names the
 * place to go on when the fault could not be resolved.
 *
 * U1  Between STAC and CLAC there is nothing but these instructions; an
 *     interrupt or fault in between clears AC on entry and gets it back on
 *     return.
 * U2  Counts of bytes not copied are exact: when a word copy faults, the rest
 *     is tried again by bytes, up to the byte that faults.
 *
 * STAC and CLAC are NOPs until smap_patch() (idt.c).
 * Tests: tests/kt/kt_arch.c
 */
#include "arch/asm.h"

	.text

	.macro STAC_SITE
771:	.byte 0x0f, 0x1f, 0x00
	.pushsection .rodata.stac_sites, "a"
	.quad 771b
	.popsection
	.endm

	.macro CLAC_SITE
771:	.byte 0x0f, 0x1f, 0x00
	.pushsection .rodata.clac_sites, "a"
	.quad 771b
	.popsection
	.endm

	.pushsection .rodata.stac_sites, "a"
	.balign 8
	.globl user_stac_sites
user_stac_sites:
	.popsection
	.pushsection .rodata.clac_sites, "a"
	.balign 8
	.globl user_clac_sites
user_clac_sites:
	.popsection

	.macro FUNC name
	.balign 16
	.globl \name
	.type \name, @function
\name:
	.endm

	.macro END_FUNC name
	.size \name, . - \name
	.endm

/* rdi to, rsi from, rdx bytes; leaves the bytes not copied in rax. */
	.macro COPY_BODY
	movq %rdx, %rcx
	shrq $3, %rcx
	andl $7, %edx
1:	rep movsq
	movl %edx, %ecx
2:	rep movsb
3:	movq %rcx, %rax
	.pushsection .text.fixup, "ax"
4:	leaq (%rdx, %rcx, 8), %rcx		/* U2 */
	jmp 2b
	.popsection
	EXTABLE 1b, 4b
	EXTABLE 2b, 3b
	.endm

FUNC raw_user_copy
	STAC_SITE
	COPY_BODY
	CLAC_SITE
	ret
END_FUNC raw_user_copy

/* A fault here destroys RAX (entry.S E6). */
FUNC raw_nofault_copy
	STAC_SITE
	COPY_BODY
	CLAC_SITE
	ret
	.globl raw_nofault_end
raw_nofault_end:
END_FUNC raw_nofault_copy

/* rdi to, rsi bytes */
FUNC raw_user_clear
	movq %rsi, %rcx
	movl %esi, %edx
	shrq $3, %rcx
	andl $7, %edx
	xorl %eax, %eax
	STAC_SITE
1:	rep stosq
	movl %edx, %ecx
2:	rep stosb
3:	CLAC_SITE
	movq %rcx, %rax
	ret
	.pushsection .text.fixup, "ax"
4:	leaq (%rdx, %rcx, 8), %rcx		/* U2 */
	jmp 2b
	.popsection
	EXTABLE 1b, 4b
	EXTABLE 2b, 3b
END_FUNC raw_user_clear

/* rdi to, rsi from, rdx max; the length, or -E_FAULT, or -E_NAMETOOLONG */
FUNC raw_user_strncpy
	xorl %eax, %eax
	STAC_SITE
1:	cmpq %rdx, %rax
	jae 4f
2:	movb (%rsi, %rax), %cl
	movb %cl, (%rdi, %rax)
	testb %cl, %cl
	jz 3f
	incq %rax
	jmp 1b
4:	movq $-E_NAMETOOLONG, %rax
3:	CLAC_SITE
	ret
	.pushsection .text.fixup, "ax"
5:	movq $-E_FAULT, %rax
	jmp 3b
	.popsection
	EXTABLE 2b, 5b
END_FUNC raw_user_strncpy

/* rdi user word, rsi u32 *val */
FUNC raw_user_load32
	STAC_SITE
1:	movl (%rdi), %ecx
	CLAC_SITE
	movl %ecx, (%rsi)
	xorl %eax, %eax
	ret
	.pushsection .text.fixup, "ax"
2:	movl $-E_FAULT, %eax
	jmp 3f
	.popsection
3:	CLAC_SITE
	ret
	EXTABLE 1b, 2b
END_FUNC raw_user_load32

/* rdi user word, rsi u32 *old, edx new */
FUNC raw_user_cmpxchg32
	movl (%rsi), %eax
	STAC_SITE
1:	lock cmpxchgl %edx, (%rdi)
	CLAC_SITE
	movl %eax, (%rsi)
	xorl %eax, %eax
	ret
	.pushsection .text.fixup, "ax"
2:	movl $-E_FAULT, %eax
	jmp 3f
	.popsection
3:	CLAC_SITE
	ret
	EXTABLE 1b, 2b
END_FUNC raw_user_cmpxchg32

/* rdi area, rsi mask */
FUNC raw_xrstor
	movl %esi, %eax
	movq %rsi, %rdx
	shrq $32, %rdx
1:	xrstor64 (%rdi)
	xorl %eax, %eax
	ret
2:	movl $-E_FAULT, %eax
	ret
	EXTABLE 1b, 2b
END_FUNC raw_xrstor

FUNC raw_fxrstor
1:	fxrstor64 (%rdi)
	xorl %eax, %eax
	ret
2:	movl $-E_FAULT, %eax
	ret
	EXTABLE 1b, 2b
END_FUNC raw_fxrstor

	.pushsection .rodata.stac_sites, "a"
	.globl user_stac_sites_end
user_stac_sites_end:
	.popsection
	.pushsection .rodata.clac_sites, "a"
	.globl user_clac_sites_end
user_clac_sites_end:
	.popsection

	.section .note.GNU-stack, "", @progbits
