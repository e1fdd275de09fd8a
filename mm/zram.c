/* SPDX-License-Identifier: MIT */
/*
 * Swap on compressed memory.
 *
 * Z1. Slot i's page is described by one word: 0 nothing; else the physical
 *     address of its object, with the length in the upper bits.  Length 8 is a
 *     page of one word repeated, length 0 stands for 4096: not compressed.
 * Z2. A word changes only while its slot is not free and its page locked under
 *     writeback, or when the slot is freed; objects do not move.  So a reader,
 *     who caches the slot, needs no lock.
 * Z3. Writing needs memory when there is least: reclaimers allocate from the
 *     reserve, and a page that finds none stays where it is, dirty.
 *
 * Compressing uses this CPU's scratch memory with preemption off.
 * Tests: tests/kt/kt_zram.c
 */
#include "arch/percpu.h"
#include "kernel/preempt.h"
#include "lib/err.h"
#include "lib/lzc.h"
#include "lib/string.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"
#include "mm/zpool.h"
#include "mm/zram.h"

#define LEN_SHIFT	52
#define WORTH_IT	(PAGE_SIZE / 2)	/* a longer one takes a whole frame */
#define SAME_LEN	8U

struct scratch {
	struct lzc_work work;
	u8 out[WORTH_IT];
};
static DEFINE_PER_CPU(struct scratch, scratch);

static u32 object_len(u64 word)
{
	u32 len = (u32)(word >> LEN_SHIFT);

	return len ? len : (u32)PAGE_SIZE;
}

static void *object_at(u64 word)
{
	return phys_to_virt(word & (BIT(LEN_SHIFT) - 1));
}

static u64 describe(const void *obj, u32 len)
{
	return virt_to_phys(obj) | (u64)(len % PAGE_SIZE) << LEN_SHIFT;
}

static bool same_filled(const u64 *w)
{
	for (u32 i = 1; i < PAGE_SIZE / 8; i++)
		if (w[i] != w[0])
			return false;
	return true;
}

/* The word for p's bytes, or 0: no memory. */
static u64 store(const void *page)
{
	struct scratch *s;
	u64 word = 0;
	void *obj;
	size_t len = SAME_LEN;
	const void *from = page;

	preempt_disable();
	s = this_cpu_ptr(&scratch);
	if (!same_filled(page)) {
		len = lzc_compress(&s->work, page, PAGE_SIZE, s->out,
				   sizeof(s->out));
		from = len ? s->out : page;
		len = len ? max(len, (size_t)SAME_LEN + 1) : PAGE_SIZE;
	}
	obj = zpool_alloc((u32)len);
	if (obj) {
		memcpy(obj, from, len);
		word = describe(obj, (u32)len);
	}
	preempt_enable();
	return word;
}

static void drop(u64 *slot)
{
	u64 word = xchg(slot, 0);

	if (word)
		zpool_free(object_at(word), object_len(word));
}

static int zram_read(struct swap_info *si, u64 slot, struct page *p)
{
	u64 word = READ_ONCE(((u64 *)si->priv)[slot]);
	u64 *to = page_address(p);
	const u8 *from;
	u32 len;

	if (!word)
		return -EIO;
	from = object_at(word);
	len = object_len(word);
	if (len == PAGE_SIZE) {
		copy_page(to, from);
		return 0;
	}
	if (len > SAME_LEN)
		return lzc_decompress(from, len, (u8 *)to, PAGE_SIZE) ==
			(ssize_t)PAGE_SIZE ? 0 : -EIO;
	for (u32 i = 0; i < PAGE_SIZE / 8; i++)
		to[i] = *(const u64 *)from;
	return 0;
}

static void zram_write(struct swap_info *si, u64 slot, struct page *p)
{
	u64 *words = si->priv;
	u64 word = store(page_address(p));

	if (word) {
		drop(&words[slot]);
		WRITE_ONCE(words[slot], word);			/* Z2 */
	}
	swap_write_done(p, word ? 0 : -ENOMEM);			/* Z3 */
}

static void zram_discard(struct swap_info *si, u64 slot)
{
	drop(&((u64 *)si->priv)[slot]);
}

static void zram_destroy(struct swap_info *si)
{
	vfree(si->priv);
}

static const struct swap_backend zram_ops = {
	.name = "compressed memory",
	.flags = SWAP_MEMORY,
	.read_page = zram_read,
	.write_page = zram_write,
	.discard = zram_discard,
	.destroy = zram_destroy,
};

int zram_swapon(const char *name, u64 slots, int prio)
{
	u64 *words = vmalloc(slots * sizeof(*words));
	int type;

	if (!words)
		return -ENOMEM;
	type = swapon(name, &zram_ops, words, slots, prio);
	if (type < 0)
		vfree(words);
	return type;
}
