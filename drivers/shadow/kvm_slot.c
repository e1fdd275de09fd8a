/* SPDX-License-Identifier: MIT */
/*
 * Memory slots of a KVM-like device: which of the process's memory the guest
 * sees at which of its addresses.
 *
 * M1  Shadow entries are found by guest address; the process, and so every
 *     callback, speaks of its own.  The same memory may stand in several
 *     slots: a callback goes to all of them.
 * M2  Slots change under mmu_lock.  What the old one showed is zapped, and
 *     mmu_seq moves: a fault that looked an address up by the old slot starts
 *     again (race.kvm_slot_between; bug switch kvm_slot_no_seq).
 * M3  The counter of open sections is kept whatever the slots are, so a slot
 *     that comes or goes while one is open unbalances nothing; and the span of
 *     the sections is in the process's addresses, so that it covers a slot that
 *     comes (scenario.F8d; bug switch shadow_fence_by_slot).
 *
 * A new device has one slot that shows everything in place.
 *
 * Locks: mmu_lock.  Tests: tests/kt/kt_kvm.c, tests/race/race_kvm.c
 */
#include "drivers/shadow/kvm.h"
#include "arch/uaccess.h"
#include "drivers/shadow/uapi.h"
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/slab.h"

bool kvm_next_part(const struct kvm_dev *d, vaddr_t start, vaddr_t end,
		   struct kvm_part *p)
{
	for (; p->slot < KVM_SLOTS; p->slot++) {
		const struct kvm_slot *s = &d->slot[p->slot];
		vaddr_t from = max(start, s->user);
		vaddr_t to = min(end, s->user + s->len);

		if (from >= to)
			continue;
		p->start = s->guest + (from - s->user);
		p->end = s->guest + (to - s->user);
		p->slot++;
		return true;
	}
	return false;
}

bool kvm_to_user(const struct kvm_dev *d, vaddr_t gpa, vaddr_t *user)
{
	for (u32 i = 0; i < KVM_SLOTS; i++) {
		const struct kvm_slot *s = &d->slot[i];

		if (gpa < s->guest || gpa - s->guest >= s->len)
			continue;
		*user = s->user + (gpa - s->guest);
		return true;
	}
	return false;
}

static bool overlaps(const struct kvm_slot *a, const struct kvm_slot *b)
{
	return a->guest < b->guest + b->len && b->guest < a->guest + a->len;
}

static bool is_free(const struct kvm_dev *d, u32 nr, const struct kvm_slot *s)
{
	for (u32 i = 0; i < KVM_SLOTS; i++)
		if (i != nr && d->slot[i].len && overlaps(&d->slot[i], s))
			return false;
	return true;
}

static bool is_range(vaddr_t start, u64 len)
{
	return !((start | len) & ~PAGE_MASK) && start < USER_END &&
		len <= USER_END - start;
}

int kvm_set_slot(struct shadow_dev *dev, u32 nr, const struct kvm_slot *s)
{
	struct kvm_dev *d = kvm_of(dev);
	struct kvm_slot *old;
	int err = -EEXIST;

	if (nr >= KVM_SLOTS || !is_range(s->guest, s->len) ||
	    !is_range(s->user, s->len))
		return -EINVAL;
	spin_lock(&d->mmu_lock);
	old = &d->slot[nr];
	if (!s->len || is_free(d, nr, s)) {
		spt_zap_range(d, old->guest, old->guest + old->len);
		*old = *s;
		if (!BUG_SWITCH("kvm_slot_no_seq"))		/* M2 */
			WRITE_ONCE(d->mmu_seq, d->mmu_seq + 1);
		err = 0;
	}
	spin_unlock(&d->mmu_lock);
	return err;
}

/*
 * What the guest has written: one bit a page from gpa on; the entries are
 * clean afterwards, and the pages dirty.  The TLB is flushed before the lock
 * is dropped: it holds entries that would not be marked again.
 */
s64 kvm_harvest(struct shadow_dev *dev, vaddr_t gpa, u64 nr, u8 *bits)
{
	struct kvm_dev *d = kvm_of(dev);
	s64 found;

	if (!is_range(gpa, nr << PAGE_SHIFT))
		return -EINVAL;
	spin_lock(&d->mmu_lock);
	found = (s64)spt_harvest(d, gpa, nr, bits);
	spin_unlock(&d->mmu_lock);
	return found;
}

/*
 * Commands.
 */
static s64 ioctl_slot(struct shadow_dev *d, vaddr_t arg)
{
	struct shadow_ioc_slot u;
	struct kvm_slot s;

	if (get_user_val(u, arg))
		return -EFAULT;
	s = (struct kvm_slot){ u.guest, u.len, u.user };
	return kvm_set_slot(d, u.slot, &s);
}

static s64 ioctl_dirty(struct shadow_dev *d, vaddr_t arg)
{
	struct shadow_ioc_dirty u;
	u64 bytes;
	u8 *bits;
	s64 n;

	if (get_user_val(u, arg))
		return -EFAULT;
	if (!u.nr || u.nr > SHADOW_DIRTY_PAGES)
		return -EINVAL;
	bytes = DIV_ROUND_UP(u.nr, 8);
	bits = kzalloc(bytes);
	if (!bits)
		return -ENOMEM;
	n = kvm_harvest(d, u.guest, u.nr, bits);
	if (n >= 0 && copy_to_user(u.bits, bits, bytes))
		n = -EFAULT;
	kfree(bits);
	return n;
}

s64 kvm_command(struct shadow_dev *d, u32 cmd, u64 arg)
{
	switch (cmd) {
	case SHADOW_SLOT:
		return ioctl_slot(d, arg);
	case SHADOW_DIRTY:
		return ioctl_dirty(d, arg);
	default:
		return -ENOTTY;
	}
}
