/* SPDX-License-Identifier: MIT */
/* Spinlocks, mutexes, reader-writer semaphores and the lock-order checker. */
#include "kernel/lockdep.h"
#include "kernel/mutex.h"
#include "kernel/preempt.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

#define ROUNDS	2000
#define TEAM	4

static struct {
	spinlock_t spin, inner;
	struct mutex mutex;
	struct rwsem sem;
	u64 count;			/* under the lock being tested */
	u32 inside, most_inside;
	atomic_t readers;
	u32 torn;
	u32 order[TEAM], nr_order;
	u32 go, stage;
	int ret;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	spin_lock_init(&s.spin, LOCK_FUTEX);
	spin_lock_init(&s.inner, LOCK_SLAB);
	mutex_init(&s.mutex, LOCK_TEST);
	rwsem_init(&s.sem, LOCK_TEST);
}

static void spin_adder(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < ROUNDS; i++) {
		spin_lock(&s.spin);
		WRITE_ONCE(s.count, READ_ONCE(s.count) + 1);
		spin_unlock(&s.spin);
	}
}

KTEST(locks, spin_excludes)
{
	struct kt_team team = { .nr = 0 };

	reset();
	for (u32 i = 0; i < TEAM; i++)
		kt_spawn(t, &team, -1, spin_adder, NULL);
	kt_join(&team);
	KT_EQ(t, s.count, TEAM * ROUNDS);
}

KTEST(locks, spin_trylock)
{
	u32 before = this_cpu_read(preempt_count);

	reset();
	KT_EXPECT(t, spin_trylock(&s.spin));
	KT_EXPECT(t, spin_is_locked(&s.spin));
	KT_EXPECT(t, !spin_trylock(&s.spin));
	KT_EQ(t, this_cpu_read(preempt_count), before + 1);
	spin_unlock(&s.spin);
	KT_EXPECT(t, !spin_is_locked(&s.spin));
	KT_EQ(t, this_cpu_read(preempt_count), before);
}

KTEST(locks, spin_irqsave)
{
	u64 outer, flags;

	reset();
	flags = spin_lock_irqsave(&s.spin);
	KT_EXPECT(t, irqs_disabled());
	spin_unlock_irqrestore(&s.spin, flags);
	KT_EXPECT(t, !irqs_disabled());

	outer = local_irq_save();
	flags = spin_lock_irqsave(&s.spin);
	spin_unlock_irqrestore(&s.spin, flags);
	KT_EXPECT(t, irqs_disabled());
	local_irq_restore(outer);
}

static void spin_waiter(void *arg)
{
	u32 *got = arg;

	while (!READ_ONCE(s.go))
		yield();
	WRITE_ONCE(s.inside, 1);
	*got = spin_lock_live(&s.spin);
}

/* Who waits for it when it dies leaves without it, and who comes later. */
KTEST(locks, spin_dies)
{
	u32 before = this_cpu_read(preempt_count), got = 2;
	struct kt_team team = { .nr = 0 };

	reset();
	kt_pin(0);
	kt_spawn(t, &team, (int)kt_other_cpu(), spin_waiter, &got);
	KT_EXPECT(t, spin_lock_live(&s.spin));
	WRITE_ONCE(s.go, 1);
	while (kt_other_cpu() && !READ_ONCE(s.inside))
		cpu_relax();
	spin_unlock_dead(&s.spin);
	kt_join(&team);
	kt_unpin();
	KT_EQ(t, got, 0);
	KT_EXPECT(t, !spin_lock_live(&s.spin));
	KT_EXPECT(t, !spin_trylock(&s.spin));
	KT_EXPECT(t, !spin_is_locked(&s.spin));
	KT_EQ(t, this_cpu_read(preempt_count), before);
	reset();
	KT_EXPECT(t, spin_lock_live(&s.spin));
	spin_unlock(&s.spin);
}

static void mutex_adder(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < ROUNDS / 10; i++) {
		u64 v;

		mutex_lock(&s.mutex);
		v = READ_ONCE(s.count);
		if (++s.inside != 1)
			s.torn++;
		if (i % 8 == 0)
			yield();
		s.inside--;
		WRITE_ONCE(s.count, v + 1);
		mutex_unlock(&s.mutex);
	}
}

KTEST(locks, mutex_excludes)
{
	struct kt_team team = { .nr = 0 };

	reset();
	for (u32 i = 0; i < TEAM; i++)
		kt_spawn(t, &team, -1, mutex_adder, NULL);
	kt_join(&team);
	KT_EQ(t, s.count, TEAM * (ROUNDS / 10));
	KT_EQ(t, s.torn, 0);
	KT_EXPECT(t, !mutex_is_locked(&s.mutex));
}

static void mutex_queuer(void *arg)
{
	mutex_lock(&s.mutex);
	s.order[s.nr_order++] = (u32)(u64)arg;
	mutex_unlock(&s.mutex);
}

static u32 nr_waiters(void)
{
	struct list_head *p;
	u32 n = 0;

	spin_lock(&s.mutex.wait_lock);
	list_for_each(p, &s.mutex.waiters)
		n++;
	spin_unlock(&s.mutex.wait_lock);
	return n;
}

KTEST(locks, mutex_is_fair)
{
	struct kt_team team = { .nr = 0 };

	reset();
	mutex_lock(&s.mutex);
	for (u32 i = 0; i < TEAM; i++) {
		kt_spawn(t, &team, -1, mutex_queuer, (void *)(u64)i);
		KT_EXPECT(t, kt_wait_for(nr_waiters() == i + 1));
	}
	KT_EXPECT(t, !mutex_trylock(&s.mutex));
	mutex_unlock(&s.mutex);
	kt_join(&team);
	for (u32 i = 0; i < TEAM; i++)
		KT_EQ(t, s.order[i], i);
}

static void mutex_interruptible(void *arg)
{
	(void)arg;
	s.ret = mutex_lock_interruptible(&s.mutex);
	if (!s.ret)
		mutex_unlock(&s.mutex);
}

KTEST(locks, mutex_interrupted)
{
	struct kt_team team = { .nr = 0 };

	reset();
	mutex_lock(&s.mutex);
	KT_ASSERT(t, kt_spawn(t, &team, -1, mutex_interruptible, NULL));
	KT_EXPECT(t, kt_wait_for(nr_waiters() == 1));
	thread_interrupt(team.thread[0]);
	kt_join(&team);
	KT_EQ(t, s.ret, -EINTR);
	KT_EQ(t, nr_waiters(), 0);
	mutex_unlock(&s.mutex);
	KT_EXPECT(t, mutex_trylock(&s.mutex));
	mutex_unlock(&s.mutex);
}

static void together_reader(void *arg)
{
	(void)arg;
	down_read(&s.sem);
	atomic_inc(&s.readers);
	if (!kt_wait_for(atomic_read(&s.readers) == TEAM))
		s.torn++;
	up_read(&s.sem);
}

/* All readers must be inside at the same time, or none gets out. */
KTEST(locks, rwsem_readers_together)
{
	struct kt_team team = { .nr = 0 };

	reset();
	for (u32 i = 0; i < TEAM; i++)
		kt_spawn(t, &team, -1, together_reader, NULL);
	kt_join(&team);
	KT_EQ(t, s.torn, 0);
	KT_EXPECT(t, !rwsem_is_locked(&s.sem));
}

static void sem_mixer(void *arg)
{
	bool writer = (u64)arg & 1;

	for (u32 i = 0; i < ROUNDS / 20; i++) {
		if (writer) {
			down_write(&s.sem);
			if (atomic_read(&s.readers) || s.inside++)
				s.torn++;
			WRITE_ONCE(s.count, READ_ONCE(s.count) + 1);
			yield();
			s.inside--;
			up_write(&s.sem);
		} else {
			down_read(&s.sem);
			atomic_inc(&s.readers);
			if (READ_ONCE(s.inside))
				s.torn++;
			yield();
			atomic_dec(&s.readers);
			up_read(&s.sem);
		}
	}
}

KTEST(locks, rwsem_writers_alone)
{
	struct kt_team team = { .nr = 0 };

	reset();
	for (u64 i = 0; i < TEAM; i++)
		kt_spawn(t, &team, -1, sem_mixer, (void *)i);
	kt_join(&team);
	KT_EQ(t, s.torn, 0);
	KT_EQ(t, s.count, TEAM / 2 * (ROUNDS / 20));
}

static void sem_writer(void *arg)
{
	(void)arg;
	WRITE_ONCE(s.stage, 1);
	down_write(&s.sem);
	WRITE_ONCE(s.stage, 2);
	up_write(&s.sem);
}

static bool sem_has_waiter(void)
{
	bool any;

	spin_lock(&s.sem.wait_lock);
	any = !list_empty(&s.sem.waiters);
	spin_unlock(&s.sem.wait_lock);
	return any;
}

KTEST(locks, rwsem_writer_not_starved)
{
	struct kt_team team = { .nr = 0 };

	reset();
	down_read(&s.sem);
	KT_EXPECT(t, kt_spawn(t, &team, -1, sem_writer, NULL));
	KT_EXPECT(t, kt_wait_for(sem_has_waiter()));
	/* A reader that comes after the waiting writer does not pass it. */
	KT_EXPECT(t, !down_read_trylock(&s.sem));
	KT_EQ(t, READ_ONCE(s.stage), 1);
	up_read(&s.sem);
	kt_join(&team);
	KT_EQ(t, s.stage, 2);
}

static void sem_reader(void *arg)
{
	(void)arg;
	down_read(&s.sem);
	WRITE_ONCE(s.stage, 1);
	up_read(&s.sem);
}

KTEST(locks, rwsem_downgrade)
{
	struct kt_team team = { .nr = 0 };

	reset();
	down_write(&s.sem);
	KT_EXPECT(t, rwsem_is_write_locked(&s.sem));
	KT_EXPECT(t, kt_spawn(t, &team, -1, sem_reader, NULL));
	KT_EXPECT(t, kt_wait_for(sem_has_waiter()));
	KT_EQ(t, READ_ONCE(s.stage), 0);
	downgrade_write(&s.sem);
	/* It comes in while we still read. */
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.stage) == 1));
	KT_EXPECT(t, !down_write_trylock(&s.sem));
	up_read(&s.sem);
	kt_join(&team);
	KT_EXPECT(t, down_write_trylock(&s.sem));
	up_write(&s.sem);
}

KTEST_FLAGS(locks, rank_violation, KTF_LAB_ONLY)
{
	reset();
	spin_lock_init(&s.spin, LOCK_PTE);
	spin_lock_init(&s.inner, LOCK_PMD);
	lockdep_expect_begin();
	spin_lock(&s.inner);
	spin_lock(&s.spin);
	spin_unlock(&s.spin);
	spin_unlock(&s.inner);
	KT_EQ(t, lockdep_expect_end(), 0);

	lockdep_expect_begin();
	spin_lock(&s.spin);
	spin_lock(&s.inner);
	spin_unlock(&s.inner);
	spin_unlock(&s.spin);
	KT_EQ(t, lockdep_expect_end(), 1);
}

KTEST_FLAGS(locks, recursion, KTF_LAB_ONLY)
{
	reset();
	lockdep_expect_begin();
	lockdep_acquire(&s.spin, LOCK_PTE, LOCKDEP_WRITE);
	lockdep_acquire(&s.spin, LOCK_PTE, LOCKDEP_WRITE);
	lockdep_release(&s.spin);
	lockdep_release(&s.spin);
	KT_EQ(t, lockdep_expect_end(), 1);
	KT_EXPECT(t, !lockdep_is_held(&s.spin));
}

KTEST_FLAGS(locks, nesting, KTF_LAB_ONLY)
{
	static spinlock_t many[LOCKDEP_MAX_HELD + 20];
	u32 n = ARRAY_SIZE(many);

	reset();
	lockdep_expect_begin();
	mutex_lock(&s.mutex);
	for (u32 i = 0; i < n; i++) {
		spin_lock_init(&many[i], LOCK_PTE);
		spin_lock_nest_lock(&many[i], &s.mutex);
	}
	KT_EQ(t, lockdep_held_count(), n + 2);	/* the shell's mutex */
	for (u32 i = 0; i < n; i++)
		spin_unlock(&many[i]);
	mutex_unlock(&s.mutex);
	KT_EQ(t, lockdep_expect_end(), 0);

	/* Without the outer lock it is a violation. */
	lockdep_expect_begin();
	spin_lock_nest_lock(&many[0], &s.mutex);
	spin_unlock(&many[0]);
	KT_EQ(t, lockdep_expect_end(), 1);
}

KTEST_FLAGS(locks, sleep_violation, KTF_LAB_ONLY)
{
	reset();
	lockdep_expect_begin();
	might_sleep();
	KT_EQ(t, lockdep_expect_end(), 0);
	lockdep_expect_begin();
	spin_lock(&s.spin);
	might_sleep();
	spin_unlock(&s.spin);
	KT_EQ(t, lockdep_expect_end(), 1);
	lockdep_expect_begin();
	preempt_disable();
	might_sleep();
	preempt_enable();
	KT_EQ(t, lockdep_expect_end(), 1);
}

static void lock_in_irq(void *arg)
{
	(void)arg;
	spin_lock(&s.spin);
	spin_unlock(&s.spin);
	WRITE_ONCE(s.stage, 1);
}

/* A lock that others take with interrupts on is taken in an interrupt. */
KTEST_FLAGS(locks, irq_violation, KTF_LAB_ONLY)
{
	struct timer timer = { .queued = false };

	reset();
	spin_lock(&s.spin);
	spin_unlock(&s.spin);
	preempt_disable();
	lockdep_expect_begin();
	timer_start(&timer, ktime_get(), lock_in_irq, NULL);
	KT_EXPECT(t, kt_spin_for(READ_ONCE(s.stage)));
	KT_EQ(t, lockdep_expect_end(), 1);
	preempt_enable();
	timer_cancel(&timer);
}
