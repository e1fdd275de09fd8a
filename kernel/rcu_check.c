/* SPDX-License-Identifier: MIT */
/*
 * RCU misuse, in lab builds.
 *
 * V1  Each CPU knows whether it is in a read section opened by
 *     rcu_read_lock(), where the outermost was opened, and before which grace
 *     period: `since` is 1 + the grace periods begun, 0 outside.
 * V2  When grace period g ends, no CPU has 0 < since <= g: such a section was
 *     open when g began, and g should have waited for it.
 *
 *	reader				grace period g
 *	(1) preemption off		(A) begun = g; mb
 *	(2) since = begun + 1		(B) all CPUs have been quiescent
 *	(3) section; since = 0		(C) looks at since
 * A section that began after its CPU's answer in (B) reads begun >= g in (2):
 * the answer is a full barrier.  One of before has stored 0 by its answer, a
 * full barrier too.  So V2 reports no section that is in order.  What an
 * interrupt opens between (1) and (2) counts in nest only, and is not seen.
 *
 * V3  A callback head is in `queued` from call_rcu() until it runs; a second
 *     call_rcu() for it meanwhile is a bug that would tear the list.  The set
 *     is bounded: a head that finds no slot is not watched.
 *
 * Tests: tests/kt/kt_rcu_check.c
 */
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/nmi.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "kernel/thread.h"

#define SLOTS	(CONFIG_LAB ? 4096 : 1)
#define WINDOW	32

struct section {
	u32 nest;
	u64 since;			/* a: V1 */
	struct place at;
};

static DEFINE_PER_CPU(struct section, section);
static const struct rcu_head *queued[SLOTS];	/* a */

struct stall {
	u64 gp;
	u32 ticks;			/* gp has not ended for */
};

static DEFINE_PER_CPU(struct stall, stall);
static u64 stall_told;			/* a: the last grace period reported */

void rcu_section_open(void)
{
	struct section *s = this_cpu_ptr(&section);

	if (s->nest++)
		return;
	place_note(&s->at, __builtin_frame_address(0), PLACE_CALL);
	WRITE_ONCE(s->since, rcu_started() + 1);		/* (2) */
}

void rcu_section_close(void)
{
	struct section *s = this_cpu_ptr(&section);
	char here[PLACE_LEN];
	struct place at;

	if (unlikely(!s->nest)) {
		place_note(&at, __builtin_frame_address(0), PLACE_CALL);
		report_bug("rcu_read_unlock() without a section, at %s",
			   place_format(&at, here, sizeof(here)));
		return;
	}
	if (s->nest == 1)
		WRITE_ONCE(s->since, 0);			/* (3) */
	s->nest--;
}

const struct place *rcu_section_place(void)
{
	const struct place *at;

	/* Where it is read another CPU's would do no harm: both are 0. */
	if (!CONFIG_LAB || !this_cpu_read(section.nest))
		return NULL;
	at = &this_cpu_ptr(&section)->at;
	return at;
}

void rcu_bad_dereference(const char *what, const char *why)
{
	char here[PLACE_LEN];
	struct place at;

	if (!lockdep_active() || !current())
		return;
	place_note(&at, __builtin_frame_address(0), PLACE_CALL);
	report_bug("%s is dereferenced without protection (%s) at %s", what,
		   why, place_format(&at, here, sizeof(here)));
}

/*
 * Stalls.
 */
static void report_stall(u64 gp, u32 ticks)
{
	char there[PLACE_LEN];
	u32 cpu, nr = 0;

	report_warn_begin("RCU grace period %llu has not ended for %u ticks",
			  gp, ticks);
	for_each_cpu(cpu, &cpu_online_mask) {
		const struct section *s = per_cpu_ptr(&section, cpu);

		if (!rcu_cpu_waited_for(cpu))
			continue;
		nr++;
		kprintf("it waits for CPU %u", cpu);
		if (READ_ONCE(s->since))
			kprintf(", in the read section opened at %s",
				place_format(&s->at, there, sizeof(there)));
		kprintf("\n");
		nmi_dump_cpu(cpu);
	}
	if (!nr)
		kprintf("all CPUs have answered: does rcu_gp not run?\n");
	report_warn_end();
}

void rcu_check_stall(u32 limit)
{
	struct stall *st = this_cpu_ptr(&stall);
	u64 gp = rcu_started(), told = READ_ONCE(stall_told);

	if (gp != st->gp || gp == rcu_completed()) {
		st->gp = gp;
		st->ticks = 0;
		return;
	}
	if (++st->ticks < limit || !limit || told == gp)
		return;
	if (cmpxchg(&stall_told, told, gp) == told)
		report_stall(gp, st->ticks);
}

/* (C) */
void rcu_check_gp_end(u64 gp)
{
	char there[PLACE_LEN];
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask) {
		const struct section *s = per_cpu_ptr(&section, cpu);
		u64 since = READ_ONCE(s->since);

		if (!since || since > gp)
			continue;
		report_bug("RCU grace period %llu ended, but CPU %u is "
			   "still in the read section opened at %s, before grace period %llu",
			   gp, cpu, place_format(&s->at, there, sizeof(there)),
			   since);
	}
}

static const struct rcu_head **slot(const struct rcu_head *head, u32 k)
{
	u64 h = (u64)head * 0x9e3779b97f4a7c15ULL;

	return &queued[((h >> 40) + k) % SLOTS];
}

bool rcu_check_queue(const struct rcu_head *head)		/* V3 */
{
	const struct rcu_head **free = NULL;
	char here[PLACE_LEN];
	struct place at;

	for (u32 k = 0; k < WINDOW; k++) {
		const struct rcu_head *old = READ_ONCE(*slot(head, k));

		if (!old && !free)
			free = slot(head, k);
		if (old != head)
			continue;
		place_note(&at, __builtin_frame_address(0), PLACE_CALL);
		report_bug("call_rcu() of %p at %s, but it is queued already",
			   (const void *)head,
			   place_format(&at, here, sizeof(here)));
		return false;
	}
	if (free)
		(void)cmpxchg(free, NULL, head);
	return true;
}

void rcu_check_run(const struct rcu_head *head)
{
	for (u32 k = 0; k < WINDOW; k++)
		if (READ_ONCE(*slot(head, k)) == head)
			WRITE_ONCE(*slot(head, k), NULL);
}
