/* SPDX-License-Identifier: MIT */
/*
 * The event trace: one ring for each CPU, written by that CPU alone with
 * interrupts off for a slot, so it needs no lock.
 *
 * E1  Slots [head - size, head) of a ring hold its last events in time order.
 * E2  A reader copies a slot and looks at head again: if the writer has come
 *     round to it meanwhile, the copy is dropped.
 *
 * Rings exist from trace_init() on and stay.  Tests: tests/kt/kt_trace.c
 */
#include "kernel/trace.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "kernel/config.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"

struct trace_ring {
	struct trace_rec *rec;		/* I */
	u64 head;			/* events ever written; own CPU */
};

static DEFINE_PER_CPU(struct trace_ring, trace_ring);
static u32 ring_size;			/* I; a power of two */
static bool stopped;

static const struct {
	const char *name, *fmt;
} event_info[NR_TRACE_EVENTS] = {
#define X(n, f) [TE_##n] = { #n, f },
	TRACE_EVENTS(X)
#undef X
};

void trace_init(u32 events)
{
	u32 cpu;

	if (!ring_size)
		ring_size = events;
	for_each_cpu(cpu, &cpu_online_mask) {
		struct trace_ring *ring = per_cpu_ptr(&trace_ring, cpu);
		struct trace_rec *rec;

		if (ring->rec)
			continue;
		rec = upcall_alloc_zeroed(ring_size * sizeof(*rec));
		if (!rec)
			pr_warn("trace: no memory for CPU %u\n", cpu);
		/* Partner: the acquire in trace4() */
		smp_store_release(&ring->rec, rec);
	}
}

bool trace_owns(const void *p)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		const void *rec = per_cpu(trace_ring, cpu).rec;

		if (rec && (u64)p - (u64)rec <
			   ring_size * sizeof(struct trace_rec))
			return true;
	}
	return false;
}

void trace_enable(enum trace_switch s)
{
	WRITE_ONCE(stopped, s == TRACE_STOP);
}

void trace4(enum trace_event e, u64 a, u64 b, u64 c, u64 d)
{
	struct trace_ring *ring;
	struct trace_rec *rec;
	struct thread *t;
	u64 flags;

	if (unlikely(READ_ONCE(stopped)))
		return;
	flags = local_irq_save();
	ring = this_cpu_ptr(&trace_ring);
	rec = smp_load_acquire(&ring->rec);
	if (likely(rec)) {
		t = current();
		rec += ring->head & (ring_size - 1);
		rec->time = rdtsc();
		rec->event = e;
		rec->tid = t ? t->tid : 0;
		rec->arg[0] = a;
		rec->arg[1] = b;
		rec->arg[2] = c;
		rec->arg[3] = d;
		/* The record before the head; partner: copy_slot() (E2) */
		smp_store_release(&ring->head, ring->head + 1);
	}
	local_irq_restore(flags);
}

u64 trace_mark(void)
{
	return rdtsc();
}

/* E2. */
static bool copy_slot(u32 cpu, u64 pos, struct trace_rec *out)
{
	struct trace_ring *ring = per_cpu_ptr(&trace_ring, cpu);

	*out = ring->rec[pos & (ring_size - 1)];
	smp_rmb();	/* the record before the head; partner: trace4() */
	return READ_ONCE(ring->head) - pos < ring_size;
}

/* The first position of a ring that is still there and not before mark. */
static u64 first_since(u32 cpu, u64 mark)
{
	struct trace_ring *ring = per_cpu_ptr(&trace_ring, cpu);
	u64 head = smp_load_acquire(&ring->head), pos = head;
	struct trace_rec r;

	if (!ring->rec)
		return 0;
	while (pos > 0 && head - pos + 1 < ring_size &&
	       copy_slot(cpu, pos - 1, &r) && r.time >= mark)
		pos--;
	return pos;
}

/* Merging state: too large for a stack; one user at a time. */
static u64 merge_pos[NR_CPUS], merge_end[NR_CPUS];
static u32 merge_busy;

/* The oldest record not yet taken, of all CPUs.  False: none is left. */
static bool take_oldest(struct trace_rec *out, u32 *out_cpu)
{
	struct trace_rec r;
	bool any = false;
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		while (merge_pos[cpu] < merge_end[cpu] &&
		       !copy_slot(cpu, merge_pos[cpu], &r))
			merge_pos[cpu]++;
		if (merge_pos[cpu] >= merge_end[cpu])
			continue;
		if (any && r.time >= out->time)
			continue;
		*out = r;
		*out_cpu = cpu;
		any = true;
	}
	if (any)
		merge_pos[*out_cpu]++;
	return any;
}

static u64 merge_begin(u64 mark)
{
	u64 total = 0;
	u32 cpu;

	while (xchg(&merge_busy, 1) && !panic_in_progress())
		cpu_relax();
	for_each_cpu(cpu, &cpu_online_mask) {
		struct trace_ring *ring = per_cpu_ptr(&trace_ring, cpu);

		merge_pos[cpu] = first_since(cpu, mark);
		merge_end[cpu] = ring->rec ? smp_load_acquire(&ring->head) : 0;
		total += merge_end[cpu] - merge_pos[cpu];
	}
	return total;
}

static void merge_finish(void)
{
	smp_store_release(&merge_busy, 0);
}

u32 trace_collect(u64 mark, struct trace_rec *out, u32 *cpus, u32 max)
{
	u32 n = 0, cpu = 0;

	preempt_disable();
	merge_begin(mark);
	while (n < max && take_oldest(&out[n], &cpu)) {
		if (cpus)
			cpus[n] = cpu;
		n++;
	}
	merge_finish();
	preempt_enable();
	return n;
}

void trace_format(const struct trace_rec *r, char *buf, size_t len)
{
	int n;

	if (r->event >= NR_TRACE_EVENTS) {
		snprintf(buf, len, "event %u?", r->event);
		return;
	}
	n = scnprintf(buf, len, "%-13s ", event_info[r->event].name);
	snprintf(buf + n, len - (size_t)n, event_info[r->event].fmt, r->arg[0],
		 r->arg[1], r->arg[2], r->arg[3]);
}

/* "..3." for CPU 3: a lane for each of the first CPUs. */
static void lanes(char *buf, u32 cpu, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		buf[i] = i == cpu ? '*' : '.';
	buf[nr] = 0;
}

static void print_rec(const struct trace_rec *r, u32 cpu, u64 newest)
{
	char lane[17], text[128];
	u64 us = tsc_khz ? (newest - r->time) * 1000 / tsc_khz : 0;

	lanes(lane, cpu, min_t(u32, cpumask_weight(&cpu_online_mask), 16));
	trace_format(r, text, sizeof(text));
	kprintf("%9llu us ago  %s cpu%-2u %5u  %s\n", us, lane, cpu, r->tid,
		text);
}

void trace_print(u32 n)
{
	struct trace_rec r;
	u64 total, newest = rdtsc();
	u32 cpu = 0;

	preempt_disable();
	total = merge_begin(0);
	while (total > n && take_oldest(&r, &cpu))
		total--;
	while (take_oldest(&r, &cpu))
		print_rec(&r, cpu, newest);
	merge_finish();
	preempt_enable();
}
