/* SPDX-License-Identifier: MIT */
/*
 * For the assembly files of arch/: offsets into struct regs (asserted in
 * trap.c), selectors, and the exception table.
 */
#ifndef ARCH_ASM_H
#define ARCH_ASM_H

#define REGS_RAX	80
#define REGS_VECTOR	120
#define REGS_ERROR	128
#define REGS_RIP	136
#define REGS_CS		144
#define REGS_RFLAGS	152
#define REGS_RSP	160
#define REGS_SS		168
#define REGS_SIZE	176

#define MSR_GS_BASE_NR	0xc0000101
#define USER_DS_SEL	0x1b
#define USER_CS_SEL	0x23
#define VECTOR_SYSCALL	256
#define VECTOR_NOFAULT	257	/* left in regs: return without iretq */
#define E_FAULT		14
#define E_NAMETOOLONG	36

#ifdef __ASSEMBLER__
#define MSR_GS_BASE	MSR_GS_BASE_NR

/* A fault at insn continues at fixup, with all registers as they were. */
	.macro EXTABLE insn, fixup
	.pushsection .extable, "a"
	.balign 8
	.quad \insn, \fixup
	.popsection
	.endm
#endif

#endif
