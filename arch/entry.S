/* SPDX-License-Identifier: MIT */
/*
 * Every way into the kernel, and every way back to ring 3.
 *
 * Each entry builds a struct regs (arch/trap.h) on a kernel stack and calls C
 * with its address.  From ring 3 that is the top of the thread's stack, so
 * that arch_user_regs() finds it.
 *
 * E1  While C runs, GS base is this CPU's per-CPU offset, DF and AC are
 *     clear, and %rsp is a kernel stack aligned to 16.
 * E2  With a kernel CS and IRQs off, GS base is still the user's in three
 *     windows: from `syscall` or a gate to the swapgs of the entry, and from
 *     the last swapgs of an exit to its sysretq or iretq.  Only NMI, #MC and
 *     #DF can arrive there, and the iretq itself can fault.
 * E3  NMI, #MC and #DF run on stacks of their own (IST).  Each such stack has
 *     the CPU's GS base in the word above its first frame: the entry loads
 *     it whatever GS base was, and the exit puts back what was there.  The
 *     sign of GS base says nothing: the boot CPU's is 0, and with FSGSBASE a
 *     program may load any canonical value.
 * E4  A fault of the iretq to ring 3 (a bad user frame) arrives with E2's
 *     state: the common entry recognises the address, and the exception table
 *     sends it to bad_iret, which turns it into a trap of the program.
 * E5  sysretq is used only when it gives exactly what iretq would:
 *     syscall_dispatch() in trap.c checks that.
 * E6  An iretq ends the blocking of NMIs, and a second NMI would overwrite the
 *     stack of the first.  So a fault of copy_nofault(), which NMI handlers
 *     may use, returns without one.  RAX is free there (usercopy.S).
 *
 * The `clac` sites are 3-byte NOPs until smap_patch() (idt.c).
 * Tests: tests/kt/kt_arch.c, and every program.
 */
#include "arch/asm.h"

	.text

/* A NOP of the size of CLAC; its address goes to the table of such sites. */
	.macro CLAC_SITE
771:	.byte 0x0f, 0x1f, 0x00
	.pushsection .rodata.clac_sites, "a"
	.quad 771b
	.popsection
	.endm

	.pushsection .rodata.clac_sites, "a"
	.balign 8
	.globl entry_clac_sites
entry_clac_sites:
	.popsection

/*
 * For gdb: once struct regs is complete, where everything is in it.  Up to
 * there the table is wrong by a few pushes, which only a single-step sees.
 */
	.cfi_sections .debug_frame
	.macro REGS_CFI
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, REGS_SIZE
	.cfi_offset r15, 0 - REGS_SIZE
	.cfi_offset r14, 8 - REGS_SIZE
	.cfi_offset r13, 16 - REGS_SIZE
	.cfi_offset r12, 24 - REGS_SIZE
	.cfi_offset rbp, 32 - REGS_SIZE
	.cfi_offset rbx, 40 - REGS_SIZE
	.cfi_offset r11, 48 - REGS_SIZE
	.cfi_offset r10, 56 - REGS_SIZE
	.cfi_offset r9, 64 - REGS_SIZE
	.cfi_offset r8, 72 - REGS_SIZE
	.cfi_offset rax, REGS_RAX - REGS_SIZE
	.cfi_offset rcx, 88 - REGS_SIZE
	.cfi_offset rdx, 96 - REGS_SIZE
	.cfi_offset rsi, 104 - REGS_SIZE
	.cfi_offset rdi, 112 - REGS_SIZE
	.cfi_offset rip, REGS_RIP - REGS_SIZE
	.cfi_offset rsp, REGS_RSP - REGS_SIZE
	.endm

/* Everything below `vector` in struct regs. */
	.macro PUSH_REGS
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

	.macro POP_REGS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	.endm

/*
 * One stub for each vector: an error code where the CPU pushes none, the
 * vector, and on to the right common entry.
 */
	.balign 16
	.globl entry_stubs
	.type entry_stubs, @object
entry_stubs:
	vector = 0
	.rept 256
	.balign 16, 0xcc
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || \
	      vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq $0
	.endif
	pushq $vector
	.if vector == 2 || vector == 8 || vector == 18
	jmp entry_paranoid
	.else
	jmp entry_common
	.endif
	vector = vector + 1
	.endr
	.size entry_stubs, . - entry_stubs

	.balign 16
	.type entry_common, @function
entry_common:
	REGS_CFI
	cld
	PUSH_REGS
	CLAC_SITE
	testb $3, REGS_CS(%rsp)
	jz 1f
	swapgs
	xorl %ebp, %ebp			/* ends backtraces */
	movq %rsp, %rdi
	call trap_dispatch
	jmp return_to_user
1:
	cmpq $iret_insn, REGS_RIP(%rsp)	/* E4 */
	jne 2f
	swapgs
2:
	movq %rsp, %rdi
	call trap_dispatch
	cmpq $VECTOR_NOFAULT, REGS_VECTOR(%rsp)
	je 3f
	POP_REGS
	addq $16, %rsp
	iretq
3:						/* E6 */
	movq REGS_RSP(%rsp), %rax
	movq REGS_RIP(%rsp), %rcx
	movq REGS_RFLAGS(%rsp), %rdx
	subq $16, %rax
	movq %rcx, 8(%rax)
	movq %rdx, (%rax)
	movq %rax, REGS_RAX(%rsp)
	POP_REGS
	movq %rax, %rsp
	popfq
	ret
	.cfi_endproc
	.size entry_common, . - entry_common

/* IRQs off, %rsp at the user's struct regs. */
	.type return_to_user, @function
return_to_user:
	POP_REGS
	addq $16, %rsp
	swapgs
	.globl iret_insn
iret_insn:
	iretq
	EXTABLE iret_insn, bad_iret
	.size return_to_user, . - return_to_user

/*
 * E4.  The general registers are the user's, GS base is the kernel's, and
 * %rsp points to the frame that iretq did not take.
 */
	.type bad_iret, @function
bad_iret:
	pushq $0
	pushq $13			/* TRAP_GP */
	PUSH_REGS
	xorl %ebp, %ebp
	movq %rsp, %rdi
	call trap_bad_iret
	jmp return_to_user
	.size bad_iret, . - bad_iret

/* E3.  %rbx keeps the GS base to go back to. */
	.balign 16
	.type entry_paranoid, @function
entry_paranoid:
	REGS_CFI
	cld
	PUSH_REGS
	CLAC_SITE
	testb $3, REGS_CS(%rsp)
	jz 1f
	xorl %ebp, %ebp
1:
	movl $MSR_GS_BASE, %ecx
	rdmsr
	shlq $32, %rdx
	leaq (%rdx, %rax), %rbx
	movq REGS_SIZE(%rsp), %rax
	movq %rax, %rdx
	shrq $32, %rdx
	wrmsr
	movq %rsp, %rdi
	call trap_paranoid
	movl $MSR_GS_BASE, %ecx
	movl %ebx, %eax
	movq %rbx, %rdx
	shrq $32, %rdx
	wrmsr
	POP_REGS
	addq $16, %rsp
	iretq
	.cfi_endproc
	.size entry_paranoid, . - entry_paranoid

/* SFMASK has cleared IF, DF, TF, AC, NT. */
	.balign 16
	.globl syscall_entry
	.type syscall_entry, @function
syscall_entry:
	REGS_CFI
	swapgs
	movq %rsp, %gs:syscall_user_rsp
	movq %gs:syscall_stack, %rsp
	pushq $USER_DS_SEL
	pushq %gs:syscall_user_rsp
	pushq %r11
	pushq $USER_CS_SEL
	pushq %rcx
	pushq %rax
	pushq $VECTOR_SYSCALL
	PUSH_REGS
	xorl %ebp, %ebp
	movq %rsp, %rdi
	call syscall_dispatch
	testb %al, %al
	jz return_to_user
	POP_REGS			/* E5: rcx is rip, r11 is rflags */
	movq REGS_RSP - REGS_VECTOR(%rsp), %rsp
	swapgs
	sysretq
	.cfi_endproc
	.size syscall_entry, . - syscall_entry

/*
 * void arch_enter_user(struct regs *r): IRQs are off.  The registers are
 * moved to the top of the stack, which they may overlap from below: copied
 * downwards.
 */
	.globl arch_enter_user
	.type arch_enter_user, @function
arch_enter_user:
	leaq REGS_SIZE - 8(%rdi), %rsi
	movq %gs:syscall_stack, %rdi
	movq %rdi, %rdx
	subq $8, %rdi
	movl $REGS_SIZE / 8, %ecx
	std
	rep movsq
	cld
	leaq -REGS_SIZE(%rdx), %rsp
	jmp return_to_user
	.size arch_enter_user, . - arch_enter_user

	.pushsection .rodata.clac_sites, "a"
	.globl entry_clac_sites_end
entry_clac_sites_end:
	.popsection

	.section .data.percpu, "aw"
	.balign 8
syscall_user_rsp:
	.quad 0

	.section .note.GNU-stack, "", @progbits
