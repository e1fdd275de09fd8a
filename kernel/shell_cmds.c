/* SPDX-License-Identifier: MIT */
/* The commands of kernel/ itself.  One function each, one line of help. */
#include "arch/smp.h"
#include "kernel/config.h"
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/racepoint.h"
#include "kernel/rcu.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "kernel/upcall.h"
#include "kernel/timer.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"

static void help_line(const struct shell_cmd *c)
{
	char head[128];

	snprintf(head, sizeof(head), "%s %s", c->name, c->args);
	kprintf("  %-32s %s\n", head, c->help);
}

/* The command that follows `last` by name; NULL: none. */
static const struct shell_cmd *next_by_name(const char *last)
{
	const struct shell_cmd *c, *best = NULL;

	for (c = __shellcmds_start; c < __shellcmds_end; c++) {
		if ((panic_in_progress() && !(c->flags & SHELL_PANIC_OK)) ||
		    (c->flags & SHELL_HIDDEN))
			continue;
		if (strcmp(c->name, last) > 0 &&
		    (!best || strcmp(c->name, best->name) < 0))
			best = c;
	}
	return best;
}

static int cmd_help(int argc, char **argv)
{
	const struct shell_cmd *c;

	if (argc == 1) {
		for (c = next_by_name(""); c; c = next_by_name(c->name))
			help_line(c);
		return 0;
	}
	c = shell_find(argv[1]);
	if (!c) {
		kprintf("help: no command is called \"%s\"\n", argv[1]);
		return -ENOENT;
	}
	help_line(c);
	return 0;
}

static void complete_command(int arg, const char *prefix,
			     void (*emit)(const char *))
{
	(void)prefix;
	if (arg != 1)
		return;
	for (const struct shell_cmd *c = __shellcmds_start;
	     c < __shellcmds_end; c++)
		emit(c->name);
}
SHELL_CMD_FULL(help, "[CMD]", "list the commands, or explain one", 0, 1,
	       SHELL_PANIC_OK, cmd_help, complete_command);

struct cpu_name { char name[24]; u32 tid; };
static struct cpu_name on_cpu[NR_CPUS];

static void note_running(struct thread *t, void *arg)
{
	u32 cpu = READ_ONCE(t->cpu);

	(void)arg;
	if (!READ_ONCE(t->on_cpu) || cpu >= NR_CPUS)
		return;
	strlcpy(on_cpu[cpu].name, t->name, sizeof(on_cpu[cpu].name));
	on_cpu[cpu].tid = t->tid;
}

static int cmd_cpus(int argc, char **argv)
{
	u64 ticks = ktime_get() / (1000000000 / CONFIG_HZ);
	u32 cpu;

	(void)argc;
	(void)argv;
	memset(on_cpu, 0, sizeof(on_cpu));
	for_each_thread(note_running, NULL);
	kprintf("CPU  APIC  ONLINE  IDLE TICKS  IDLE  THREAD\n");
	for_each_cpu(cpu, &cpu_present_mask) {
		u64 idle;

		if (!cpumask_test_cpu(cpu, &cpu_online_mask)) {
			kprintf("%3u  %4u  no               -     -  -\n", cpu,
				apic_id_of(cpu));
			continue;
		}
		idle = sched_idle_ticks(cpu);
		kprintf("%3u  %4u  yes     %10llu  %3llu%%  %s (%u)\n", cpu,
			apic_id_of(cpu), idle,
			ticks ? min_t(u64, idle * 100 / ticks, 100) : 0,
			on_cpu[cpu].name, on_cpu[cpu].tid);
	}
	kprintf("%u CPUs online, %llu cross-call interrupts, "
		"%llu grace periods\n", cpumask_weight(&cpu_online_mask),
		ipi_calls_sent(), rcu_completed());
	return 0;
}
SHELL_CMD(cpus, "", "list the CPUs and what they run", 0, 0, cmd_cpus);

static void print_thread(struct thread *t, void *arg)
{
	(void)arg;
	kprintf("%5u  %3u  %-9s %6llu %6llu %8llu  %s\n", t->tid, t->cpu,
		thread_state_name(t), t->utime_ticks, t->stime_ticks,
		t->switches, t->name);
}

static int cmd_threads(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	kprintf("  TID  CPU  STATE      UTIME  STIME SWITCHES  NAME\n");
	for_each_thread(print_thread, NULL);
	return 0;
}
SHELL_CMD(threads, "", "list all threads (times in ticks)", 0, 0, cmd_threads);

static int cmd_trace(int argc, char **argv)
{
	u64 n = 40;

	if (argc > 1 && shell_parse_u64("trace", argv[1], &n))
		return -EINVAL;
	trace_print((u32)min_t(u64, n, CONFIG_TRACE_EVENTS * 64));
	return 0;
}
SHELL_CMD_FULL(trace, "[N]", "print the last N (40) events of all CPUs", 0, 1,
	       SHELL_PANIC_OK, cmd_trace, NULL);

static int cmd_dmesg(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printk_dump_ring();
	return 0;
}
SHELL_CMD_FULL(dmesg, "", "print the kernel's messages again", 0, 0,
	       SHELL_PANIC_OK, cmd_dmesg, NULL);

static int cmd_uptime(int argc, char **argv)
{
	u64 now = ktime_get();

	(void)argc;
	(void)argv;
	kprintf("up %llu.%03llu s, started at %llu s since 1970\n",
		now / 1000000000, now / 1000000 % 1000, boot_epoch_seconds());
	return 0;
}
SHELL_CMD(uptime, "", "time since boot", 0, 0, cmd_uptime);

static int cmd_echo(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		kprintf("%s%s", argv[i], i + 1 < argc ? " " : "");
	kprintf("\n");
	return 0;
}
SHELL_CMD_FULL(echo, "[TEXT...]", "print the text", 0, -1, SHELL_PANIC_OK,
	       cmd_echo, NULL);

static int cmd_clear(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	kprintf("\033[H\033[2J");
	return 0;
}
SHELL_CMD_FULL(clear, "", "clear the screen", 0, 0, SHELL_PANIC_OK, cmd_clear,
	       NULL);

/* In a panic nothing can be waited for. */
static void sync_disks(void)
{
	if (!panic_in_progress())
		upcall_sync();
}

static int cmd_poweroff(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	sync_disks();
	arch_poweroff();
}
SHELL_CMD_FULL(poweroff, "", "turn the machine off", 0, 0, SHELL_PANIC_OK,
	       cmd_poweroff, NULL);

static int cmd_reboot(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	sync_disks();
	arch_reboot();
}
SHELL_CMD_FULL(reboot, "", "start the machine again", 0, 0, SHELL_PANIC_OK,
	       cmd_reboot, NULL);

static int cmd_qemu_exit(int argc, char **argv)
{
	u64 v;

	(void)argc;
	if (shell_parse_u64("qemu-exit", argv[1], &v))
		return -EINVAL;
	if (v > 255) {
		kprintf("qemu-exit: 0 to 255; the status is 2 * N + 1\n");
		return -ERANGE;
	}
	arch_debug_exit((u8)v);
	kprintf("qemu-exit: no isa-debug-exit device\n");
	return -ENODEV;
}
SHELL_CMD_NAMED(qemu_exit, "qemu-exit", "N",
		"end QEMU with status 2 * N + 1", 1, 1, SHELL_PANIC_OK,
		cmd_qemu_exit, NULL);

static int cmd_panic(int argc, char **argv)
{
	panic("%s", argc > 1 ? argv[1] : "as you wish");
}
SHELL_CMD(panic, "[TEXT]", "crash the kernel on purpose", 0, 1, cmd_panic);

static int cmd_backtrace(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	dump_stack();
	return 0;
}
SHELL_CMD_FULL(backtrace, "", "print this thread's call chain", 0, 0,
	       SHELL_PANIC_OK, cmd_backtrace, NULL);

static void print_race(const struct race_point *rp)
{
	kprintf("  %-32s armed %u hits %u%s\n", rp->name, rp->armed, rp->hits,
		rp->parked ? " PARKED" : "");
}

static int cmd_races(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (!CONFIG_LAB)
		kprintf("races: a release build has no race points\n");
	race_for_each(print_race);
	return 0;
}
SHELL_CMD(races, "", "list the race points of a lab build", 0, 0, cmd_races);

static void print_bug(const struct bug_switch *b)
{
	kprintf("  %-32s %s\n", b->name, b->on ? "on" : "off");
}

static int cmd_bugs(int argc, char **argv)
{
	u64 on;

	if (argc == 2) {
		kprintf("usage: bugs [NAME 0|1]\n");
		return -EINVAL;
	}
	if (!CONFIG_LAB)
		kprintf("bugs: a release build has no bug switches\n");
	if (argc == 1) {
		bug_for_each(print_bug);
		return 0;
	}
	if (shell_parse_u64("bugs", argv[2], &on))
		return -EINVAL;
	if (!bug_set(argv[1], on != 0))
		return 0;
	kprintf("bugs: no switch is called \"%s\"\n", argv[1]);
	return -ENOENT;
}

static void (*bug_emit)(const char *);
static void emit_bug(const struct bug_switch *b)
{
	bug_emit(b->name);
}

static void complete_bug(int arg, const char *prefix,
			 void (*emit)(const char *))
{
	(void)prefix;
	bug_emit = emit;
	if (arg == 1)
		bug_for_each(emit_bug);
}
SHELL_CMD_FULL(bugs, "[NAME 0|1]", "list or set the historical bugs (lab)", 0,
	       2, 0, cmd_bugs, complete_bug);

static int cmd_locks(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	kprintf("lock ranks, outermost first:");
	for (u32 i = 1; i < NR_LOCK_RANKS; i++)
		kprintf("%s%s", (i - 1) % 8 ? " " : "\n  ", lock_rank_name[i]);
	kprintf("\n");
	lockdep_print_held();
	return 0;
}
SHELL_CMD(locks, "", "print the order of locks", 0, 0, cmd_locks);
