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
 *     section is still open.
 * G9  when unregister returns no callback runs or will run, and no section is
 *     open that told the subscriber of its start.
 *
 * How a newcomer is fitted in stands in mmu_notifier.c, subscriptions that see
 * one interval only in mmu_interval.c.
 */
#ifndef MM_MMU_NOTIFIER_H
#define MM_MMU_NOTIFIER_H

#include "kernel/config.h"
#include "lib/err.h"
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
	void *owner;		/* who asked for it; it may ignore the event */
	/* the core's, from start to end */
	u64 gen;		/* subscribers since then or before are told */
	int srcu;		/* 1 + index of the SRCU section; 0: none */
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
 * alloc_notifier	yes		mmap_lock for write
 * free_notifier	yes		nothing; after the last callback
 * A subscription implements start/end or invalidate_secondary_tlbs, not both.
 * Who can refuse a start (non-blockable: -EAGAIN) must not implement end: it
 * would not know whether its end belongs to a start.
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
	/* For mmu_notifier_get: a new subscription, or ERR_PTR. */
	struct mmu_notifier *(*alloc_notifier)(struct mm_struct *mm);
	void (*free_notifier)(struct mmu_notifier *mn);
};

struct mmu_notifier {
	struct hlist_node hlist;	/* subs->lock, r */
	const struct mmu_notifier_ops *ops;	/* I */
	struct mm_struct *mm;		/* I while registered */
	const char *name;		/* I */
	u64 since;			/* I: first generation that is told */
	u32 users;			/* subs->lock: gets not yet put */
	struct mmu_notifier *next_dead;	/* put, not yet freed */
};

/*
 * mn hears of everything that happens to mm from now on.  Pins mm_count.
 * Sleeps, may take mmap_lock for write.  Not from a callback, nor inside a
 * section.  0; -EINVAL: start/end together with secondary TLBs; -ENOMEM;
 * -EINTR: a signal is pending; -EOPNOTSUPP: notifier=minimal.  After a failure
 * nothing is registered.
 */
int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm);
/* The same with mmap_lock held for write. */
int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm);
/*
 * Runs release if it has not run; then waits until nobody calls mn any more
 * (G9).  Sleeps.  Not from a callback, nor inside a section, nor under a lock
 * that a callback takes.
 */
void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm);

/*
 * The subscription of mm with these ops: one of before, with one more user, or
 * a new one from ops->alloc_notifier().  Sleeps, takes mmap_lock for write.
 * ERR_PTR as register.
 */
struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops,
				      struct mm_struct *mm);
/*
 * One user less.  The last one's put takes mn off the list; ops->free_notifier
 * runs later, when no callback runs any more.  Release is not called: who puts
 * has dropped its mappings.  Does not sleep; callbacks may call it.
 */
void mmu_notifier_put(struct mmu_notifier *mn);
/* What was put is freed: before the code of free_notifier may go.  Sleeps. */
void mmu_notifier_synchronize(void);

/*
 * Interval subscriptions: told of [start, start + length) only, with a
 * sequence number instead of a fence (mmu_interval.c has the proof).
 *
 *	do {
 *		seq = mmu_interval_read_begin(sub);
 *		...read the page table, may sleep...
 *		lock(driver);
 *		if (!mmu_interval_read_retry(sub, seq))
 *			...program the device...; done
 *		unlock(driver);
 *	} while (!done);
 */
struct mmu_interval_notifier;
struct mmu_interval_notifier_ops {
	/*
	 * The driver lock taken: mmu_interval_set_seq(sub, seq), then drop what
	 * the device maps of r.  May sleep iff r is blockable; false only when
	 * it is not.
	 */
	bool (*invalidate)(struct mmu_interval_notifier *sub,
			   const struct mmu_notifier_range *r, u64 seq);
};

struct mmu_interval_notifier {
	struct interval_tree_node tree;		/* I: what it covers */
	const struct mmu_interval_notifier_ops *ops;	/* I */
	struct mm_struct *mm;			/* I */
	u64 invalidate_seq;		/* driver's lock; read anywhere */
	bool linked;			/* subs->lock: in the tree */
	struct hlist_node deferred;	/* subs->lock: to be put in or taken out */
};

/*
 * Pins mm_count.  Sleeps; only the first one of an mm waits for sections.
 * 0; -EOVERFLOW: no such interval; else as register.
 */
int mmu_interval_notifier_insert(struct mmu_interval_notifier *sub,
				 struct mm_struct *mm, vaddr_t start,
				 u64 length,
				 const struct mmu_interval_notifier_ops *ops);
/*
 * No callback runs or will run.  Sleeps.  Not from a callback, inside a
 * section, or under the driver's lock.
 */
void mmu_interval_notifier_remove(struct mmu_interval_notifier *sub);
/* Waits while sub is being invalidated.  Sleeps.  Not inside a section. */
u64 mmu_interval_read_begin(struct mmu_interval_notifier *sub);
/* Under the driver's lock: what was read since begin is of no use. */
bool mmu_interval_read_retry(const struct mmu_interval_notifier *sub, u64 seq);
/* The same as a hint, without the lock: true is final, false is not. */
bool mmu_interval_check_retry(const struct mmu_interval_notifier *sub, u64 seq);
static inline void mmu_interval_set_seq(struct mmu_interval_notifier *sub,
					u64 seq)
{
	WRITE_ONCE(sub->invalidate_seq, seq);
}

/*
 * How registration makes sure of G8, from now on; MN_MINIMAL: there is none,
 * see mmu_notifier_minimal.h.  Returns what was.
 */
enum mmu_notifier_method { MN_DRAIN, MN_LOCKS, MN_MINIMAL };
u32 mmu_notifier_set_method(enum mmu_notifier_method m);

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
	*r = (struct mmu_notifier_range){
		.mm = mm, .start = start, .end = end, .event = event,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
}
static inline bool
mmu_notifier_range_blockable(const struct mmu_notifier_range *r)
{
	return r->flags & MMU_NOTIFIER_RANGE_BLOCKABLE;
}

/* mmu_section.c's books are kept in lab builds, whoever subscribed. */
void __mmu_notifier_invalidate_range_start(struct mmu_notifier_range *r);
int __mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *r);
void __mmu_notifier_invalidate_range_end(struct mmu_notifier_range *r);

/* Does mm count its sections, or tell anybody?  0 on most systems. */
static inline u32 mm_notifier_flags(const struct mm_struct *mm)
{
	return READ_ONCE(((struct mm_struct *)mm)->notifier_flags);
}

/* Sleeps. */
static inline void
mmu_notifier_invalidate_range_start(struct mmu_notifier_range *r)
{
	r->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	if (CONFIG_LAB || unlikely(mm_notifier_flags(r->mm)))
		__mmu_notifier_invalidate_range_start(r);
}
/* 0 or -EAGAIN: then nothing is open and the range must not be touched. */
static inline int
mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *r)
{
	r->flags &= ~(u32)MMU_NOTIFIER_RANGE_BLOCKABLE;
	if (CONFIG_LAB || unlikely(mm_notifier_flags(r->mm)))
		return __mmu_notifier_invalidate_range_start_nonblock(r);
	return 0;
}
/* The thread that opened it.  Sleeps iff it is blockable. */
static inline void
mmu_notifier_invalidate_range_end(struct mmu_notifier_range *r)
{
	if (CONFIG_LAB || unlikely(r->srcu))
		__mmu_notifier_invalidate_range_end(r);
}
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
void mmu_notifier_mm_init(struct mm_struct *mm);	       /* mm_alloc */
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
