/* SPDX-License-Identifier: MIT */
/* See kt_a8.h. */
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "tests/kt/kt_a8.h"

#define MAX_RECORDS 1024

static int a8_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	(void)r;
	return 0;
}

static int a8_young(struct mmu_notifier *mn, struct mm_struct *mm,
		    vaddr_t start, vaddr_t end)
{
	(void)mn;
	(void)mm;
	(void)start;
	(void)end;
	return 0;
}

static void a8_change(struct mmu_notifier *mn, struct mm_struct *mm, vaddr_t va,
		      pte_t e)
{
	(void)mn;
	(void)mm;
	(void)va;
	(void)e;
}

static const struct mmu_notifier_ops a8_ops = {
	.invalidate_range_start = a8_start,
	.clear_flush_young = a8_young,
	.change_pte = a8_change,
};

bool a8_begin(struct a8 *a, struct kt *t)
{
	*a = (struct a8){ .t = t, .mm = mm_alloc(), .mn.ops = &a8_ops };
	a->rec = kmalloc(MAX_RECORDS * sizeof(*a->rec));
	return KT_EXPECT(t, a->mm && a->rec) &&
	       KT_EQ(t, mmu_notifier_register(&a->mn, a->mm), 0);
}

void a8_done_after_exit(struct a8 *a)
{
	mmu_notifier_unregister(&a->mn, a->mm);
	kfree(a->rec);
}

void a8_done(struct a8 *a)
{
	mmu_notifier_unregister(&a->mn, a->mm);
	mmput(a->mm);
	kfree(a->rec);
}

void a8_watch(struct a8 *a, vaddr_t start, vaddr_t end)
{
	pte_t e = kt_pte(a->mm, start);

	a->start = start;
	a->end = end;
	a->pfn = pte_mapped(e) && !pte_special(e) ? pte_pfn(e) : 0;
	a->mark = trace_mark();
}

static bool in_range(const struct a8 *a, u64 va)
{
	return va >= a->start && va < a->end;
}

/* Events about one address of the mm.  0: not ours. */
static char letter_of_entry(const struct a8 *a, const struct trace_rec *r)
{
	if (r->arg[0] != a->mm->id || !in_range(a, r->arg[1]))
		return 0;
	switch (r->event) {
	case TE_PTE_CLEAR:
		return r->arg[3] == 1 ? 'C' : 0;
	case TE_PTE_SET:
		return r->arg[2] ? 'M' : 'W';
	case TE_MN_CHANGE:
		return 'H';
	case TE_MOVE_SWITCH:
		return 'T';
	default:
		return 0;
	}
}

static char letter_of_mm(const struct a8 *a, const struct trace_rec *r)
{
	bool overlaps = r->arg[1] < a->end && r->arg[2] > a->start;

	if (r->arg[0] != a->mm->id)
		return 0;
	switch (r->event) {
	case TE_MN_START:
		return overlaps ? 'S' : 0;
	case TE_MN_END:
		return overlaps ? 'E' : 0;
	case TE_TLB_FLUSH:
		return overlaps ? 'F' : 0;
	case TE_MN_YOUNG:
		return overlaps ? 'Y' : 0;
	case TE_MN_RELEASE:
		return 'R';
	default:
		return 0;
	}
}

static char letter(const struct a8 *a, const struct trace_rec *r)
{
	vaddr_t table = r->arg[1] & ~(pt_size(2) - 1);
	bool ours = r->arg[0] == (u64)&a->mm->pgt && r->arg[2] == 1 &&
		    table < a->end && table + pt_size(2) > a->start;

	if (r->event == TE_PAGE_FREE)
		return a->pfn && r->arg[0] == a->pfn ? 'X' : 0;
	if (!a->any_thread && r->tid != current()->tid)
		return 0;
	if (r->event == TE_PT_LOCK)
		return ours ? 'L' : 0;
	if (r->event == TE_PT_UNLOCK)
		return ours ? 'U' : 0;
	return letter_of_entry(a, r) ?: letter_of_mm(a, r);
}

/* want may begin with "*": looks before the first section; or end in one. */
static bool same_order(const char *is, const char *want)
{
	size_t n;

	if (*want == '*') {
		want++;
		is = strchr(is, 'S') ?: is;
	}
	n = strlen(want);
	if (n && want[n - 1] == '*')
		return !strncmp(is, want, n - 1);
	return !strcmp(is, want);
}

void a8_expect(struct a8 *a, const char *order)
{
	u32 n = 0;

	a->nr = trace_collect(a->mark, a->rec, NULL, MAX_RECORDS);
	KT_EXPECT(a->t, a->nr < MAX_RECORDS);
	for (u32 i = 0; i < a->nr && n < sizeof(a->order) - 1; i++) {
		char c = letter(a, &a->rec[i]);

		if (c && (!n || a->order[n - 1] != c))
			a->order[n++] = c;
	}
	a->order[n] = '\0';
	if (!same_order(a->order, order))
		kt_fail(a->t, __FILE__, __LINE__,
			"the order is %s, expected %s", a->order, order);
}

/* The n-th start or end that has to do with the range. */
static const struct trace_rec *nth(const struct a8 *a, enum trace_event e, u32 n)
{
	for (u32 i = 0; i < a->nr; i++)
		if (a->rec[i].event == e && letter_of_mm(a, &a->rec[i]) &&
		    !n--)
			return &a->rec[i];
	return NULL;
}

void a8_section(struct a8 *a, u32 n, enum mmu_notifier_event event,
		vaddr_t start, vaddr_t end)
{
	const struct trace_rec *s = nth(a, TE_MN_START, n);
	const struct trace_rec *e = nth(a, TE_MN_END, n);

	if (!KT_EXPECT(a->t, s && e))
		return;
	KT_EQ(a->t, s->arg[1], start);
	KT_EQ(a->t, s->arg[2], end);
	KT_EQ(a->t, s->arg[3], event);
	for (u32 i = 1; i < 4; i++)
		KT_EQ(a->t, e->arg[i], s->arg[i]);
}
