/* SPDX-License-Identifier: MIT */
/* RCU and SRCU: nobody frees under a reader, and everything ends. */
#include "kernel/ipi.h"
#include "kernel/rcu.h"
#include "tests/kt/kt_util.h"

#define POISON	0xdeadULL
#define ALIVE	0xa11feULL

struct node {
	struct rcu_head rcu;
	u64 magic;
	u32 number;
};

static struct {
	u32 inside, release, returned, stop;
	struct node node[NR_CPUS];
	struct node *shared;
	atomic_t called, bad, reads;
	u32 last_number, disorder;
	struct srcu_struct srcu;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	srcu_init(&s.srcu);
}

static void reader(void *arg)
{
	u64 irqs_off = (u64)arg, flags = 0;

	rcu_read_lock();
	if (irqs_off)
		flags = local_irq_save();
	WRITE_ONCE(s.inside, 1);
	kt_spin_for(READ_ONCE(s.release));
	if (irqs_off)
		local_irq_restore(flags);
	rcu_read_unlock();
}

static void synchronizer(void *arg)
{
	(void)arg;
	synchronize_rcu();
	smp_store_release(&s.returned, 1);
}

static void reader_blocks(struct kt *t, u64 irqs_off)
{
	struct kt_team team = { .nr = 0 };
	u64 gp;

	reset();
	KT_ASSERT(t, kt_spawn(t, &team, (int)kt_cpu(1), reader,
			      (void *)irqs_off));
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.inside)));
	gp = rcu_completed();
	kt_spawn(t, &team, (int)kt_cpu(0), synchronizer, NULL);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(s.returned), 0);
	/* One may have been about to end when the reader came. */
	KT_EXPECT(t, rcu_completed() <= gp + 1);
	WRITE_ONCE(s.release, 1);
	kt_join(&team);
	KT_EQ(t, s.returned, 1);
}

KTEST(rcu, reader_blocks)
{
	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	reader_blocks(t, 0);
}

KTEST(rcu, irqs_off_block)
{
	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	reader_blocks(t, 1);
}

/* Others are idle: their counters answer for them. */
KTEST(rcu, idle_cpus)
{
	u64 before = rcu_completed(), start = ktime_get(), took;

	for (int i = 0; i < 20; i++)
		synchronize_rcu();
	took = (ktime_get() - start) / 20;
	KT_EXPECT(t, rcu_completed() >= before + 20);
	/* The aim is 2 ms; a busy host is no failure. */
	KT_EXPECT(t, took < 1000000000ULL);
}

static void spinner(void *arg)
{
	(void)arg;
	atomic_inc(&s.called);
	while (!READ_ONCE(s.stop))
		cpu_relax();
}

/* Every CPU runs a thread that never sleeps. */
KTEST(rcu, busy_cpus)
{
	struct kt_team team = { .nr = 0 };
	u32 n = min_t(u32, kt_cpus(), 4);

	reset();
	for (u32 i = 0; i < n; i++)
		kt_spawn(t, &team, (int)kt_cpu(i), spinner, NULL);
	KT_EXPECT(t, kt_wait_for(atomic_read(&s.called) == (int)n));
	for (int i = 0; i < 3; i++)
		synchronize_rcu();
	WRITE_ONCE(s.stop, 1);
	kt_join(&team);
}

static void count_call(struct rcu_head *head)
{
	struct node *n = container_of(head, struct node, rcu);

	if (n->number < s.last_number)
		s.disorder++;
	s.last_number = n->number;
	atomic_inc(&s.called);
}

KTEST(rcu, callbacks_in_order)
{
	reset();
	thread_migrate_self(kt_cpu(0));
	for (u32 i = 0; i < 32; i++) {
		s.node[i].number = i;
		call_rcu(&s.node[i].rcu, count_call);
	}
	rcu_barrier();
	KT_EQ(t, atomic_read(&s.called), 32);
	KT_EQ(t, s.disorder, 0);
	thread_set_affinity(current(), &cpu_online_mask);
}

static void queue_here(void *arg)
{
	(void)arg;
	call_rcu(&s.node[smp_processor_id()].rcu, count_call);
}

KTEST(rcu, barrier_all_cpus)
{
	for (int i = 0; i < 3; i++) {
		reset();
		on_each_cpu(queue_here, NULL);
		rcu_barrier();
		KT_EQ(t, atomic_read(&s.called), kt_cpus());
	}
}

static void update_reader(void *arg)
{
	(void)arg;
	while (!READ_ONCE(s.stop)) {
		struct node *n;

		rcu_read_lock();
		n = rcu_dereference(s.shared);
		for (int i = 0; i < 20; i++) {
			if (READ_ONCE(n->magic) != ALIVE)
				atomic_inc(&s.bad);
			cpu_relax();
		}
		rcu_read_unlock();
		atomic_inc(&s.reads);
	}
}

KTEST(rcu, updates)
{
	struct kt_team team = { .nr = 0 };
	u32 cur = 0;

	reset();
	s.node[0].magic = ALIVE;
	s.shared = &s.node[0];
	for (u32 i = 0; i < 3; i++)
		kt_spawn(t, &team, -1, update_reader, NULL);
	KT_EXPECT(t, kt_wait_for(atomic_read(&s.reads) > 0));
	for (u32 i = 0; i < (kt_cpus() < 4 ? 3 : 20); i++) {
		struct node *old = &s.node[cur];

		cur = !cur;
		s.node[cur].magic = ALIVE;
		rcu_assign_pointer(s.shared, &s.node[cur]);
		synchronize_rcu();
		WRITE_ONCE(old->magic, POISON);
	}
	WRITE_ONCE(s.stop, 1);
	kt_join(&team);
	KT_EQ(t, atomic_read(&s.bad), 0);
}

static void srcu_sleeper(void *arg)
{
	int idx = srcu_read_lock(&s.srcu);

	(void)arg;
	WRITE_ONCE(s.inside, 1);
	while (!READ_ONCE(s.release))
		sleep_ms(1);
	srcu_read_unlock(&s.srcu, idx);
}

static void srcu_synchronizer(void *arg)
{
	(void)arg;
	synchronize_srcu(&s.srcu);
	smp_store_release(&s.returned, 1);
}

KTEST(srcu, reader_blocks)
{
	struct kt_team team = { .nr = 0 };
	struct srcu_struct other;

	reset();
	srcu_init(&other);
	kt_spawn(t, &team, -1, srcu_sleeper, NULL);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.inside)));
	kt_spawn(t, &team, -1, srcu_synchronizer, NULL);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(s.returned), 0);
	synchronize_srcu(&other);	/* another domain does not wait */
	synchronize_rcu();		/* nor does RCU */
	KT_EQ(t, READ_ONCE(s.returned), 0);
	WRITE_ONCE(s.release, 1);
	kt_join(&team);
	KT_EQ(t, s.returned, 1);
}

/* A reader that comes during the grace period does not hold it up. */
KTEST(srcu, late_reader)
{
	struct kt_team team = { .nr = 0 };
	u32 bank;
	int idx;

	reset();
	kt_spawn(t, &team, -1, srcu_sleeper, NULL);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.inside)));
	bank = s.srcu.idx;
	kt_spawn(t, &team, -1, srcu_synchronizer, NULL);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.srcu.idx) != bank));
	idx = srcu_read_lock(&s.srcu);
	WRITE_ONCE(s.release, 1);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.returned)));
	srcu_read_unlock(&s.srcu, idx);
	kt_join(&team);
}

static void srcu_update_reader(void *arg)
{
	(void)arg;
	while (!READ_ONCE(s.stop)) {
		int idx = srcu_read_lock(&s.srcu);
		struct node *n = srcu_dereference(s.shared, &s.srcu);

		if (READ_ONCE(n->magic) != ALIVE)
			atomic_inc(&s.bad);
		yield();
		if (READ_ONCE(n->magic) != ALIVE)
			atomic_inc(&s.bad);
		srcu_read_unlock(&s.srcu, idx);
		atomic_inc(&s.reads);
	}
}

KTEST(srcu, updates)
{
	struct kt_team team = { .nr = 0 };
	u32 cur = 0;

	reset();
	s.node[0].magic = ALIVE;
	s.shared = &s.node[0];
	for (u32 i = 0; i < 3; i++)
		kt_spawn(t, &team, -1, srcu_update_reader, NULL);
	KT_EXPECT(t, kt_wait_for(atomic_read(&s.reads) > 0));
	for (int i = 0; i < 50; i++) {
		struct node *old = &s.node[cur];

		cur = !cur;
		s.node[cur].magic = ALIVE;
		rcu_assign_pointer(s.shared, &s.node[cur]);
		synchronize_srcu(&s.srcu);
		WRITE_ONCE(old->magic, POISON);
	}
	WRITE_ONCE(s.stop, 1);
	kt_join(&team);
	KT_EQ(t, atomic_read(&s.bad), 0);
}
