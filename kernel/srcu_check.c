/* SPDX-License-Identifier: MIT */
/*
 * SRCU misuse, in lab builds.
 *
 * X1  A thread lists its open sections: domain, bank, place, and how many
 *     grace periods of the domain had begun when it was counted.
 * X2  A section is closed by the thread that opened it, with the index that
 *     it was given.
 * X3  A reader counts itself in the bank that idx names; only an idx that
 *     changed meanwhile excuses another one.
 * X4  When a domain's grace period g ends, no thread is in a section that was
 *     counted before g began.
 * X5  Nobody waits for a grace period inside a section of the same domain.
 *
 *	reader				grace period g
 *	(1) counts itself; mb		(A) begun = g; mb
 *	(2) since = begun; domain	(B) banks empty
 *	(3) section; domain = NULL	(C) domain, then since, of all threads
 * since < g in (C): (1) came before (A), so (B) had to wait for it.  (C) reads
 * domain first: it then sees the since that belongs to that section or to a
 * later one.
 *
 * Tests: tests/kt/kt_rcu_check.c
 */
#include "kernel/panic.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "kernel/thread.h"

static struct held_srcu *find(const struct srcu_struct *ss, int idx)
{
	struct lockdep_state *s = &current()->lockdep;
	struct held_srcu *other = NULL;

	for (u32 i = LOCKDEP_MAX_SRCU; i > 0; i--) {
		struct held_srcu *h = &s->srcu[i - 1];

		if (h->domain != ss)
			continue;
		if (!ss || (int)h->idx == idx)
			return h;
		other = h;
	}
	return other;
}

void srcu_check_open(struct srcu_struct *ss, u32 idx, u32 before)
{
	struct held_srcu *h;
	char here[PLACE_LEN];

	if (!lockdep_active() || !current())
		return;
	h = find(NULL, 0);
	if (!h)
		panic("a thread is in more than %d SRCU sections",
		      LOCKDEP_MAX_SRCU);
	place_note(&h->at, __builtin_frame_address(0), PLACE_CALLER);
	h->idx = idx;
	WRITE_ONCE(h->since, READ_ONCE(ss->begun));		/* (2) */
	smp_store_release(&h->domain, ss);
	if (READ_ONCE(ss->idx) == before && idx != (before & 1))
		report_bug("SRCU domain %p: a reader is counted in bank "
			   "%u, but bank %u is in use, at %s",
			   (void *)ss, idx, before & 1,
			   place_format(&h->at, here, sizeof(here)));	/* X3 */
}

void srcu_check_close(struct srcu_struct *ss, int idx)
{
	char here[PLACE_LEN], there[PLACE_LEN];
	struct held_srcu *h;
	struct place at;

	if (!lockdep_active() || !current())
		return;
	h = find(ss, idx);
	place_note(&at, __builtin_frame_address(0), PLACE_CALLER);
	place_format(&at, here, sizeof(here));
	if (!h) {
		report_bug("SRCU domain %p: a section is closed at %s, "
			   "but this thread has none open",
			   (void *)ss, here);
		return;
	}
	if ((int)h->idx != idx)
		report_bug("SRCU domain %p: closed with index %d at %s, "
			   "but opened with index %u at %s",
			   (void *)ss, idx, here, h->idx,
			   place_format(&h->at, there, sizeof(there)));	/* X2 */
	WRITE_ONCE(h->domain, NULL);				/* (3) */
}

bool srcu_read_lock_held(const struct srcu_struct *ss)
{
	struct held_srcu *h;

	if (!lockdep_active() || !current())
		return true;
	h = find(ss, 0);
	return h && h->domain == ss;
}

void srcu_check_gp_begin(struct srcu_struct *ss)		/* X5 */
{
	char there[PLACE_LEN];
	struct held_srcu *h;

	if (!lockdep_active() || !current())
		return;
	h = find(ss, 0);
	if (h)
		report_bug("SRCU domain %p: synchronize_srcu() inside the section opened at %s",
			   (void *)ss,
			   place_format(&h->at, there, sizeof(there)));
}

struct late {
	struct srcu_struct *ss;
	u64 gp;
	struct held_srcu found;
	u32 tid;
};

/* (C) */
static void look(struct thread *t, void *arg)
{
	struct late *late = arg;

	for (u32 i = 0; i < LOCKDEP_MAX_SRCU; i++) {
		struct held_srcu *h = &t->lockdep.srcu[i];

		if (smp_load_acquire(&h->domain) != late->ss ||
		    READ_ONCE(h->since) >= late->gp)
			continue;
		late->found = *h;
		late->tid = t->tid;
	}
}

void srcu_check_gp_end(struct srcu_struct *ss, u64 gp)		/* X4 */
{
	struct late late = { .ss = ss, .gp = gp };
	char there[PLACE_LEN];

	if (!lockdep_active())
		return;
	for_each_thread(look, &late);
	if (late.found.domain)
		report_bug("SRCU domain %p: grace period %llu ended, "
			   "but thread %u is still in bank %u, since %s",
			   (void *)ss, gp, late.tid, late.found.idx,
			   place_format(&late.found.at, there, sizeof(there)));
}
