/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to boot_main().
 *
 * Entry, by either protocol: 32-bit protected mode, flat segments, paging and
 * interrupts off, EAX the loader's magic, EBX the physical address of the
 * boot information. Everything else is undefined.
 *
 *   (1) stack; the magic and the CPU are checked: what is missing is said on
 *       COM1, the CPU halts
 *   (2) early page tables, all of 2 MiB pages:
 *         0                    4 GiB  identity, for the next few instructions
 *         0xffff888000000000   4 GiB  the beginning of the direct map, NX
 *         0xffffffff80000000   1 GiB  the kernel image, still RWX
 *   (3) PAE, PGE, long mode, NX, SYSCALL; paging and write protection on
 *   (4) far jump to 64-bit code, jump to the upper half, boot stack
 *   (5) the identity mapping is dropped, then boot_main(magic, info)
 *
 * The tables of (2) serve until the memory manager loads its own, which are
 * W^X. The guard page below the boot stack is unmapped by those, too.
 *
 * Tests: every boot; tests/host/test_bootinfo.c for what the loaders say.
 */
#include "boot/multiboot.h"

#define KERNEL_VMA	0xffffffff80000000
#define PHYS(sym)	((sym) - KERNEL_VMA)

#define CR0_PE		(1 << 0)
#define CR0_WP		(1 << 16)
#define CR0_PG		(1 << 31)
#define CR4_PAE		(1 << 5)
#define CR4_PGE		(1 << 7)
#define MSR_EFER	0xc0000080
#define EFER_SCE	(1 << 0)
#define EFER_LME	(1 << 8)
#define EFER_NXE	(1 << 11)

#define PTE_P		(1 << 0)
#define PTE_RW		(1 << 1)
#define PTE_PS		(1 << 7)
#define PTE_NX_HIGH	(1 << 31)	/* bit 63, in the upper half */

#define CPUID_EXT_LM	29
#define CPUID_EXT_NX	20

#define PML4_DIRECT	273		/* 0xffff888000000000 */
#define PML4_KERNEL	511		/* 0xffffffff80000000 */
#define PDPT_KERNEL	510

#define COM1		0x3f8
#define DEBUG_EXIT	0xf4
#define DEBUG_EXIT_FAIL	0x11

	.section .boot.text, "ax"
	.code32
	.globl start32
	.type start32, @function
start32:
	cli
	cld
	movl $PHYS(boot_stack_top), %esp	/* (1) */
	movl %eax, %ebp
	movl %ebx, %edi

	movl $msg_magic, %esi
	cmpl $MB1_LOADER_MAGIC, %ebp
	je 1f
	cmpl $MB2_LOADER_MAGIC, %ebp
	jne fail32
1:
	movl $msg_cpu, %esi
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb fail32
	movl $0x80000001, %eax
	cpuid
	btl $CPUID_EXT_LM, %edx
	jnc fail32
	movl $msg_nx, %esi
	btl $CPUID_EXT_NX, %edx
	jnc fail32

	/* (2) 4 x 512 entries of 2 MiB, then what points to them */
	movl $PHYS(boot_pd), %ebx
	movl $(PTE_P | PTE_RW | PTE_PS), %eax
	xorl %edx, %edx
	xorl %ecx, %ecx
2:	movl %eax, (%ebx, %ecx, 8)
	movl %edx, 4(%ebx, %ecx, 8)
	addl $0x200000, %eax
	incl %ecx
	cmpl $2048, %ecx
	jb 2b

	movl $PHYS(boot_pdpt), %ebx
	leal PHYS(boot_pd) + (PTE_P | PTE_RW), %eax
	xorl %ecx, %ecx
3:	movl %eax, (%ebx, %ecx, 8)
	addl $4096, %eax
	incl %ecx
	cmpl $4, %ecx
	jb 3b

	movl $(PHYS(boot_pd) + PTE_P + PTE_RW), PHYS(boot_pdpt_high) + 8 * PDPT_KERNEL
	movl $PHYS(boot_pml4), %ebx
	movl $(PHYS(boot_pdpt) + PTE_P + PTE_RW), (%ebx)
	movl $(PHYS(boot_pdpt) + PTE_P + PTE_RW), 8 * PML4_DIRECT(%ebx)
	movl $PTE_NX_HIGH, 8 * PML4_DIRECT + 4(%ebx)
	movl $(PHYS(boot_pdpt_high) + PTE_P + PTE_RW), 8 * PML4_KERNEL(%ebx)

	/* (3) */
	movl $(CR4_PAE | CR4_PGE), %eax
	movl %eax, %cr4
	movl %ebx, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_SCE | EFER_LME | EFER_NXE), %eax
	wrmsr
	movl %cr0, %eax
	orl $(CR0_PG | CR0_WP | CR0_PE), %eax
	movl %eax, %cr0

	lgdt boot_gdt_ptr			/* (4) */
	ljmpl $0x08, $start64_low

/* ESI: the message. Never returns. */
fail32:
	movl $msg_prefix, %ebx
	call puts32
	movl %esi, %ebx
	call puts32
	movw $DEBUG_EXIT, %dx
	movb $DEBUG_EXIT_FAIL, %al
	outb %al, %dx
4:	hlt
	jmp 4b

/* EBX: a string for COM1, polled, with a bound. Clobbers EAX, ECX, EDX. */
puts32:
	movb (%ebx), %ah
	testb %ah, %ah
	jz 7f
	movl $100000, %ecx
5:	movw $(COM1 + 5), %dx
	inb %dx, %al
	testb $0x20, %al
	jnz 6f
	pause
	decl %ecx
	jnz 5b
6:	movw $COM1, %dx
	movb %ah, %al
	outb %al, %dx
	incl %ebx
	jmp puts32
7:	ret
	.size start32, . - start32

	.code64
start64_low:
	movabsq $start64, %rax
	jmp *%rax

	.section .boot.data, "a"
msg_prefix:
	.asciz "\r\nrewalk cannot start: "
msg_magic:
	.asciz "not started by a Multiboot 1 or 2 boot loader\r\n"
msg_cpu:
	.asciz "this CPU has no 64-bit mode\r\n"
msg_nx:
	.asciz "this CPU has no NX bit\r\n"
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff		/* 0x08: 64-bit code */
	.quad 0x00cf93000000ffff		/* 0x10: data */
boot_gdt_ptr:
	.word boot_gdt_ptr - boot_gdt - 1
	.long boot_gdt

	.section .text.entry, "ax"
	.type start64, @function
start64:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_top, %rsp

	/* (5) the GDT is needed no more until the kernel loads its own */
	movl %edi, %esi
	movl %ebp, %edi
	movq $0, boot_pml4(%rip)
	movq %cr3, %rax
	movq %rax, %cr3
	xorl %ebp, %ebp
	pushq $0
	jmp boot_main
	.size start64, . - start64

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl boot_pml4, boot_stack_guard, boot_stack, boot_stack_top
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_pd:
	.skip 4 * 4096
boot_stack_guard:
	.skip 4096
boot_stack:
	.skip 4 * 4096
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
