/* SPDX-License-Identifier: MIT */
/*
 * Lock checking: order, interrupts, ownership.
 *
 * D1  A thread's list names every lock it holds.  An interrupt handler uses
 *     the list of the thread it interrupts, so its locks are checked against
 *     that thread's too, and the list is as before when it returns.
 * D2  A lock is taken only with a rank above all held ones; at an equal rank
 *     only through the _nest verbs, under the outer lock they name.
 * D3  What a rank is used for is noted: lockdep_usage.c, which has D5 as well.
 * D4  Who releases a lock holds it; a lock that is freed is held by nobody.
 *
 * Until the first switch a CPU has no thread: a list per CPU serves.  The
 * lists are changed with interrupts off and read by their owner only, but for
 * messages.  Each report names both places: where the lock in question is
 * wanted and where the other one was taken.
 * Tests: tests/kt/kt_locks.c, tests/kt/kt_lockdep.c
 */
#include "kernel/lockdep.h"
#include "arch/cpu.h"
#include "arch/layout.h"
#include "kernel/lockdep_usage.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/report.h"
#include "kernel/thread.h"
#include "lib/printf.h"

const char *const lock_rank_name[NR_LOCK_RANKS] = {
	[LOCK_NONE] = "NONE",
#define X(name) [LOCK_##name] = #name,
	LOCK_RANKS(X)
#undef X
};

/* The last slots are for locks that stand alone. */
#define NEST_SLOTS	(LOCKDEP_MAX_HELD - LOCKDEP_MAX_HELD / 4)
#define STACK_SPAN	0x10000

static DEFINE_PER_CPU(struct lockdep_state, lockdep_early);
static bool disabled;

void lockdep_off(void)
{
	WRITE_ONCE(disabled, true);
}

bool lockdep_active(void)
{
	return CONFIG_LAB && !READ_ONCE(disabled);
}

static struct lockdep_state *self(void)
{
	struct thread *t = current();

	return t ? &t->lockdep : this_cpu_ptr(&lockdep_early);
}

/* Along the frame pointers; a frame that cannot be ends it. */
void place_note(struct place *p, const void *frame, enum place_from from)
{
	const u64 *f = frame;
	u32 n = 0;

	*p = (struct place){ { 0 } };
	if (from == PLACE_CALLER)
		f = (const u64 *)f[0];
	while (f && n < PLACE_DEPTH) {
		u64 next = f[0];

		p->ip[n++] = (u32)f[1];
		if (next <= (u64)f || next > (u64)f + STACK_SPAN || next % 8)
			return;
		f = (const u64 *)next;
	}
}

const char *place_format(const struct place *p, char *buf, size_t len)
{
	char name[64];
	size_t n = 0;

	buf[0] = 0;
	for (u32 i = 0; i < PLACE_DEPTH && p->ip[i]; i++)
		n += (size_t)scnprintf(buf + n, len - n, "%s%s",
				       i ? " < " : "",
				       ksym_format((u64)(s64)(s32)p->ip[i],
						   name, sizeof(name)));
	return n ? buf : "an unknown place";
}

static void rank_violation(const struct held_lock *h, const void *lock,
			   u32 rank, const struct place *at)
{
	char here[PLACE_LEN], there[PLACE_LEN];

	place_format(at, here, sizeof(here));
	place_format(&h->at, there, sizeof(there));
	if (h->lock == lock)
		report_bug("lock %s at %p is taken twice: at %s, and before at %s",
			   lock_rank_name[rank], lock, here, there);
	else
		report_bug("lock order: %s at %p, taken at %s, inside %s at %p, taken at %s",
			   lock_rank_name[rank], lock, here,
			   lock_rank_name[h->rank], h->lock, there);
}

static struct held_lock *find(struct lockdep_state *s, const void *lock)
{
	for (u32 i = s->nr; i > 0; i--)
		if (s->held[i - 1].lock == lock)
			return &s->held[i - 1];
	return NULL;
}

void lockdep_irq_enter(void)
{
	struct lockdep_state *s;

	if (!lockdep_active())
		return;
	s = self();
	for (u32 i = 0; i < s->nr; i++)
		lockdep_note_irqs_on(s->held[i].rank, &s->held[i].at);
}

/* A push leaves the slot to itself before an interrupt could use it. */
static void push(struct lockdep_state *s, const struct held_lock *h)
{
	u64 flags = local_irq_save();

	if (s->nr == LOCKDEP_MAX_HELD) {
		local_irq_restore(flags);
		panic("a thread holds more than %d locks", LOCKDEP_MAX_HELD);
	}
	s->held[s->nr] = *h;
	s->nr++;
	local_irq_restore(flags);
}

void lockdep_acquire(const void *lock, enum lock_rank rank, int mode)
{
	struct held_lock h = { .lock = lock, .rank = (u16)rank,
			       .read = mode == LOCKDEP_READ };
	struct lockdep_state *s;

	if (!lockdep_active())
		return;
	s = self();
	place_note(&h.at, __builtin_frame_address(0), PLACE_CALLER);
	for (u32 i = 0; i < s->nr && rank != LOCK_NONE; i++) {
		if (s->held[i].rank < rank) {
			lockdep_note_inside(&s->held[i], &h);
			continue;
		}
		rank_violation(&s->held[i], lock, rank, &h.at);	/* D2 */
		break;
	}
	lockdep_note_use(rank, &h.at);
	push(s, &h);
}

static void outer_missing(const struct held_lock *h, const void *outer)
{
	char here[PLACE_LEN];

	report_bug("lock %s at %p is nested at %s, but its outer lock %p is not held",
		   lock_rank_name[h->rank], h->lock,
		   place_format(&h->at, here, sizeof(here)), outer);
}

void lockdep_acquire_nest(const void *lock, enum lock_rank rank,
			  const void *outer)
{
	struct held_lock h = { .lock = lock, .rank = (u16)rank };
	struct lockdep_state *s;

	if (!lockdep_active())
		return;
	s = self();
	place_note(&h.at, __builtin_frame_address(0), PLACE_CALLER);
	if (!find(s, outer) && !s->overflow)
		outer_missing(&h, outer);
	for (u32 i = 0; i < s->nr; i++) {
		if (s->held[i].rank <= rank && s->held[i].lock != lock)
			continue;
		rank_violation(&s->held[i], lock, rank, &h.at);
		break;
	}
	lockdep_note_use(rank, &h.at);
	if (s->nr >= NEST_SLOTS)
		s->overflow++;
	else
		push(s, &h);
}

void lockdep_acquire_try(const void *lock, enum lock_rank rank, int mode)
{
	struct held_lock h = { .lock = lock, .rank = (u16)rank,
			       .read = mode == LOCKDEP_READ };

	if (!lockdep_active())
		return;
	place_note(&h.at, __builtin_frame_address(0), PLACE_CALLER);
	push(self(), &h);
}

/* Out of the list; false: it is not there, nor among those without a slot. */
static bool pop(struct lockdep_state *s, const void *lock)
{
	u64 flags = local_irq_save();
	struct held_lock *h = find(s, lock);
	bool known = h || s->overflow;

	if (h) {
		for (; h + 1 < s->held + s->nr; h++)
			h[0] = h[1];
		h->lock = NULL;		/* mm/leaks.c: no stale pointer */
		s->nr--;
	} else if (s->overflow) {
		s->overflow--;
	}
	local_irq_restore(flags);
	return known;
}

void might_lock(const void *lock, enum lock_rank rank)
{
	if (!CONFIG_LAB)
		return;
	lockdep_acquire(lock, rank, LOCKDEP_READ);
	lockdep_release(lock);
}

void lockdep_release(const void *lock)
{
	char here[PLACE_LEN];
	struct place at;

	if (!lockdep_active() || pop(self(), lock))
		return;
	place_note(&at, __builtin_frame_address(0), PLACE_CALLER);
	report_bug("lock %p is released at %s, but this thread does not hold it",
		   lock, place_format(&at, here, sizeof(here)));	/* D4 */
}

void lockdep_bad_unlock(const void *lock, enum lock_rank rank,
			const struct thread *owner)
{
	char here[PLACE_LEN];
	struct place at;

	if (!lockdep_active())
		return;
	place_note(&at, __builtin_frame_address(0), PLACE_CALLER);
	place_format(&at, here, sizeof(here));
	if (owner)
		report_bug("lock %s at %p is released at %s, but thread %u (%s) owns it",
			   lock_rank_name[rank], lock, here, owner->tid,
			   owner->name);
	else
		report_bug("lock %s at %p is released at %s, but nobody owns it",
			   lock_rank_name[rank], lock, here);
}

bool lockdep_is_held(const void *lock)
{
	struct lockdep_state *s;

	if (!lockdep_active())
		return true;
	s = self();
	return s->overflow || find(s, lock);
}

void lockdep_assert_held(const void *lock, enum lock_rank rank)
{
	char here[PLACE_LEN];
	struct place at;

	if (lockdep_is_held(lock))
		return;
	place_note(&at, __builtin_frame_address(0), PLACE_CALL);
	report_bug("lock %s at %p must be held at %s, and is not",
		   lock_rank_name[rank], lock,
		   place_format(&at, here, sizeof(here)));
}

void lockdep_check_free(const void *p, u64 len)
{
	char there[PLACE_LEN];
	struct lockdep_state *s;

	if (!lockdep_active())
		return;
	s = self();
	for (u32 i = 0; i < s->nr; i++) {
		const struct held_lock *h = &s->held[i];

		if ((u64)h->lock - (u64)p >= len)
			continue;
		report_bug("memory %p-%p is freed with lock %s at %p in it, held since %s",
			   p, (const u8 *)p + len, lock_rank_name[h->rank],
			   h->lock,
			   place_format(&h->at, there, sizeof(there)));
		return;
	}
}

void lockdep_waits(const void *lock)
{
	if (CONFIG_LAB)
		WRITE_ONCE(self()->waiting, lock);
}

u32 lockdep_held_count(void)
{
	return CONFIG_LAB ? self()->nr + self()->overflow : 0;
}

static void print_state(const struct lockdep_state *s)
{
	char there[PLACE_LEN];
	const void *waiting = READ_ONCE(s->waiting);
	u32 nr = min_t(u32, READ_ONCE(s->nr), LOCKDEP_MAX_HELD);

	if (!nr)
		kprintf("no locks held\n");
	for (u32 i = 0; i < nr; i++) {
		const struct held_lock *h = &s->held[i];

		kprintf("%s %-10s %p%s at %s\n",
			h->lock == waiting ? "waits for" : "holds",
			lock_rank_name[h->rank % NR_LOCK_RANKS], h->lock,
			h->read ? " (read)" : "",
			place_format(&h->at, there, sizeof(there)));
	}
	if (s->overflow)
		kprintf("... and %u nested ones\n", s->overflow);
	for (u32 i = 0; i < LOCKDEP_MAX_SRCU; i++)
		if (s->srcu[i].domain)
			kprintf("in an SRCU section of %p, index %u, since %s\n",
				s->srcu[i].domain, s->srcu[i].idx,
				place_format(&s->srcu[i].at, there,
					     sizeof(there)));
}

void lockdep_print_held(void)
{
	if (CONFIG_LAB)
		print_state(self());
}

void lockdep_print_thread(const struct thread *t)
{
	if (CONFIG_LAB)
		print_state(&t->lockdep);
}

bool lockdep_thread_holds(const struct thread *t, const void *lock)
{
	const struct lockdep_state *s = &t->lockdep;
	u32 nr = min_t(u32, READ_ONCE(s->nr), LOCKDEP_MAX_HELD);

	if (!CONFIG_LAB || READ_ONCE(s->waiting) == lock)
		return false;
	for (u32 i = 0; i < nr; i++)
		if (READ_ONCE(s->held[i].lock) == lock)
			return true;
	return false;
}

void lockdep_expect_begin(void)
{
	report_expect_begin();
}

u32 lockdep_expect_end(void)
{
	return report_expect_end();
}
