/* SPDX-License-Identifier: MIT */
/*
 * How an application processor gets from 16-bit mode to C.
 *
 * The bytes from trampoline_start to trampoline_end are copied to a page
 * below 1 MiB, any one: the code finds out where it is from CS. The starter
 * fills in the parameters in the copy, sends INIT and STARTUP with vector
 * (address >> 12), and waits until the CPU has reported before it changes
 * them for the next: one CPU at a time.
 *
 *   (1) CS = address >> 4; far pointer and GDT pointer get their base
 *   (2) CR4 = PAE|PGE, CR3, EFER = LME|NXE|SCE, then protection and paging
 *       at once: straight to (compatibility sub-mode of) long mode
 *   (3) far jump to 64-bit code, still in this page
 *   (4) stack, RDI = trampoline_cpu, jump to trampoline_entry
 *
 * trampoline_cr3 must map this page at its physical address, executable, and
 * the kernel; its top level lies below 4 GiB. The kernel drops that mapping
 * after the last CPU is up.
 *
 * Linked among the read-only data: it never runs where it is linked.
 */
#define CR0_PE		(1 << 0)
#define CR0_WP		(1 << 16)
#define CR0_PG		(1 << 31)
#define CR4_PAE		(1 << 5)
#define CR4_PGE		(1 << 7)
#define MSR_EFER	0xc0000080
#define EFER_SCE	(1 << 0)
#define EFER_LME	(1 << 8)
#define EFER_NXE	(1 << 11)

#define REL(sym)	((sym) - trampoline_start)

	.section .rodata.trampoline, "a"
	.balign 16
	.globl trampoline_start, trampoline_end, trampoline_cr3
	.globl trampoline_stack, trampoline_entry, trampoline_cpu
	.code16
trampoline_start:
	cli					/* (1) */
	cld
	movw %cs, %ax
	movw %ax, %ds
	movzwl %ax, %ebx
	shll $4, %ebx
	leal REL(tramp_gdt)(%ebx), %eax
	movl %eax, REL(tramp_gdt_ptr) + 2
	leal REL(tramp64)(%ebx), %eax
	movl %eax, REL(tramp_far)
	lgdtl REL(tramp_gdt_ptr)

	movl $(CR4_PAE | CR4_PGE), %eax		/* (2) */
	movl %eax, %cr4
	movl REL(trampoline_cr3), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_SCE | EFER_LME | EFER_NXE), %eax
	wrmsr
	movl $(CR0_PG | CR0_WP | CR0_PE), %eax
	movl %eax, %cr0
	ljmpl *REL(tramp_far)			/* (3) */

	.code64
tramp64:
	movl $0x10, %eax			/* (4) */
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq trampoline_stack(%rip), %rsp
	movq trampoline_cpu(%rip), %rdi
	xorl %ebp, %ebp
	pushq $0
	jmpq *trampoline_entry(%rip)

	.balign 8
tramp_gdt:
	.quad 0
	.quad 0x00af9b000000ffff		/* 0x08: 64-bit code */
	.quad 0x00cf93000000ffff		/* 0x10: data */
tramp_gdt_ptr:
	.word tramp_gdt_ptr - tramp_gdt - 1
	.long 0
	.balign 4
tramp_far:
	.long 0
	.word 0x08

	.balign 8
trampoline_stack:
	.quad 0
trampoline_entry:
	.quad 0
trampoline_cpu:
	.quad 0
trampoline_cr3:
	.long 0
	.balign 8
trampoline_end:

	.section .note.GNU-stack, "", @progbits
