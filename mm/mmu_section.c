/* SPDX-License-Identifier: MIT */
/*
 * The books of lab builds about notifier sections, kept whether or not anybody
 * subscribed: who has which range of which mm open.
 *
 * B1. A slot belongs to the thread that claimed it; nobody else reads more
 *     than its owner field.  So only claiming is atomic.
 * B2. A change of a present user leaf outside every section of its thread is a
 *     path that forgot the notifiers: reported at the entry itself.
 * B3. A section that promised MMU_NOTIFIER_USE_CHANGE_PTE lets devices keep
 *     their entries until change_pte runs, after the CPUs lost theirs.  So
 *     the device may use the OLD frame in that window, and each change must
 *     be one of: rw -> ro of one frame; ro -> anything; never rw -> another
 *     frame (a device write would be lost), never -> none (no change_pte).
 *     And it is about one page: nobody can keep a range in such a state.
 *
 * Threads hash to a window of slots; when a window is full the assertion B2 is
 * off until that section ends.  Release builds: nothing here is called.
 * Tests: tests/kt/kt_notifier.c
 */
#include "kernel/config.h"
#include "kernel/thread.h"
#include "mm/internal.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"

#define SLOTS	512
#define WINDOW	16

struct section {
	struct thread *owner;			/* a: NULL: free */
	const struct mmu_notifier_range *r;	/* the rest: owner's */
	struct mm_struct *mm;
	vaddr_t start, end;
	u32 flags;
	struct place at;	/* opened there */
	bool pending;		/* B3: an entry is cleared, not yet set */
	vaddr_t pending_va;
	pte_t pending_old;
};

static struct section sections[SLOTS];
static atomic_t lost;

static struct section *slot(u32 k)
{
	u64 h = (u64)current() * 0x9e3779b97f4a7c15ULL;

	return &sections[((h >> 32) + k) % SLOTS];
}

static bool mine(const struct section *s)
{
	return READ_ONCE(s->owner) == current();
}

static void check_open(const struct mmu_notifier_range *r)
{
	if ((r->flags & MMU_NOTIFIER_USE_CHANGE_PTE) &&
	    r->end - r->start != PAGE_SIZE)
		mmu_model_report("USE_CHANGE_PTE section of mm %u over %llx-%llx, not one page",
				 r->mm->id, r->start, r->end);
}

void mmu_section_open(const struct mmu_notifier_range *r)
{
	if (!CONFIG_LAB)
		return;
	check_open(r);
	for (u32 k = 0; k < WINDOW; k++) {
		struct section *s = slot(k);

		if (READ_ONCE(s->owner) || cmpxchg(&s->owner, NULL, current()))
			continue;
		s->r = r;
		s->mm = r->mm;
		s->start = r->start;
		s->end = r->end;
		s->flags = r->flags;
		s->pending = false;
		place_note(&s->at, __builtin_frame_address(0), PLACE_CALLER);
		return;
	}
	atomic_inc(&lost);
}

/* The section that s's thread closes by r. */
static void check_close(const struct section *s,
			const struct mmu_notifier_range *r)
{
	char at[PLACE_LEN];

	if (s->start == r->start && s->end == r->end && s->mm == r->mm &&
	    !s->pending)
		return;
	place_format(&s->at, at, sizeof(at));
	if (s->pending)
		mmu_model_report("USE_CHANGE_PTE section of mm %u, opened at %s, ends with %llx "
				 "cleared (it was %llx) and no change_pte",
				 r->mm->id, at, s->pending_va,
				 s->pending_old.val);
	else
		mmu_model_report("notifier section of mm %u: %llx-%llx opened at %s, %llx-%llx "
				 "closed", r->mm->id, s->start, s->end, at,
				 r->start, r->end);
}

void mmu_section_close(const struct mmu_notifier_range *r)
{
	if (!CONFIG_LAB)
		return;
	for (u32 k = 0; k < WINDOW; k++) {
		struct section *s = slot(k);

		if (!mine(s) || s->r != r)
			continue;
		check_close(s, r);
		smp_store_release(&s->owner, NULL);
		return;
	}
	if (atomic_dec_if_positive(&lost) < 0)
		mmu_model_report("notifier section %llx-%llx of mm %u is closed "
				 "but not open", r->start, r->end, r->mm->id);
}

u32 mmu_sections_open(void)
{
	u32 n = 0;

	for (u32 k = 0; CONFIG_LAB && k < WINDOW; k++)
		n += mine(slot(k));
	return n;
}

static struct section *covering(struct mm_struct *mm, vaddr_t va, u32 flags)
{
	for (u32 k = 0; CONFIG_LAB && k < WINDOW; k++) {
		struct section *s = slot(k);

		if (mine(s) && s->mm == mm && va >= s->start && va < s->end &&
		    (s->flags & flags) == flags)
			return s;
	}
	return NULL;
}

void mmu_notifier_assert_covered(struct mm_struct *mm, vaddr_t va)
{
	char at[PLACE_LEN];
	struct place here;

	if (!CONFIG_LAB || mm == &init_mm || !atomic_read(&mm->mm_users))
		return;
	if (likely(covering(mm, va, 0)) || atomic_read(&lost))
		return;
	place_note(&here, __builtin_frame_address(0), PLACE_CALLER);
	mmu_model_report("present entry of mm %u at %llx changes at %s outside every notifier "
			 "section (B2); owed: a section that covers it",
			 mm->id, va, place_format(&here, at, sizeof(at)));
}

void mmu_section_saw(struct mm_struct *mm, vaddr_t va, pte_t old, pte_t new)
{
	struct section *s = covering(mm, va, MMU_NOTIFIER_USE_CHANGE_PTE);

	if (!s)
		return;
	if (pte_present(old) && !pte_present(new)) {
		s->pending = true;
		s->pending_va = va;
		s->pending_old = old;
	} else if (s->pending && s->pending_va == va && pte_present(new)) {
		/* Put back unchanged, or set_pte_at_notify, which checked. */
		s->pending = false;
	}
}

void mmu_section_set(struct mm_struct *mm, vaddr_t va, pte_t e)
{
	struct section *s = covering(mm, va, MMU_NOTIFIER_USE_CHANGE_PTE);

	if (s && s->pending && s->pending_va == va &&
	    pte_same(e, s->pending_old))
		s->pending = false;
}

static bool change_legal(pte_t old, pte_t new)		/* B3 */
{
	if (!pte_present(new))
		return false;
	return !pte_write(old) || pte_pfn(old) == pte_pfn(new);
}

void mmu_section_check_change(struct mm_struct *mm, vaddr_t va, pte_t e)
{
	struct section *s = covering(mm, va, MMU_NOTIFIER_USE_CHANGE_PTE);
	char at[PLACE_LEN];

	if (!s || !s->pending || s->pending_va != va)
		return;
	if (!change_legal(s->pending_old, e))
		mmu_model_report("illegal change_pte of mm %u at %llx: %llx -> %llx, in the "
				 "section opened at %s", mm->id, va,
				 s->pending_old.val, e.val,
				 place_format(&s->at, at, sizeof(at)));
	s->pending = false;
}
