/* SPDX-License-Identifier: MIT */
/*
 * Leaks by reachability: objects and frames in use that nothing leads to.
 *
 * From the roots on, every aligned word is followed that lies in a slab object,
 * in a large block, in a frame of the kernel's own, or in a struct page. What
 * is in use and was not met has leaked. Roots are .data, .bss, the per-CPU
 * areas, the stacks of all threads, vmalloc areas, and ->mapping of each page
 * that is mapped, cached or on an LRU list.
 *
 * K1  The scan sees one moment: the other CPUs stand, and no spinlock is held
 *     (kernel/stop.h), so what is on its way stands on some stack.
 * K2  It is conservative: any word that looks like a pointer is one, wherever
 *     into the object it points. A stale one hides a leak; so what is known to
 *     hold stale words is not looked at: free objects, magazines (they have
 *     free objects only), the stack below its pointer, the rings of the
 *     trace, notes of checkers (__unscanned), the links of LRU lists, what
 *     programs wrote. The stack of a thread
 *     that runs elsewhere is read whole.
 * K3  Nobody in the kernel disguises a pointer, but in low bits. This file
 *     does, by ~, or it would find its own notes.
 * K4  Tables and mapped pages are no concern here: mm/check.c knows each of
 *     their parents. So are frames taken before there were records.
 *
 * Marks: slab_owner->mark for objects, a bit for the head of each other block.
 * Lock: `scanning`, one scan at a time.
 * Tests: tests/kt/kt_leaks.c
 */
#include "mm/leaks.h"
#include "arch/percpu.h"
#include "arch/smp.h"
#include "arch/uaccess.h"
#include "kernel/config.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/stop.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/bitmap.h"
#include "lib/err.h"
#include "mm/page_alloc.h"
#include "mm/page_owner.h"
#include "mm/slab_def.h"
#include "mm/vmalloc.h"

#define MAX_FOUND	(CONFIG_LAB ? 64 : 1)
#define MAX_REFERRERS	8
#define MAX_PRINTED	16
#define STOP_TRIES	1000
#define CHUNK		64		/* words read at once */
#define STACK_BYTES	(CONFIG_STACK_PAGES * PAGE_SIZE)

extern char _data[], _unscanned_start[], _unscanned_end[], _bss_end[];
extern char __percpu_start[], __percpu_end[];

/* Addresses in here are disguised: K3. */
static u64 found[MAX_FOUND];
static u32 nr_found;			/* all, MAX_FOUND of them told apart */
static u64 watched, referrer[MAX_REFERRERS];
static u32 nr_referrers;
static u64 *todo;			/* reached, not scanned yet: pairs */
static u64 nr_todo, max_todo;
static unsigned long *reached;		/* by frame number, heads only */
static u64 own_frame;			/* the caller's, saved registers above */
static u32 scanning;

static void push(const void *at, u64 len)
{
	KASSERT(nr_todo + 2 <= max_todo);
	todo[nr_todo++] = ~(u64)at;
	todo[nr_todo++] = len;
}

static void note_referrer(u64 target, const void *at)
{
	if (target == ~watched && nr_referrers < MAX_REFERRERS)
		referrer[nr_referrers++] = ~(u64)at;
}

static bool is_object(const struct page *p)
{
	return page_test(p, PG_slab) &&
	       (p->inuse == SLAB_TAIL || p->cache);
}

static bool on_lru(const struct page *p)
{
	return page_test(p, PG_lru);
}

/* The kernel's own: not what programs or files have in it. */
static bool has_pointers(const struct page *p)
{
	const u64 other = PAGE_USES & ~BIT(PG_slab);

	return !(p->flags & other) && !trace_owns(page_address(p));
}

/* A frame that is no object: its block, once. */
static void reach_frame(struct page *p, const void *at)
{
	struct page *head;
	u32 order;

	head = page_owner_block(p, &order);
	if (!head)
		return;
	note_referrer((u64)page_address(head), at);
	if (test_bit(page_to_pfn(head), reached))
		return;
	__set_bit(page_to_pfn(head), reached);
	if (has_pointers(head))
		push(page_address(head), PAGE_SIZE << order);
	/* Whoever links it by its struct page is met there, K2. */
	if (!on_lru(head))
		push(&head->mapping, sizeof(*head) - 16);
}

static void reach_object(const void *addr, const void *at)
{
	struct slab_owner *o;
	struct kmem_cache *c;
	void *obj;
	u32 i;

	obj = slab_find_object(addr, &c, &i);
	if (!obj || (u64)addr - (u64)obj >= c->size)
		return;
	o = slab_owner(c, slab_of(obj), i);
	if (!o->inuse)
		return;
	note_referrer((u64)obj, at);
	if (o->mark)
		return;
	o->mark = 1;
	push(obj, c->size);
}

/* The word at `at`. */
static void reach(u64 word, const void *at)
{
	pfn_t pfn;

	if (word - PAGE_OFFSET < max_pfn << PAGE_SHIFT)
		pfn = (word - PAGE_OFFSET) >> PAGE_SHIFT;
	else if (word - VMEMMAP_START < max_pfn * sizeof(struct page))
		pfn = (word - VMEMMAP_START) / sizeof(struct page);
	else
		return;
	if (!pfn_valid(pfn))
		return;
	if (!is_object(pfn_to_page(pfn)))
		reach_frame(pfn_to_page(pfn), at);
	else if (word < VMEMMAP_START)
		reach_object((const void *)word, at);
}

static void scan(const void *from, u64 bytes)
{
	const u64 *w = from;
	u64 buf[CHUNK];

	for (u64 left = bytes / 8, n; left; left -= n, w += n) {
		n = min_t(u64, left, CHUNK);
		if (copy_nofault(buf, w, n * 8))
			continue;
		for (u64 i = 0; i < n; i++)
			reach(buf[i], w + i);
	}
}

/* So that `todo` needs no more room than one root can fill. */
static void scan_reached(void)
{
	while (nr_todo) {
		nr_todo -= 2;
		scan((const void *)~todo[nr_todo], todo[nr_todo + 1]);
	}
}

static void scan_stack(struct thread *t, void *arg)
{
	u64 base = (u64)t->stack, from = base;

	(void)arg;
	if (!base)
		return;		/* a boot stack: in .bss */
	if (t == current())
		from = own_frame;
	else if (!READ_ONCE(t->on_cpu))
		from = t->arch.rsp;
	if (from - base < STACK_BYTES)
		scan((const void *)from, base + STACK_BYTES - from);
}

static void scan_image(void)
{
	u32 cpu;

	scan(_data, (u64)(_unscanned_start - _data));
	scan(_unscanned_end, (u64)(_bss_end - _unscanned_end));
	for_each_cpu(cpu, &cpu_online_mask)
		if (__per_cpu_offset[cpu])
			scan(__percpu_start + __per_cpu_offset[cpu],
			     (u64)(__percpu_end - __percpu_start));
}

static bool is_own(const void *va)
{
	return (u64)va - (u64)todo < max_todo * sizeof(*todo) ||
	       (u64)va - (u64)reached < max_pfn / 8;
}

/* Stacks are scanned by thread. */
static void scan_vmalloc(const void *va, pfn_t pfn, enum vmalloc_kind kind)
{
	__set_bit(pfn, reached);
	if (kind == VMALLOC_AREA && !is_own(va))
		scan(va, PAGE_SIZE);
}

/* Calls fn for each frame that is not free; free blocks are skipped. */
static void for_each_used(void (*fn)(struct page *p))
{
	for (pfn_t pfn = 0; pfn < max_pfn; pfn++) {
		struct page *p = pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;

		if (!p || page_test(p, PG_reserved) || page_test(p, PG_pcp))
			continue;
		if (page_test(p, PG_buddy))
			pfn += (1UL << p->order) - 1;
		else
			fn(p);
	}
}

static void scan_page(struct page *p)
{
	const u64 kinds = BIT(PG_cache) | BIT(PG_anon);

	if (p->flags & kinds && (page_mapped(p) || on_lru(p)))
		reach((u64)p->mapping & ~PAGE_MAPPING_ANON, &p->mapping);
}

static void for_each_object(struct page *slab,
			    void (*fn)(void *obj, struct slab_owner *o))
{
	struct kmem_cache *c = slab->cache;

	if (!is_object(slab) || slab->inuse == SLAB_TAIL)
		return;
	for (u32 i = 0; i < c->per_slab; i++)
		fn((char *)page_address(slab) + i * c->stride,
		   slab_owner(c, slab, i));
}

static void clear_mark(void *obj, struct slab_owner *o)
{
	(void)obj;
	o->mark = 0;
}

static void clear_marks(struct page *p)
{
	for_each_object(p, clear_mark);
}

static void note(const void *what)
{
	if (nr_found++ < MAX_FOUND)
		found[nr_found - 1] = ~(u64)what;
}

static void note_object(void *obj, struct slab_owner *o)
{
	if (o->inuse && !o->mark)
		note(obj);
}

static void note_unreached(struct page *p)
{
	u32 order;

	for_each_object(p, note_object);
	if (is_object(p) || page_test(p, PG_table) || page_mapped(p) ||
	    page_owner_block(p, &order) != p ||		/* K4 */
	    test_bit(page_to_pfn(p), reached))
		return;
	note(page_address(p));
}

/* The others stand.  Not inlined: own_frame is above everything here. */
static noinline void scan_stopped(void)
{
	for_each_used(clear_marks);
	vmalloc_for_each_frame(scan_vmalloc);	/* first: marks all stacks */
	scan_reached();
	scan_image();
	scan_reached();
	for_each_thread(scan_stack, NULL);
	scan_reached();
	for_each_used(scan_page);
	scan_reached();
	for_each_used(note_unreached);
}

/* Room for everything that can be in use, twice for frames: reach_frame(). */
static int prepare(void)
{
	u64 frames = max_pfn - nr_free_pages();

	max_todo = 2 * (slab_objects_inuse() + 2 * frames);
	todo = vmalloc(max_todo * sizeof(*todo));
	reached = vmalloc(BITS_TO_LONGS(max_pfn) * sizeof(*reached));
	nr_found = nr_referrers = 0;
	return todo && reached ? 0 : -ENOMEM;
}

static int stop(void)
{
	for (u32 i = 0; i < STOP_TRIES; i++) {
		if (stop_others())
			return 0;
		yield();
	}
	return -EAGAIN;
}

s32 leaks_scan(u64 watch)
{
	s32 ret;

	if (!CONFIG_LAB)
		return -EOPNOTSUPP;
	if (xchg(&scanning, 1))
		return -EBUSY;
	watched = watch;
	__builtin_unwind_init();		/* all registers to the stack */
	own_frame = (u64)__builtin_frame_address(0) - 64;
	ret = prepare();
	if (!ret)
		ret = stop();
	if (!ret) {
		scan_stopped();
		start_others();
		ret = (s32)nr_found;
	}
	vfree(todo);
	vfree(reached);
	todo = NULL;
	reached = NULL;
	smp_store_release(&scanning, 0);
	return ret;
}

bool leaks_found(u64 disguised)
{
	for (u32 i = 0; i < min_t(u32, nr_found, MAX_FOUND); i++)
		if (found[i] == disguised)
			return true;
	return false;
}

static void print_what(const void *p)
{
	struct page *page = virt_to_page(p);

	if (is_object(page)) {
		slab_print_object(p);
		return;
	}
	kprintf("  frame %llx: %s, count %d\n", page_to_pfn(page),
		page_kind_name(page), page_count(page));
	page_owner_print(page);
}

void leaks_print(void)
{
	for (u32 i = 0; i < min_t(u32, nr_found, MAX_PRINTED); i++) {
		kprintf("nothing leads to %p:\n", (void *)~found[i]);
		print_what((const void *)~found[i]);
	}
}

static void print_if_on_stack(struct thread *t, void *arg)
{
	const u64 *at = arg;

	if (*at - (u64)t->stack < STACK_BYTES)
		kprintf(": the stack of thread %u (%s)", t->tid, t->name);
}

static void print_place(u64 at)
{
	char name[64];

	kprintf("met at %llx", at);
	for_each_thread(print_if_on_stack, &at);
	if (at >= KERNEL_VMA)
		kprintf(": %s", ksym_format(at, name, sizeof(name)));
	else if (at >= VMEMMAP_START)
		kprintf(": the struct page of frame %llx",
			(at - VMEMMAP_START) / sizeof(struct page));
	kprintf("\n");
	if (at < VMALLOC_START)
		print_what((const void *)at);
}

void leaks_print_referrers(void)
{
	for (u32 i = 0; i < nr_referrers; i++)
		print_place(~referrer[i]);
	kprintf("leaks: %u places%s\n", nr_referrers,
		nr_referrers == MAX_REFERRERS ? " or more" : "");
}
