/* SPDX-License-Identifier: MIT */
/*
 * The composition root: brings everything up, in this order.
 *
 *	boot CPU, interrupts off	console, descriptor tables, command
 *					line, memory, ACPI, local APIC
 *	boot CPU, interrupts on		scheduler, the other CPUs
 *	thread "init"			initialisation calls, then the shell
 *
 * The boot thread becomes CPU 0's idle thread, so nothing before "init" may
 * sleep.
 */
#include "arch/acpi.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "boot/bootinfo.h"
#include "drivers/uart.h"
#include "kernel/cmdline.h"
#include "kernel/config.h"
#include "kernel/init.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/init.h"

#define SMALL_MEMORY	(128UL << 20)
#define TRACE_EVENTS_MIN 512

extern const struct initcall __initcalls_start[], __initcalls_end[];

static void banner(const struct bootinfo *bi)
{
	static const char *const protocol[] = {
		"unknown", "Multiboot 1", "Multiboot 2",
	};

	pr_info("Rewalk %s (%s build), %s by %s\n", REWALK_VERSION,
		CONFIG_LAB ? "lab" : "release",
		protocol[bi->protocol % ARRAY_SIZE(protocol)],
		bi->loader[0] ? bi->loader : "an unnamed loader");
}

/* Rings take at most a 32nd of the memory. */
static u32 trace_events(void)
{
	u64 all = sizeof(struct trace_rec) * CONFIG_TRACE_EVENTS *
		  nr_cpus_present;

	return mem_usable_bytes < SMALL_MEMORY || all > mem_usable_bytes / 32 ?
	       TRACE_EVENTS_MIN : CONFIG_TRACE_EVENTS;
}

static void run_initcalls(void)
{
	const struct initcall *c;

	for (c = __initcalls_start; c < __initcalls_end; c++) {
		int ret = c->fn();

		if (ret)
			pr_err("%s: %pe\n", c->name, ERR_PTR(ret));
	}
}

static void init_main(void *arg)
{
	struct thread *t;

	(void)arg;
	run_initcalls();
	kprintf("\nRewalk %s: %u CPUs, %llu MiB, %s build. "
		"`help` lists the commands.\n\n", REWALK_VERSION,
		cpumask_weight(&cpu_online_mask), mem_usable_bytes >> 20,
		CONFIG_LAB ? "lab" : "release");
	t = kthread_run("shell", -1, shell_main, NULL);
	if (IS_ERR(t))
		panic("no memory for the shell thread");
	thread_put(t);
}

static void start_cpus(void)
{
	u32 max = boot_max_cpus, online;

	sched_prepare_cpus(nr_cpus_present);
	online = smp_boot_cpus(max);
	if (max > nr_cpus_present)
		pr_warn("option smp: %u asked for, %u present\n", max,
			nr_cpus_present);
	trace_init(0);
	pr_info("smp: %u of %u CPUs online\n", online, nr_cpus_present);
}

void kmain(struct bootinfo *bi)
{
	struct thread *t;

	uart_init_early();
	arch_early_init();
	banner(bi);
	if (bi->error)
		panic("boot information: %s", bi->error);
	if (bi->cmdline_truncated)
		pr_warn("the command line is cut to %d bytes\n",
			BOOTINFO_CMDLINE - 1);
	cmdline_parse(bi->cmdline);
	mm_init(bi);
	acpi_init(bi->rsdp_phys, bi->have_rsdp ? bi->rsdp_copy : NULL);
	apic_init();
	trace_init(trace_events());

	sched_init();
	rcu_init();
	apic_timer_start(CONFIG_HZ);
	local_irq_enable();
	start_cpus();
	thread_start_reaper();
	rcu_start_threads();
	t = thread_create("init", init_main, NULL);
	if (IS_ERR(t))
		panic("no memory for the init thread");
	/* The idle thread may not run again for long: it keeps no reference. */
	preempt_disable();
	thread_start(t);
	thread_put(t);
	preempt_enable();
	sched_idle_loop();
}

void upcall_secondary_main(u32 cpu)
{
	sched_init_secondary(cpu);
	apic_timer_start(CONFIG_HZ);
	local_irq_enable();
	sched_idle_loop();
}
