/* SPDX-License-Identifier: MIT */
/*
 * Two processes and a window of one on the other (drivers/shadow/xpmem.c): what
 * the importer's own entries say, and what is left when either side goes.
 */
#include "drivers/shadow/xpmem.h"
#include "kernel/racepoint.h"
#include "mm/mmu_model.h"
#include "tests/kt/kt_shadow.h"

#define PAGES	4
#define WINDOW	0x50000000UL		/* the importer's address */
#define SEGMENT	77

struct two {
	struct mm_struct *exp, *imp;
	struct shadow_dev *d;
};

static s64 map_window(struct two *p, vaddr_t at, int flags)
{
	const struct mmap_request rq = {
		.addr = at, .len = PAGES * PAGE_SIZE, .prot = PROT_RW,
		.flags = flags | MAP_FIXED,
		.mapping = &xpmem_of(p->d)->mapping,
		.may = VM_MAYREAD | VM_MAYWRITE,
	};

	return do_mmap(p->imp, &rq);
}

/* The exporter has i + 1 in page i. */
static bool two_begin(struct kt *t, struct two *p)
{
	struct shadow_window w = {
		.start = KT_BASE, .len = PAGES * PAGE_SIZE, .segid = SEGMENT,
	};

	p->exp = mm_alloc();
	p->imp = mm_alloc();
	if (!KT_EXPECT(t, p->exp && p->imp))
		return false;
	kt_map(p->exp, 0, PAGES * PAGE_SIZE, PROT_RW);
	for (u32 i = 0; i < PAGES; i++)
		kt_poke(p->exp, KT_BASE + i * PAGE_SIZE, i + 1);
	w.importer = p->imp;
	p->d = shadow_attach_window(p->exp, &shadow_xpmem, &w);
	if (!KT_EXPECT(t, !IS_ERR(p->d)))
		return false;
	return KT_EQ(t, map_window(p, WINDOW, MAP_SHARED), WINDOW);
}

static enum fault_result touch(struct two *p, u32 page, u32 flags)
{
	return kt_fault(p->imp, WINDOW + page * PAGE_SIZE, flags);
}

static u64 pins(struct two *p)
{
	struct shadow_stats s;

	shadow_get_stats(p->d, &s);
	return s.entries;
}

static void two_end(struct two *p)
{
	shadow_detach(p->d);
	if (p->imp)
		mmput(p->imp);
	if (p->exp)
		mmput(p->exp);
}

KTEST(xpmem, importer_maps_the_exporters_pages)
{
	struct two p;
	pte_t e, own;

	if (!two_begin(t, &p))
		return;
	KT_EQ(t, touch(&p, 1, 0), FAULT_DONE);
	e = kt_pte(p.imp, WINDOW + PAGE_SIZE);
	own = kt_pte(p.exp, KT_BASE + PAGE_SIZE);
	KT_EQ(t, pte_pfn(e), pte_pfn(own));
	KT_EXPECT(t, pte_special(e) && !pte_write(e));
	KT_EXPECT(t, page_maybe_dma_pinned(pte_page(own)));
	KT_EQ(t, touch(&p, 1, FAULT_WRITE), FAULT_DONE);
	KT_EXPECT(t, pte_write(kt_pte(p.imp, WINDOW + PAGE_SIZE)));
	KT_EQ(t, pins(&p), 1);
	KT_EQ(t, kt_dev_read(p.d, WINDOW + 2 * PAGE_SIZE), 3);
	KT_EQ(t, kt_dev_write(p.d, WINDOW, 9), 0);
	KT_EQ(t, kt_peek(p.exp, KT_BASE), 9);
	KT_EQ(t, kt_dev_read(p.d, WINDOW + PAGES * PAGE_SIZE), KT_NONE);
	two_end(&p);
}

/* A row of the order table each: the importer loses it, then has the new. */
KTEST(xpmem, exporter_changes)
{
	struct two p;

	if (!two_begin(t, &p))
		return;
	for (u32 i = 0; i < PAGES; i++)
		KT_EQ(t, touch(&p, i, FAULT_WRITE), FAULT_DONE);
	KT_EQ(t, pins(&p), PAGES);
	do_madvise_dontneed(p.exp, KT_BASE, PAGE_SIZE);
	KT_EXPECT(t, pte_none(kt_pte(p.imp, WINDOW)));
	KT_EQ(t, pins(&p), PAGES - 1);
	KT_EQ(t, kt_dev_read(p.d, WINDOW), 0);
	do_munmap(p.exp, KT_BASE + PAGE_SIZE, PAGE_SIZE);
	KT_EXPECT(t, pte_none(kt_pte(p.imp, WINDOW + PAGE_SIZE)));
	KT_EQ(t, touch(&p, 1, 0), FAULT_SIGBUS);
	do_mprotect(p.exp, KT_BASE + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	KT_EXPECT(t, pte_none(kt_pte(p.imp, WINDOW + 2 * PAGE_SIZE)));
	KT_EQ(t, touch(&p, 2, FAULT_WRITE), FAULT_SIGBUS);
	KT_EQ(t, touch(&p, 2, 0), FAULT_DONE);
	two_end(&p);
}

KTEST(xpmem, exporter_dies)
{
	struct two p;

	if (!two_begin(t, &p))
		return;
	KT_EQ(t, touch(&p, 0, FAULT_WRITE), FAULT_DONE);
	KT_EQ(t, kt_dev_read(p.d, WINDOW + PAGE_SIZE), 2);
	mmput(p.exp);
	p.exp = NULL;
	KT_EXPECT(t, pte_none(kt_pte(p.imp, WINDOW)));
	KT_EQ(t, pins(&p), 0);
	KT_EQ(t, touch(&p, 0, 0), FAULT_SIGBUS);
	KT_EQ(t, kt_dev_read(p.d, WINDOW), KT_NONE);
	two_end(&p);
}

/* Unmapped or dead: what it pinned is free again, the device still open. */
KTEST(xpmem, importer_leaves)
{
	struct page *page;
	struct two p;

	if (!two_begin(t, &p))
		return;
	page = pte_page(kt_pte(p.exp, KT_BASE));
	KT_EQ(t, touch(&p, 0, FAULT_WRITE), FAULT_DONE);
	KT_EQ(t, kt_dev_read(p.d, WINDOW), 1);
	KT_EXPECT(t, page_maybe_dma_pinned(page));
	KT_EQ(t, do_munmap(p.imp, WINDOW, PAGES * PAGE_SIZE), 0);
	KT_EQ(t, pins(&p), 0);
	KT_EQ(t, page_count(page), 1);
	KT_EQ(t, kt_dev_read(p.d, WINDOW), KT_NONE);
	KT_EQ(t, map_window(&p, WINDOW, MAP_SHARED), WINDOW);
	KT_EQ(t, touch(&p, 0, FAULT_WRITE), FAULT_DONE);
	mmput(p.imp);
	p.imp = NULL;
	KT_EQ(t, pins(&p), 0);
	KT_EQ(t, page_count(page), 1);
	KT_EQ(t, kt_dev_read(p.d, WINDOW), KT_NONE);
	two_end(&p);
}

/* The exporter's file is closed: its windows die, and the pins go. */
KTEST(xpmem, segment_goes)
{
	struct two p;

	if (!two_begin(t, &p))
		return;
	KT_EQ(t, touch(&p, 0, FAULT_WRITE), FAULT_DONE);
	xpmem_kill_segment(SEGMENT + 1);
	KT_EQ(t, pins(&p), 1);
	xpmem_kill_segment(SEGMENT);
	KT_EQ(t, pins(&p), 0);
	KT_EXPECT(t, pte_none(kt_pte(p.imp, WINDOW)));
	KT_EQ(t, touch(&p, 0, 0), FAULT_SIGBUS);
	two_end(&p);
}

/* A section that must not sleep takes nothing back: its exporter is dying. */
KTEST(xpmem, nonblocking_section_moves_the_sequence)
{
	struct mmu_notifier_range r;
	struct two p;
	u64 seq;

	if (!two_begin(t, &p))
		return;
	KT_EQ(t, touch(&p, 0, FAULT_WRITE), FAULT_DONE);
	seq = (u64)atomic64_read(&xpmem_of(p.d)->seq);
	mmu_notifier_range_init(&r, MMU_NOTIFY_CLEAR, p.exp, KT_BASE,
				KT_BASE + PAGE_SIZE);
	KT_EQ(t, mmu_notifier_invalidate_range_start_nonblock(&r), 0);
	mmu_notifier_invalidate_range_end(&r);
	KT_EQ(t, pins(&p), 1);
	KT_EQ(t, atomic64_read(&xpmem_of(p.d)->seq), seq + 1);
	two_end(&p);
}

/* The device goes first: the window stays, and is dead. */
KTEST(xpmem, device_leaves)
{
	struct two p;

	if (!two_begin(t, &p))
		return;
	KT_EQ(t, touch(&p, 0, FAULT_WRITE), FAULT_DONE);
	shadow_detach(p.d);
	KT_EXPECT(t, pte_none(kt_pte(p.imp, WINDOW)));
	KT_EQ(t, touch(&p, 0, 0), FAULT_SIGBUS);
	KT_EQ(t, page_count(pte_page(kt_pte(p.exp, KT_BASE))), 1);
	mmput(p.imp);
	mmput(p.exp);
}

/* One place of one mm, shared; nothing else is made of it. */
KTEST(xpmem, window_is_what_it_is)
{
	struct mm_struct *child = mm_alloc();
	struct page *page;
	struct two p;
	bool w;

	KT_ASSERT(t, child);
	if (!two_begin(t, &p))
		return;
	KT_EQ(t, touch(&p, 0, 0), FAULT_DONE);
	KT_EQ(t, map_window(&p, WINDOW + 0x100000, MAP_PRIVATE), -EINVAL);
	KT_EQ(t, map_window(&p, WINDOW + 0x100000, MAP_SHARED),
	      WINDOW + 0x100000);
	KT_EQ(t, kt_fault(p.imp, WINDOW + 0x100000, 0), FAULT_SIGBUS);
	KT_EQ(t, kt_mremap(p.imp, WINDOW, PAGE_SIZE, PAGE_SIZE,
			   WINDOW + 0x200000), -EINVAL);
	KT_EQ(t, get_user_page(p.imp, WINDOW, 0, &page, &w), -EFAULT);
	KT_EQ(t, dup_mmap(child, p.imp), 0);
	KT_EQ(t, kt_vmas(child), 0);
	mmput(child);
	two_end(&p);
}

/* X2: the device's TLB, standing for the importer's CPUs. */
static u32 no_flush(struct kt *t, u32 bug)
{
	struct two p;
	u32 reports;

	if (!two_begin(t, &p))
		return 0;
	KT_EQ(t, kt_dev_read(p.d, WINDOW), 1);
	bug_set("xpmem_no_flush", bug);
	mmu_model_expect(1);
	do_madvise_dontneed(p.exp, KT_BASE, PAGE_SIZE);
	reports = mmu_model_reports();
	mmu_model_expect(0);
	bug_clear_all();
	two_end(&p);
	return reports;
}

KTEST_FLAGS(xpmem, flush_before_unpin, KTF_LAB_ONLY)
{
	KT_EQ(t, no_flush(t, 0), 0);
	KT_EXPECT(t, no_flush(t, 1) > 0);
}
