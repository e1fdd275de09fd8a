/* SPDX-License-Identifier: MIT */
/*
 * The change of kernel stacks.
 *
 * void switch_stacks(u64 *prev_rsp, u64 next_rsp)
 *
 * Saves what the ABI lets a caller expect, stores the stack pointer, and goes
 * on where the next thread did the same.  arch_thread_init() builds the same
 * frame for a thread that has never run.  IRQs are off; RFLAGS are not part of
 * a thread's state here.
 */
	.text
	.balign 16
	.globl switch_stacks
	.type switch_stacks, @function
switch_stacks:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size switch_stacks, . - switch_stacks

	.section .note.GNU-stack, "", @progbits
