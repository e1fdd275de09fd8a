/* SPDX-License-Identifier: MIT */
/*
 * Saved registers and trap numbers.  entry.S builds struct regs on every
 * entry (trap, interrupt, system call); its layout is checked by asserts in
 * arch/trap.c against the offsets entry.S uses.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include "lib/types.h"

struct regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector;		/* trap number; 256 for a system call */
	u64 error;		/* error code; the call's number for a system call */
	u64 rip, cs, rflags, rsp, ss;
};

#define TRAP_DE		0
#define TRAP_DB		1
#define TRAP_NMI	2
#define TRAP_BP		3
#define TRAP_OF		4
#define TRAP_BR		5
#define TRAP_UD		6
#define TRAP_NM		7
#define TRAP_DF		8
#define TRAP_TS		10
#define TRAP_NP		11
#define TRAP_SS		12
#define TRAP_GP		13
#define TRAP_PF		14
#define TRAP_MF		16
#define TRAP_AC		17
#define TRAP_MC		18
#define TRAP_XF		19
#define VEC_IRQ0	32		/* legacy and I/O APIC lines */
#define VEC_TIMER	0xec
#define VEC_RESCHED	0xfd		/* IPI: look at need_resched */
#define VEC_CALL	0xfb		/* IPI: run queued cross-calls */
#define VEC_SPURIOUS	0xff
#define VEC_SYSCALL	256

/* Page-fault error code.  Test RSVD before P: TCG reports RSVD with P=0. */
#define PF_P		BIT(0)
#define PF_W		BIT(1)
#define PF_U		BIT(2)
#define PF_RSVD		BIT(3)
#define PF_I		BIT(4)

#define KERNEL_CS	0x08
#define KERNEL_DS	0x10
#define USER_DS		0x1b
#define USER_CS		0x23

static inline bool user_mode(const struct regs *r) { return (r->cs & 3) == 3; }

void trap_init_cpu(u32 cpu);	/* GDT, TSS, IDT, IST stacks, SYSCALL MSRs */
/* Name of an exception, "#PF page fault" and so on. */
const char *trap_name(u64 vector);
/*
 * If r->rip is an instruction of the exception table, set r->rip to its fixup
 * and return true (arch/extable.c).
 */
bool extable_fixup(struct regs *r);
/*
 * Route an I/O APIC line to this handler, which CPU 0 runs with irqs off.
 * Lines may be shared.  At boot, one CPU at a time; for good.
 * Returns 0, -ENODEV without an I/O APIC, -EINVAL, -ENOSPC.
 */
typedef void (*irq_handler_t)(void *arg);
/* The line of an ISA interrupt, by the MADT's overrides. */
u32 isa_irq_to_gsi(u32 irq);
int irq_register(u32 gsi, irq_handler_t fn, void *arg);
/*
 * The same for a device that signals by writing `data` to `address` (MSI,
 * MSI-X): a vector of its own, edge triggered.  0 or -ENOSPC.
 */
struct msi_msg { u64 address; u32 data; };
int msi_register(irq_handler_t fn, void *arg, struct msi_msg *msg);

#endif
