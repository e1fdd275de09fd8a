/* SPDX-License-Identifier: MIT */
/*
 * Start of the application processors, one after the other.
 *
 *	boot CPU				the CPU being started
 *	(1) area, stacks, parameters of
 *	    the trampoline; state=STARTING
 *	(2) INIT, STARTUP
 *						(A) trampoline -> ap_entry()
 *						(B) its own GDT, TSS, APIC...
 *						(C) STARTING -> RUNNING, online
 *	(3) waits for RUNNING, a second at
 *	    most; else STARTING -> DEAD
 *
 * S1  (C) and the end of (3) are cmpxchg of one word: a CPU that comes late
 *     finds DEAD and halts for ever; nobody has counted on it.
 * S2  The parameters in the trampoline are changed only when the CPU before
 *     has left it: it is RUNNING, or INIT has put it back to sleep.
 * S3  The identity mapping that the trampoline needs lives in page tables of
 *     its own; a CPU leaves them with its first instruction of C.
 *
 * boot/trampoline.S says how the trampoline works; boot/ stands beside arch/,
 * so its symbols are declared here.
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/layout.h"
#include "arch/mmu.h"
#include "arch/pte.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/string.h"

#define TRAMPOLINE_PHYS	0x8000UL	/* below 1 MiB nothing is given out */
#define START_TIMEOUT_NS 1000000000ULL

extern const char trampoline_start[], trampoline_end[];
extern const u64 trampoline_stack, trampoline_entry, trampoline_cpu;
extern const u32 trampoline_cr3;

enum { CPU_STARTING, CPU_RUNNING, CPU_DEAD };
static u32 start_state;
static phys_t kernel_root;

static pte_t tramp_pgd[PT_ENTRIES]
	__aligned(4096) __section(".bss.page_aligned");
static pte_t tramp_pud[PT_ENTRIES]
	__aligned(4096) __section(".bss.page_aligned");
static pte_t tramp_pmd[PT_ENTRIES]
	__aligned(4096) __section(".bss.page_aligned");

/* (A)-(C).  No per-CPU variable before GS base is set. */
static _Noreturn void ap_entry(u64 cpu)
{
	u32 expected = CPU_STARTING;

	mmu_load_root(kernel_root);			/* S3 */
	wrmsr(MSR_GS_BASE, __per_cpu_offset[cpu]);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	trap_init_cpu((u32)cpu);
	cpu_features_enable();
	apic_init_cpu();
	/* Partner: wait_running(). */
	if (!try_cmpxchg(&start_state, &expected, CPU_RUNNING)) {
		for (;;)
			cpu_halt();			/* S1 */
	}
	cpumask_set_cpu((u32)cpu, &cpu_online_mask);
	upcall_secondary_main((u32)cpu);
}

static void build_tables(void)
{
	const pte_t *root;

	kernel_root = mmu_root();
	root = phys_to_virt(kernel_root);
	for (u32 i = PT_ENTRIES / 2; i < PT_ENTRIES; i++)
		tramp_pgd[i] = pte_read(&root[i]);
	tramp_pgd[0] = __pte(virt_to_phys(tramp_pud) | PTE_P | PTE_W);
	tramp_pud[0] = __pte(virt_to_phys(tramp_pmd) | PTE_P | PTE_W);
	tramp_pmd[0] = __pte(PTE_P | PTE_W | PTE_PS);
}

static void set_param(const void *linked, u64 value, u32 size)
{
	u64 offset = (u64)linked - (u64)trampoline_start;

	memcpy((u8 *)phys_to_virt(TRAMPOLINE_PHYS) + offset, &value, size);
}

/* Returns 0, or -ENOMEM. */
static int prepare_cpu(u32 cpu)
{
	void *stack;

	if (percpu_alloc(cpu) || ist_alloc(cpu))
		return -ENOMEM;
	stack = upcall_alloc_stack();
	if (!stack)
		return -ENOMEM;
	set_param(&trampoline_stack, (u64)stack, 8);
	set_param(&trampoline_entry, (u64)ap_entry, 8);
	set_param(&trampoline_cpu, cpu, 8);
	set_param(&trampoline_cr3, virt_to_phys(tramp_pgd), 4);
	return 0;
}

/* False: not within ns.  start_state is then still STARTING, or was. */
static bool wait_running(u64 ns)
{
	u64 end = ktime_get() + ns;

	while (smp_load_acquire(&start_state) != CPU_RUNNING) {
		if (ktime_get() > end)
			return false;
		cpu_relax();
	}
	return true;
}

static int start_cpu(u32 cpu)
{
	u32 id = cpu_apic_id[cpu], expected = CPU_STARTING;
	int ret = prepare_cpu(cpu);

	if (ret)
		return ret;
	smp_store_release(&start_state, CPU_STARTING);
	apic_send_init(id);
	udelay(10000);
	apic_send_startup(id, TRAMPOLINE_PHYS >> PAGE_SHIFT);
	if (wait_running(START_TIMEOUT_NS / 100))
		goto online;
	apic_send_startup(id, TRAMPOLINE_PHYS >> PAGE_SHIFT);
	if (wait_running(START_TIMEOUT_NS))
		goto online;
	if (try_cmpxchg(&start_state, &expected, CPU_DEAD)) {	/* S1 */
		apic_send_init(id);				/* S2 */
		udelay(10000);
		return -ETIMEDOUT;
	}
online:
	/* The mask is set just after the state; partner: ap_entry(). */
	while (!cpumask_test_cpu(cpu, &cpu_online_mask))
		cpu_relax();
	return 0;
}

/* Numbers stay dense: the ones behind it move down. */
static void forget_cpu(u32 cpu)
{
	nr_cpus_present--;
	for (u32 i = cpu; i < nr_cpus_present; i++)
		cpu_apic_id[i] = cpu_apic_id[i + 1];
	cpumask_clear_cpu(nr_cpus_present, &cpu_present_mask);
}

u32 smp_boot_cpus(u32 max)
{
	u32 online = 1;

	if (ist_alloc(0))
		printk(MSG_WARN "smp: CPU 0 keeps its unguarded IST stacks\n");
	if (!max || max > nr_cpus_present)
		max = nr_cpus_present;
	memcpy(phys_to_virt(TRAMPOLINE_PHYS), trampoline_start,
	       (size_t)(trampoline_end - trampoline_start));
	build_tables();
	for (u32 cpu = 1; cpu < nr_cpus_present && online < max; cpu++) {
		int ret = start_cpu(cpu);

		if (ret == -ENOMEM) {
			printk(MSG_ERR "smp: no memory for CPU %u\n", cpu);
			break;
		}
		if (ret) {
			printk(MSG_ERR "smp: the CPU with APIC id %u does not "
			       "start: left out\n", cpu_apic_id[cpu]);
			forget_cpu(cpu--);
		} else {
			online++;
		}
	}
	return online;
}
