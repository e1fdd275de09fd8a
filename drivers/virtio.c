/* SPDX-License-Identifier: MIT */
/*
 * virtio 1.0 over PCI: capabilities, the status dance, features, one queue.
 *
 * V1  The order of [virtio 1.0, 3.1.1]: reset, ACKNOWLEDGE, DRIVER, features,
 *     FEATURES_OK (and read it back), queues, DRIVER_OK.
 * V2  Whatever is missing or makes no sense ends in virtio_stop() and a
 *     reason; the device is not used and holds none of our memory.
 * V3  64-bit registers are written as two halves [4.1.3.1].
 *
 * Tests: tests/drive/disk.py
 */
#include "drivers/virtio.h"
#include "arch/cpu.h"
#include "lib/err.h"
#include "mm/page_alloc.h"

struct virtio_common {
	u32 device_feature_select, device_feature;
	u32 driver_feature_select, driver_feature;
	u16 config_msix_vector, num_queues;
	u8 device_status, config_generation;
	u16 queue_select, queue_size, queue_msix_vector, queue_enable;
	u16 queue_notify_off;
	u32 queue_desc[2], queue_driver[2], queue_device[2];
};
static_assert(sizeof(struct virtio_common) == 56);

#define STATUS_ACKNOWLEDGE	1
#define STATUS_DRIVER		2
#define STATUS_DRIVER_OK	4
#define STATUS_FEATURES_OK	8
#define STATUS_NEEDS_RESET	64

#define CAP_COMMON	1
#define CAP_NOTIFY	2
#define CAP_ISR		3
#define CAP_DEVICE	4
#define CAP_TYPE_AT	3
#define CAP_BAR_AT	4
#define CAP_OFFSET_AT	8
#define CAP_LENGTH_AT	12
#define CAP_MULT_AT	16

#define MSIX_NONE	0xffff
#define RESET_POLLS	1000000
#define CONFIG_MAX	64U

/* The capability of this type, or 0. */
static u32 find_cap(const struct pci_dev *pci, u8 type)
{
	u32 cap = 0;

	while ((cap = pci_find_cap(pci, PCI_CAP_VENDOR, cap)))
		if (pci_read8(pci, cap + CAP_TYPE_AT) == type)
			return cap;
	return 0;
}

/* The registers of that type, at least `len` bytes; NULL. */
static volatile void *map_cap(const struct pci_dev *pci, u8 type, u32 len)
{
	u32 cap = find_cap(pci, type);

	if (!cap || pci_read32(pci, cap + CAP_LENGTH_AT) < len)
		return NULL;
	return pci_map_bar(pci, pci_read8(pci, cap + CAP_BAR_AT),
			   pci_read32(pci, cap + CAP_OFFSET_AT), len);
}

/* V2 */
static int give_up(struct virtio_dev *vd, const char **why, const char *what,
		   int err)
{
	*why = what;
	if (vd->common)
		virtio_stop(vd);
	return err;
}

void virtio_stop(struct virtio_dev *vd)
{
	vd->common->device_status = 0;
	for (u32 i = 0; i < RESET_POLLS && vd->common->device_status; i++)
		cpu_relax();
}

int virtio_open(struct virtio_dev *vd, struct pci_dev *pci, const char **why)
{
	u32 cap = find_cap(pci, CAP_DEVICE);

	vd->pci = pci;
	pci_enable(pci);
	vd->common = map_cap(pci, CAP_COMMON, sizeof(struct virtio_common));
	if (!vd->common)
		return give_up(vd, why, "no virtio 1.0 registers", -ENODEV);
	virtio_stop(vd);					/* V1 */
	if (vd->common->device_status)
		return give_up(vd, why, "it does not reset", -EIO);
	vd->isr = map_cap(pci, CAP_ISR, 1);
	if (!vd->isr)
		return give_up(vd, why, "no interrupt status", -ENODEV);
	if (cap) {
		vd->config_len = min(pci_read32(pci, cap + CAP_LENGTH_AT),
				     CONFIG_MAX);
		vd->config = map_cap(pci, CAP_DEVICE, vd->config_len);
	}
	if (!vd->config)
		return give_up(vd, why, "no configuration", -ENODEV);
	vd->common->device_status = STATUS_ACKNOWLEDGE;
	vd->common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	return 0;
}

static u64 device_features(struct virtio_dev *vd)
{
	u64 f;

	vd->common->device_feature_select = 0;
	f = vd->common->device_feature;
	vd->common->device_feature_select = 1;
	return f | (u64)vd->common->device_feature << 32;
}

int virtio_negotiate(struct virtio_dev *vd, u64 want, u64 *agreed,
		     const char **why)
{
	u64 f = device_features(vd) & (want | VIRTIO_F_VERSION_1);

	if (!(f & VIRTIO_F_VERSION_1))
		return give_up(vd, why, "not a virtio 1.0 device", -ENODEV);
	vd->common->driver_feature_select = 0;
	vd->common->driver_feature = (u32)f;
	vd->common->driver_feature_select = 1;
	vd->common->driver_feature = (u32)(f >> 32);
	vd->common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER |
				    STATUS_FEATURES_OK;
	if (!(vd->common->device_status & STATUS_FEATURES_OK))
		return give_up(vd, why, "it refuses our features", -ENODEV);
	*agreed = f;
	return 0;
}

static void set_address(volatile u32 *reg, const volatile void *p)
{
	phys_t pa = virt_to_phys((const void *)p);

	reg[0] = (u32)pa;					/* V3 */
	reg[1] = (u32)(pa >> 32);
}

/* The largest power of two that the device and our ring can have; 0. */
static u32 ring_size(u32 device_max)
{
	return device_max ? min(1U << ILOG2(device_max), VRING_MAX) : 0;
}

static volatile u16 *map_notify(struct virtio_dev *vd)
{
	u32 cap = find_cap(vd->pci, CAP_NOTIFY);
	u32 mult = cap ? pci_read32(vd->pci, cap + CAP_MULT_AT) : 0;
	u64 off = (u64)vd->common->queue_notify_off * mult;

	if (!cap || off + 2 > pci_read32(vd->pci, cap + CAP_LENGTH_AT))
		return NULL;
	return pci_map_bar(vd->pci, pci_read8(vd->pci, cap + CAP_BAR_AT),
			   pci_read32(vd->pci, cap + CAP_OFFSET_AT) + off, 2);
}

static int set_vectors(struct virtio_dev *vd)
{
	if (vd->irq != PCI_MSIX)
		return 0;
	vd->common->config_msix_vector = 0;
	vd->common->queue_msix_vector = 0;
	return vd->common->queue_msix_vector == MSIX_NONE ||
	       vd->common->config_msix_vector == MSIX_NONE ? -EIO : 0;
}

int virtio_queue_init(struct virtio_dev *vd, irq_handler_t fn, void *arg,
		      const char **why)
{
	struct page *p;
	u32 size;

	vd->common->queue_select = 0;
	size = ring_size(vd->common->queue_size);
	if (!size)
		return give_up(vd, why, "its queue has no entries", -EIO);
	vd->notify = map_notify(vd);
	if (!vd->notify)
		return give_up(vd, why, "no way to notify it", -EIO);
	static_assert(VRING_BYTES(VRING_MAX) <= 2 * PAGE_SIZE);
	p = alloc_pages(1, ALLOC_ZERO);
	if (!p)
		return give_up(vd, why, "no memory for its queue", -ENOMEM);
	(void)vring_init(&vd->ring, size, page_address(p));
	vd->irq = pci_request_irq(vd->pci, fn, arg);
	if (vd->irq < 0 || set_vectors(vd))
		return give_up(vd, why, "no interrupt", -EIO);
	vd->common->queue_size = (u16)size;
	set_address(vd->common->queue_desc, vd->ring.desc);
	set_address(vd->common->queue_driver, vd->ring.avail);
	set_address(vd->common->queue_device, vd->ring.used);
	vd->common->queue_enable = 1;
	return 0;
}

void virtio_driver_ok(struct virtio_dev *vd)
{
	vd->common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER |
				    STATUS_FEATURES_OK | STATUS_DRIVER_OK;
}

void virtio_notify(struct virtio_dev *vd)
{
	if (vring_should_notify(&vd->ring))
		*vd->notify = 0;
}

bool virtio_irq_ours(struct virtio_dev *vd)
{
	return vd->irq == PCI_MSIX || *vd->isr;
}

bool virtio_needs_reset(struct virtio_dev *vd)
{
	return vd->common->device_status & STATUS_NEEDS_RESET;
}

u32 virtio_config32(struct virtio_dev *vd, u32 off)
{
	if (off + 4 > vd->config_len)
		return 0;
	return *(volatile u32 *)(vd->config + off);
}

u64 virtio_config64(struct virtio_dev *vd, u32 off)
{
	return virtio_config32(vd, off) |
	       (u64)virtio_config32(vd, off + 4) << 32;
}
