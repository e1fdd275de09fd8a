/* SPDX-License-Identifier: MIT */
/*
 * The machine part of a thread: kernel stack pointer, user FS/GS base, FPU
 * area.  Embedded in struct thread.
 */
#ifndef ARCH_THREAD_H
#define ARCH_THREAD_H

#include "arch/trap.h"

struct arch_thread {
	u64 rsp;		/* saved kernel stack pointer while not running */
	u64 stack_top;		/* TSS.RSP0 and the SYSCALL stack */
	u64 fs_base, gs_base;	/* the user's, saved at switch out */
	void *fpu;		/* XSAVE area, 64-aligned; NULL for kernel threads */
};

/* Prepares t so that the first switch to it runs upcall_thread_start(). */
void arch_thread_init(struct arch_thread *t, void *stack_top);
/* IRQs off.  Saves prev, loads next; returns when prev runs again. */
void arch_switch(struct arch_thread *prev, struct arch_thread *next);
/* Bytes and alignment of an FPU area; sets it to the initial state. */
u32 fpu_area_size(void);
void fpu_area_init(void *area);
/* Copy the live FPU state of the current thread (parent) into area. */
void fpu_area_save(struct arch_thread *cur, void *area);
/*
 * Load a user FPU image that may be hostile.  Returns 0 or -EINVAL (state is
 * then the initial one).
 */
int fpu_area_load(struct arch_thread *cur, const void *area);
/* Reset live FPU state and FS/GS of the current thread (execve). */
void arch_thread_reset_user(struct arch_thread *cur);
void arch_set_fs_base(struct arch_thread *cur, u64 base);
u64 arch_get_fs_base(struct arch_thread *cur);
void arch_set_gs_base(struct arch_thread *cur, u64 base);
u64 arch_get_gs_base(struct arch_thread *cur);
/* Leaves to ring 3 with r's registers.  IRQs off on entry; never returns. */
_Noreturn void arch_enter_user(struct regs *r);
/* Where the user's registers are saved on this kernel stack. */
static inline struct regs *arch_user_regs(struct arch_thread *t)
{
	return (struct regs *)t->stack_top - 1;
}

#endif
