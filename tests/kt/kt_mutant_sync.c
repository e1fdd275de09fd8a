/* SPDX-License-Identifier: MIT */
/*
 * As kt_mutant_gaps.c, for locks, RCU, the scheduler and cross-calls: what
 * only a mutant has shown to be untested.
 */
#include "kernel/ipi.h"
#include "kernel/mutex.h"
#include "kernel/preempt.h"
#include "kernel/rcu.h"
#include "tests/kt/kt_util.h"

#define WRONG_NS	60000000ULL	/* how long a bug may take to show */
#define TEAM		4

/* Sleeps until cond, at most WRONG_NS.  Value: cond. */
#define shows(cond) ({							\
	u64 __end = ktime_get() + WRONG_NS;				\
	while (!(cond) && ktime_get() < __end)				\
		sleep_ms(1);						\
	!!(cond); })

static struct rwsem sem = RWSEM_INIT(sem, LOCK_TEST);
static DEFINE_SPINLOCK(lock, LOCK_TEST);
static u64 counter;
static u32 entered, left;

static u32 sem_waiters(void)
{
	struct list_head *l;
	u32 n = 0;

	spin_lock(&sem.wait_lock);
	for (l = sem.waiters.next; l != &sem.waiters; l = l->next)
		n++;
	spin_unlock(&sem.wait_lock);
	return n;
}

static void sem_writer(void *arg)
{
	(void)arg;
	down_write(&sem);
	up_write(&sem);
}

/* Stays inside until all readers are. */
static void sem_reader(void *arg)
{
	down_read(&sem);
	__atomic_fetch_add(&entered, 1, __ATOMIC_SEQ_CST);
	if (kt_wait_for(READ_ONCE(entered) >= (u32)(u64)arg))
		__atomic_fetch_add(&left, 1, __ATOMIC_SEQ_CST);
	up_read(&sem);
}

/* A reader that comes after a waiting writer does not overtake it. */
KTEST(gaps, rwsem_reader_queues)
{
	struct kt_team team = { .nr = 0 };

	entered = left = 0;
	down_read(&sem);
	kt_spawn(t, &team, -1, sem_writer, NULL);
	KT_EXPECT(t, kt_wait_for(sem_waiters() == 1));
	kt_spawn(t, &team, -1, sem_reader, (void *)1);
	KT_EXPECT(t, !shows(READ_ONCE(entered)));
	up_read(&sem);
	kt_join(&team);
	KT_EQ(t, left, 1);
}

/* Readers that wait for one writer get in together. */
KTEST(gaps, rwsem_readers_enter_together)
{
	struct kt_team team = { .nr = 0 };

	entered = left = 0;
	down_write(&sem);
	for (u32 i = 0; i < 3; i++)
		kt_spawn(t, &team, -1, sem_reader, (void *)3);
	KT_EXPECT(t, kt_wait_for(sem_waiters() == 3));
	up_write(&sem);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(left) == 3));
	WRITE_ONCE(entered, 3);			/* lets them go anyway */
	kt_join(&team);
}

#define ADDS	100000

static void adder(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < ADDS; i++) {
		spin_lock(&lock);
		WRITE_ONCE(counter, READ_ONCE(counter) + 1);
		spin_unlock(&lock);
	}
}

KTEST(gaps, spinlock_loses_nothing)
{
	struct kt_team team = { .nr = 0 };

	counter = 0;
	for (u32 i = 0; i < TEAM; i++)
		kt_spawn(t, &team, (int)kt_cpu(i), adder, NULL);
	kt_join(&team);
	KT_EQ(t, counter, TEAM * ADDS);
}

/*
 * RCU.  Reader 0 holds up a grace period; reader 1 enters while it runs, after
 * its CPU has answered.  What is asked for now must wait for reader 1 too.
 */
static struct { u32 inside, release; } readers[2];
static u32 asked[2], synced[2], called;

static void rcu_reader(void *arg)
{
	u64 i = (u64)arg;

	rcu_read_lock();
	WRITE_ONCE(readers[i].inside, 1);
	kt_spin_for(READ_ONCE(readers[i].release));
	rcu_read_unlock();
}

static void rcu_syncer(void *arg)
{
	WRITE_ONCE(asked[(u64)arg], 1);
	synchronize_rcu();
	WRITE_ONCE(synced[(u64)arg], 1);
}

static void rcu_called(struct rcu_head *head)
{
	(void)head;
	WRITE_ONCE(called, 1);
}

KTEST(gaps, rcu_second_reader)
{
	static struct rcu_head head;
	struct kt_team team = { .nr = 0 };

	if (kt_cpus() < 3)
		KT_SKIP(t, "needs three CPUs");
	memset(readers, 0, sizeof(readers));
	asked[0] = asked[1] = synced[0] = synced[1] = called = 0;
	rcu_barrier();
	kt_spawn(t, &team, (int)kt_cpu(1), rcu_reader, (void *)0);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(readers[0].inside)));
	kt_spawn(t, &team, (int)kt_cpu(0), rcu_syncer, (void *)0);
	sleep_ms(30);				/* the others answer */
	KT_EXPECT(t, !READ_ONCE(synced[0]));
	kt_spawn(t, &team, (int)kt_cpu(2), rcu_reader, (void *)1);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(readers[1].inside)));
	call_rcu(&head, rcu_called);
	kt_spawn(t, &team, (int)kt_cpu(0), rcu_syncer, (void *)1);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(asked[1])));
	sleep_ms(5);				/* and has chosen */
	WRITE_ONCE(readers[0].release, 1);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(synced[0])));
	KT_EXPECT(t, !shows(READ_ONCE(called) || READ_ONCE(synced[1])));
	WRITE_ONCE(readers[1].release, 1);
	kt_join(&team);
	rcu_barrier();
	KT_EQ(t, called, 1);
}

static void rcu_slow(struct rcu_head *head)
{
	(void)head;
	sleep_ms(30);
	WRITE_ONCE(called, 1);
}

KTEST(gaps, rcu_barrier_waits_for_callbacks)
{
	static struct rcu_head head;

	called = 0;
	call_rcu(&head, rcu_slow);
	rcu_barrier();
	KT_EQ(t, called, 1);
}

static struct wait_queue_head wq = WAIT_QUEUE_HEAD_INIT(wq);

static void waiter(void *arg)
{
	(void)arg;
	wait_event(&wq, READ_ONCE(entered));
	WRITE_ONCE(left, 1);
}

static bool two_queued(void)
{
	u64 flags = spin_lock_irqsave(&wq.lock);
	bool yes = wq.head.next != &wq.head && wq.head.next->next != &wq.head;

	spin_unlock_irqrestore(&wq.lock, flags);
	return yes;
}

/* wake_up() is not spent on one who is on the queue but awake. */
KTEST(gaps, wake_up_finds_a_sleeper)
{
	struct wait_entry w = { .thread = NULL };
	struct kt_team team = { .nr = 0 };

	entered = left = 0;
	prepare_to_wait(&wq, &w, WAIT_UNINTERRUPTIBLE);
	WRITE_ONCE(current()->state, THREAD_RUNNABLE);
	kt_spawn(t, &team, -1, waiter, NULL);
	KT_EXPECT(t, kt_wait_for(two_queued()));
	sleep_ms(5);				/* it sleeps */
	WRITE_ONCE(entered, 1);
	wake_up(&wq);
	KT_EXPECT(t, shows(READ_ONCE(left)));
	finish_wait(&wq, &w);
	wake_up_all(&wq);
	kt_join(&team);
}

static void nearly_asleep(void *arg)
{
	u64 end = ktime_get() + 100000000ULL;

	(void)arg;
	WRITE_ONCE(current()->state, THREAD_SLEEPING);
	while (ktime_get() < end)
		cpu_relax();
	WRITE_ONCE(current()->state, THREAD_RUNNABLE);
	WRITE_ONCE(left, 1);
}

static void rival(void *arg)
{
	(void)arg;
	kt_spin_for(READ_ONCE(entered));
}

/* A thread preempted between "I sleep" and schedule() goes on. */
KTEST(gaps, preempted_before_sleep)
{
	struct kt_team team = { .nr = 0 };
	u32 cpu = kt_cpu(1);

	entered = left = 0;
	kt_spawn(t, &team, (int)cpu, nearly_asleep, NULL);
	kt_spawn(t, &team, (int)cpu, rival, NULL);
	for (u32 i = 0; i < 1000 && !READ_ONCE(left); i++)
		sleep_ms(1);
	KT_EXPECT(t, READ_ONCE(left));
	WRITE_ONCE(entered, 1);
	if (team.nr)
		wake_up_thread(team.thread[0]);
	kt_join(&team);
}

/* entered: the caller goes on; left: 1, or 2 if it did so before the end. */
static void slow_call(void *arg)
{
	u64 end = ktime_get() + WRONG_NS;

	(void)arg;
	while (!READ_ONCE(entered) && ktime_get() < end)
		cpu_relax();
	WRITE_ONCE(left, 1 + READ_ONCE(entered));
}

/* A cross-call is over when it returns. */
KTEST(gaps, cross_call_is_over)
{
	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	entered = left = 0;
	preempt_disable();
	smp_call_one(kt_cpu(smp_processor_id() == kt_cpu(0)), slow_call, NULL);
	WRITE_ONCE(entered, 1);
	preempt_enable();
	KT_EXPECT(t, kt_wait_for(READ_ONCE(left)));
	KT_EQ(t, left, 1);
}
