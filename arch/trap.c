/* SPDX-License-Identifier: MIT */
/*
 * Where traps, interrupts and system calls go after entry.S.
 *
 * T1  CR2 is read before IRQs are on: a second fault would overwrite it.
 * T2  An exception runs with IRQs as they were where it happened, and every
 *     exit has them off.
 * T3  The last thing before ring 3 is upcall_return_to_user(), IRQs off.
 * T4  A fault of the kernel at a user address is a bug unless the instruction
 *     has a fixup: no driver reads user memory by accident.
 * T5  copy_nofault() never reaches the page fault handler, and a fault of it
 *     leaves NMIs blocked when they were (entry.S E6).
 *
 * Tests: tests/kt/kt_arch.c, tests/abi/ for what programs see.
 */
#include "arch/asm.h"
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/layout.h"
#include "arch/smp.h"
#include "arch/upcall.h"

static_assert(sizeof(struct regs) == REGS_SIZE);
static_assert(offsetof(struct regs, rax) == REGS_RAX);
static_assert(offsetof(struct regs, vector) == REGS_VECTOR);
static_assert(offsetof(struct regs, error) == REGS_ERROR);
static_assert(offsetof(struct regs, rip) == REGS_RIP);
static_assert(offsetof(struct regs, cs) == REGS_CS);
static_assert(offsetof(struct regs, rflags) == REGS_RFLAGS);
static_assert(offsetof(struct regs, rsp) == REGS_RSP);
static_assert(offsetof(struct regs, ss) == REGS_SS);
static_assert(USER_CS == USER_CS_SEL && USER_DS == USER_DS_SEL);
static_assert(VEC_SYSCALL == VECTOR_SYSCALL);
static_assert(MSR_GS_BASE == MSR_GS_BASE_NR);

/* Signal numbers and codes of Linux, for upcall_user_trap(). */
enum {
	SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11,
	SI_KERNEL = 0x80, ILL_ILLOPN = 2, FPE_INTDIV = 1, TRAP_TRACE = 2,
	BUS_ADRALN = 1,
};

#define RFLAGS_RF	BIT(16)

struct trap_info {
	const char *name;
	u8 sig, code;
	bool addr_is_rip;	/* si_addr */
};

static const struct trap_info trap_info[32] = {
	[TRAP_DE] = { "#DE divide error", SIGFPE, FPE_INTDIV, true },
	[TRAP_DB] = { "#DB debug", SIGTRAP, TRAP_TRACE, true },
	[TRAP_NMI] = { "NMI", 0, 0, false },
	[TRAP_BP] = { "#BP breakpoint", SIGTRAP, SI_KERNEL, false },
	[TRAP_OF] = { "#OF overflow", SIGSEGV, SI_KERNEL, false },
	[TRAP_BR] = { "#BR bound range", SIGSEGV, SI_KERNEL, false },
	[TRAP_UD] = { "#UD invalid opcode", SIGILL, ILL_ILLOPN, true },
	[TRAP_NM] = { "#NM device not available", SIGSEGV, SI_KERNEL, false },
	[TRAP_DF] = { "#DF double fault", SIGSEGV, SI_KERNEL, false },
	[TRAP_TS] = { "#TS invalid TSS", SIGSEGV, SI_KERNEL, false },
	[TRAP_NP] = { "#NP segment not present", SIGBUS, SI_KERNEL, false },
	[TRAP_SS] = { "#SS stack segment", SIGBUS, SI_KERNEL, false },
	[TRAP_GP] = { "#GP general protection", SIGSEGV, SI_KERNEL, false },
	[TRAP_PF] = { "#PF page fault", SIGSEGV, SI_KERNEL, false },
	[TRAP_MF] = { "#MF x87 exception", SIGFPE, 0, true },
	[TRAP_AC] = { "#AC alignment check", SIGBUS, BUS_ADRALN, false },
	[TRAP_MC] = { "#MC machine check", SIGBUS, SI_KERNEL, false },
	[TRAP_XF] = { "#XF SIMD exception", SIGFPE, 0, true },
};

const char *trap_name(u64 vector)
{
	if (vector < ARRAY_SIZE(trap_info) && trap_info[vector].name)
		return trap_info[vector].name;
	if (vector == VEC_SYSCALL)
		return "system call";
	return vector < 32 ? "reserved exception" : "interrupt";
}

static void page_fault(struct regs *r, vaddr_t addr)
{
	int sig = SIGSEGV, code = SI_KERNEL;

	if (!user_mode(r)) {
		if (r->rip >= (u64)raw_nofault_copy &&
		    r->rip < (u64)raw_nofault_end && extable_fixup(r)) {
			r->vector = VECTOR_NOFAULT;		/* T5 */
			return;
		}
		if (addr < USER_END && !extable_has(r->rip))
			upcall_kernel_trap(r, addr);		/* T4 */
	}
	if (r->rflags & RFLAGS_IF)
		local_irq_enable();
	if (upcall_page_fault(r, addr, r->error, &sig, &code))
		return;
	if (user_mode(r))
		upcall_user_trap(r, sig, code, addr);
	else if (!extable_fixup(r))
		upcall_kernel_trap(r, addr);
}

static void user_exception(struct regs *r)
{
	const struct trap_info *t = &trap_info[r->vector];
	int code = t->code;

	if (r->vector == TRAP_MF || r->vector == TRAP_XF)
		code = fpu_trap_code(r->vector);
	local_irq_enable();
	upcall_user_trap(r, t->sig ? t->sig : SIGSEGV, code,
			 t->addr_is_rip ? r->rip : 0);
}

static void kernel_exception(struct regs *r)
{
	if (r->vector == TRAP_BP || r->vector == TRAP_DB) {
		if (upcall_debug_trap(r))
			return;
	} else if (extable_fixup(r)) {
		return;
	}
	upcall_kernel_trap(r, 0);
}

static void interrupt(struct regs *r)
{
	upcall_irq_enter();
	switch (r->vector) {
	case VEC_TIMER:
		apic_eoi();
		upcall_timer_tick(r);
		break;
	case VEC_CALL:
		apic_eoi();
		upcall_ipi_call();
		break;
	case VEC_RESCHED:
		apic_eoi();
		break;
	case VEC_SPURIOUS:
		break;				/* not in service: no EOI */
	default:
		ioapic_dispatch((u8)r->vector);
	}
	upcall_irq_exit(r);
}

void trap_dispatch(struct regs *r)
{
	if (r->vector == TRAP_PF)
		page_fault(r, read_cr2());			/* T1 */
	else if (r->vector >= 32)
		interrupt(r);
	else if (user_mode(r))
		user_exception(r);
	else
		kernel_exception(r);

	local_irq_disable();					/* T2 */
	if (user_mode(r))
		upcall_return_to_user(r);			/* T3 */
}

/* NMI, #DF, #MC: on an IST stack, at any point of the kernel. */
void trap_paranoid(struct regs *r)
{
	u64 cr2 = read_cr2();

	if (r->vector != TRAP_NMI)
		upcall_kernel_trap(r, cr2);
	if (!upcall_nmi(r))
		printk(MSG_WARN "NMI on CPU %u at %llx: not ours, ignored\n",
		       smp_processor_id(), r->rip);
	if (read_cr2() != cr2)		/* copy_nofault() may have faulted */
		write_cr2(cr2);
}

/* The frame that iretq refused: the program gets a signal for it. */
void trap_bad_iret(struct regs *r)
{
	r->cs = USER_CS;
	r->ss = USER_DS;
	local_irq_enable();
	upcall_user_trap(r, SIGSEGV, SI_KERNEL, 0);
	local_irq_disable();
	upcall_return_to_user(r);
}

/*
 * True: sysretq does what iretq would (entry.S E5).  It takes rip from rcx
 * and rflags from r11, cannot load RF, and in ring 0 faults on a
 * non-canonical rip with the user's stack [SDM 2B SYSRET]; with TF it would
 * trap an instruction late.
 */
bool syscall_dispatch(struct regs *r)
{
	local_irq_enable();
	upcall_syscall(r);
	local_irq_disable();
	upcall_return_to_user(r);
	return r->rcx == r->rip && r->r11 == r->rflags &&
	       r->cs == USER_CS && r->ss == USER_DS && r->rip < USER_END &&
	       !(r->rflags & (RFLAGS_RF | RFLAGS_TF));
}

void trap_init_cpu(u32 cpu)
{
	gdt_init_cpu(cpu);
	if (cpu == 0)
		idt_build();
	idt_load();
	syscall_init_cpu();
}

/* Before any allocator, and before anything else of arch/. */
void arch_early_init(void)
{
	percpu_snapshot();
	cpu_features_init();
	smap_patch();
	trap_init_cpu(0);
	cpu_features_enable();
}
