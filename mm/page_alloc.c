/* SPDX-License-Identifier: MIT */
/*
 * Frames: a buddy allocator, with a short list of single frames per CPU.
 *
 * A1  A free block of 2^order frames starts at a multiple of its size; its
 *     head is PG_buddy with page->order; no two buddies of one order are both
 *     free (they would be one block of the next order).
 * A2  A frame on a CPU's list is PG_pcp, so that a second free of it is
 *     noticed.  PG_buddy changes under the zone's lock only: whoever frees a
 *     block looks at its buddy's, and ->order means nothing without it.
 * A3  Every frame in the allocator has count 0 and mapcount -1: a stale
 *     speculative getter cannot take it (S2).
 * A4  Lab: a freed frame is filled with POISON (PG_poisoned) and must still
 *     be full of it when it is handed out again: who wrote to it had no right.
 * A5  Two zones, below and above 4 GiB, so that ALLOC_LOW needs no search.
 *     No block crosses: 4 GiB is a multiple of the largest.
 * A6  Who may reclaim leaves WMARK_MIN frames free; others half of that; those
 *     who free memory by what they allocate (memalloc, the OOM killer's
 *     victim) nothing.  Looked at when a CPU's list is empty, and roughly.
 *
 * A7  Others look at any frame's flags at any time (page_is_free(), stale
 *     getters): the owner too writes them whole.
 *
 * Locks: a CPU's list (PCP), inside it the zone's (ZONE).  Both with
 * interrupts on: nothing here runs in an interrupt.  Other CPUs' lists are
 * taken only to drain them.
 * Tests: tests/kt/kt_page_alloc.c, tests/race/race_page_alloc.c
 */
#include "mm/page_alloc.h"
#include "arch/smp.h"
#include "arch/string_ops.h"
#include "kernel/lockdep.h"
#include "kernel/preempt.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "mm/early.h"
#include "mm/internal_low.h"
#include "mm/kasan.h"
#include "mm/mmu_model.h"
#include "mm/oom.h"
#include "mm/page_owner.h"
#include "mm/vmscan.h"

#define LOW_PFNS	(1UL << (32 - PAGE_SHIFT))
#define PCP_MAX		62
#define PCP_BATCH	31
#define POISON		0x5a5a5a5a5a5a5a5aUL

struct zone {
	spinlock_t lock;
	u64 free;				/* frames, also read unlocked */
	struct list_head blocks[MAX_ORDER];
	u64 nr_blocks[MAX_ORDER];
};
enum { ZONE_LOW, ZONE_HIGH, NR_ZONES };

struct pcp {
	spinlock_t lock;
	u32 nr;
	struct page *pages[PCP_MAX];
};

static struct zone zones[NR_ZONES];
static DEFINE_PER_CPU(struct pcp, pcp) = { .lock = SPINLOCK_INIT(LOCK_PCP) };
static u64 managed_frames, least_free = ~0UL;
static u64 wmark[NR_WMARKS];			/* A6 */

void page_alloc_init(void)
{
	for (int z = 0; z < NR_ZONES; z++) {
		spin_lock_init(&zones[z].lock, LOCK_ZONE);
		for (u32 o = 0; o < MAX_ORDER; o++)
			INIT_LIST_HEAD(&zones[z].blocks[o]);
	}
}

static struct zone *page_zone(const struct page *p)
{
	return &zones[page_to_pfn(p) < LOW_PFNS ? ZONE_LOW : ZONE_HIGH];
}

static void block_add(struct zone *z, struct page *p, u32 order)
{
	page_set(p, PG_buddy);
	p->order = order;
	list_add(&p->buddy, &z->blocks[order]);
	z->nr_blocks[order]++;
}

static void block_del(struct zone *z, struct page *p, u32 order)
{
	KASSERT(p->order == order);
	list_del(&p->buddy);
	z->nr_blocks[order]--;
	page_clear(p, PG_buddy);
}

/* Zone lock held.  Merges with free buddies as far as they go (A1). */
static void zone_free(struct zone *z, struct page *p, u32 order)
{
	pfn_t pfn = page_to_pfn(p);

	WRITE_ONCE(z->free, z->free + (1UL << order));
	for (; order < MAX_ORDER - 1; order++) {
		pfn_t other = pfn ^ (1UL << order);
		struct page *buddy = pfn_to_page(other);

		if (!pfn_valid(other) || !page_test(buddy, PG_buddy) ||
		    buddy->order != order)
			break;
		block_del(z, buddy, order);
		pfn &= ~(1UL << order);
	}
	block_add(z, pfn_to_page(pfn), order);
}

/* Zone lock held.  Splits the smallest block that will do. */
static struct page *zone_alloc(struct zone *z, u32 order)
{
	struct page *p;
	u32 o = order;

	while (o < MAX_ORDER && list_empty(&z->blocks[o]))
		o++;
	if (o == MAX_ORDER)
		return NULL;
	p = list_first_entry(&z->blocks[o], struct page, buddy);
	block_del(z, p, o);
	while (o > order) {
		o--;
		block_add(z, p + (1UL << o), o);
	}
	WRITE_ONCE(z->free, z->free - (1UL << order));
	return p;
}

static u64 zone_frames(void)
{
	return READ_ONCE(zones[ZONE_LOW].free) +
	       READ_ONCE(zones[ZONE_HIGH].free);
}

/* Several CPUs may come with a new minimum: the least of them stays. */
static void note_least(void)
{
	u64 now = zone_frames(), least = READ_ONCE(least_free);

	while (now < least && !try_cmpxchg(&least_free, &least, now))
		;
}

/* `keep` frames stay free (about: nobody else is kept out). */
static struct page *alloc_block(u32 order, u32 flags, u64 keep)
{
	int z = flags & ALLOC_LOW ? ZONE_LOW : ZONE_HIGH;
	struct page *p = NULL;

	if (zone_frames() < keep + (1UL << order))
		return NULL;
	for (; z >= 0 && !p; z--) {
		if (!READ_ONCE(zones[z].free))
			continue;
		spin_lock(&zones[z].lock);
		p = zone_alloc(&zones[z], order);
		spin_unlock(&zones[z].lock);
	}
	if (p)
		note_least();
	return p;
}

static void free_block(struct page *p, u32 order)
{
	struct zone *z = page_zone(p);

	spin_lock(&z->lock);
	zone_free(z, p, order);
	spin_unlock(&z->lock);
}

static void pcp_push(struct pcp *c, struct page *p)
{
	page_set(p, PG_pcp);			/* A2 */
	c->pages[c->nr++] = p;
}

static struct page *pcp_pop(struct pcp *c)
{
	struct page *p = c->pages[--c->nr];

	if (CONFIG_LAB)
		c->pages[c->nr] = NULL;	/* mm/leaks.c: no stale pointer */
	page_clear(p, PG_pcp);
	return p;
}

static void pcp_refill(struct pcp *c, u64 keep)
{
	/* Short of memory, no frame is hoarded. */
	u32 want = zone_frames() < wmark[WMARK_HIGH] ? 1 : PCP_BATCH;

	while (c->nr < want) {
		struct page *p = alloc_block(0, ALLOC_PLAIN, keep);

		if (!p)
			return;
		pcp_push(c, p);
	}
}

static void pcp_shrink(struct pcp *c, u32 keep)
{
	while (c->nr > keep)
		free_block(pcp_pop(c), 0);
}

static struct page *pcp_alloc(u64 keep)
{
	struct page *p = NULL;
	struct pcp *c;

	preempt_disable();
	c = this_cpu_ptr(&pcp);
	spin_lock(&c->lock);
	if (!c->nr)
		pcp_refill(c, keep);
	if (c->nr)
		p = pcp_pop(c);
	spin_unlock(&c->lock);
	preempt_enable();
	return p;
}

static void pcp_free(struct page *p)
{
	struct pcp *c;

	preempt_disable();
	c = this_cpu_ptr(&pcp);
	spin_lock(&c->lock);
	if (c->nr == PCP_MAX)
		pcp_shrink(c, PCP_BATCH);
	pcp_push(c, p);
	spin_unlock(&c->lock);
	preempt_enable();
}

void drain_pcp_all(void)
{
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		struct pcp *c = per_cpu_ptr(&pcp, cpu);

		if (!READ_ONCE(c->nr))
			continue;
		spin_lock(&c->lock);
		pcp_shrink(c, 0);
		spin_unlock(&c->lock);
	}
}

/*
 * Without the zone's lock a hint only: a head may be handed out between the
 * two looks, and then ->order is what its owner keeps there.
 */
static bool in_free_block(const struct page *p)
{
	pfn_t pfn = page_to_pfn(p);

	for (u32 o = 0; o < MAX_ORDER; o++) {
		const struct page *head = pfn_to_page(pfn & ~((1UL << o) - 1));
		u32 order;

		if (!pfn_valid(page_to_pfn(head)) || !page_test(head, PG_buddy))
			continue;
		RACE_POINT("page_is_free:after_flag");
		order = READ_ONCE(head->order);
		if (head == p || (order >= o && order < MAX_ORDER))
			return true;
	}
	return false;
}

bool page_is_free(const struct page *p)
{
	struct zone *z = page_zone(p);
	bool ret;

	if (page_test(p, PG_pcp))
		return true;
	if (!in_free_block(p))
		return false;
	spin_lock(&z->lock);
	ret = in_free_block(p);
	spin_unlock(&z->lock);
	return ret;
}

/* A4. */
static void poison(struct page *p)
{
	rep_stosq(page_address(p), POISON, PAGE_SIZE / 8);
	page_set(p, PG_poisoned);
}

static void check_poison(struct page *p)
{
	const u64 *w = page_address(p);
	u32 i = 0;

	if (!page_test_clear(p, PG_poisoned))
		return;
	while (i < PAGE_SIZE / 8 && w[i] == POISON)
		i++;
	if (i == PAGE_SIZE / 8)
		return;
	page_owner_print(p);
	panic("pfn %llx was written after it was freed: word %u is %llx",
	      page_to_pfn(p), i, w[i]);
}

/* C1, and the model: does a CPU still hold a translation? */
static void check_free(struct page *p, u32 order)
{
	const u64 bad = BIT(PG_locked) | BIT(PG_reserved) |
			BIT(PG_buddy) | BIT(PG_pcp) | BIT(PG_slab) | BIT(PG_table) |
			BIT(PG_retired) | BIT(PG_zero) | BIT(PG_poisoned) |
			BIT(PG_lru) | BIT(PG_isolated) | BIT(PG_swapcache) |
			BIT(PG_writeback) | BIT(PG_cache);

	if (page_count(p) || page_mapcount(p) || p->flags & bad)
		page_owner_print(p);
	if (page_is_free(p))
		panic("pfn %llx order %u is freed twice", page_to_pfn(p),
		      order);
	if (page_count(p) || page_mapcount(p) || p->flags & bad)
		panic("pfn %llx order %u is freed with count %d, mapcount %d, flags %llx",
		      page_to_pfn(p), order, page_count(p), page_mapcount(p),
		      p->flags);
	mmu_model_page_free(p, order);
}

void free_pages(struct page *p, u32 order)
{
	TRACE2(PAGE_FREE, page_to_pfn(p), order);
	if (CONFIG_LAB) {
		check_free(p, order);
		lockdep_check_free(p, sizeof(*p) << order);
		lockdep_check_free(page_address(p), PAGE_SIZE << order);
		page_owner_note_free(p, order, __builtin_frame_address(0));
		for (u32 i = 0; i < 1U << order; i++)
			poison(p + i);
	}
	WRITE_ONCE(p->flags, p->flags & BIT(PG_poisoned));	/* A7 */
	kasan_poison(page_address(p), PAGE_SIZE << order, KASAN_FREE_PAGE);
	if (order)
		free_block(p, order);
	else
		pcp_free(p);
}

/* A3 still holds when this begins: nobody else can have a reference. */
static void prepare(struct page *p, u32 order, u32 flags)
{
	for (u32 i = 0; CONFIG_LAB && i < 1U << order; i++)
		check_poison(p + i);
	kasan_unpoison(page_address(p), PAGE_SIZE << order);
	page_owner_note_alloc(p, order, __builtin_frame_address(0));
	KASSERT(page_count(p) == 0 && page_mapcount(p) == 0);
	ASSERT_EXCLUSIVE_WRITER(p->flags);
	WRITE_ONCE(p->flags, 0);			/* A7 */
	/* mapping, index, lru, private, tlb_gen. */
	__builtin_memset(&p->mapping, 0, sizeof(*p) - offsetof(struct page, mapping));
	if (flags & ALLOC_ZERO)
		rep_stosq(page_address(p), 0, PAGE_SIZE / 8 << order);
	if (!(flags & ALLOC_FROZEN))
		atomic_set_release(&p->_refcount, 1);
}

/* A6. */
static u64 frames_to_keep(u32 flags)
{
	struct thread *t = current();

	if (t && !in_irq() && (t->memalloc || oom_victim_current()))
		return 0;
	return flags & ALLOC_RECLAIM ? wmark[WMARK_MIN] : wmark[WMARK_MIN] / 2;
}

struct page *alloc_attempt(u32 order, u32 flags)
{
	u64 keep = frames_to_keep(flags);

	for (int attempt = 0; attempt < 2; attempt++) {
		struct page *p;

		if (attempt)
			drain_pcp_all();
		p = order || flags & ALLOC_LOW ? alloc_block(order, flags, keep) :
						 pcp_alloc(keep);
		if (p)
			return p;
	}
	return NULL;
}

struct page *alloc_pages(u32 order, u32 flags)
{
	struct page *p;

	if (order >= MAX_ORDER)
		return NULL;
	flags = alloc_flags_here(flags);
	if (!(flags & ALLOC_NO_INJECT) && should_fail_alloc())
		return NULL;
	p = alloc_attempt(order, flags);
	if (unlikely(!p && flags & ALLOC_RECLAIM && !current()->memalloc))
		p = alloc_reclaim(order, flags);
	if (unlikely(zone_frames() < wmark[WMARK_LOW]))
		kswapd_wake();
	if (p)
		prepare(p, order, flags);
	return p;
}

bool memory_below(enum watermark w)
{
	return zone_frames() < wmark[w];
}

u64 watermark(enum watermark w)
{
	return wmark[w];
}

bool memory_is_low(void)
{
	return memory_below(WMARK_LOW);
}

/* min: 4 * sqrt(KiB) KiB as in Linux, but not less than a 128th. */
void page_alloc_set_watermarks(void)
{
	u64 kib = managed_frames << (PAGE_SHIFT - 10), root = 1;
	u64 min_frames;

	while (root * root < kib)
		root++;
	min_frames = max(root, managed_frames / 128);
	wmark[WMARK_MIN] = min_frames;
	wmark[WMARK_LOW] = min_frames * 2;
	wmark[WMARK_HIGH] = min_frames * 3;
}

/* In the largest blocks their addresses allow. */
void page_alloc_add(pfn_t start, pfn_t end)
{
	managed_frames += end - start;
	least_free = ~0UL;
	while (start < end) {
		u32 order = 0;

		while (order < MAX_ORDER - 1 &&
		       IS_ALIGNED(start, 2UL << order) &&
		       start + (2UL << order) <= end)
			order++;
		free_block(pfn_to_page(start), order);
		start += 1UL << order;
	}
}

static u64 nr_pcp_pages(void)
{
	u64 n = 0;
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask)
		n += READ_ONCE(per_cpu_ptr(&pcp, cpu)->nr);
	return n;
}

u64 nr_free_pages(void)
{
	return zone_frames() + nr_pcp_pages();
}

void page_alloc_stats(struct page_stats *s)
{
	*s = (struct page_stats){ .total = managed_frames };
	s->free = nr_free_pages();
	s->percpu = nr_pcp_pages();
	s->low_watermark = min(READ_ONCE(least_free), s->free);
	for (u32 o = 0; o < MAX_ORDER; o++)
		s->blocks[o] = zones[ZONE_LOW].nr_blocks[o] +
			       zones[ZONE_HIGH].nr_blocks[o];
}
