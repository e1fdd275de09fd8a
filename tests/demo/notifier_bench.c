/* SPDX-License-Identifier: MIT */
/*
 * Shell: notifierbench.  What the notifier chain costs: registrations, by how
 * many vmas an mm has and how many CPUs register at once; sections, by who
 * subscribed; callbacks of a large munmap.  Time stamp counter ticks, least of
 * some rounds: instructions where QEMU counts them (make bench-notifier).
 */
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/timer.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/printf.h"
#include "mm/slab.h"
#include "tests/kt/kt_device.h"
#include "tests/kt/kt_interval.h"

#define ROUNDS	5
#define TIMES	20
#define GIB	0x40000000UL

/* nr vmas with a page and an anon_vma each; every fourth maps the file. */
static struct mm_struct *mm_with_vmas(u32 nr, struct kt_file *f)
{
	struct mm_struct *mm = mm_alloc();

	for (u32 i = 0; mm && i < nr; i++) {
		u64 off = (u64)i * 0x2000;

		if (i % 4)
			kt_map(mm, off, PAGE_SIZE, PROT_RW);
		else
			kt_map_file(mm, f, off, PAGE_SIZE, MAP_PRIVATE);
		kt_poke(mm, KT_BASE + off, i);
	}
	return mm;
}

/* Ticks of one registration of several; unregistering is not counted. */
static u64 time_registrations(struct mm_struct *mm)
{
	struct kt_device d;
	u64 ticks = 0, at;

	for (u32 i = 0; i < TIMES; i++) {
		kt_device_init(&d, mm, KT_BASE);
		at = rdtsc();
		if (mmu_notifier_register(&d.mn, mm))
			return 0;
		ticks += rdtsc() - at;
		mmu_notifier_unregister(&d.mn, mm);
	}
	return ticks / TIMES;
}

static u64 least_registration(enum mmu_notifier_method way, u32 vmas)
{
	struct kt_file *f = kt_file_create(1, 0x10000);
	struct mm_struct *mm;
	u64 best = ~0ULL;

	mmu_notifier_set_method(way);
	mm = mm_with_vmas(vmas, f);
	for (u32 i = 0; mm && i < ROUNDS; i++)
		best = min(best, time_registrations(mm));
	mmu_notifier_set_method(MN_DRAIN);
	if (mm)
		mmput(mm);
	kt_file_put(f);
	return best;
}

static void by_vmas(void)
{
	static const u32 counts[] = { 1, 16, 256, 4096 };

	kprintf("one registration     vmas   all locks       drain\n");
	for (u32 i = 0; i < ARRAY_SIZE(counts); i++)
		kprintf("%25u %11llu %11llu\n", counts[i],
			least_registration(MN_LOCKS, counts[i]),
			least_registration(MN_DRAIN, counts[i]));
}

struct worker {
	struct mm_struct *mm;
	u32 go, times, errors;
	struct thread *thread;
};

static void worker_main(void *arg)
{
	struct worker *w = arg;
	struct kt_device d;

	while (!READ_ONCE(w->go))
		yield();
	for (u32 i = 0; i < w->times; i++) {
		kt_device_init(&d, w->mm, KT_BASE);
		if (mmu_notifier_register(&d.mn, w->mm))
			w->errors++;
		else
			mmu_notifier_unregister(&d.mn, w->mm);
	}
}

struct rate { u64 ticks, ns; };		/* for one registration of all CPUs' */

static struct rate measure_cpus(struct worker *w, u32 cpus)
{
	struct rate r;
	u64 t, ns;

	for (u32 i = 0; i < cpus; i++)
		w[i].thread = kthread_run("registrar", (int)i, worker_main,
					  &w[i]);
	t = rdtsc();
	ns = ktime_get();
	for (u32 i = 0; i < cpus; i++)
		WRITE_ONCE(w[i].go, 1);
	for (u32 i = 0; i < cpus; i++)
		thread_join(w[i].thread);
	r.ticks = (rdtsc() - t) / (cpus * w[0].times);
	r.ns = (ktime_get() - ns) / (cpus * w[0].times);
	return r;
}

static struct rate with_cpus(enum mmu_notifier_method way, u32 cpus)
{
	struct kt_file *f = kt_file_create(1, 0x10000);
	struct worker w[8];
	struct rate r;

	mmu_notifier_set_method(way);
	for (u32 i = 0; i < cpus; i++)
		w[i] = (struct worker){ .mm = mm_with_vmas(16, f),
					.times = 500 };
	r = measure_cpus(w, cpus);
	mmu_notifier_set_method(MN_DRAIN);
	for (u32 i = 0; i < cpus; i++)
		mmput(w[i].mm);
	kt_file_put(f);
	return r;
}

/* An mm each, of 16 vmas; the file is everybody's. */
static void by_cpus(void)
{
	u32 online = cpumask_weight(&cpu_online_mask);

	kprintf("register+unregister  CPUs   all locks  per second       drain  per second\n");
	for (u32 n = 1; n <= min(online, 8U); n *= 2) {
		struct rate a = with_cpus(MN_LOCKS, n);
		struct rate b = with_cpus(MN_DRAIN, n);

		kprintf("%25u %11llu %11llu %11llu %11llu\n", n, a.ticks,
			1000000000ULL / max(a.ns, 1ULL), b.ticks,
			1000000000ULL / max(b.ns, 1ULL));
	}
}

/* Ticks of a start and an end. */
static u64 time_section(struct mm_struct *mm)
{
	struct mmu_notifier_range r;
	u64 best = ~0ULL, at;

	for (u32 i = 0; i < ROUNDS; i++) {
		at = rdtsc();
		for (u32 k = 0; k < TIMES; k++) {
			mmu_notifier_range_init(&r, MMU_NOTIFY_CLEAR, mm,
						KT_BASE, KT_BASE + PAGE_SIZE);
			mmu_notifier_invalidate_range_start(&r);
			mmu_notifier_invalidate_range_end(&r);
		}
		best = min(best, (rdtsc() - at) / TIMES);
	}
	return best;
}

static void print_section(const char *what, struct mm_struct *mm)
{
	kprintf("%-37s %11llu\n", what, time_section(mm));
}

/* nr intervals, of which the last covers the section's page, or none. */
static void with_intervals(struct mm_struct *mm, u32 nr, u32 hits)
{
	struct kt_interval *k = kmalloc(nr * sizeof(*k));
	char what[40];

	if (!k)
		return;
	for (u32 i = 0; i < nr; i++)
		kt_interval_insert(&k[i], mm, KT_BASE +
				   (u64)(nr - i - hits) * 0x10000, PAGE_SIZE);
	snprintf(what, sizeof(what), "%u intervals, %u overlaps", nr, hits);
	print_section(what, mm);
	for (u32 i = 0; i < nr; i++)
		mmu_interval_notifier_remove(&k[i].sub);
	kfree(k);
}

static void sections(void)
{
	struct mm_struct *mm, *counted;
	struct kt_device d;

	mmu_notifier_set_method(MN_LOCKS);
	mm = mm_alloc();
	mmu_notifier_set_method(MN_DRAIN);
	counted = mm_alloc();
	kprintf("a section, start and end\n");
	print_section("nobody ever subscribed", mm);
	print_section("counted, nobody subscribed", counted);
	kt_device_init(&d, counted, KT_BASE);
	mmu_notifier_register(&d.mn, counted);
	print_section("one subscriber", counted);
	mmu_notifier_unregister(&d.mn, counted);
	for (u32 nr = 1; nr <= 1000; nr *= 10) {
		with_intervals(counted, nr, 0);
		with_intervals(counted, nr, 1);
	}
	mmput(mm);
	mmput(counted);
}

static void large_munmap(void)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_device d;

	kt_device_init(&d, mm, KT_BASE);
	mmu_notifier_register(&d.mn, mm);
	kt_map(mm, 0, GIB, PROT_RW);
	for (u64 off = 0; off < GIB; off += GIB / 64)
		kt_poke(mm, KT_BASE + off, off);
	do_munmap(mm, KT_BASE, GIB);
	kprintf("munmap of 1 GiB: %u starts, %u ends\n", d.starts, d.ends);
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
}

static int cmd_notifierbench(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	by_vmas();
	by_cpus();
	sections();
	large_munmap();
	return 0;
}
SHELL_CMD(notifierbench, "", "what notifiers cost: registrations, sections", 0,
	  0, cmd_notifierbench);
