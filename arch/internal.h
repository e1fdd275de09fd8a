/* SPDX-License-Identifier: MIT */
/*
 * What the files of arch/ share and nobody else needs.
 */
#ifndef ARCH_INTERNAL_H
#define ARCH_INTERNAL_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/limits.h"
#include "arch/percpu.h"
#include "arch/thread.h"
#include "arch/trap.h"

/* Levels of printk messages, as kernel/printk.h has them. */
#define MSG_ERR		"\0013"
#define MSG_WARN	"\0014"
#define MSG_INFO	"\0016"

/* gdt.c */
enum ist_index { IST_NONE, IST_NMI, IST_DF, IST_MC, NR_IST };

struct tss {
	u32 reserved0;
	u64 rsp0, rsp1, rsp2;
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
} __packed;

DECLARE_PER_CPU(struct tss, cpu_tss);
/* The kernel stack of the running thread, for the SYSCALL entry. */
DECLARE_PER_CPU(u64, syscall_stack);

/* This CPU's GDT and TSS are loaded; its IST stacks must be there (APs). */
void gdt_init_cpu(u32 cpu);
/*
 * Fresh, guarded IST stacks for a CPU, from upcall_alloc_stack().  For the
 * running CPU it replaces the static ones.  0 or -ENOMEM.
 */
int ist_alloc(u32 cpu);
/* Stack of the running thread: TSS.RSP0 and the SYSCALL entry. */
static inline void set_kernel_stack(u64 top)
{
	this_cpu_write(cpu_tss.rsp0, top);
	this_cpu_write(syscall_stack, top);
}

/* idt.c */
void idt_build(void);		/* once */
void idt_load(void);		/* every CPU */
void syscall_init_cpu(void);
/* Writes CLAC and STAC where entry.S and usercopy.S left room.  Once. */
void smap_patch(void);

/* entry.S */
extern const char entry_stubs[];	/* 256 of ENTRY_STUB_SIZE bytes */
extern const char iret_insn[];		/* the iretq that leaves to ring 3 */
extern const u64 entry_clac_sites[], entry_clac_sites_end[];
extern const u64 user_stac_sites[], user_stac_sites_end[];
extern const u64 user_clac_sites[], user_clac_sites_end[];
void syscall_entry(void);
#define ENTRY_STUB_SIZE	16

/* trap.c, called from entry.S only */
void trap_dispatch(struct regs *r);
void trap_paranoid(struct regs *r);
void trap_bad_iret(struct regs *r);
bool syscall_dispatch(struct regs *r);

/* switch.S */
void switch_stacks(u64 *prev_rsp, u64 next_rsp);

/* extable.c: is there a fixup for this instruction? */
bool extable_has(u64 rip);

/* usercopy.S.  Each returns the bytes not copied. */
u64 raw_user_copy(void *to, const void *from, u64 n);
u64 raw_user_clear(vaddr_t to, u64 n);
ssize_t raw_user_strncpy(char *to, vaddr_t from, u64 max);
int raw_user_load32(vaddr_t p, u32 *val);
int raw_user_cmpxchg32(vaddr_t p, u32 *old, u32 val);
/* Faults between the two labels go to the fixup at once, nothing sleeps. */
u64 raw_nofault_copy(void *to, const void *from, u64 n);
extern const char raw_nofault_end[];
/* -EFAULT when the image makes XRSTOR or FXRSTOR fault. */
int raw_xrstor(const void *area, u64 mask);
int raw_fxrstor(const void *area);

/* fpu.c */
void fpu_init_cpu(void);
void fpu_save(void *area);
void fpu_restore(const void *area);
/* si_code of an #MF or #XF, from the live FPU state. */
int fpu_trap_code(u64 vector);

/* clock.c */
void clock_calibrate(void);	/* TSC, once */
/* Busy wait of ms milliseconds by the PIT; TSC ticks passed, 0: no PIT. */
u64 pit_wait(u32 ms);

/* ioapic.c */
void ioapic_init(void);
void ioapic_dispatch(u8 vector);

/* rtc.c */
void rtc_init(void);

/* apic.c */
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);
u32 apic_self_id(void);
/* ACPI gave this id to CPU number `cpu`. */
extern u32 cpu_apic_id[NR_CPUS];

/* percpu.c */
void percpu_snapshot(void);
/* CPU's own area with the initial values of the linked one.  0 or -ENOMEM. */
int percpu_alloc(u32 cpu);

#endif
