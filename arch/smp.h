/* SPDX-License-Identifier: MIT */
/*
 * CPUs: discovery (ACPI MADT), start (INIT-SIPI-SIPI), local APIC, IPIs.
 * CPU numbers are dense, 0 is the boot CPU.
 */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include "lib/types.h"
#include "lib/bitmap.h"
#include "arch/percpu.h"

extern struct cpumask cpu_present_mask, cpu_online_mask;
extern u32 nr_cpus_present;

/*
 * Boot order on the boot CPU: arch_early_init (GDT, IDT, features; before
 * any allocator), mm comes up, acpi_init(rsdp), apic_init, then smp_boot_cpus.
 */
void arch_early_init(void);
void cpu_features_init(void);
void cpu_features_enable(void);		/* CR0/CR4/XCR0/EFER bits on this CPU */
void apic_init(void);			/* boot CPU: maps it, calibrates the timer */
void apic_init_cpu(void);		/* every CPU */
void apic_eoi(void);
void apic_timer_start(u32 hz);		/* periodic tick on this CPU */
void apic_send_ipi(u32 cpu, u8 vector);
void apic_send_nmi_others(void);
void apic_send_nmi(u32 cpu);
u32 apic_id_of(u32 cpu);
/*
 * Start up to max CPUs (0: all).  Allocates per-CPU areas and stacks with
 * the callbacks below.  Returns the number online.  A CPU that does not come
 * up within a second is reported and left out.
 */
u32 smp_boot_cpus(u32 max);

/* Monotonic time since boot, ns; from the calibrated TSC. */
u64 ktime_get(void);
extern u64 tsc_khz;
/* Seconds since 1970 at boot, from the CMOS clock (UTC); 0 if it is broken. */
u64 boot_epoch_seconds(void);
/* Busy wait, for hardware only. */
void udelay(u64 us);

_Noreturn void arch_poweroff(void);
_Noreturn void arch_reboot(void);
/* Ends QEMU with status (v << 1) | 1 when isa-debug-exit is there. */
void arch_debug_exit(u8 v);

#endif
