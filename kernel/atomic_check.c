/* SPDX-License-Identifier: MIT */
/*
 * Sleeping where one must not, and leaving with something in hand.
 *
 * Every primitive that may sleep calls might_sleep() before it looks whether
 * it has to, so that a bug shows on the first call and not on the first wait.
 * Tests: tests/kt/kt_lockdep.c
 */
#include "arch/cpu.h"
#include "kernel/lockdep_usage.h"
#include "kernel/preempt.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "kernel/thread.h"

static const struct held_lock *spinlock_held(const struct lockdep_state *s)
{
	for (u32 i = s->nr; i > 0; i--)
		if (s->held[i - 1].rank >= FIRST_SPINNING)
			return &s->held[i - 1];
	return NULL;
}

static void under_lock(const struct place *at, const struct held_lock *h)
{
	char here[PLACE_LEN], there[PLACE_LEN];

	report_bug("this may sleep, at %s, but spinlock %s at %p is held, taken at %s",
		   place_format(at, here, sizeof(here)),
		   lock_rank_name[h->rank], h->lock,
		   place_format(&h->at, there, sizeof(there)));
}

static void in_section(const struct place *at, const struct place *since)
{
	char here[PLACE_LEN], there[PLACE_LEN];

	report_bug("this may sleep, at %s, but in the RCU read section opened at %s",
		   place_format(at, here, sizeof(here)),
		   place_format(since, there, sizeof(there)));
}

static void why_not(const struct place *at)
{
	char here[PLACE_LEN];

	place_format(at, here, sizeof(here));
	if (in_irq())
		report_bug("this may sleep, at %s, but it is an interrupt",
			   here);
	else if (this_cpu_read(preempt_count))
		report_bug("this may sleep, at %s, but preemption is off (count %u)",
			   here, this_cpu_read(preempt_count));
	else if (irqs_disabled() && !current()->idle)
		report_bug("this may sleep, at %s, but interrupts are off",
			   here);
}

void might_sleep(void)
{
	const struct place *since;
	const struct held_lock *h;
	struct place at;

	/* Before the first switch waiting is done by polling. */
	if (!lockdep_active() || !current())
		return;
	if (likely(!this_cpu_read(preempt_count) && !irqs_disabled()))
		return;
	place_note(&at, __builtin_frame_address(0), PLACE_CALL);
	h = spinlock_held(&current()->lockdep);
	since = rcu_section_place();
	if (h)
		under_lock(&at, h);
	else if (!in_irq() && since)
		in_section(&at, since);
	else
		why_not(&at);
}

static const struct held_srcu *srcu_held(const struct lockdep_state *s)
{
	for (u32 i = 0; i < LOCKDEP_MAX_SRCU; i++)
		if (s->srcu[i].domain)
			return &s->srcu[i];
	return NULL;
}

void check_nothing_held(const char *what, u32 base)
{
	const struct lockdep_state *s = &current()->lockdep;
	const struct held_lock *h = &s->held[s->nr ? s->nr - 1 : 0];
	const struct held_srcu *ss;
	const struct place *since;
	char there[PLACE_LEN];

	if (!lockdep_active())
		return;
	since = rcu_section_place();
	ss = srcu_held(s);
	if (s->nr > base)
		report_bug("%s with lock %s at %p held, taken at %s", what,
			   lock_rank_name[h->rank], h->lock,
			   place_format(&h->at, there, sizeof(there)));
	if (since)
		report_bug("%s in the RCU read section opened at %s", what,
			   place_format(since, there, sizeof(there)));
	if (ss)
		report_bug("%s in the SRCU section of %p opened at %s", what,
			   ss->domain,
			   place_format(&ss->at, there, sizeof(there)));
	if (!since && this_cpu_read(preempt_count))
		report_bug("%s with preemption off (count %u)", what,
			   this_cpu_read(preempt_count));
}

void sched_check_atomic(void)
{
	const struct place *since = rcu_section_place();
	char there[PLACE_LEN];

	if (lockdep_active() && since)
		report_bug("a thread gives up its CPU in the RCU read section opened at %s",
			   place_format(since, there, sizeof(there)));
}
