/* SPDX-License-Identifier: MIT */
/* PCI functions: found once at boot, by firmware's bus numbers. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "arch/trap.h"
#include "lib/types.h"

#define PCI_CAP_VENDOR	0x09
#define PCI_CAP_MSIX	0x11
#define PCI_NAME_MAX	16

struct pci_dev {
	u8 bus, slot, fn;
	u8 irq_line;		/* ISA interrupt by firmware; 0 or 255: none */
	u16 vendor, device;
	char name[PCI_NAME_MAX];	/* "00:04.0" */
};

/* The function found after prev; NULL: the first, or none left. */
struct pci_dev *pci_next(struct pci_dev *prev);

/* Config space, off below 256 and aligned to its size. */
u32 pci_read32(const struct pci_dev *d, u32 off);
u16 pci_read16(const struct pci_dev *d, u32 off);
u8 pci_read8(const struct pci_dev *d, u32 off);
void pci_write32(const struct pci_dev *d, u32 off, u32 v);
void pci_write16(const struct pci_dev *d, u32 off, u16 v);

/*
 * Offset of the first capability of this id behind `after` (0: the first of
 * all), or 0.  A list that runs in a circle ends.
 */
u32 pci_find_cap(const struct pci_dev *d, u8 id, u32 after);
/* Answers memory accesses, may be a bus master. */
void pci_enable(const struct pci_dev *d);
/* [off, off + len) of a memory BAR, mapped uncached for good; NULL. */
volatile void *pci_map_bar(const struct pci_dev *d, u32 bar, u64 off, u64 len);
/*
 * fn(arg) on CPU 0, irqs off, when the device interrupts: by MSI-X entry 0, or
 * by its line.  PCI_MSIX, PCI_INTX, or -Exxx.
 */
enum { PCI_MSIX, PCI_INTX };
int pci_request_irq(const struct pci_dev *d, irq_handler_t fn, void *arg);

#endif
