/* SPDX-License-Identifier: MIT */
/*
 * Lock-order checking.
 *
 * D1  A thread's list names every lock it holds.  An interrupt handler uses
 *     the list of the thread it interrupts, so its locks are checked against
 *     that thread's too, and the list is as before when it returns.
 * D2  A lock is taken only with a rank above all held ones; at an equal rank
 *     only through the _nest verbs, under the outer lock they name.
 * D3  A spinning rank that is ever taken in an interrupt is never taken with
 *     interrupts on: the interrupt would spin on its own CPU.
 *
 * Until the first switch a CPU has no thread: a list per CPU serves.  The
 * lists are changed with interrupts off and read by their owner only.
 * Tests: tests/kt/kt_locks.c
 */
#include "kernel/lockdep.h"
#include "arch/cpu.h"
#include "kernel/config.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/thread.h"

const char *const lock_rank_name[NR_LOCK_RANKS] = {
	[LOCK_NONE] = "NONE",
#define X(name) [LOCK_##name] = #name,
	LOCK_RANKS(X)
#undef X
};

#define FIRST_SPINNING	LOCK_NOTIFIER
/* The last slots are for locks that stand alone. */
#define NEST_SLOTS	(LOCKDEP_MAX_HELD - 12)

enum { USED_IN_IRQ = 1, USED_IRQS_ON = 2 };

static DEFINE_PER_CPU(struct lockdep_state, lockdep_early);
static u8 rank_usage[NR_LOCK_RANKS];
static bool disabled;

void lockdep_off(void)
{
	WRITE_ONCE(disabled, true);
}

static bool active(void)
{
	return CONFIG_LAB && !READ_ONCE(disabled);
}

static struct lockdep_state *self(void)
{
	struct thread *t = current();

	return t ? &t->lockdep : this_cpu_ptr(&lockdep_early);
}

static bool expected(struct lockdep_state *s)
{
	if (!s->expecting)
		return false;
	s->violations++;
	return true;
}

static void rank_violation(struct lockdep_state *s, const struct held_lock *h,
			   const void *lock, u32 rank)
{
	if (expected(s))
		return;
	if (h->lock == lock)
		panic("lock %s at %p is taken twice", lock_rank_name[rank],
		      lock);
	panic("lock order: %s at %p is taken inside %s at %p",
	      lock_rank_name[rank], lock, lock_rank_name[h->rank], h->lock);
}

static bool holds(const struct lockdep_state *s, const void *lock)
{
	for (u32 i = 0; i < s->nr; i++)
		if (s->held[i].lock == lock)
			return true;
	return false;
}

static void check_usage(struct lockdep_state *s, u32 rank)
{
	u8 use = 0;

	if (rank < FIRST_SPINNING)
		return;
	if (in_irq())
		use = USED_IN_IRQ;
	else if (!irqs_disabled())
		use = USED_IRQS_ON;
	if (!use || rank_usage[rank] & use)
		return;
	rank_usage[rank] |= use;
	if (rank_usage[rank] != (USED_IN_IRQ | USED_IRQS_ON))
		return;
	rank_usage[rank] &= (u8)~use;
	if (!expected(s))
		panic("locks %s are taken in interrupts, and with interrupts on",
		      lock_rank_name[rank]);
}

/* A push leaves the slot to itself before an interrupt could use it. */
static void push(struct lockdep_state *s, const void *lock, u32 rank, int mode)
{
	u64 flags = local_irq_save();

	if (s->nr == LOCKDEP_MAX_HELD) {
		local_irq_restore(flags);
		panic("a thread holds more than %d locks", LOCKDEP_MAX_HELD);
	}
	s->held[s->nr].lock = lock;
	s->held[s->nr].rank = (u16)rank;
	s->held[s->nr].read = mode == LOCKDEP_READ;
	s->nr++;
	local_irq_restore(flags);
}

void lockdep_acquire(const void *lock, enum lock_rank rank, int mode)
{
	struct lockdep_state *s;

	if (!active())
		return;
	s = self();
	for (u32 i = 0; i < s->nr && rank != LOCK_NONE; i++) {
		if (s->held[i].rank < rank)
			continue;
		rank_violation(s, &s->held[i], lock, rank);	/* D2 */
		break;
	}
	check_usage(s, rank);
	push(s, lock, rank, mode);
}

void lockdep_acquire_nest(const void *lock, enum lock_rank rank,
			  const void *outer)
{
	struct lockdep_state *s;

	if (!active())
		return;
	s = self();
	if (!holds(s, outer) && !s->overflow && !expected(s))
		panic("lock %s at %p is nested, but its outer lock %p is not "
		      "held", lock_rank_name[rank], lock, outer);
	for (u32 i = 0; i < s->nr; i++) {
		if (s->held[i].rank <= rank && s->held[i].lock != lock)
			continue;
		rank_violation(s, &s->held[i], lock, rank);
		break;
	}
	check_usage(s, rank);
	if (s->nr >= NEST_SLOTS)
		s->overflow++;
	else
		push(s, lock, rank, LOCKDEP_WRITE);
}

void lockdep_acquire_try(const void *lock, enum lock_rank rank, int mode)
{
	if (active())
		push(self(), lock, rank, mode);
}

void lockdep_release(const void *lock)
{
	struct lockdep_state *s;
	u64 flags;
	u32 i;

	if (!active())
		return;
	s = self();
	flags = local_irq_save();
	for (i = s->nr; i > 0 && s->held[i - 1].lock != lock; i--)
		;
	if (i) {
		for (; i < s->nr; i++)
			s->held[i - 1] = s->held[i];
		s->nr--;
	} else if (s->overflow) {
		s->overflow--;
	} else {
		local_irq_restore(flags);
		panic("lock %p is released, but this thread does not hold it",
		      lock);
	}
	local_irq_restore(flags);
}

bool lockdep_is_held(const void *lock)
{
	struct lockdep_state *s;

	if (!active())
		return true;
	s = self();
	return s->overflow || holds(s, lock);
}

u32 lockdep_held_count(void)
{
	return CONFIG_LAB ? self()->nr + self()->overflow : 0;
}

void lockdep_print_held(void)
{
	const struct lockdep_state *s = self();

	if (!CONFIG_LAB)
		return;
	if (!s->nr)
		kprintf("no locks held\n");
	for (u32 i = 0; i < s->nr && i < LOCKDEP_MAX_HELD; i++)
		kprintf("holds %-10s %p%s\n",
			lock_rank_name[s->held[i].rank % NR_LOCK_RANKS],
			s->held[i].lock, s->held[i].read ? " (read)" : "");
	if (s->overflow)
		kprintf("... and %u nested ones\n", s->overflow);
}

void lockdep_expect_begin(void)
{
	struct lockdep_state *s = self();

	s->violations = 0;
	s->expecting = 1;
}

u32 lockdep_expect_end(void)
{
	struct lockdep_state *s = self();

	s->expecting = 0;
	return s->violations;
}

static void sleep_violation(struct lockdep_state *s, const char *why)
{
	if (!expected(s))
		panic("this may sleep, but %s", why);
}

void might_sleep(void)
{
	struct lockdep_state *s;

	/* Before the first switch waiting is done by polling. */
	if (!active() || !current())
		return;
	s = self();
	for (u32 i = 0; i < s->nr; i++)
		if (s->held[i].rank >= FIRST_SPINNING)
			return sleep_violation(s, "a spinlock is held");
	if (in_irq())
		sleep_violation(s, "this is an interrupt");
	else if (this_cpu_read(preempt_count))
		sleep_violation(s, "preemption is off");
	else if (irqs_disabled() && !current()->idle)
		sleep_violation(s, "interrupts are off");
}
