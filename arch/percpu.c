/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU areas.
 *
 * The linked copy of .data.percpu belongs to the boot CPU, at offset 0.  The
 * others get an area each with the initial values of the image, not with what
 * the boot CPU has made of its own meanwhile: percpu_snapshot() notes the
 * words that are not zero before they change.  There are few, since nearly
 * everything per CPU starts as zero.
 *
 * P1  GS base == this_cpu_off == __per_cpu_offset[cpu_number].
 */
#include "arch/internal.h"
#include "arch/upcall.h"
#include "lib/err.h"
#include "lib/string.h"

#define MAX_WORDS	1024

extern u64 __percpu_start[], __percpu_end[];

DEFINE_PER_CPU(u64, this_cpu_off);
DEFINE_PER_CPU(u32, cpu_number);
u64 __per_cpu_offset[NR_CPUS];

static struct {
	u32 index;
	u64 value;
} initial[MAX_WORDS];
static u32 nr_initial;
static bool overflow;

void percpu_snapshot(void)
{
	u64 words = (u64)(__percpu_end - __percpu_start);

	for (u32 i = 0; i < words; i++) {
		if (!__percpu_start[i])
			continue;
		if (nr_initial == MAX_WORDS) {
			overflow = true;
			return;
		}
		initial[nr_initial].index = i;
		initial[nr_initial++].value = __percpu_start[i];
	}
}

int percpu_alloc(u32 cpu)
{
	u64 bytes = (u64)__percpu_end - (u64)__percpu_start;
	u64 *area;

	if (overflow) {
		printk(MSG_ERR "smp: more than %d initialised per-CPU words\n",
		       MAX_WORDS);
		return -ENOMEM;
	}
	area = upcall_alloc_zeroed(bytes);
	if (!area)
		return -ENOMEM;
	for (u32 i = 0; i < nr_initial; i++)
		area[initial[i].index] = initial[i].value;
	__per_cpu_offset[cpu] = (u64)area - (u64)__percpu_start;
	per_cpu(this_cpu_off, cpu) = __per_cpu_offset[cpu];
	per_cpu(cpu_number, cpu) = cpu;
	return 0;
}
