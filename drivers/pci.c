/* SPDX-License-Identifier: MIT */
/*
 * PCI: config space through ports 0xcf8 and 0xcfc, functions, capabilities,
 * BARs, and interrupts.
 *
 * Firmware has numbered the buses and placed the BARs; bridges are followed
 * by its numbers.  Nothing a device says is trusted: a BAR that firmware left
 * empty, an offset beyond 256, a capability list in a circle are refused.
 *
 * P1  Address and data port are used as a pair under config_lock.
 * P2  The table of functions is filled once, before the drivers run.
 *
 * Tests: tests/drive/disk.py (pc and q35, with and without MSI-X)
 */
#include "drivers/pci.h"
#include "arch/io.h"
#include "kernel/init.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/spinlock.h"
#include "lib/bitmap.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "mm/vmalloc.h"

#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc
#define CONFIG_ENABLE	0x80000000U

#define REG_ID		0x00
#define REG_COMMAND	0x04
#define REG_STATUS	0x06
#define REG_CLASS	0x0a
#define REG_HEADER	0x0e
#define REG_BAR(n)	(0x10 + 4 * (n))
#define REG_SECONDARY	0x19		/* of a bridge */
#define REG_CAPS	0x34
#define REG_IRQ_LINE	0x3c

#define COMMAND_MEMORY	BIT(1)
#define COMMAND_MASTER	BIT(2)
#define COMMAND_NO_INTX	BIT(10)
#define STATUS_CAPS	BIT(4)
#define HEADER_MULTI	0x80
#define HEADER_BRIDGE	1
#define BAR_IO		BIT(0)
#define BAR_TYPE	(3U << 1)
#define BAR_64		(2U << 1)
#define NR_BARS		6

#define MSIX_ENABLE	BIT(15)
#define MSIX_MASK_ALL	BIT(14)
#define MSIX_BIR	7U

#define MAX_DEVS	64
#define MAX_CAPS	48

static DEFINE_SPINLOCK(config_lock, LOCK_FILES);
static struct pci_dev devs[MAX_DEVS];		/* P2 */
static u32 nr_devs;

static u32 address(const struct pci_dev *d, u32 off)
{
	return CONFIG_ENABLE | (u32)d->bus << 16 | (u32)d->slot << 11 |
	       (u32)d->fn << 8 | (off & 0xfc);
}

u32 pci_read32(const struct pci_dev *d, u32 off)
{
	u32 v;

	spin_lock(&config_lock);			/* P1 */
	outl(CONFIG_ADDRESS, address(d, off));
	v = inl(CONFIG_DATA);
	spin_unlock(&config_lock);
	return v;
}

u16 pci_read16(const struct pci_dev *d, u32 off)
{
	return (u16)(pci_read32(d, off) >> (off & 2) * 8);
}

u8 pci_read8(const struct pci_dev *d, u32 off)
{
	return (u8)(pci_read32(d, off) >> (off & 3) * 8);
}

void pci_write32(const struct pci_dev *d, u32 off, u32 v)
{
	spin_lock(&config_lock);
	outl(CONFIG_ADDRESS, address(d, off));
	outl(CONFIG_DATA, v);
	spin_unlock(&config_lock);
}

void pci_write16(const struct pci_dev *d, u32 off, u16 v)
{
	spin_lock(&config_lock);
	outl(CONFIG_ADDRESS, address(d, off));
	outw((u16)(CONFIG_DATA + (off & 2)), v);
	spin_unlock(&config_lock);
}

u32 pci_find_cap(const struct pci_dev *d, u8 id, u32 after)
{
	u32 off;

	if (!(pci_read16(d, REG_STATUS) & STATUS_CAPS))
		return 0;
	off = pci_read8(d, after ? after + 1 : REG_CAPS) & 0xfc;
	for (u32 n = 0; off >= 0x40 && n < MAX_CAPS; n++) {
		u16 head = pci_read16(d, off);

		if ((u8)head == id)
			return off;
		off = head >> 8 & 0xfc;
	}
	return 0;
}

void pci_enable(const struct pci_dev *d)
{
	pci_write16(d, REG_COMMAND, pci_read16(d, REG_COMMAND) |
		    COMMAND_MEMORY | COMMAND_MASTER);
}

volatile void *pci_map_bar(const struct pci_dev *d, u32 bar, u64 off, u64 len)
{
	phys_t base;
	u32 low;

	if (bar >= NR_BARS)
		return NULL;
	low = pci_read32(d, REG_BAR(bar));
	base = low & ~0xfU;
	if (low & BAR_IO)
		return NULL;
	if ((low & BAR_TYPE) == BAR_64 && bar + 1 < NR_BARS)
		base |= (u64)pci_read32(d, REG_BAR(bar + 1)) << 32;
	if (!base || off + len < off || base + off + len < base)
		return NULL;
	return ioremap(base + off, len);
}

/* The table's entry: address low, high, data, control. */
static int request_msix(const struct pci_dev *d, u32 cap, irq_handler_t fn,
			void *arg)
{
	u32 where = pci_read32(d, cap + 4);
	volatile u32 *entry = pci_map_bar(d, where & MSIX_BIR,
					  where & ~MSIX_BIR, 16);
	struct msi_msg msg;
	u16 control;
	int err;

	if (!entry)
		return -ENODEV;
	err = msi_register(fn, arg, &msg);
	if (err)
		return err;
	entry[0] = (u32)msg.address;
	entry[1] = (u32)(msg.address >> 32);
	entry[2] = msg.data;
	entry[3] = 0;					/* not masked */
	control = pci_read16(d, cap + 2);
	pci_write16(d, cap + 2, (control & ~(u16)MSIX_MASK_ALL) | MSIX_ENABLE);
	pci_write16(d, REG_COMMAND, pci_read16(d, REG_COMMAND) |
		    COMMAND_NO_INTX);
	return PCI_MSIX;
}

int pci_request_irq(const struct pci_dev *d, irq_handler_t fn, void *arg)
{
	u32 cap = pci_find_cap(d, PCI_CAP_MSIX, 0);
	int err;

	if (cap)
		return request_msix(d, cap, fn, arg);
	if (!d->irq_line || d->irq_line >= 16)
		return -ENODEV;
	err = irq_register(isa_irq_to_gsi(d->irq_line), fn, arg);
	return err ? err : PCI_INTX;
}

struct pci_dev *pci_next(struct pci_dev *prev)
{
	u32 i = prev ? (u32)(prev - devs) + 1 : 0;

	return i < nr_devs ? &devs[i] : NULL;
}

struct pci_scan {
	DECLARE_BITMAP(todo, 256);		/* buses */
	DECLARE_BITMAP(seen, 256);
};

static void add_bus(struct pci_scan *s, u32 bus)
{
	if (!test_bit(bus, s->seen)) {
		__set_bit(bus, s->seen);
		__set_bit(bus, s->todo);
	}
}

/* True: there is one. */
static bool scan_function(struct pci_scan *s, struct pci_dev *d)
{
	u32 id = pci_read32(d, REG_ID);

	if ((u16)id == 0xffff || !id)
		return false;
	d->vendor = (u16)id;
	d->device = (u16)(id >> 16);
	d->irq_line = pci_read8(d, REG_IRQ_LINE);
	snprintf(d->name, sizeof(d->name), "%02x:%02x.%x", d->bus, d->slot,
		 d->fn);
	if ((pci_read8(d, REG_HEADER) & 0x7f) == HEADER_BRIDGE)
		add_bus(s, pci_read8(d, REG_SECONDARY));
	if (nr_devs < MAX_DEVS)
		devs[nr_devs++] = *d;
	else
		pr_warn("pci: %s: more than %d functions, not used\n", d->name,
			MAX_DEVS);
	return true;
}

static void scan_bus(struct pci_scan *s, u8 bus)
{
	for (u8 slot = 0; slot < 32; slot++) {
		struct pci_dev d = { .bus = bus, .slot = slot };

		if (!scan_function(s, &d))
			continue;
		if (!(pci_read8(&d, REG_HEADER) & HEADER_MULTI))
			continue;
		for (d.fn = 1; d.fn < 8; d.fn++)
			(void)scan_function(s, &d);
	}
}

static int pci_init(void)
{
	struct pci_scan s = { { 0 }, { 0 } };
	u64 bus;

	add_bus(&s, 0);
	while ((bus = find_first_bit(s.todo, 256)) < 256) {
		__clear_bit(bus, s.todo);
		scan_bus(&s, (u8)bus);
	}
	return 0;
}
INITCALL_LEVEL(1, pci_init);

static int cmd_pci(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (struct pci_dev *d = pci_next(NULL); d; d = pci_next(d))
		kprintf("%s  %04x:%04x class %04x irq %u%s\n", d->name,
			d->vendor, d->device, pci_read16(d, REG_CLASS),
			d->irq_line,
			pci_find_cap(d, PCI_CAP_MSIX, 0) ? " MSI-X" : "");
	return 0;
}

SHELL_CMD(pci, "", "PCI functions that were found", 0, 0, cmd_pci);
