/* SPDX-License-Identifier: MIT */
/*
 * The local APIC (xAPIC, memory mapped), and the legacy PIC, which is only
 * silenced.
 *
 * A1  APICBASE.EN is never cleared: QEMU would not set it again.
 * A2  A command is written with IRQs off, high half first, when the one before
 *     has left (delivery status clear) [SDM 3A 10.6.1].  The wait is bounded:
 *     a panic must get past a command that is stuck.
 * A3  CPU 0 is the boot CPU; numbers are dense; cpu_apic_id[] is written by
 *     apic_init(), and by smp_boot_cpus() when a CPU does not start.
 */
#include "arch/acpi.h"
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/io.h"
#include "arch/layout.h"
#include "arch/smp.h"
#include "arch/upcall.h"

#define APIC_ID		0x20
#define APIC_TPR	0x80
#define APIC_EOI	0xb0
#define APIC_SVR	0xf0
#define APIC_ESR	0x280
#define APIC_ICR_LOW	0x300
#define APIC_ICR_HIGH	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_THERM	0x330
#define APIC_LVT_PERF	0x340
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_LVT_ERROR	0x370
#define APIC_TIMER_INIT	0x380
#define APIC_TIMER_NOW	0x390
#define APIC_TIMER_DIV	0x3e0

#define SVR_ENABLE	BIT(8)
#define LVT_MASKED	BIT(16)
#define LVT_PERIODIC	BIT(17)
#define LVT_NMI		(4U << 8)
#define TIMER_DIV_16	3

#define ICR_NMI		(4U << 8)
#define ICR_INIT	(5U << 8)
#define ICR_STARTUP	(6U << 8)
#define ICR_PENDING	BIT(12)
#define ICR_ASSERT	BIT(14)
#define ICR_POLLS	1000000

#define PIC1_CMD	0x20
#define PIC1_DATA	0x21
#define PIC2_CMD	0xa0
#define PIC2_DATA	0xa1
#define PIC_VECTOR	0xd0	/* spurious ones go here, to no handler */

static volatile u8 *apic_base;
static u32 timer_khz;		/* timer counts per ms, after the divisor */

u32 cpu_apic_id[NR_CPUS];
u32 nr_cpus_present = 1;
struct cpumask cpu_present_mask, cpu_online_mask;

static u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(apic_base + reg);
}

static void apic_write(u32 reg, u32 v)
{
	*(volatile u32 *)(apic_base + reg) = v;
}

/* Four initialisation words each [8259A], then all lines masked. */
static void pic_silence(void)
{
	outb(PIC1_CMD, 0x11);
	outb(PIC2_CMD, 0x11);
	outb(PIC1_DATA, PIC_VECTOR);
	outb(PIC2_DATA, PIC_VECTOR + 8);
	outb(PIC1_DATA, 4);
	outb(PIC2_DATA, 2);
	outb(PIC1_DATA, 1);
	outb(PIC2_DATA, 1);
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
}

u32 apic_self_id(void)
{
	return apic_read(APIC_ID) >> 24;
}

u32 apic_id_of(u32 cpu)
{
	return cpu_apic_id[cpu];
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* Counts of the timer in 10 ms, the least of three: delays only add. */
static void timer_calibrate(void)
{
	u32 best = U32_MAX;

	apic_write(APIC_TIMER_DIV, TIMER_DIV_16);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	for (int i = 0; i < 3; i++) {
		apic_write(APIC_TIMER_INIT, U32_MAX);
		udelay(10000);
		best = min(best, U32_MAX - apic_read(APIC_TIMER_NOW));
	}
	apic_write(APIC_TIMER_INIT, 0);
	timer_khz = max(best / 10, 1U);
}

/* A3.  Processors beyond NR_CPUS are left alone. */
static void number_cpus(void)
{
	u32 self = apic_self_id();

	cpu_apic_id[0] = self;
	nr_cpus_present = 1;
	for (u32 i = 0; i < acpi.nr_cpus; i++) {
		if (acpi.cpus[i].apic_id == self)
			continue;
		if (nr_cpus_present == NR_CPUS) {
			printk(MSG_WARN "apic: only %d CPUs are used\n",
			       NR_CPUS);
			break;
		}
		cpu_apic_id[nr_cpus_present++] = acpi.cpus[i].apic_id;
	}
	for (u32 cpu = 0; cpu < nr_cpus_present; cpu++)
		cpumask_set_cpu(cpu, &cpu_present_mask);
	cpumask_set_cpu(0, &cpu_online_mask);
}

void apic_init(void)
{
	apic_base = upcall_ioremap(acpi.lapic, PAGE_SIZE);
	if (!apic_base) {
		printk(MSG_ERR "apic: no memory to map the local APIC\n");
		arch_poweroff();
	}
	pic_silence();
	apic_init_cpu();
	clock_calibrate();
	timer_calibrate();
	number_cpus();
	ioapic_init();
	rtc_init();
	printk(MSG_INFO "apic: %u CPUs, TSC %llu kHz, APIC timer %u kHz\n",
	       nr_cpus_present, tsc_khz, timer_khz);
}

void apic_init_cpu(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (!(base & BIT(11)))			/* A1 */
		wrmsr(MSR_APIC_BASE, base | BIT(11));
	apic_write(APIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_LVT_THERM, LVT_MASKED);
	apic_write(APIC_LVT_PERF, LVT_MASKED);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, LVT_MASKED);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_TPR, 0);
	apic_eoi();
}

void apic_timer_start(u32 hz)
{
	u64 count = (u64)timer_khz * 1000 / hz;

	apic_write(APIC_TIMER_DIV, TIMER_DIV_16);
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | VEC_TIMER);
	apic_write(APIC_TIMER_INIT, (u32)clamp_t(u64, count, 1, U32_MAX));
}

/* A2 */
static void icr_write(u32 apic_id, u32 command)
{
	u64 flags = local_irq_save();

	for (u32 i = 0; i < ICR_POLLS; i++) {
		if (!(apic_read(APIC_ICR_LOW) & ICR_PENDING))
			break;
		cpu_relax();
	}
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR_LOW, command | ICR_ASSERT);
	local_irq_restore(flags);
}

void apic_send_ipi(u32 cpu, u8 vector)
{
	icr_write(cpu_apic_id[cpu], vector);
}

/*
 * One by one: the "all but self" shorthand would wake processors that wait
 * for their STARTUP.
 */
void apic_send_nmi_others(void)
{
	u32 self, cpu;

	if (!apic_base)
		return;
	self = smp_processor_id();
	for_each_cpu(cpu, &cpu_online_mask) {
		if (cpu != self)
			icr_write(cpu_apic_id[cpu], ICR_NMI);
	}
}

void apic_send_nmi(u32 cpu)
{
	icr_write(cpu_apic_id[cpu], ICR_NMI);
}

void apic_send_init(u32 apic_id)
{
	icr_write(apic_id, ICR_INIT);
}

void apic_send_startup(u32 apic_id, u8 page)
{
	icr_write(apic_id, ICR_STARTUP | page);
}
