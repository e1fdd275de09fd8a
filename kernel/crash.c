/* SPDX-License-Identifier: MIT */
/*
 * `crash KIND`: the kernel's own mistakes, made on purpose, to see what each
 * protection says.  Every kind must end in a report that names the exception,
 * the CPU and the function; none may get past it.
 *
 * Tests: tests/drive/panic.py
 */
#include "arch/cpu.h"
#include "arch/layout.h"
#include "arch/smp.h"
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/string.h"

extern char _text[];

/* Volatile: the compiler must not see through what we are about to do. */
static volatile u64 sink;
static char data[16];

static void crash_null(void)
{
	char *volatile p = NULL;

	sink = (u64)*(volatile char *)p;
}

static void crash_divide(void)
{
	volatile u64 zero = 0;

	sink = 100 / zero;
}

static void crash_opcode(void)
{
	__builtin_trap();
}

static noinline u64 recurse(u64 n)
{
	volatile u64 frame[32];

	frame[n % 32] = n;
	if (n == U64_MAX)
		return 0;
	return recurse(n + 1) + frame[n % 31];
}

/* Into the guard page below the stack: a double fault, on its own stack. */
static void crash_stack(void)
{
	sink = recurse(0);
}

/* Text is not writable, data is not executable. */
static void crash_text(void)
{
	*(volatile char *)_text = 0;
}

static void crash_data(void)
{
	void (*volatile fn)(void) = (void (*)(void))(void *)data;

	fn();
}

static void crash_assert(void)
{
	BUG_ON(data[0] == 0);
}

/*
 * Panics under bad circumstances.
 */
static u32 holding;

/* The console's lock is held by a CPU that never lets go of it. */
static void write_for_ever(struct console *c, const char *s, size_t len)
{
	(void)c;
	(void)s;
	(void)len;
	if (panic_in_progress() || smp_processor_id() == READ_ONCE(holding))
		return;
	smp_store_release(&holding, NR_CPUS);
	for (;;)
		cpu_relax();
}

static void print_one(void *arg)
{
	(void)arg;
	kprintf("crash: this takes the console away\n");
}

static void crash_console(void)
{
	static struct console c = { .name = "stuck", .write = write_for_ever };
	u32 self, other;

	thread_bind(current(), smp_processor_id());
	self = smp_processor_id();
	other = cpumask_next(self, &cpu_online_mask);
	if (other >= NR_CPUS)
		other = cpumask_first(&cpu_online_mask);
	if (other == self)
		panic("console kept: with one CPU nobody else can hold it");
	holding = self;
	console_register(&c);
	kthread_run("keeper", (int)other, print_one, NULL);
	while (smp_load_acquire(&holding) != NR_CPUS)
		yield();
	panic("console kept by CPU %u", other);
}

/* All CPUs at once: one of them tells. */
static void panic_too(void *arg)
{
	(void)arg;
	panic("all CPUs panic");
}

static void crash_all(void)
{
	on_each_cpu(panic_too, NULL);
}

/* The report itself fails, when it comes to the registers or the trace. */
static void write_badly(struct console *c, const char *s, size_t len)
{
	static u32 calls;

	(void)c;
	(void)s;
	(void)len;
	if (panic_in_progress() && ++calls == 3)
		crash_null();
}

static void crash_nested(void)
{
	static struct console c = { .name = "bad", .write = write_badly };

	console_register(&c);
	panic("the first of two");
}

static bool panic_in_nmi(struct regs *r)
{
	panic_regs(r, "panic in an NMI");
}

static void crash_nmi(void)
{
	local_irq_disable();
	nmi_hook = panic_in_nmi;
	apic_send_nmi(smp_processor_id());
	for (;;)
		cpu_relax();
}

static void crash_current(void)
{
	local_irq_disable();
	this_cpu_write(current_thread, (struct thread *)(KERNEL_VMA - 4096));
	crash_null();
}

static const struct {
	const char *name;
	void (*fn)(void);
} kinds[] = {
	{ "null", crash_null },		{ "divide", crash_divide },
	{ "opcode", crash_opcode },	{ "stack", crash_stack },
	{ "text", crash_text },		{ "data", crash_data },
	{ "assert", crash_assert },	{ "console", crash_console },
	{ "all", crash_all },		{ "nested", crash_nested },
	{ "nmi", crash_nmi },		{ "current", crash_current },
};

static int cmd_crash(int argc, char **argv)
{
	(void)argc;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		kinds[i].fn();
		kprintf("crash: %s did no harm\n", argv[1]);
		return -EIO;
	}
	kprintf("crash: no kind \"%s\"\n", argv[1]);
	return -EINVAL;
}

static void complete_kind(int arg, const char *prefix,
			  void (*emit)(const char *))
{
	(void)prefix;
	for (u32 i = 0; arg == 1 && i < ARRAY_SIZE(kinds); i++)
		emit(kinds[i].name);
}

SHELL_CMD_FULL(crash, "KIND",
	       "crash on purpose: null, stack, console, ... (Tab lists them)",
	       1, 1, 0, cmd_crash, complete_kind);
