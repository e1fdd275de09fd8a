/* SPDX-License-Identifier: MIT */
/*
 * The machine side of threads: the switch, and the user's segment bases.
 *
 * H1  Of a thread that does not run, rsp, the bases and the FPU area are
 *     current; of the running one, the registers are.
 * H2  While the kernel runs, the user's GS base is in MSR_KERNEL_GS_BASE.
 * H3  Only threads with an FPU area have user state to save.
 *
 * A program can change its bases without us, with FSGSBASE or by loading a
 * selector: they are read back at every switch.
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/upcall.h"

static u64 read_fs_base(void)
{
	u64 base;

	if (!cpu_features.fsgsbase)
		return rdmsr(MSR_FS_BASE);
	asm volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static void write_fs_base(u64 base)
{
	if (!cpu_features.fsgsbase)
		wrmsr(MSR_FS_BASE, base);
	else
		asm volatile("wrfsbase %0" :: "r"(base));
}

/* The frame that switch_stacks() pops, below the room for the user's regs. */
void arch_thread_init(struct arch_thread *t, void *stack_top)
{
	u64 *sp = (u64 *)((struct regs *)stack_top - 1);

	*--sp = 0;				/* ends backtraces */
	*--sp = (u64)upcall_thread_start;
	for (int i = 0; i < 6; i++)
		*--sp = 0;			/* rbp rbx r12 r13 r14 r15 */
	t->rsp = (u64)sp;
	t->stack_top = (u64)stack_top;
}

void arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	if (prev->fpu) {
		fpu_save(prev->fpu);
		prev->fs_base = read_fs_base();
		prev->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	}
	if (next->fpu) {
		fpu_restore(next->fpu);
		write_fs_base(next->fs_base);
		wrmsr(MSR_KERNEL_GS_BASE, next->gs_base);
	}
	set_kernel_stack(next->stack_top);
	switch_stacks(&prev->rsp, next->rsp);
}

void arch_set_fs_base(struct arch_thread *cur, u64 base)
{
	cur->fs_base = base;
	write_fs_base(base);
}

u64 arch_get_fs_base(struct arch_thread *cur)
{
	cur->fs_base = read_fs_base();
	return cur->fs_base;
}

void arch_set_gs_base(struct arch_thread *cur, u64 base)
{
	u64 flags = local_irq_save();

	cur->gs_base = base;
	wrmsr(MSR_KERNEL_GS_BASE, base);
	local_irq_restore(flags);
}

u64 arch_get_gs_base(struct arch_thread *cur)
{
	cur->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	return cur->gs_base;
}
