/* SPDX-License-Identifier: MIT */
/* Tests of mm/mmu_notifier.c and mmu_section.c: one recording subscriber. */
#include "kernel/racepoint.h"
#include "kernel/report.h"
#include "kernel/thread.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "tests/kt/kt_mm.h"

enum call { C_START, C_END, C_CHANGE, C_YOUNG, C_RELEASE };

struct event {
	enum call call;
	enum mmu_notifier_event event;
	vaddr_t start, end;
	u32 flags;
	pte_t primary;			/* at start, as the callback saw it */
};

#define MAX_EVENTS 32
struct client {
	struct mmu_notifier mn;
	struct event ev[MAX_EVENTS];
	u32 nr;
	int refuse;			/* what range_start returns */
	u32 young;
	struct client *other;		/* asked during our release */
	int other_heard;
};

static struct client *client_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct client, mn);
}

static void record(struct client *c, struct event e)
{
	if (c->nr < MAX_EVENTS)
		c->ev[c->nr++] = e;
}

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct client *c = client_of(mn);

	if (c->refuse && !(r->flags & MMU_NOTIFIER_RANGE_BLOCKABLE))
		return c->refuse;
	record(c, (struct event){ C_START, r->event, r->start, r->end,
				  r->flags, kt_pte(r->mm, r->start) });
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	record(client_of(mn), (struct event){ C_END, r->event, r->start,
			r->end, r->flags, kt_pte(r->mm, r->start) });
}

static void on_change(struct mmu_notifier *mn, struct mm_struct *mm, vaddr_t va,
		      pte_t e)
{
	(void)e;
	record(client_of(mn), (struct event){ C_CHANGE, 0, va, va, 0,
					      kt_pte(mm, va) });
}

static int on_young(struct mmu_notifier *mn, struct mm_struct *mm,
		    vaddr_t start, vaddr_t end)
{
	struct client *c = client_of(mn);

	(void)mm;
	record(c, (struct event){ .call = C_YOUNG, .start = start,
				  .end = end });
	return (int)c->young;
}

/* While our release runs, is the other subscriber still told of things? */
static void on_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct client *c = client_of(mn);
	u32 before;

	record(c, (struct event){ .call = C_RELEASE });
	if (!c->other)
		return;
	before = c->other->nr;
	mmu_notifier_clear_flush_young(mm, KT_BASE, KT_BASE + PAGE_SIZE);
	c->other_heard += c->other->nr != before;
}

static void on_secondary(struct mmu_notifier *mn, struct mm_struct *mm,
			 vaddr_t start, vaddr_t end)
{
	(void)mm;
	record(client_of(mn), (struct event){ .call = C_START, .start = start,
					      .end = end });
}

static const struct mmu_notifier_ops full_ops = {
	.release = on_release,
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
	.clear_flush_young = on_young,
	.change_pte = on_change,
};
static const struct mmu_notifier_ops no_change_ops = {
	.release = on_release,
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
};

static struct client *client_new(struct kt *t, struct mm_struct *mm,
				 const struct mmu_notifier_ops *ops)
{
	struct client *c = kzalloc(sizeof(*c));

	if (!KT_EXPECT(t, c))
		return NULL;
	c->mn.ops = ops;
	c->mn.name = "test";
	KT_EQ(t, mmu_notifier_register(&c->mn, mm), 0);
	return c;
}

static void client_free(struct client *c, struct mm_struct *mm)
{
	mmu_notifier_unregister(&c->mn, mm);
	kfree(c);
}

/* Exactly one section, and nothing else, was seen. */
static void expect_section(struct kt *t, struct client *c,
			   enum mmu_notifier_event event, vaddr_t start,
			   vaddr_t end)
{
	const struct event *s = &c->ev[0], *e = &c->ev[c->nr ? c->nr - 1 : 0];

	if (!KT_EXPECT(t, c->nr >= 2))
		return;
	KT_EQ(t, s->call, C_START);
	KT_EQ(t, e->call, C_END);
	KT_EQ(t, s->event, event);
	KT_EQ(t, s->start, start);
	KT_EQ(t, s->end, end);
	KT_EXPECT(t, pte_present(s->primary));		/* G1 */
	KT_EXPECT(t, !pte_same(s->primary, e->primary));	/* G4 */
	KT_EQ(t, mmu_sections_open(), 0);
	c->nr = 0;
}

KTEST(notifier, register_and_count)
{
	static const struct mmu_notifier_ops both = {
		.invalidate_range_start = on_start,
		.arch_invalidate_secondary_tlbs = on_secondary,
	};
	struct mm_struct *mm = mm_alloc();
	struct mmu_notifier mn = { .ops = &both };
	struct client *a, *b;

	KT_ASSERT(t, mm);
	KT_EQ(t, mmu_notifier_register(&mn, mm), -EINVAL);
	KT_EXPECT(t, !mm_has_notifiers(mm));
	a = client_new(t, mm, &full_ops);
	b = client_new(t, mm, &no_change_ops);
	KT_ASSERT(t, a && b);
	KT_EQ(t, mmu_notifier_count(mm), 2);
	client_free(a, mm);
	KT_EQ(t, mmu_notifier_count(mm), 1);
	client_free(b, mm);
	KT_EQ(t, mmu_notifier_count(mm), 0);
	mmput(mm);
}

KTEST_FLAGS(notifier, register_fails_clean, KTF_LAB_ONLY)
{
	struct mmu_notifier mn = { .ops = &full_ops };
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	alloc_fail_nth(1);
	KT_EQ(t, mmu_notifier_register(&mn, mm), -ENOMEM);
	alloc_fail_nth(0);
	thread_interrupt(current());
	KT_EQ(t, mmu_notifier_register(&mn, mm), -EINTR);
	current()->interrupted = 0;
	KT_EQ(t, mmu_notifier_count(mm), 0);
	KT_EQ(t, kt_poke(mm, KT_BASE, 1), 0);
	mmput(mm);
}

/* Each operation: its event, its range, before and after. */
KTEST(notifier, operations)
{
	struct kt_file *f = kt_file_create(1, 0x10000);
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	vaddr_t va = KT_BASE;
	struct client *c;

	KT_ASSERT(t, mm && child && f);
	c = client_new(t, mm, &full_ops);
	KT_ASSERT(t, c);
	kt_map(mm, 0, 0x4000, PROT_RW);
	for (u32 i = 0; i < 4; i++)
		kt_poke(mm, va + i * PAGE_SIZE, i);
	kt_map_file(mm, f, 0x100000, 0x2000, MAP_SHARED);
	kt_peek(mm, va + 0x100000);
	KT_EQ(t, c->nr, 0);					/* G5 */

	do_mprotect(mm, va, 0x1000, PROT_READ);
	expect_section(t, c, MMU_NOTIFY_PROTECTION_VMA, va, va + 0x1000);
	do_madvise_dontneed(mm, va + 0x1000, 0x1000);
	expect_section(t, c, MMU_NOTIFY_CLEAR, va + 0x1000, va + 0x2000);
	do_munmap(mm, va, 0x2000);
	/* The second page is empty, the first was read-only. */
	expect_section(t, c, MMU_NOTIFY_UNMAP, va, va + 0x2000);
	KT_EQ(t, dup_mmap(child, mm), 0);
	expect_section(t, c, MMU_NOTIFY_PROTECTION_PAGE, va + 0x2000,
		       va + 0x4000);
	truncate_pagecache(&f->m, 0);
	expect_section(t, c, MMU_NOTIFY_CLEAR, va + 0x100000, va + 0x102000);
	client_free(c, mm);
	mmput(mm);
	mmput(child);
	kt_file_put(f);
}

/* COW: start with the flag, change_pte while the entry is none, end. */
KTEST(notifier, cow_change_pte)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct client *c, *d;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	c = client_new(t, mm, &full_ops);
	d = client_new(t, mm, &no_change_ops);
	KT_ASSERT(t, c && d);
	kt_poke(mm, KT_BASE, 2);
	KT_EQ(t, c->nr, 3);
	KT_EQ(t, c->ev[0].call, C_START);
	KT_EXPECT(t, c->ev[0].flags & MMU_NOTIFIER_USE_CHANGE_PTE);
	KT_EQ(t, c->ev[1].call, C_CHANGE);
	KT_EXPECT(t, pte_none(c->ev[1].primary));
	KT_EQ(t, c->ev[2].call, C_END);
	KT_EXPECT(t, pte_write(c->ev[2].primary));
	/* Who has no change_pte never sees the flag. */
	KT_EQ(t, d->nr, 2);
	KT_EXPECT(t, !(d->ev[0].flags & MMU_NOTIFIER_USE_CHANGE_PTE));
	client_free(c, mm);
	client_free(d, mm);
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	mmput(mm);
	mmput(child);
}

/* F6: with the order reversed the callback finds the new entry in place. */
KTEST_FLAGS(notifier, cow_primary_first_bug, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct client *c;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	c = client_new(t, mm, &full_ops);
	KT_ASSERT(t, c);
	bug_set("primary_first", 1);
	kt_poke(mm, KT_BASE, 2);
	bug_clear_all();
	KT_EQ(t, c->ev[1].call, C_CHANGE);
	KT_EXPECT(t, !pte_none(c->ev[1].primary));	/* red */
	client_free(c, mm);
	mmput(mm);
	mmput(child);
}

KTEST(notifier, ageing)
{
	struct mm_struct *mm = mm_alloc();
	struct client *c;
	struct page *p;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	c = client_new(t, mm, &full_ops);
	KT_ASSERT(t, c);
	p = pte_page(kt_pte(mm, KT_BASE));
	get_page(p);
	page_referenced(p, NULL);			/* the primary's A goes */
	KT_EQ(t, page_referenced(p, NULL), 0);
	c->young = 1;
	KT_EQ(t, page_referenced(p, NULL), 1);	/* G6 */
	KT_EQ(t, c->ev[c->nr - 1].call, C_YOUNG);
	KT_EQ(t, c->ev[c->nr - 1].start, KT_BASE);
	put_page(p);
	client_free(c, mm);
	mmput(mm);
}

/* A3: one refuses, the others get their end, nothing stays open. */
KTEST(notifier, nonblock_refused)
{
	struct mm_struct *mm = mm_alloc();
	struct mmu_notifier_range r;
	struct client *a, *b;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	b = client_new(t, mm, &full_ops);
	a = client_new(t, mm, &full_ops);	/* first on the list */
	KT_ASSERT(t, a && b);
	mmu_notifier_range_init(&r, MMU_NOTIFY_UNMAP, mm, KT_BASE,
				KT_BASE + 0x1000);
	b->refuse = -EAGAIN;
	KT_EQ(t, mmu_notifier_invalidate_range_start_nonblock(&r), -EAGAIN);
	KT_EQ(t, a->nr, 2);
	KT_EQ(t, a->ev[1].call, C_END);
	KT_EQ(t, b->nr, 0);
	KT_EQ(t, mmu_sections_open(), 0);
	b->refuse = 0;
	KT_EQ(t, mmu_notifier_invalidate_range_start_nonblock(&r), 0);
	mmu_notifier_invalidate_range_end(&r);
	KT_EQ(t, b->nr, 2);
	client_free(a, mm);
	client_free(b, mm);
	mmput(mm);
}

/* G7, and the history's bug: unlinked before release. */
static int heard_during_release(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_alloc();
	struct client *a, *b;
	int heard;

	if (!KT_EXPECT(t, mm))
		return -1;
	a = client_new(t, mm, &full_ops);
	b = client_new(t, mm, &full_ops);
	if (!a || !b)
		return -1;
	a->other = a;			/* still on the list itself? */
	b->other = a;
	bug_set("release_unlinks_first", bug);
	mmput(mm);
	bug_set("release_unlinks_first", 0);
	heard = a->other_heard + b->other_heard;
	client_free(a, mm);
	client_free(b, mm);		/* the last reference on mm */
	return heard;
}

KTEST_FLAGS(notifier, release_order, KTF_LAB_ONLY)
{
	KT_EQ(t, heard_during_release(t, 0), 2);
	KT_EXPECT(t, heard_during_release(t, 1) < 2);
}

/*
 * The books of sections.
 */
static void open_section(struct mmu_notifier_range *r, struct mm_struct *mm,
			 u64 pages, u32 flags)
{
	mmu_notifier_range_init(r, MMU_NOTIFY_CLEAR, mm, KT_BASE,
				KT_BASE + pages * PAGE_SIZE);
	r->flags |= flags;
	mmu_notifier_invalidate_range_start(r);
}

enum set_how { SET_PLAIN, SET_AT_NOTIFY };

/* In a section of its own the entry is cleared and set to e; what it was. */
static pte_t change(struct mm_struct *mm, pte_t e, u32 flags, enum set_how how)
{
	struct mmu_notifier_range r;
	struct pt_pos pos;
	pte_t old;

	open_section(&r, mm, 1, flags);
	lock_leaf(&mm->pgt, KT_BASE, &pos);
	old = pte_clear(&pos);
	flush_tlb_page(mm, KT_BASE);
	if (pte_present(e) && how == SET_AT_NOTIFY)
		set_pte_at_notify(&pos, e);
	else if (pte_present(e))
		pte_set(&pos, e);
	unlock_table(&pos);
	mmu_notifier_invalidate_range_end(&r);
	return old;
}

static u32 change_reports(struct mm_struct *mm, pte_t to, u32 flags,
			  enum set_how how)
{
	u32 reports;
	pte_t old;

	mmu_model_reports();
	mmu_model_expect(1);
	old = change(mm, to, flags, how);
	reports = mmu_model_reports();
	mmu_model_expect(0);
	change(mm, old, 0, SET_PLAIN);
	return reports;
}

/* A section over two pages. */
static u32 bulk_reports(struct mm_struct *mm, u32 flags)
{
	struct mmu_notifier_range r;

	mmu_model_reports();
	mmu_model_expect(1);
	open_section(&r, mm, 2, flags);
	mmu_notifier_invalidate_range_end(&r);
	mmu_model_expect(0);
	return mmu_model_reports();
}

KTEST_FLAGS(notifier, change_pte_law, KTF_LAB_ONLY)
{
	struct page *other = alloc_page(ALLOC_ZERO);
	u32 flag = MMU_NOTIFIER_USE_CHANGE_PTE;
	struct mm_struct *mm = mm_alloc();
	pte_t rw, elsewhere;

	KT_ASSERT(t, mm && other);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	rw = kt_pte(mm, KT_BASE);
	elsewhere = pte_make(page_to_pfn(other), PTE_P | PTE_U | PTE_NX);
	/* legal: rw -> ro, same frame */
	KT_EQ(t, change_reports(mm, pte_wrprotect(rw), flag, SET_AT_NOTIFY), 0);
	/* illegal: rw -> another frame, ro or rw; anything -> none */
	KT_EQ(t, change_reports(mm, elsewhere, flag, SET_AT_NOTIFY), 1);
	KT_EXPECT(t, report_has("illegal change_pte of mm"));
	KT_EXPECT(t, report_has("in the section opened at "));
	KT_EXPECT(t, report_has("kt_notifier_change_pte_law+"));
	KT_EQ(t, change_reports(mm, pte_mkwrite(elsewhere), flag, SET_AT_NOTIFY), 1);
	KT_EQ(t, change_reports(mm, __pte(0), flag, SET_AT_NOTIFY), 1);
	KT_EXPECT(t, report_has("ends with 40000000 cleared (it was "));
	KT_EQ(t, bulk_reports(mm, flag), 1);
	KT_EXPECT(t, report_has("over 40000000-40002000, not one page"));
	KT_EQ(t, bulk_reports(mm, 0), 0);
	/* and the page that turned out to be in use stays as it was */
	KT_EQ(t, change_reports(mm, rw, flag, SET_PLAIN), 0);
	KT_EQ(t, change_reports(mm, pte_wrprotect(rw), flag, SET_PLAIN), 1);
	/* without the promise all of them are fine */
	KT_EQ(t, change_reports(mm, elsewhere, 0, SET_AT_NOTIFY), 0);
	KT_EQ(t, change_reports(mm, __pte(0), 0, SET_AT_NOTIFY), 0);
	put_page(other);
	mmput(mm);
}

KTEST_FLAGS(notifier, change_outside_section, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct pt_pos pos;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	mmu_model_reports();
	mmu_model_expect(1);
	lock_leaf(&mm->pgt, KT_BASE, &pos);
	pte_modify(&pos, PTE_A, 0);		/* ageing needs none */
	KT_EQ(t, mmu_model_reports(), 0);
	pte_modify(&pos, PTE_W, 0);
	KT_EQ(t, mmu_model_reports(), 1);
	KT_EXPECT(t, report_has("at 40000000 changes at "));
	KT_EXPECT(t, report_has("kt_notifier_change_outside_section+"));
	pte_modify(&pos, 0, PTE_W);		/* an upgrade neither (G5) */
	KT_EQ(t, mmu_model_reports(), 0);
	unlock_table(&pos);
	flush_tlb_mm(mm);
	mmu_model_expect(0);
	mmput(mm);
}
