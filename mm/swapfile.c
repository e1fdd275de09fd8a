/* SPDX-License-Identifier: MIT */
/*
 * Slots of the swap devices: given out, counted, taken back.
 *
 * W1. map[slot] is the number of swap entries that name the slot, plus
 *     SLOT_CACHED while a page of the swap cache belongs to it.  0: free.
 * W2. SLOT_CACHED is set before the page enters the cache and cleared after it
 *     left: so a slot is never given away under a page, and a second reader
 *     of the same slot waits for the first.
 * W3. A count is added only by whoever keeps the slot from being freed: it
 *     holds an entry's table lock, or the lock of the page that caches it.
 * W4. A device that is leaving gives out no slots.
 *
 * Slots are given out in a row, so that pages that went out together can be
 * read back together.
 *
 * Locks: si->lock (SWAP); inside it the backend's discard.
 * Tests: tests/kt/kt_swap.c, kt_swapfile.c
 */
#include "lib/err.h"
#include "lib/string.h"
#include "kernel/mutex.h"
#include "mm/filemap.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"

struct swap_info swap_devs[MAX_SWAPFILES + 1];
static DEFINE_MUTEX(swapon_mutex, LOCK_SWAPON);

static int find_type(void)
{
	for (u32 i = 1; i <= MAX_SWAPFILES; i++)
		if (swap_devs[i].state == SWAP_OFF)
			return (int)i;
	return -EBUSY;
}

void swap_free_arrays(struct swap_info *si)
{
	vfree(si->map);
	vfree(si->used);
	vfree(si->audit);
	si->map = NULL;
	si->used = NULL;
	si->audit = NULL;
	si->slots = 0;
}

static int swapon_locked(const char *name, const struct swap_backend *ops,
			 void *priv, u64 slots, int prio)
{
	int type = find_type();
	struct swap_info *si;

	if (type < 0)
		return type;
	si = &swap_devs[type];
	si->map = vmalloc(slots * sizeof(*si->map));
	si->used = vmalloc(BITS_TO_LONGS(slots) * sizeof(long));
	if (CONFIG_LAB)
		si->audit = vmalloc(slots * sizeof(*si->audit));
	if (!si->map || !si->used || (CONFIG_LAB && !si->audit)) {
		swap_free_arrays(si);
		return -ENOMEM;
	}
	si->type = (u32)type;
	si->ops = ops;
	si->priv = priv;
	si->slots = slots;
	si->prio = prio;
	si->inuse = 0;
	si->cursor = 0;
	strlcpy(si->name, name, sizeof(si->name));
	spin_lock(&si->lock);
	si->state = SWAP_ON;
	spin_unlock(&si->lock);
	return type;
}

int swapon(const char *name, const struct swap_backend *ops, void *priv,
	   u64 slots, int prio)
{
	int type;

	mutex_lock(&swapon_mutex);
	type = swapon_locked(name, ops, priv, slots, prio);
	mutex_unlock(&swapon_mutex);
	return type;
}

/* si->lock held.  The slot, or si->slots. */
static u64 take_slot(struct swap_info *si)
{
	u64 slot;

	if (si->state != SWAP_ON || si->inuse == si->slots)	/* W4 */
		return si->slots;
	slot = find_next_zero_bit(si->used, si->slots, si->cursor);
	if (slot >= si->slots)
		slot = find_next_zero_bit(si->used, si->slots, 0);
	KASSERT(slot < si->slots && !si->map[slot]);
	set_bit(slot, si->used);
	si->map[slot] = SLOT_CACHED;
	si->cursor = slot + 1 == si->slots ? 0 : slot + 1;
	WRITE_ONCE(si->inuse, si->inuse + 1);
	return slot;
}

static struct swap_info *best_device(void)
{
	struct swap_info *best = NULL;

	for (u32 i = 1; i <= MAX_SWAPFILES; i++) {
		struct swap_info *si = &swap_devs[i];

		if (READ_ONCE(si->state) == SWAP_ON &&
		    READ_ONCE(si->inuse) < si->slots &&
		    (!best || si->prio > best->prio))
			best = si;
	}
	return best;
}

swp_entry_t swap_alloc_slot(void)
{
	struct swap_info *si;
	u64 slot;

	while ((si = best_device())) {
		spin_lock(&si->lock);
		slot = take_slot(si);
		spin_unlock(&si->lock);
		if (slot < si->slots)
			return swp_entry(si->type, slot);
	}
	return (swp_entry_t){ 0 };
}

/* si->lock held; nothing counts or caches the slot. */
static void release_slot(struct swap_info *si, u64 slot)
{
	clear_bit(slot, si->used);
	WRITE_ONCE(si->inuse, si->inuse - 1);
	si->ops->discard(si, slot);
}

bool swap_duplicate(swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);
	u64 slot = swp_offset(entry);
	bool ok;

	spin_lock(&si->lock);
	BUG_ON(slot >= si->slots || !si->map[slot]);		/* W3 */
	ok = (si->map[slot] & SLOT_COUNT) < SLOT_COUNT;
	if (ok)
		si->map[slot]++;
	spin_unlock(&si->lock);
	return ok;
}

/* A page that caches a slot nobody counts: drop it, if it is not in use. */
static void drop_cached(swp_entry_t entry)
{
	struct page *p = swap_cache_find(entry);

	if (!p)
		return;
	if (trylock_page(p)) {
		if (p->private == entry.val && page_test(p, PG_swapcache) &&
		    !page_mapped(p))
			try_to_free_swap(p);
		unlock_page(p);
	}
	put_page(p);
}

void swap_free(swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);
	u64 slot = swp_offset(entry);
	u16 left;

	spin_lock(&si->lock);
	BUG_ON(slot >= si->slots || !(si->map[slot] & SLOT_COUNT));
	left = --si->map[slot];
	if (!left)
		release_slot(si, slot);
	spin_unlock(&si->lock);
	if (left == SLOT_CACHED)
		drop_cached(entry);
}

int swap_cache_prepare(swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);
	u64 slot = swp_offset(entry);
	int err = 0;

	spin_lock(&si->lock);
	if (si->state == SWAP_OFF || slot >= si->slots || !si->map[slot])
		err = -ENOENT;
	else if (si->map[slot] & SLOT_CACHED)
		err = -EEXIST;
	else
		si->map[slot] |= SLOT_CACHED;			/* W2 */
	spin_unlock(&si->lock);
	return err;
}

void swap_cache_release(swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);
	u64 slot = swp_offset(entry);

	spin_lock(&si->lock);
	BUG_ON(slot >= si->slots || !(si->map[slot] & SLOT_CACHED));
	si->map[slot] &= (u16)~SLOT_CACHED;
	if (!si->map[slot])
		release_slot(si, slot);
	spin_unlock(&si->lock);
}

u32 swap_count(swp_entry_t entry)
{
	struct swap_info *si = swap_info_of(entry);
	u64 slot = swp_offset(entry);
	u32 n;

	spin_lock(&si->lock);
	n = si->state != SWAP_OFF && slot < si->slots ?
		si->map[slot] & SLOT_COUNT : 0;
	spin_unlock(&si->lock);
	return n;
}

u64 nr_swap_free(void)
{
	u64 n = 0;

	for (u32 i = 1; i <= MAX_SWAPFILES; i++)
		if (READ_ONCE(swap_devs[i].state) == SWAP_ON)
			n += swap_devs[i].slots - READ_ONCE(swap_devs[i].inuse);
	return n;
}

u64 nr_swap_total(void)
{
	u64 n = 0;

	for (u32 i = 1; i <= MAX_SWAPFILES; i++)
		if (READ_ONCE(swap_devs[i].state) != SWAP_OFF)
			n += swap_devs[i].slots;
	return n;
}

bool swap_set_state(struct swap_info *si, u32 from, u32 to)
{
	bool was;

	spin_lock(&si->lock);
	was = si->state == from;
	if (was)
		si->state = to;
	spin_unlock(&si->lock);
	return was;
}

bool swap_retire(struct swap_info *si)
{
	bool empty;

	spin_lock(&si->lock);
	empty = !si->inuse;
	if (empty)
		si->state = SWAP_OFF;
	spin_unlock(&si->lock);
	return empty;
}
