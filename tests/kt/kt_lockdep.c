/* SPDX-License-Identifier: MIT */
/*
 * kernel/lockdep.c and atomic_check.c: each report is provoked, and must name
 * both places: what was done, and where the lock in question was taken.
 */
#include "kernel/mutex.h"
#include "kernel/preempt.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "kernel/timer.h"
#include "mm/slab.h"
#include "tests/kt/kt_util.h"

static struct {
	spinlock_t outer, inner;
	struct mutex mutex;
	struct rwsem sem;
	u32 stage;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	spin_lock_init(&s.outer, LOCK_PTE);
	spin_lock_init(&s.inner, LOCK_SLAB);
	mutex_init(&s.mutex, LOCK_TEST);
	rwsem_init(&s.sem, LOCK_TEST);
	report_expect_begin();
}

/* One report that contains all three. */
static void expect(struct kt *t, const char *a, const char *b, const char *c)
{
	bool ok = KT_EQ(t, report_expect_end(), 1);

	ok &= KT_EXPECT(t, report_has(a));
	ok &= KT_EXPECT(t, report_has(b));
	ok &= KT_EXPECT(t, report_has(c));
	if (!ok)
		report_print();
}

static noinline void take(spinlock_t *l)
{
	spin_lock(l);
	barrier();
}

KTEST_FLAGS(lockdep, order_names_both, KTF_LAB_ONLY)
{
	reset();
	take(&s.inner);
	take(&s.outer);
	spin_unlock(&s.outer);
	spin_unlock(&s.inner);
	expect(t, "lock order: PTE", "taken at take+",
	       "inside SLAB");
	KT_EXPECT(t, report_has("taken at take+"));
}

KTEST_FLAGS(lockdep, taken_twice, KTF_LAB_ONLY)
{
	reset();
	lockdep_acquire(&s.outer, LOCK_PTE, LOCKDEP_WRITE);
	lockdep_acquire(&s.outer, LOCK_PTE, LOCKDEP_WRITE);
	lockdep_release(&s.outer);
	lockdep_release(&s.outer);
	expect(t, "lock PTE", "is taken twice", "and before at");
}

static noinline void sleeper(void)
{
	mutex_lock(&s.mutex);
	mutex_unlock(&s.mutex);
}

KTEST_FLAGS(lockdep, sleep_under_spinlock, KTF_LAB_ONLY)
{
	reset();
	take(&s.outer);
	sleeper();
	spin_unlock(&s.outer);
	/* lock order as well: a sleeping lock inside a spinning one */
	KT_EQ(t, report_expect_end(), 2);
	KT_EXPECT(t, report_has("this may sleep, at mutex_lock+") ||
		  report_has("this may sleep, at lock_common+"));
	KT_EXPECT(t, report_has("sleeper+"));
	KT_EXPECT(t, report_has("but spinlock PTE"));
	KT_EXPECT(t, report_has("is held, taken at take+"));
}

static noinline void open_section(void)
{
	rcu_read_lock();
	barrier();
}

KTEST_FLAGS(lockdep, sleep_in_rcu_section, KTF_LAB_ONLY)
{
	reset();
	open_section();
	sleeper();
	rcu_read_unlock();
	expect(t, "this may sleep", "in the RCU read section",
	       "opened at open_section+");
}

KTEST_FLAGS(lockdep, sleep_atomic, KTF_LAB_ONLY)
{
	u64 flags;

	reset();
	preempt_disable();
	might_sleep();
	preempt_enable();
	expect(t, "this may sleep", "preemption is off", "(count 1)");
	reset();
	flags = local_irq_save();
	might_sleep();
	local_irq_restore(flags);
	expect(t, "this may sleep", "interrupts are off", "sleep_atomic");
	reset();
	might_sleep();
	KT_EQ(t, report_expect_end(), 0);
}

static void sleep_in_irq(void *arg)
{
	(void)arg;
	might_sleep();
	WRITE_ONCE(s.stage, 1);
}

static void count_stage(void *arg)
{
	(void)arg;
	WRITE_ONCE(s.stage, s.stage + 1);
}

KTEST_FLAGS(lockdep, sleep_in_interrupt, KTF_LAB_ONLY)
{
	struct timer timer = { .queued = false };

	reset();
	preempt_disable();
	timer_start(&timer, ktime_get(), sleep_in_irq, NULL);
	KT_EXPECT(t, kt_spin_for(READ_ONCE(s.stage)));
	preempt_enable();
	timer_cancel(&timer);
	expect(t, "this may sleep", "sleep_in_irq", "it is an interrupt");
}

/* Every sleeping primitive looks before it knows whether it must sleep. */
KTEST_FLAGS(lockdep, all_primitives_look, KTF_LAB_ONLY)
{
	struct wait_queue_head wq;

	reset();
	init_waitqueue_head(&wq);
	report_expect_end();
#define LOOKS(what) do {						\
	report_expect_begin();						\
	preempt_disable();						\
	what;								\
	preempt_enable();						\
	KT_EXPECT(t, report_expect_end() > 0);				\
	KT_EXPECT(t, report_has("this may sleep"));			\
} while (0)
	LOOKS(mutex_lock(&s.mutex); mutex_unlock(&s.mutex));
	LOOKS(KT_EQ(t, mutex_lock_interruptible(&s.mutex), 0);
	      mutex_unlock(&s.mutex));
	LOOKS(down_read(&s.sem); up_read(&s.sem));
	LOOKS(down_write(&s.sem); up_write(&s.sem));
	LOOKS(wait_event(&wq, true));
#undef LOOKS
}

KTEST_FLAGS(lockdep, held_over_interrupt, KTF_LAB_ONLY)
{
	struct timer timer = { .queued = false };
	u64 flags;

	/* Taken with interrupts off, as a timer does, but held with them on. */
	reset();
	spin_lock_init(&s.inner, LOCK_TIMER);
	flags = spin_lock_irqsave(&s.inner);
	local_irq_enable();
	KT_EXPECT(t, kt_spin_for(report_count()));
	local_irq_disable();
	spin_unlock_irqrestore(&s.inner, flags);
	KT_EXPECT(t, report_expect_end() >= 1);
	KT_EXPECT(t, report_has("locks TIMER are taken in interrupts"));
	KT_EXPECT(t, report_has("held with interrupts on"));
	KT_EXPECT(t, report_has("kt_lockdep_held_over_interrupt+"));
	preempt_disable();
	timer_start(&timer, ktime_get(), count_stage, NULL);
	KT_EXPECT(t, kt_spin_for(READ_ONCE(s.stage)));
	preempt_enable();
	timer_cancel(&timer);
}

KTEST_FLAGS(lockdep, unlock_not_held, KTF_LAB_ONLY)
{
	reset();
	preempt_disable();
	spin_unlock(&s.outer);
	KT_EQ(t, report_expect_end(), 2);
	KT_EXPECT(t, report_has("is not held by this CPU"));
	KT_EXPECT(t, report_has("this thread does not hold it"));
	KT_EXPECT(t, report_has("kt_lockdep_unlock_not_held+"));
	reset();
	mutex_unlock(&s.mutex);
	expect(t, "lock TEST", "is released at", "nobody owns it");
	reset();
	up_write(&s.sem);
	expect(t, "lock TEST", "is released at", "nobody owns it");
}

static void owner_main(void *arg)
{
	(void)arg;
	mutex_lock(&s.mutex);
	down_write_nest_lock(&s.sem, &s.mutex);
	WRITE_ONCE(s.stage, 1);
	kt_wait_for(READ_ONCE(s.stage) == 2);
	up_write(&s.sem);
	mutex_unlock(&s.mutex);
}

KTEST_FLAGS(lockdep, unlock_by_another, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	reset();
	KT_ASSERT(t, kt_spawn(t, &team, -1, owner_main, NULL));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.stage)));
	mutex_unlock(&s.mutex);
	up_write(&s.sem);
	KT_EQ(t, report_expect_end(), 2);
	KT_EXPECT(t, report_has("(kt) owns it"));
	KT_EXPECT(t, mutex_is_locked(&s.mutex));
	KT_EXPECT(t, rwsem_is_write_locked(&s.sem));
	WRITE_ONCE(s.stage, 2);
	kt_join(&team);
}

KTEST_FLAGS(lockdep, freed_while_held, KTF_LAB_ONLY)
{
	spinlock_t *l = kmalloc(64);

	KT_ASSERT(t, l);
	reset();
	spin_lock_init(l, LOCK_FUTEX);
	take(l);
	kfree(l);		/* the unlock then writes to freed memory */
	lockdep_release(l);
	preempt_enable();
	expect(t, "is freed with lock FUTEX", "in it, held since take+",
	       "holds FUTEX");
}

KTEST_FLAGS(lockdep, assert_held, KTF_LAB_ONLY)
{
	reset();
	mutex_lock(&s.mutex);
	mutex_assert_held(&s.mutex);
	mutex_unlock(&s.mutex);
	KT_EQ(t, report_expect_end(), 0);
	reset();
	mutex_assert_held(&s.mutex);
	expect(t, "lock TEST", "must be held at", "assert_held+");
}

/* What leaves the kernel, a thread or a test leaves nothing behind. */
KTEST_FLAGS(lockdep, left_behind, KTF_LAB_ONLY)
{
	u32 base = lockdep_held_count();

	reset();
	mutex_lock(&s.mutex);
	check_nothing_held("back to user mode", base);
	mutex_unlock(&s.mutex);
	expect(t, "back to user mode with lock TEST", "held, taken at",
	       "left_behind+");
	reset();
	open_section();
	check_nothing_held("back to user mode", base);
	rcu_read_unlock();
	expect(t, "back to user mode in the RCU read section", "opened at",
	       "open_section+");
	reset();
	preempt_disable();
	check_nothing_held("a thread exits", base);
	preempt_enable();
	expect(t, "a thread exits", "with preemption off", "count 1");
}

static void exits_holding(void *arg)
{
	(void)arg;
	mutex_lock(&s.mutex);
	report_expect_begin();
	check_nothing_held("a thread exits", 0);
	mutex_unlock(&s.mutex);
	WRITE_ONCE(s.stage, report_expect_end());
}

KTEST_FLAGS(lockdep, other_thread, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	reset();
	report_expect_end();
	KT_ASSERT(t, kt_spawn(t, &team, -1, exits_holding, NULL));
	kt_join(&team);
	KT_EQ(t, s.stage, 1);
	KT_EXPECT(t, report_has("exits_holding+"));
}

static spinlock_t irq_lock, middle, innermost;

static void take_in_irq(void *arg)
{
	u64 flags = spin_lock_irqsave(&irq_lock);

	(void)arg;
	spin_unlock_irqrestore(&irq_lock, flags);
	WRITE_ONCE(s.stage, 1);
}

static noinline void take_inside(spinlock_t *outer, spinlock_t *inner)
{
	u64 flags = spin_lock_irqsave(outer);

	spin_lock(inner);
	spin_unlock(inner);
	spin_unlock_irqrestore(outer, flags);
}

static void learn_irq_lock(struct kt *t)
{
	struct timer timer = { .queued = false };

	preempt_disable();
	timer_start(&timer, ktime_get(), take_in_irq, NULL);
	KT_EXPECT(t, kt_spin_for(READ_ONCE(s.stage)));
	preempt_enable();
	timer_cancel(&timer);
}

static void forget_all(void)
{
	spin_lock_init(&irq_lock, LOCK_TEST_IRQ);
	spin_lock_init(&middle, LOCK_TEST_MIDDLE);
	spin_lock_init(&innermost, LOCK_TEST_INNER);
	lockdep_forget(LOCK_TEST_IRQ);
	lockdep_forget(LOCK_TEST_MIDDLE);
	lockdep_forget(LOCK_TEST_INNER);
}

/*
 * D5, in three orders of learning: the interrupt, the two edges, and the lock
 * that is held with interrupts on.  The last of them is reported.
 */
KTEST_FLAGS(lockdep, irq_inversion, KTF_LAB_ONLY)
{
	forget_all();
	reset();
	learn_irq_lock(t);
	take_inside(&irq_lock, &middle);
	take_inside(&middle, &innermost);
	KT_EQ(t, report_count(), 0);
	take(&innermost);
	spin_unlock(&innermost);
	expect(t, "locks TEST_IRQ are taken in interrupts (at take_in_irq+",
	       "TEST_INNER, held with interrupts on (taken at take+",
	       "is waited for inside TEST_MIDDLE (at take_inside+");
	forget_all();
	reset();
	take(&innermost);
	spin_unlock(&innermost);
	take_inside(&middle, &innermost);
	learn_irq_lock(t);
	KT_EQ(t, report_count(), 0);
	take_inside(&irq_lock, &middle);
	expect(t, "locks TEST_IRQ", "TEST_INNER, held", "inside TEST_MIDDLE");
	forget_all();
	reset();
	take(&innermost);
	spin_unlock(&innermost);
	take_inside(&irq_lock, &innermost);
	KT_EQ(t, report_count(), 0);
	learn_irq_lock(t);
	expect(t, "locks TEST_IRQ", "TEST_INNER, held", "inside TEST_IRQ");
	forget_all();
}

/* Who only tries waits for nobody. */
KTEST_FLAGS(lockdep, tried_is_not_waited_for, KTF_LAB_ONLY)
{
	u64 flags;

	forget_all();
	reset();
	learn_irq_lock(t);
	flags = spin_lock_irqsave(&irq_lock);
	KT_EXPECT(t, spin_trylock(&innermost));
	spin_unlock(&innermost);
	spin_unlock_irqrestore(&irq_lock, flags);
	take(&innermost);
	spin_unlock(&innermost);
	KT_EQ(t, report_expect_end(), 0);
	forget_all();
}
