/* SPDX-License-Identifier: MIT */
/* A virtio 1.0 device behind PCI: its registers, features and queues. */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include "drivers/pci.h"
#include "drivers/virtio_ring.h"

#define VIRTIO_VENDOR		0x1af4
#define VIRTIO_F_VERSION_1	BIT_ULL(32)

struct virtio_common;			/* the registers */

struct virtio_dev {
	struct pci_dev *pci;
	volatile struct virtio_common *common;
	volatile u8 *isr;
	volatile u8 *config;		/* the device's own */
	u32 config_len;
	volatile u16 *notify;		/* of queue 0 */
	struct vring ring;		/* queue 0 */
	int irq;			/* PCI_MSIX or PCI_INTX */
};

/*
 * Finds and maps the registers and resets the device.  0 or -Exxx; *why says
 * what is wrong with it then.
 */
int virtio_open(struct virtio_dev *vd, struct pci_dev *pci, const char **why);
/* What of `want` the device has too, agreed on; VERSION_1 is a must. */
int virtio_negotiate(struct virtio_dev *vd, u64 want, u64 *agreed,
		     const char **why);
/* Queue 0 with a ring of its own, and interrupts to fn(arg). */
int virtio_queue_init(struct virtio_dev *vd, irq_handler_t fn, void *arg,
		      const char **why);
/* The device may go to work. */
void virtio_driver_ok(struct virtio_dev *vd);
void virtio_notify(struct virtio_dev *vd);
/*
 * From the interrupt handler, first.  False: a shared line, and it was not
 * this device.
 */
bool virtio_irq_ours(struct virtio_dev *vd);
/* The device says that it cannot go on. */
bool virtio_needs_reset(struct virtio_dev *vd);
/* Stops it for good; it touches no memory afterwards. */
void virtio_stop(struct virtio_dev *vd);
/* Its own registers, little endian; 0 beyond their end. */
u32 virtio_config32(struct virtio_dev *vd, u32 off);
u64 virtio_config64(struct virtio_dev *vd, u32 off);

#endif
