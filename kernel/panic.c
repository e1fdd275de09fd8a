/* SPDX-License-Identifier: MIT */
/*
 * The end: our own bugs, and traps of the kernel that nobody resolves.
 *
 * P1  One CPU panics: the winner of panic_cpu.  The others are stopped by NMI
 *     or, if they panic too, stop themselves.
 * P2  From then on no lock is taken and no interrupt served; output is direct,
 *     whoever may hold the console, and every wait is bounded.
 * P3  A panic inside a panic prints one line and ends at once; one inside
 *     that ends without a word.
 * P4  Nothing that may be the cause is trusted: the current thread is read by
 *     copy_nofault(), the stack too.
 *
 * What follows is panic_action (panic=shell, exit or halt); while self-tests
 * run it is always exit, with the failing status.
 */
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/layout.h"
#include "arch/uaccess.h"
#include "arch/upcall.h"
#include "kernel/cmdline.h"
#include "kernel/ktest.h"
#include "kernel/nmi.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/report.h"
#include "kernel/schedpoint.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"

#define NOBODY		0U
#define EXIT_FAIL	0x11
#define TRACE_TAIL	24
#define STOP_WAIT_US	20000

enum panic_action panic_action = PANIC_SHELL;
bool (*debug_trap_hook)(struct regs *r);
bool (*nmi_hook)(struct regs *r);

static u32 panic_cpu = NOBODY;		/* a: number + 1 */
static atomic_t nr_stopped;
static u64 stopped_at[NR_CPUS];		/* where the NMI found the others */
static u32 depth;			/* P3: panics of panic_cpu */
static u64 warnings;

bool panic_in_progress(void)
{
	return READ_ONCE(panic_cpu) != NOBODY;
}

static _Noreturn void halt_forever(void)
{
	for (;;) {
		local_irq_disable();
		cpu_halt();
	}
}

static _Noreturn void finish(void)
{
	if (ktest_running() || panic_action == PANIC_EXIT) {
		arch_debug_exit(EXIT_FAIL);
		kprintf("no isa-debug-exit device: halted\n");
	} else if (panic_action == PANIC_SHELL) {
		shell_panic_loop();
	}
	halt_forever();
}

/* P1, P3.  IRQs off. */
static void begin(void)
{
	u32 self = smp_processor_id() + 1;
	u32 old = cmpxchg(&panic_cpu, NOBODY, self);

	if (old != NOBODY && old != self)
		halt_forever();
	if (++depth > 2) {
		arch_debug_exit(EXIT_FAIL);
		halt_forever();
	}
	if (old == self) {
		kprintf("\npanic inside a panic: ");
		return;
	}
	lockdep_off();
	console_enter_panic();
	trace_enable(TRACE_STOP);
	if (cpumask_weight(&cpu_online_mask) <= 1)
		return;
	apic_send_nmi_others();
	for (u32 i = 0; i < STOP_WAIT_US / 100; i++) {
		if ((u32)atomic_read(&nr_stopped) + 1 >=
		    cpumask_weight(&cpu_online_mask))
			return;
		udelay(100);
	}
}

/* P4.  Its copy, or NULL. */
static const struct thread *current_copy(void)
{
	static struct thread copy;
	const struct thread *t = current();

	if (!t || (u64)t < PAGE_OFFSET || copy_nofault(&copy, t, sizeof(copy)))
		return NULL;
	copy.name[sizeof(copy.name) - 1] = 0;
	return &copy;
}

static void report_others(void)
{
	char name[96];
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask)
		if (stopped_at[cpu])
			kprintf("CPU %u was stopped at %s\n", cpu,
				ksym_format(stopped_at[cpu], name,
					    sizeof(name)));
		else if (READ_ONCE(panic_cpu) != cpu + 1)
			kprintf("CPU %u did not stop\n", cpu);
}

static void report(const struct regs *r, const char *msg)
{
	static bool reported;
	const struct thread *t = current_copy();

	kprintf("\nKERNEL PANIC on CPU %u: %s\n", smp_processor_id(), msg);
	if (reported) {
		arch_debug_exit(EXIT_FAIL);
		halt_forever();
	}
	reported = true;
	if (t)
		kprintf("thread %u (%s)\n", t->tid, t->name);
	else
		kprintf("no current thread (%p)\n", (void *)current());
	if (r) {
		show_regs(r);
		backtrace_from(r->rip, r->rbp, r->rsp);
	} else {
		dump_stack();
	}
	if (t)
		lockdep_print_thread(t);
	report_others();
	kprintf("last events:\n");
	trace_print(TRACE_TAIL);
}

void panic(const char *fmt, ...)
{
	static char msg[REPORT_LEN];
	va_list ap;

	local_irq_disable();
	sched_explore_failed();
	begin();
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	report(NULL, msg);
	finish();
}

void panic_regs(const struct regs *r, const char *fmt, ...)
{
	static char msg[REPORT_LEN];
	va_list ap;

	local_irq_disable();
	sched_explore_failed();
	begin();
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	report(r, msg);
	finish();
}

void upcall_kernel_trap(struct regs *r, vaddr_t addr)
{
	switch (r->vector) {
	case TRAP_PF:
		panic_regs(r, "%s: %s %s 0x%llx%s", trap_name(r->vector),
			   r->error & PF_I ? "execution at" :
			   r->error & PF_W ? "write to" : "read from",
			   r->error & PF_RSVD ? "a reserved-bit entry at" :
			   r->error & PF_P ? "protected" : "unmapped", addr,
			   addr < 4096 ? " (NULL pointer)" : "");
	case TRAP_DF:
		panic_regs(r, "%s: a kernel stack has overflowed? (cr2 0x%llx)",
			   trap_name(r->vector), addr);
	default:
		panic_regs(r, "%s in the kernel", trap_name(r->vector));
	}
}

bool upcall_nmi(struct regs *r)
{
	if (!panic_in_progress())
		return nmi_dump_here(r) || (nmi_hook && nmi_hook(r));
	if (READ_ONCE(panic_cpu) == smp_processor_id() + 1)
		return true;
	stopped_at[smp_processor_id()] = r->rip;
	atomic_inc(&nr_stopped);
	halt_forever();
}

bool upcall_debug_trap(struct regs *r)
{
	return debug_trap_hook && debug_trap_hook(r);
}

void warn_add(void)
{
	__atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED);
}

void warn_at(const char *file, int line, const char *what)
{
	warn_add();
	pr_warn("warning at %s:%d: %s\n", file, line, what);
	dump_stack();
}

u64 warn_count(void)
{
	return READ_ONCE(warnings);
}
