/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables.  GS base holds this CPU's offset from the linked copy of
 * .data.percpu; the boot CPU's offset is 0 for ever (it uses the linked copy),
 * so per-CPU variables work from the first C line on.
 *
 * this_cpu_read/write/add are one instruction each and so safe against
 * preemption and interrupts.  this_cpu_ptr() is only stable while the caller
 * cannot migrate (preemption off).
 */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/limits.h"

#define DEFINE_PER_CPU(type, name) \
	__attribute__((section(".data.percpu"))) type name
#define DECLARE_PER_CPU(type, name) extern type name

extern u64 __per_cpu_offset[NR_CPUS];
DECLARE_PER_CPU(u64, this_cpu_off);
DECLARE_PER_CPU(u32, cpu_number);

#define per_cpu_ptr(ptr, cpu) \
	((typeof(ptr))((u64)(ptr) + __per_cpu_offset[cpu]))
#define per_cpu(var, cpu)	(*per_cpu_ptr(&(var), cpu))

static inline u64 percpu_self(void)
{
	u64 off;

	asm volatile("movq %%gs:this_cpu_off, %0" : "=r"(off));
	return off;
}

#define this_cpu_ptr(ptr)	((typeof(ptr))((u64)(ptr) + percpu_self()))

#define this_cpu_read(var) ({						\
	typeof(var) __v;						\
	static_assert(sizeof(var) == 4 || sizeof(var) == 8 ||		\
		      sizeof(var) == 1);				\
	asm volatile("mov %%gs:%1, %0" : "=r"(__v) : "m"(var));		\
	__v; })

#define this_cpu_write(var, val) ({					\
	typeof(var) __v = (val);					\
	asm volatile("mov %1, %%gs:%0" : "=m"(var) : "r"(__v)); })

#define this_cpu_add(var, val) ({					\
	typeof(var) __v = (val);					\
	asm volatile("add %1, %%gs:%0" : "+m"(var) : "r"(__v) : "cc"); })

#define this_cpu_inc(var)	this_cpu_add(var, 1)

/* The number of the CPU we run on; stable while preemption is off. */
static inline u32 smp_processor_id(void)
{
	return this_cpu_read(cpu_number);
}

#endif
