/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages without locks.
 *
 *	gup_fast (irqs off)		whoever unmaps and frees
 *	(1) walk, remember the path	(A) clear the entry (or a table above)
 *	(2) rights from the entry	(B) flush: every CPU acknowledges
 *	(3) add to the count unless 0	(C) put: count 0, free
 *	(4) the whole path unchanged?
 * (1) after (A) finds nothing.  (1) before (A): if (3) is before (C), we hold
 * the page, and (4) either sees (A) and gives it back, or was before (A) and
 * the reference is as good as one taken under the lock.  If (3) is after (C)
 * it fails, or took the page's next life, and (4) sees (A).  Tables stay
 * readable from (1) to (4): they are freed after a grace period, and irqs off
 * is a read section.
 *
 * A pin promises that fork will not share the page, so it must not slip
 * between fork's test for pins and its write protection:
 *
 *	gup_fast with FOLL_PIN		fork (mm/fork.c)
 *	(0) seq = write_protect_seq	(F) write_protect_seq odd; full barrier
 *	    odd? give up		(G) count says pinned? copy for the child
 *	(3) count += bias		(H) else exclusive off, W off, shared
 *	(4) path and exclusive as seen	(I) write_protect_seq even
 *	(5) seq still the same?
 * (3) is a full barrier: if (3) is after (G), (5) sees (F) and gives up.
 *
 * Special entries and PROT_NONE (no P) are refused, A and D are not set.
 * Bug switches: gup_no_recheck (4 left out), gup_no_seq (0 and 5 left out).
 * Tests: tests/kt/kt_gup.c, tests/race/race_gup.c, race_pin.c
 */
#include "arch/cpu.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/gup.h"
#include "mm/internal.h"

static bool entry_allows(pte_t e, u32 foll)
{
	u64 need = PTE_P | PTE_U | (foll & FOLL_WRITE ? PTE_W : 0);

	return (e.val & need) == need && !pte_special(e);
}

/* (0) and (5). */
static bool fork_between(struct mm_struct *mm, u32 foll, u64 seq)
{
	if (!(foll & FOLL_PIN) || BUG_SWITCH("gup_no_seq"))
		return false;
	return (seq & 1) || smp_load_acquire(&mm->write_protect_seq) != seq;
}

/* (4).  Only exclusive anonymous pages are pinned. */
static bool still_good(const struct pt_path *path, const struct page *p,
		       u32 foll)
{
	if (!BUG_SWITCH("gup_no_recheck") && !pt_path_same(path))
		return false;
	return !(foll & FOLL_PIN) || !page_is_anon(p) ||
	       page_test(p, PG_anon_exclusive);
}

static void give_back(struct page *p, u32 foll)
{
	if (foll & FOLL_PIN)
		unpin_user_page(p);
	else
		put_page(p);
}

static int gup_fast_irqs_off(struct mm_struct *mm, vaddr_t va, u32 foll,
			     struct page **page, pte_t *pte)
{
	u64 seq = smp_load_acquire(&mm->write_protect_seq);	/* (0) */
	int refs = foll & FOLL_PIN ? GUP_PIN_COUNTING_BIAS : 1;
	struct pt_path path;
	struct page *p;
	int level;
	pte_t e;

	e = pgtable_read(&mm->pgt, va & PAGE_MASK, &level, &path);	/* (1) */
	if (level != 1 || !entry_allows(e, foll) ||		/* (2) */
	    fork_between(mm, foll, seq))
		return -EAGAIN;
	p = pte_page(e);
	RACE_POINT("gup_fast:before_get");
	if (!page_ref_add_unless_zero(p, refs))			/* (3) */
		return -EAGAIN;
	RACE_POINT("gup_fast:after_get");
	if (!still_good(&path, p, foll) || fork_between(mm, foll, seq)) {
		give_back(p, foll);
		return -EAGAIN;
	}
	*page = p;
	*pte = e;
	return 0;
}

int gup_fast(struct mm_struct *mm, vaddr_t va, u32 foll, struct page **page,
	     pte_t *pte)
{
	u64 irq;
	int err;

	if (va >= USER_END)
		return -EFAULT;
	if (foll & FOLL_FORCE)
		return -EAGAIN;		/* that is between vma and entry */
	irq = local_irq_save();
	err = gup_fast_irqs_off(mm, va, foll, page, pte);
	local_irq_restore(irq);
	return err;
}

s64 get_user_pages_fast(vaddr_t start, u64 nr, u32 foll, struct page **pages)
{
	struct mm_struct *mm = current()->mm;
	u64 done = 0;
	s64 rest;
	pte_t e;

	while (done < nr &&
	       !gup_fast(mm, start + done * PAGE_SIZE, foll, &pages[done], &e))
		done++;
	if (done == nr)
		return (s64)nr;
	rest = get_user_pages(mm, start + done * PAGE_SIZE, nr - done, foll,
			      pages + done);
	return rest < 0 && done ? (s64)done : (s64)done + rest;
}

s64 pin_user_pages_fast(vaddr_t start, u64 nr, u32 foll, struct page **pages)
{
	return get_user_pages_fast(start, nr, foll | FOLL_PIN, pages);
}
