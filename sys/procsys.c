/* SPDX-License-Identifier: MIT */
/*
 * The files of /proc about the machine, in Linux's formats.  A CPU's time is
 * busy or idle: who used it is not counted by CPU, so "system" has it all.
 * Tests: tests/abi/t_proc, tests/drive/busybox.py
 */
#include "arch/smp.h"
#include "kernel/thread.h"
#include "kernel/upcall.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "sys/procfs.h"
#include "sys/times.h"

static void make_meminfo(struct text *t, struct process *p)
{
	struct page_stats ps;
	u64 free = nr_free_pages(), cached = nr_cache_pages();

	(void)p;
	page_alloc_stats(&ps);
	text_add(t, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
		 "MemAvailable:   %8llu kB\nBuffers:               0 kB\n"
		 "Cached:         %8llu kB\nSwapCached:            0 kB\n",
		 ps.total * 4, free * 4, free * 4, cached * 4);
	text_add(t, "SwapTotal:      %8llu kB\nSwapFree:       %8llu kB\n"
		 "Shmem:          %8llu kB\nSlab:                  0 kB\n"
		 "SReclaimable:          0 kB\nPageTables:     %8llu kB\n",
		 nr_swap_total() * 4, nr_swap_free() * 4, nr_shmem_pages() * 4,
		 nr_table_pages() * 4);
}

static void vmstat_line(const char *name, u64 value, void *arg)
{
	text_add(arg, "%s %llu\n", name, value);
}

static void make_vmstat(struct text *t, struct process *p)
{
	(void)p;
	vmstat_for_each(vmstat_line, t);
}

static void make_uptime(struct text *t, struct process *p)
{
	u64 cs = ktime_get() / (NSEC_PER_SEC / 100), idle = 0;
	u32 cpu;

	(void)p;
	for_each_cpu(cpu, &cpu_online_mask)
		idle += sched_idle_ticks(cpu);
	text_add(t, "%llu.%02llu %llu.%02llu\n", cs / 100, cs % 100,
		 idle / HZ_USER, idle % HZ_USER);
}

static void make_version(struct text *t, struct process *p)
{
	(void)p;
	text_add(t, "Linux version 6.1.0-rewalk (Rewalk) #1 SMP\n");
}

static void make_cpuinfo(struct text *t, struct process *p)
{
	u32 cpu;

	(void)p;
	for_each_cpu(cpu, &cpu_online_mask)
		text_add(t, "processor\t: %u\nmodel name\t: x86-64\n\n", cpu);
}

static void make_mounts(struct text *t, struct process *p)
{
	(void)p;
	text_add(t, "ramfs / ramfs rw 0 0\nproc /proc proc rw 0 0\n");
}

static void cpu_line(struct text *t, const char *name, u64 busy, u64 idle)
{
	text_add(t, "%s 0 0 %llu %llu 0 0 0 0 0 0\n", name, busy, idle);
}

struct tally {
	u32 threads, running;
};

static void count_thread(struct thread *th, void *arg)
{
	struct tally *n = arg;

	n->threads++;
	n->running += !th->idle && READ_ONCE(th->state) == THREAD_RUNNABLE;
}

static struct tally count_threads(void)
{
	struct tally n = { 0, 0 };

	for_each_thread(count_thread, &n);
	return n;
}

static void make_stat(struct text *t, struct process *p)
{
	u64 up = ktime_get() / NSEC_PER_TICK, idle, all = 0;
	u32 cpu, nr = 0;

	(void)p;
	for_each_cpu(cpu, &cpu_online_mask) {
		all += min(sched_idle_ticks(cpu), up);
		nr++;
	}
	cpu_line(t, "cpu ", up * nr - all, all);
	for_each_cpu(cpu, &cpu_online_mask) {
		char name[16];

		idle = min(sched_idle_ticks(cpu), up);
		snprintf(name, sizeof(name), "cpu%u", cpu);
		cpu_line(t, name, up - idle, idle);
	}
	text_add(t, "intr 0\nctxt 0\nbtime %llu\nprocesses %u\n"
		 "procs_running %u\nprocs_blocked 0\n", boot_epoch_seconds(),
		 current()->tid, count_threads().running);
}

/* No averages are kept: what runs now stands for them. */
static void make_loadavg(struct text *t, struct process *p)
{
	struct tally n = count_threads();

	(void)p;
	text_add(t, "%u.00 %u.00 %u.00 %u/%u %u\n", n.running, n.running,
		 n.running, n.running, n.threads, current()->tid);
}

static void make_filesystems(struct text *t, struct process *p)
{
	(void)p;
	text_add(t, "nodev\tproc\nnodev\tramfs\n");
}

const struct proc_node proc_sys_nodes[] = {
	{ "cpuinfo", S_IFREG | 0444, .make = make_cpuinfo },
	{ "filesystems", S_IFREG | 0444, .make = make_filesystems },
	{ "loadavg", S_IFREG | 0444, .make = make_loadavg },
	{ "meminfo", S_IFREG | 0444, .make = make_meminfo },
	{ "mounts", S_IFREG | 0444, .make = make_mounts },
	{ "stat", S_IFREG | 0444, .make = make_stat },
	{ "uptime", S_IFREG | 0444, .make = make_uptime },
	{ "version", S_IFREG | 0444, .make = make_version },
	{ "vmstat", S_IFREG | 0444, .make = make_vmstat },
};
const u32 nr_proc_sys_nodes = ARRAY_SIZE(proc_sys_nodes);
