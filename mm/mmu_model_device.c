/* SPDX-License-Identifier: MIT */
/*
 * The software MMU model: shadow entries of devices.
 *
 * K7. While a device's shadow entry names a frame, the frame is not freed.
 *     The count by frame is exact; the record says which device has it, where,
 *     and who installed it.  Records are bounded: one that finds no slot is
 *     counted as dropped, and a report then only gives the number.
 *
 * Locks: model_lock for the records; the counts are atomic.
 * Tests: tests/kt/kt_model.c
 */
#include "arch/smp.h"
#include "kernel/config.h"
#include "kernel/init.h"
#include "mm/internal.h"
#include "mm/mmu_model_impl.h"
#include "mm/vmalloc.h"

#define SLOTS	(CONFIG_LAB ? 4096 : 1)
#define WINDOW	16

struct spte {
	bool used;
	u32 dev;
	vaddr_t va;
	pfn_t pfn;
	struct model_who who;		/* installed it */
};

static u16 *secondary;			/* a: shadow entries by pfn */
static struct spte sptes[SLOTS] __unscanned;	/* model_lock */

static struct spte *slot(pfn_t pfn, u32 k)
{
	return &sptes[((pfn * 0x9e3779b97f4a7c15ULL >> 40) + k) % SLOTS];
}

/* A free one, or NULL. */
static struct spte *find_free(pfn_t pfn)
{
	for (u32 k = 0; k < WINDOW; k++)
		if (!slot(pfn, k)->used)
			return slot(pfn, k);
	return NULL;
}

void mmu_model_secondary_add(u32 dev, vaddr_t va, pfn_t pfn)
{
	struct spte *s;
	u64 flags;

	if (!CONFIG_LAB || !secondary || pfn >= max_pfn)
		return;
	__atomic_fetch_add(&secondary[pfn], 1, __ATOMIC_RELAXED);
	flags = spin_lock_irqsave(&model_lock);
	s = find_free(pfn);
	if (s) {
		*s = (struct spte){ .used = true, .dev = dev, .va = va,
				    .pfn = pfn };
		model_note(&s->who, &init_mm, __builtin_frame_address(0),
			   PLACE_CALL);
	} else {
		model_stats.dropped++;
	}
	spin_unlock_irqrestore(&model_lock, flags);
}

void mmu_model_secondary_del(u32 dev, vaddr_t va, pfn_t pfn)
{
	u64 flags;

	if (!CONFIG_LAB || !secondary || pfn >= max_pfn)
		return;
	__atomic_fetch_add(&secondary[pfn], (u16)-1, __ATOMIC_RELAXED);
	flags = spin_lock_irqsave(&model_lock);
	for (u32 k = 0; k < WINDOW; k++) {
		struct spte *s = slot(pfn, k);

		if (!s->used || s->pfn != pfn || s->dev != dev || s->va != va)
			continue;
		s->used = false;
		break;
	}
	spin_unlock_irqrestore(&model_lock, flags);
}

static bool find(pfn_t pfn, struct spte *out)
{
	u64 flags = spin_lock_irqsave(&model_lock);
	bool found = false;

	for (u32 k = 0; k < WINDOW && !found; k++) {
		found = slot(pfn, k)->used && slot(pfn, k)->pfn == pfn;
		if (found)
			*out = *slot(pfn, k);
	}
	spin_unlock_irqrestore(&model_lock, flags);
	return found;
}

void model_check_devices(pfn_t pfn)
{
	char who[MODEL_WHO_LEN];
	struct spte s;
	u32 n;

	if (!secondary || !READ_ONCE(secondary[pfn]))
		return;
	n = READ_ONCE(secondary[pfn]);
	if (find(pfn, &s))
		mmu_model_report("frame %llx freed, but device %u still maps %llx to it, by the "
				 "entry that came from %s (%u shadow entries name it); owed: "
				 "that the device drops %llx-%llx",
				 pfn, s.dev, s.va,
				 model_who(&s.who, who, sizeof(who)), n, s.va,
				 s.va + PAGE_SIZE);
	else
		mmu_model_report("frame %llx freed, but %u shadow entries still name it",
				 pfn, n);
}

static int mmu_model_init(void)
{
	if (CONFIG_LAB)
		secondary = vmalloc(max_pfn * sizeof(*secondary));
	return 0;
}
INITCALL_LEVEL(1, mmu_model_init);
