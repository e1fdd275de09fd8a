/* SPDX-License-Identifier: MIT */
/*
 * Page owners: beside each struct page, in lab builds, the backtraces of its
 * last allocation and its last free (kernel/stackdepot.h), and the threads.
 *
 * W1  A record is written by whoever owns the frame at that moment: after it
 *     left the allocator, before it returns to it.  So no lock.
 * W2  It outlives the free: a report about a free frame names who freed it.
 *
 * Shown by the panics of page_alloc.c, by KASAN and by `page PFN`.
 * Tests: tests/kt/kt_owner.c
 */
#include "mm/page_owner.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/stackdepot.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/early.h"
#include "mm/page_alloc.h"
#include "mm/slab_def.h"
#include "mm/vmalloc.h"

struct page_owner {
	u32 alloc, free, alloc_tid, free_tid;
	u16 index, order;		/* in its block, and that one's */
};

static struct page_owner *owners;	/* I: max_pfn of them, or NULL */

void page_owner_init(void)
{
	if (!CONFIG_LAB)
		return;
	owners = vmalloc(max_pfn * sizeof(*owners));
	if (!owners)
		pr_warn("mm: no memory for the records of page owners\n");
}

static u32 current_tid(void)
{
	const struct thread *t = current();

	return t ? t->tid : 0;
}

void page_owner_note_alloc(struct page *p, u32 order, const void *frame)
{
	u32 trace;

	if (!CONFIG_LAB || !owners)
		return;
	trace = stackdepot_save(frame);
	for (u32 i = 0; i < 1U << order; i++) {
		struct page_owner *o = &owners[page_to_pfn(p) + i];

		o->alloc = trace;
		o->alloc_tid = current_tid();
		o->index = (u16)i;
		o->order = (u16)order;
	}
}

void page_owner_note_free(struct page *p, u32 order, const void *frame)
{
	u32 trace;

	if (!CONFIG_LAB || !owners)
		return;
	trace = stackdepot_save(frame);
	for (u32 i = 0; i < 1U << order; i++) {
		struct page_owner *o = &owners[page_to_pfn(p) + i];

		o->free = trace;
		o->free_tid = current_tid();
	}
}

u32 page_owner_alloc_trace(const struct page *p)
{
	return owners ? owners[page_to_pfn(p)].alloc : 0;
}

u32 page_owner_free_trace(const struct page *p)
{
	return owners ? owners[page_to_pfn(p)].free : 0;
}

struct page *page_owner_block(struct page *p, u32 *order)
{
	const struct page_owner *o;

	if (!owners || !owners[page_to_pfn(p)].alloc)
		return NULL;
	o = &owners[page_to_pfn(p)];
	*order = o->order;
	return p - o->index;
}

void page_owner_print(const struct page *p)
{
	const struct page_owner *o;

	if (!owners)
		return;
	o = &owners[page_to_pfn(p)];
	if (o->alloc) {
		kprintf("  last allocated by thread %u:\n", o->alloc_tid);
		stackdepot_print(o->alloc);
	}
	if (o->free) {
		kprintf("  last freed by thread %u:\n", o->free_tid);
		stackdepot_print(o->free);
	}
}

const char *page_kind_name(const struct page *p)
{
	if (page_test(p, PG_reserved))
		return "reserved";
	if (page_is_free(p))
		return "free";
	if (page_test(p, PG_slab))
		return "slab";
	if (page_test(p, PG_table))
		return "page table";
	if (page_test(p, PG_cache))
		return "page cache";
	if (page_test(p, PG_anon))
		return "anonymous";
	return "kernel";
}

struct page *shell_frame(const char *arg)
{
	u64 pfn;

	if (shell_parse_u64("PFN", arg, &pfn))
		return NULL;
	if (pfn_valid(pfn))
		return pfn_to_page(pfn);
	kprintf("there is no frame %llx\n", pfn);
	return NULL;
}

static int cmd_page(int argc, char **argv)
{
	struct page *p = shell_frame(argv[1]);

	(void)argc;
	if (!p)
		return -EINVAL;
	kprintf("frame %llx: %s, count %d, mapped %d times, flags %llx\n",
		page_to_pfn(p), page_kind_name(p), page_count(p),
		page_test(p, PG_table) ? 0 : page_mapcount(p), p->flags);
	page_owner_print(p);
	return 0;
}
SHELL_CMD(page, "PFN", "what a frame is; lab: who allocated and freed it", 1, 1,
	  cmd_page);
