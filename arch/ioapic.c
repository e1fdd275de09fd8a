/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC: device lines to vectors of CPU 0; and vectors for devices that
 * send their interrupts as messages, past the I/O APIC.
 *
 * O1  Entries of actions[] are only added, by one CPU at boot; `fn` is stored
 *     last, with release, and dispatch reads it with acquire.
 * O2  A line stays masked until its handler is registered.
 *
 * Several handlers may share a line; all of them run.
 */
#include "arch/acpi.h"
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/layout.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "lib/atomic.h"
#include "lib/err.h"

#define MAX_ACTIONS	32
/* In place of a line: action n is a message's. */
#define MSI_LINE(n)	(0x80000000U | (n))
#define MSI_ADDRESS	0xfee00000U		/* [SDM 3A 10.11.1] */
#define REG_SELECT	0x00
#define REG_WINDOW	0x10
#define IOAPIC_VERSION	1
#define IOAPIC_ENTRY(n)	(0x10 + 2 * (n))

#define ENTRY_MASKED	BIT(16)
#define ENTRY_LEVEL	BIT(15)
#define ENTRY_LOW	BIT(13)

/* Flags of a MADT override [ACPI 5.2.12.5] */
#define MADT_POLARITY	3
#define MADT_LOW	3
#define MADT_TRIGGER	(3 << 2)
#define MADT_LEVEL	(3 << 2)

static struct irq_action {
	irq_handler_t fn;
	void *arg;
	u32 gsi;
	u8 vector;
} actions[MAX_ACTIONS];
static u32 nr_actions;

static volatile u8 *ioapic_base;
static u32 nr_lines;

static u32 ioapic_read(u32 reg)
{
	*(volatile u32 *)(ioapic_base + REG_SELECT) = reg;
	return *(volatile u32 *)(ioapic_base + REG_WINDOW);
}

static void ioapic_write(u32 reg, u32 v)
{
	*(volatile u32 *)(ioapic_base + REG_SELECT) = reg;
	*(volatile u32 *)(ioapic_base + REG_WINDOW) = v;
}

void ioapic_init(void)
{
	u32 version;

	if (!acpi.ioapic)
		return;
	ioapic_base = upcall_ioremap(acpi.ioapic, PAGE_SIZE);
	if (!ioapic_base)
		return;
	version = ioapic_read(IOAPIC_VERSION);
	if (version == U32_MAX || !version) {
		printk(MSG_WARN "ioapic: none at 0x%llx: no device "
		       "interrupts\n", acpi.ioapic);
		ioapic_base = NULL;
		return;
	}
	nr_lines = (version >> 16 & 0xff) + 1;
	for (u32 i = 0; i < nr_lines; i++) {
		ioapic_write(IOAPIC_ENTRY(i), ENTRY_MASKED);	/* O2 */
		ioapic_write(IOAPIC_ENTRY(i) + 1, 0);
	}
}

u32 isa_irq_to_gsi(u32 irq)
{
	return irq < ARRAY_SIZE(acpi.irq_override) ? acpi.irq_override[irq]
						   : irq;
}

/* ISA lines are edge, high, unless overridden; PCI lines level, low. */
static u32 line_mode(u32 gsi)
{
	for (u32 i = 0; i < ARRAY_SIZE(acpi.irq_override); i++) {
		u32 flags = acpi.irq_flags[i], mode = 0;

		if (acpi.irq_override[i] != gsi)
			continue;
		if ((flags & MADT_POLARITY) == MADT_LOW)
			mode |= ENTRY_LOW;
		if ((flags & MADT_TRIGGER) == MADT_LEVEL)
			mode |= ENTRY_LEVEL;
		return mode;
	}
	return ENTRY_LOW | ENTRY_LEVEL;
}

/* The vector of a line that has one, else the next free one. */
static u8 line_vector(u32 gsi)
{
	u8 next = VEC_IRQ0;

	for (u32 i = 0; i < nr_actions; i++) {
		if (actions[i].gsi == gsi)
			return actions[i].vector;
		next = max(next, (u8)(actions[i].vector + 1));
	}
	return next;
}

/* O1. */
static u8 add_action(u32 gsi, irq_handler_t fn, void *arg)
{
	struct irq_action *a = &actions[nr_actions];

	a->vector = line_vector(gsi);
	a->gsi = gsi;
	a->arg = arg;
	smp_store_release(&a->fn, fn);		/* partner: dispatch */
	nr_actions++;
	return a->vector;
}

static_assert(VEC_IRQ0 + MAX_ACTIONS < VEC_TIMER);

int irq_register(u32 gsi, irq_handler_t fn, void *arg)
{
	u32 line = gsi - acpi.ioapic_gsi_base;
	u8 vector;

	if (!ioapic_base)
		return -ENODEV;
	if (gsi < acpi.ioapic_gsi_base || line >= nr_lines)
		return -EINVAL;
	if (nr_actions == MAX_ACTIONS)
		return -ENOSPC;
	vector = add_action(gsi, fn, arg);
	ioapic_write(IOAPIC_ENTRY(line) + 1, apic_id_of(0) << 24);
	ioapic_write(IOAPIC_ENTRY(line), line_mode(gsi) | vector);
	return 0;
}

int msi_register(irq_handler_t fn, void *arg, struct msi_msg *msg)
{
	if (nr_actions == MAX_ACTIONS)
		return -ENOSPC;
	msg->data = add_action(MSI_LINE(nr_actions), fn, arg);
	msg->address = MSI_ADDRESS | apic_id_of(0) << 12;
	return 0;
}

/* IRQs off.  A vector that nobody has registered is acknowledged only. */
void ioapic_dispatch(u8 vector)
{
	for (u32 i = 0; i < MAX_ACTIONS; i++) {
		irq_handler_t fn = smp_load_acquire(&actions[i].fn);

		if (!fn)
			break;
		if (actions[i].vector == vector)
			fn(actions[i].arg);
	}
	apic_eoi();
}
