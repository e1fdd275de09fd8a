/* SPDX-License-Identifier: MIT */
/*
 * What lock ranks are used for, learnt as it happens: in interrupts, with
 * interrupts on, inside which others.
 *
 * D3  A spinning rank that is ever taken in an interrupt is never taken, nor
 *     held, with interrupts on: the interrupt would spin on its own CPU.
 * D5  Nor is a rank that is waited for inside such a one, in however many
 *     steps. With A taken in interrupts, B inside A:
 *
 *	CPU 0				CPU 1
 *	holds B, interrupts on		holds A (interrupts off), waits for B
 *	interrupt: waits for A
 *
 * The edges have no cycle, since every one goes from a rank to a later one
 * (D2); a lock that was tried for is no edge to it, nobody waited. So what the
 * order cannot forbid is what these two do.
 *
 * For each use and each edge the place where it was first seen is kept. Bits
 * are set after their places, and never cleared but by a test. A use or an
 * edge that breaks a rule is not noted, so the next one is reported again.
 * Tests: tests/kt/kt_lockdep.c
 */
#include "kernel/lockdep_usage.h"
#include "arch/cpu.h"
#include "kernel/printk.h"
#include "kernel/preempt.h"
#include "kernel/report.h"
#include "kernel/shell.h"
#include "lib/bitmap.h"
#include "lib/err.h"

#define NR_SEEN		(CONFIG_LAB ? NR_LOCK_RANKS : 1)

struct edge { struct place outer, inner; };

static u8 used[NR_SEEN];				/* BIT(enum lock_use) */
static struct place use_place[NR_SEEN][NR_USES];
static unsigned long inside[NR_SEEN][BITS_TO_LONGS(NR_LOCK_RANKS)];
static struct edge edges[NR_SEEN][NR_SEEN] __unscanned;

static bool is_used(u32 rank, enum lock_use use)
{
	return READ_ONCE(used[rank]) & BIT(use);
}

/*
 * From `from` to a rank that is held with interrupts on; ranks only rise, so
 * one pass in their order knows how each was come to.
 */
static u32 find_irqs_on(u32 from, u8 *before)
{
	for (u32 r = 0; r < NR_SEEN; r++)
		before[r] = 0;
	for (u32 r = from; r < NR_SEEN; r++) {
		u64 next;

		if (r != from && !before[r])
			continue;
		if (r != from && is_used(r, USE_IRQS_ON))
			return r;
		for_each_set_bit(next, inside[r], NR_SEEN)
			if (!before[next])
				before[next] = (u8)r;
	}
	return 0;
}

static void report_way(u32 from, u32 to, const u8 *before)
{
	char irq[PLACE_LEN], at[PLACE_LEN], on[PLACE_LEN];
	const struct edge *e = &edges[before[to]][to];

	place_format(&use_place[from][USE_IN_IRQ], irq, sizeof(irq));
	place_format(&e->inner, at, sizeof(at));
	place_format(&use_place[to][USE_IRQS_ON], on, sizeof(on));
	report_bug("locks %s are taken in interrupts (at %s); %s, held with interrupts on "
		   "(taken at %s), is waited for inside %s (at %s)",
		   lock_rank_name[from], irq, lock_rank_name[to], on,
		   lock_rank_name[before[to]], at);
}

/* D5, after something new.  True: it holds. */
static bool check_ways(void)
{
	u8 before[NR_LOCK_RANKS];

	for (u32 r = FIRST_SPINNING; r < NR_SEEN; r++) {
		u32 to = is_used(r, USE_IN_IRQ) ? find_irqs_on(r, before) : 0;

		if (!to)
			continue;
		report_way(r, to, before);
		return false;
	}
	return true;
}

/* D3 */
static void report_both(u32 rank, enum lock_use use, const struct place *at)
{
	char irq[PLACE_LEN], on[PLACE_LEN];
	const struct place *other = &use_place[rank][!use];

	place_format(use == USE_IN_IRQ ? at : other, irq, sizeof(irq));
	place_format(use == USE_IN_IRQ ? other : at, on, sizeof(on));
	report_bug("locks %s are taken in interrupts (at %s), and "
		   "held with interrupts on (taken at %s)",
		   lock_rank_name[rank], irq, on);
}

static void note(u32 rank, enum lock_use use, const struct place *at)
{
	if (!CONFIG_LAB || rank < FIRST_SPINNING || is_used(rank, use))
		return;
	if (is_used(rank, !use)) {
		report_both(rank, use, at);
		return;
	}
	use_place[rank][use] = *at;
	smp_wmb();		/* the place, then the bit; a hint only */
	__atomic_fetch_or(&used[rank], (u8)BIT(use), __ATOMIC_RELAXED);
	if (!check_ways())
		__atomic_fetch_and(&used[rank], (u8)~BIT(use),
				   __ATOMIC_RELAXED);
}

void lockdep_note_use(u32 rank, const struct place *at)
{
	if (in_irq())
		note(rank, USE_IN_IRQ, at);
	else if (!irqs_disabled())
		note(rank, USE_IRQS_ON, at);
}

void lockdep_note_irqs_on(u32 rank, const struct place *at)
{
	note(rank, USE_IRQS_ON, at);
}

void lockdep_note_inside(const struct held_lock *outer,
			 const struct held_lock *inner)
{
	if (!CONFIG_LAB || outer->rank < FIRST_SPINNING ||
	    outer->rank >= inner->rank ||
	    test_bit(inner->rank, inside[outer->rank]))
		return;
	edges[outer->rank][inner->rank] = (struct edge){ outer->at, inner->at };
	set_bit(inner->rank, inside[outer->rank]);
	if (!check_ways())
		clear_bit(inner->rank, inside[outer->rank]);
}

void lockdep_forget(u32 rank)
{
	if (!CONFIG_LAB)
		return;
	WRITE_ONCE(used[rank], 0);
	for (u32 r = 0; r < NR_SEEN; r++) {
		clear_bit(rank, inside[r]);
		clear_bit(r, inside[rank]);
	}
}

static void print_rank(u32 rank)
{
	char there[PLACE_LEN];
	u64 next;

	for (u32 use = 0; use < NR_USES; use++)
		if (is_used(rank, use))
			kprintf("%-12s %s, first at %s\n", lock_rank_name[rank],
				use == USE_IN_IRQ ? "in interrupts" :
						    "with interrupts on",
				place_format(&use_place[rank][use], there,
					     sizeof(there)));
	for_each_set_bit(next, inside[rank], NR_SEEN)
		kprintf("%-12s > %s at %s\n", lock_rank_name[rank],
			lock_rank_name[next],
			place_format(&edges[rank][next].inner, there,
				     sizeof(there)));
}

static int cmd_lockorder(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (!CONFIG_LAB) {
		kprintf("lockorder: only lab builds watch locks\n");
		return -EOPNOTSUPP;
	}
	for (u32 r = FIRST_SPINNING; r < NR_SEEN; r++)
		print_rank(r);
	return 0;
}
SHELL_CMD(lockorder, "",
	  "lab: which spinlocks were taken in interrupts, with them on, inside others",
	  0, 0, cmd_lockorder);
