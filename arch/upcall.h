/* SPDX-License-Identifier: MIT */
/*
 * What arch/ calls above itself.  Prototypes stand here, implementations in
 * the folder named; arch/ includes nothing higher.
 */
#ifndef ARCH_UPCALL_H
#define ARCH_UPCALL_H

#include "arch/trap.h"
#include "lib/compiler.h"

/*
 * kernel/irq.c: around every hardware interrupt, irqs off.  exit may run
 * schedule() when the interrupted context was preemptible.
 */
void upcall_irq_enter(void);
void upcall_irq_exit(struct regs *r);
void upcall_timer_tick(struct regs *r);		/* kernel/timer.c */
void upcall_ipi_call(void);			/* kernel/ipi.c */
/* kernel/panic.c: an NMI: true if it was ours (CPU stop, dump), else report. */
bool upcall_nmi(struct regs *r);
/*
 * mm/fault.c: page fault, irqs as they were in the interrupted context.
 * Returns true when handled (retry the instruction).  False: a kernel fault
 * goes to the exception table, then panic; a user fault becomes a signal,
 * whose number and si_code are left in *sig and *code.
 */
bool upcall_page_fault(struct regs *r, vaddr_t addr, u64 err, int *sig, int *code);
/*
 * sys/signal.c: a trap in user mode that nobody resolved.  May kill the
 * process; returns to user mode otherwise.
 */
void upcall_user_trap(struct regs *r, int sig, int code, vaddr_t addr);
/* kernel/panic.c: a trap in the kernel that nobody resolved.  */
_Noreturn void upcall_kernel_trap(struct regs *r, vaddr_t addr);
/* kernel/panic.c: #BP/#DB in the kernel; true if someone (a stub) took it */
bool upcall_debug_trap(struct regs *r);
/* sys/syscall.c: number in r->error, result to r->rax.  IRQs on. */
void upcall_syscall(struct regs *r);
/*
 * sys/signal.c: about to return to user mode, irqs off; delivers signals and
 * reschedules.  May enable irqs meanwhile; returns with irqs off.
 */
void upcall_return_to_user(struct regs *r);
/* kernel/main.c: an AP's first C line after arch set it up, irqs off. */
_Noreturn void upcall_secondary_main(u32 cpu);
/* kernel/sched.c: first code of a new thread, after the first switch to it. */
_Noreturn void upcall_thread_start(void);
/*
 * mm/: memory for arch/ once the allocators run.  All return NULL on failure.
 * ioremap maps device registers uncached; alloc_stack returns the TOP of a
 * kernel stack with a guard page below it; alloc_zeroed is for per-CPU areas,
 * contiguous in the direct map, never freed.
 */
void *upcall_ioremap(phys_t pa, u64 len);
void *upcall_alloc_stack(void);
void *upcall_alloc_zeroed(u64 bytes);
/* kernel/printk.c */
int printk(const char *fmt, ...) __printf(1, 2);

#endif
