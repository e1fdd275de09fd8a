/* SPDX-License-Identifier: MIT */
/* Traps, fixups, per-CPU data, clock, FPU images, ACPI tables. */
#include "arch/acpi.h"
#include "arch/acpi_tables.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/thread.h"
#include "arch/uaccess.h"
#include "kernel/ktest.h"
#include "kernel/ipi.h"
#include "kernel/preempt.h"
#include "lib/err.h"
#include "lib/string.h"

#define NON_CANONICAL	0x8000000000000000UL

KTEST(arch, copy_nofault)
{
	u64 src[4] = { 1, 2, 3, 4 }, dst[4] = { 0 };

	KT_EQ(t, copy_nofault(dst, src, sizeof(src)), 0);
	KT_EXPECT(t, !memcmp(dst, src, sizeof(src)));
	KT_EQ(t, copy_nofault(dst, (void *)0x10, 8), 8);
	KT_EQ(t, copy_nofault(dst, (void *)NON_CANONICAL, 13), 13);
	KT_EQ(t, copy_nofault((void *)0x10, src, 9), 9);
	KT_EXPECT(t, !irqs_disabled());
}

/* No kernel address gets through as a user address, whatever the length. */
KTEST(arch, user_range)
{
	u64 kernel = 42, copy = 1;
	char name[8];
	u32 old = 0;

	KT_EQ(t, copy_from_user(&copy, (vaddr_t)&kernel, 8), 8);
	KT_EQ(t, copy, 0);
	KT_EQ(t, copy_to_user((vaddr_t)&kernel, &copy, 8), 8);
	KT_EQ(t, clear_user((vaddr_t)&kernel, 8), 8);
	KT_EQ(t, kernel, 42);
	KT_EQ(t, strncpy_from_user(name, (vaddr_t)&kernel, 8), -EFAULT);
	KT_EQ(t, user_load_u32((vaddr_t)&kernel, &old), -EFAULT);
	KT_EQ(t, user_cmpxchg_u32(USER_END - 2, &old, 1), -EFAULT);
	KT_EXPECT(t, access_ok(USER_END - 8, 8));
	KT_EXPECT(t, !access_ok(USER_END - 8, 9));
	KT_EXPECT(t, !access_ok(8, U64_MAX));
	KT_EXPECT(t, !access_ok(NON_CANONICAL, 1));
}

KTEST(arch, percpu)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		KT_EQ(t, per_cpu(cpu_number, cpu), cpu);
		KT_EQ(t, per_cpu(this_cpu_off, cpu), __per_cpu_offset[cpu]);
	}
	preempt_disable();
	KT_EQ(t, *this_cpu_ptr(&cpu_number), smp_processor_id());
	preempt_enable();
}

KTEST(arch, clock)
{
	u64 a = ktime_get(), b;

	udelay(1000);
	b = ktime_get();
	KT_EXPECT(t, b - a >= 990000);
	for (int i = 0; i < 1000; i++) {
		a = b;
		b = ktime_get();
		if (!KT_EXPECT(t, b >= a))
			return;
	}
}

/* A program's image may hold anything: refused, never a #GP in the kernel. */
KTEST(arch, fpu_hostile)
{
	static u8 live[1024] __aligned(64), image[1024] __aligned(64);
	struct arch_thread fake = { .fpu = live };
	u32 *mxcsr = (u32 *)(image + 24);
	u64 *header = (u64 *)(image + 512);

	KT_ASSERT(t, fpu_area_size() <= sizeof(image));
	fpu_area_init(image);
	KT_EQ(t, fpu_area_load(&fake, image), 0);
	*mxcsr = U32_MAX;
	KT_EQ(t, fpu_area_load(&fake, image), -EINVAL);
	fpu_area_init(image);
	if (!cpu_features.xcr0)
		return;
	for (int i = 0; i < 8; i++) {
		header[i] = 1UL << 62;
		KT_EQ(t, fpu_area_load(&fake, image), -EINVAL);
		header[i] = 0;
	}
	KT_EQ(t, fpu_area_load(&fake, image), 0);
}

/* A MADT with two CPUs, one of them twice, one disabled, one override. */
struct fake_madt {
	struct acpi_header h;
	u32 lapic, flags;
	u8 entry[4 * 8 + 10];
} __packed;

static const u8 fake_entries[] = {
	0, 8, 0, 7, 1, 0, 0, 0,
	0, 8, 1, 9, 1, 0, 0, 0,
	0, 8, 2, 9, 1, 0, 0, 0,
	0, 8, 3, 11, 0, 0, 0, 0,
	2, 10, 0, 5, 21, 0, 0, 0, 0xf, 0,
};

KTEST(arch, madt)
{
	static struct acpi_info saved;
	struct fake_madt m = { .lapic = 0xfee00000 };

	static_assert(sizeof(m.entry) == sizeof(fake_entries));
	memcpy(m.entry, fake_entries, sizeof(m.entry));
	m.h.length = sizeof(m);
	saved = acpi;

	acpi.nr_cpus = 0;
	acpi_read_madt(&m.h);
	KT_EQ(t, acpi.nr_cpus, 2);
	KT_EQ(t, acpi.cpus[0].apic_id, 7);
	KT_EQ(t, acpi.cpus[1].apic_id, 9);
	KT_EQ(t, acpi.irq_override[5], 21);

	acpi.nr_cpus = 0;
	m.entry[9] = 0;			/* an entry of no length: stop there */
	acpi_read_madt(&m.h);
	KT_EQ(t, acpi.nr_cpus, 1);

	acpi.nr_cpus = 0;
	m.entry[9] = 250;		/* one that reaches out of the table */
	acpi_read_madt(&m.h);
	KT_EQ(t, acpi.nr_cpus, 1);

	acpi.nr_cpus = 0;
	m.h.length = 40;
	acpi_read_madt(&m.h);
	KT_EQ(t, acpi.nr_cpus, 0);
	acpi = saved;
}

static void check_protections(void *missing)
{
	u64 want = (cpu_features.smep ? CR4_SMEP : 0) |
		   (cpu_features.smap ? CR4_SMAP : 0);

	if ((read_cr4() & want) != want || !(read_cr0() & CR0_WP) ||
	    !(rdmsr(MSR_EFER) & EFER_NXE) || (local_save_flags() & RFLAGS_AC))
		__atomic_fetch_add((u32 *)missing, 1, __ATOMIC_RELAXED);
}

/* On each CPU: SMEP and SMAP where they exist (and AC clear), WP, NX. */
KTEST(arch, protections_on_every_cpu)
{
	u32 missing = 0;

	on_each_cpu(check_protections, &missing);
	KT_EQ(t, missing, 0);
}
