/* SPDX-License-Identifier: MIT */
/*
 * CPUs that show themselves.
 *
 *	who asks			CPU c, in its NMI handler
 *	(1) console held, asked = c+1	(A) asked == c+1?  else not for us
 *	(2) NMI to c			(B) prints, without the console's lock
 *	(3) waits for asked == 0	(C) asked = 0
 * One CPU at a time, so the texts do not mix; c may have been interrupted
 * while it held the console's lock, which is why (B) takes none: the one who
 * asks holds it, or has given up waiting for it.  A CPU that does not answer
 * (3) in WAIT_NS is reported and taken back with a compare-and-exchange; if it
 * answers later, (A) says no.
 *
 * Tests: tests/kt/kt_watchdog.c
 */
#include "kernel/nmi.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/report.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/atomic.h"
#include "lib/err.h"

#define WAIT_NS		3000000000ULL
#define PRINTING	BIT(31)

static u32 dump_busy;		/* a: somebody asks */
static u32 asked;		/* a: CPU + 1, and PRINTING; 0: done */
static u32 keep;		/* the text belongs to an expected report */

void dump_this_cpu(const struct regs *r)
{
	struct thread *t = current();

	kprintf("CPU %u: ", smp_processor_id());
	if (t)
		kprintf("thread %u (%s), ", t->tid, t->name);
	kprintf("preemption count %x, interrupts %s%s\n",
		this_cpu_read(preempt_count),
		(r ? r->rflags & BIT(9) : !irqs_disabled()) ? "on" : "off",
		r && user_mode(r) ? ", user mode" : "");
	if (r) {
		show_regs(r);
		backtrace_from(user_mode(r) ? 0 : r->rip,
			       user_mode(r) ? 0 : r->rbp, r->rsp);
	} else {
		dump_stack();
	}
	lockdep_print_held();
}

bool nmi_dump_here(const struct regs *r)
{
	u32 self = smp_processor_id() + 1;

	if (cmpxchg(&asked, self, self | PRINTING) != self)	/* (A) */
		return false;
	console_direct(CONSOLE_DIRECT);
	if (READ_ONCE(keep))
		this_cpu_add(report_keeps, 1);
	dump_this_cpu(r);					/* (B) */
	if (READ_ONCE(keep))
		this_cpu_add(report_keeps, -1);
	console_direct(CONSOLE_LOCKED);
	smp_store_release(&asked, 0);				/* (C) */
	return true;
}

/* dump_busy is ours and the console held.  (1) to (3). */
static void ask(u32 cpu)
{
	u64 end = ktime_get() + WAIT_NS;

	smp_store_release(&asked, cpu + 1);
	apic_send_nmi(cpu);
	while (smp_load_acquire(&asked)) {
		cpu_relax();
		if (ktime_get() < end || READ_ONCE(asked) & PRINTING)
			continue;
		if (cmpxchg(&asked, cpu + 1, 0) == cpu + 1)
			kprintf("CPU %u: no answer to an NMI\n", cpu);
	}
}

static u64 begin(void)
{
	preempt_disable();
	while (xchg(&dump_busy, 1))
		cpu_relax();
	WRITE_ONCE(keep, report_takes_output());
	return console_hold();
}

static void end(u64 flags)
{
	console_release(flags);
	smp_store_release(&dump_busy, 0);
	preempt_enable_no_resched();	/* from the tick, too */
}

static void show(u32 cpu)
{
	if (cpu == smp_processor_id())
		dump_this_cpu(NULL);
	else
		ask(cpu);
}

void nmi_dump_cpu(u32 cpu)
{
	u64 flags = begin();

	show(cpu);
	end(flags);
}

void nmi_dump_all(void)
{
	u64 flags = begin();
	u32 cpu, self = smp_processor_id();

	show(self);
	for_each_cpu(cpu, &cpu_online_mask)
		if (cpu != self)
			show(cpu);
	end(flags);
}

static int cmd_dumpcpus(int argc, char **argv)
{
	u64 cpu;

	if (argc < 2) {
		nmi_dump_all();
		return 0;
	}
	if (shell_parse_u64("dumpcpus", argv[1], &cpu))
		return -EINVAL;
	if (cpu >= NR_CPUS || !cpumask_test_cpu((u32)cpu, &cpu_online_mask)) {
		kprintf("dumpcpus: CPU %llu is not online\n", cpu);
		return -ENODEV;
	}
	nmi_dump_cpu((u32)cpu);
	return 0;
}
SHELL_CMD(dumpcpus, "[CPU]", "what each CPU does now, asked by NMI", 0, 1,
	  cmd_dumpcpus);
