/* SPDX-License-Identifier: MIT */
/*
 * The notifier chain: secondary MMUs hear of a change to an mm's page tables
 * before it happens and are fenced until it is complete.
 *
 * G1  range_start of every subscriber returns before any present PTE in the
 *     range is cleared, write-protected or repointed by that operation.
 * G2  no page mapped in the range is freed until every range_start returned.
 * G3  each successful start has exactly one end, same range, same thread.
 * G4  a page-table read that begins after range_end sees only new PTEs.
 * G5  none -> present and permission upgrades need no notification.
 * G6  aging returns primary | secondary.
 * G7  at exit, release of ALL subscribers runs while they are still listed.
 * G8  when register returns 0, every later section notifies, and no earlier
 *     section is still open (mm_take_all_locks).
 * G9  when unregister returns no callback runs or will run.
 */
#ifndef MM_MMU_NOTIFIER_H
#define MM_MMU_NOTIFIER_H

#include "mm/mm_types.h"

enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP,
	MMU_NOTIFY_CLEAR,
	MMU_NOTIFY_PROTECTION_VMA,
	MMU_NOTIFY_PROTECTION_PAGE,
	MMU_NOTIFY_SOFT_DIRTY,
	MMU_NOTIFY_RELEASE,
	MMU_NOTIFY_MIGRATE,
	MMU_NOTIFY_EXCLUSIVE,
};

#define MMU_NOTIFIER_RANGE_BLOCKABLE BIT(0)
#define MMU_NOTIFIER_USE_CHANGE_PTE  BIT(1)

struct mmu_notifier_range {
	struct mm_struct *mm;
	vaddr_t start, end;
	u32 flags;
	enum mmu_notifier_event event;
	void *owner;
};

struct mmu_notifier;
/*
 * callback		may sleep	caller holds
 * release		yes		nothing
 * range_start/_end	iff blockable	mmap_lock, i_mmap or anon_vma; never ptl
 * clear_flush_young	no		rmap lock and ptl
 * clear_young, test_young no		ptl
 * change_pte		no		ptl, inside a section
 * invalidate_secondary_tlbs no		ptl possible; called by the CPU flush code
 * tables_moved		no		table locks of a relocation; nothing when
 *					tables are freed
 * A subscription implements start/end or invalidate_secondary_tlbs, not both.
 */
struct mmu_notifier_ops {
	void (*release)(struct mmu_notifier *mn, struct mm_struct *mm);
	int (*invalidate_range_start)(struct mmu_notifier *mn,
				      const struct mmu_notifier_range *r);
	void (*invalidate_range_end)(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *r);
	int (*clear_flush_young)(struct mmu_notifier *mn, struct mm_struct *mm,
				 vaddr_t start, vaddr_t end);
	int (*clear_young)(struct mmu_notifier *mn, struct mm_struct *mm,
			   vaddr_t start, vaddr_t end);
	int (*test_young)(struct mmu_notifier *mn, struct mm_struct *mm,
			  vaddr_t va);
	void (*change_pte)(struct mmu_notifier *mn, struct mm_struct *mm,
			   vaddr_t va, pte_t pte);
	void (*arch_invalidate_secondary_tlbs)(struct mmu_notifier *mn,
					       struct mm_struct *mm,
					       vaddr_t start, vaddr_t end);
	void (*tables_moved)(struct mmu_notifier *mn, struct mm_struct *mm,
			     vaddr_t start, vaddr_t end, int level);
};

struct mmu_notifier {
	struct hlist_node hlist;
	const struct mmu_notifier_ops *ops;
	struct mm_struct *mm;
	const char *name;
};

/* Takes mmap_lock write and every lock of the mm.  0, -EINTR, -ENOMEM, -EINVAL */
int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm);
/* Sleeps.  Runs release if it has not run.  Not from a callback (G9). */
void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm);

static inline bool mm_has_notifiers(const struct mm_struct *mm)
{
	return unlikely(
		READ_ONCE(((struct mm_struct *)mm)->notifier_subscriptions) !=
		NULL);
}
static inline void mmu_notifier_range_init(struct mmu_notifier_range *r,
					   enum mmu_notifier_event event,
					   struct mm_struct *mm, vaddr_t start,
					   vaddr_t end)
{
	*r = (struct mmu_notifier_range){ mm,	 start,
					  end,	 MMU_NOTIFIER_RANGE_BLOCKABLE,
					  event, NULL };
}

/* Also with no subscriber the lab build counts sections (C5). */
void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *r);
/* 0 or -EAGAIN: then nothing is open and the range must not be touched. */
int mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *r);
void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *r);
int mmu_notifier_clear_flush_young(struct mm_struct *mm, vaddr_t start,
				   vaddr_t end);
int mmu_notifier_clear_young(struct mm_struct *mm, vaddr_t start, vaddr_t end);
int mmu_notifier_test_young(struct mm_struct *mm, vaddr_t va);
/* pos locked, entry clear and flushed: change_pte, then set (A5's order). */
struct pt_pos;
void set_pte_at_notify(struct pt_pos *pos, pte_t e);
void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
						 vaddr_t start, vaddr_t end);
void mmu_notifier_tables_moved(struct mm_struct *mm, vaddr_t start, vaddr_t end,
			       int level);
void mmu_notifier_release(struct mm_struct *mm);	       /* exit_mmap */
void mmu_notifier_subscriptions_destroy(struct mm_struct *mm); /* mmdrop */

/*
 * Lab: panics unless the current thread has a section open over va of mm, or
 * the mm is exiting.  Called by the PTE verbs that downgrade.
 */
void mmu_notifier_assert_covered(struct mm_struct *mm, vaddr_t va);
u32 mmu_notifier_count(struct mm_struct *mm);
/* Calls fn for each subscription of mm, inside the read section. */
void mmu_notifier_for_each(struct mm_struct *mm,
			   void (*fn)(struct mmu_notifier *mn, void *arg),
			   void *arg);

/* mmu_section.c (lab): the books about open sections.  See there. */
void mmu_section_open(const struct mmu_notifier_range *r);
void mmu_section_close(const struct mmu_notifier_range *r);
/* An entry of mm changed; from the model's hook in the PTE verbs. */
void mmu_section_saw(struct mm_struct *mm, vaddr_t va, pte_t old, pte_t new);
/* An entry of mm that was none is e now: perhaps what it was before. */
void mmu_section_set(struct mm_struct *mm, vaddr_t va, pte_t e);
/* The cleared entry at va gets e by set_pte_at_notify: legal (A5)? */
void mmu_section_check_change(struct mm_struct *mm, vaddr_t va, pte_t e);
/* Sections the current thread has open. */
u32 mmu_sections_open(void);

#endif
