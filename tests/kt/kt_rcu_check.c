/* SPDX-License-Identifier: MIT */
/* kernel/rcu_check.c and srcu_check.c: each kind of misuse, on purpose. */
#include "kernel/preempt.h"
#include "kernel/rcu.h"
#include "kernel/report.h"
#include "tests/kt/kt_util.h"

static struct {
	struct rcu_head head;
	u32 inside, release;
	int *shared, value;
	atomic_t called;
	struct srcu_struct srcu, other;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	s.shared = &s.value;
	srcu_init(&s.srcu);
	srcu_init(&s.other);
	report_expect_begin();
}

static void expect(struct kt *t, const char *a, const char *b)
{
	bool ok = KT_EQ(t, report_expect_end(), 1);

	ok &= KT_EXPECT(t, report_has(a));
	ok &= KT_EXPECT(t, report_has(b));
	if (!ok)
		report_print();
}

KTEST_FLAGS(rcu_check, dereference, KTF_LAB_ONLY)
{
	u64 flags;
	int *p;

	reset();
	rcu_read_lock();
	p = rcu_dereference(s.shared);
	rcu_read_unlock();
	flags = local_irq_save();
	p = rcu_dereference(s.shared);
	local_irq_restore(flags);
	p = rcu_dereference_protected(s.shared, p == &s.value);
	KT_EQ(t, report_expect_end(), 0);
	reset();
	p = rcu_dereference(s.shared);
	expect(t, "s.shared is dereferenced without protection",
	       "kt_rcu_check_dereference+");
	reset();
	p = rcu_dereference_protected(s.shared, p != &s.value);
	expect(t, "s.shared is dereferenced without protection",
	       "(p != &s.value)");
	KT_EXPECT(t, p == &s.value);
}

KTEST_FLAGS(rcu_check, unbalanced, KTF_LAB_ONLY)
{
	reset();
	preempt_disable();
	rcu_read_unlock();
	expect(t, "rcu_read_unlock() without a section", "unbalanced+");
}

KTEST_FLAGS(rcu_check, open_at_switch, KTF_LAB_ONLY)
{
	reset();
	rcu_read_lock();
	sched_check_atomic();
	rcu_read_unlock();
	expect(t, "a thread gives up its CPU in the RCU read section",
	       "open_at_switch+");
}

static void called(struct rcu_head *head)
{
	(void)head;
	atomic_inc(&s.called);
}

KTEST_FLAGS(rcu_check, call_twice, KTF_LAB_ONLY)
{
	reset();
	rcu_read_lock();		/* it cannot run in between */
	call_rcu(&s.head, called);
	call_rcu(&s.head, called);
	rcu_read_unlock();
	expect(t, "is queued already", "call_twice+");
	rcu_barrier();
	KT_EQ(t, atomic_read(&s.called), 1);
	reset();			/* when it has run it may be queued again */
	call_rcu(&s.head, called);
	rcu_barrier();
	KT_EQ(t, report_expect_end(), 0);
	KT_EQ(t, atomic_read(&s.called), 1);
}

static void reader(void *arg)
{
	(void)arg;
	rcu_read_lock();
	WRITE_ONCE(s.inside, 1);
	kt_spin_for(READ_ONCE(s.release));
	rcu_read_unlock();
}

/* As if the grace period that is next ended while the reader is inside. */
KTEST_FLAGS(rcu_check, section_outlives_gp, KTF_LAB_ONLY)
{
	struct kt_team team = { .nr = 0 };

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	reset();
	thread_migrate_self(kt_cpu(0));
	kt_spawn(t, &team, (int)kt_cpu(1), reader, NULL);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(s.inside)));
	rcu_check_gp_end(rcu_started() + 1);
	WRITE_ONCE(s.release, 1);
	expect(t, "is still in the read section opened at reader+",
	       "RCU grace period");
	kt_join(&team);
	thread_set_affinity(current(), &cpu_online_mask);
}

KTEST_FLAGS(srcu_check, wrong_index, KTF_LAB_ONLY)
{
	int idx;

	reset();
	idx = srcu_read_lock(&s.srcu);
	srcu_check_close(&s.srcu, !idx);
	srcu_check_open(&s.srcu, (u32)idx, s.srcu.idx);
	srcu_read_unlock(&s.srcu, idx);
	expect(t, "closed with index 1", "but opened with index 0");
	KT_EXPECT(t, report_has("wrong_index+"));
}

KTEST_FLAGS(srcu_check, unbalanced, KTF_LAB_ONLY)
{
	int idx;

	reset();
	idx = srcu_read_lock(&s.srcu);
	srcu_check_close(&s.other, idx);
	srcu_read_unlock(&s.srcu, idx);
	expect(t, "but this thread has none open", "unbalanced+");
	synchronize_srcu(&s.srcu);
}

KTEST_FLAGS(srcu_check, wrong_bank, KTF_LAB_ONLY)
{
	reset();
	srcu_check_open(&s.srcu, 1, s.srcu.idx);
	srcu_check_close(&s.srcu, 1);
	expect(t, "a reader is counted in bank 1, but bank 0 is in use",
	       "SRCU domain");
}

KTEST_FLAGS(srcu_check, held, KTF_LAB_ONLY)
{
	int idx, *p;

	reset();
	idx = srcu_read_lock(&s.srcu);
	KT_EXPECT(t, srcu_read_lock_held(&s.srcu));
	KT_EXPECT(t, !srcu_read_lock_held(&s.other));
	p = srcu_dereference(s.shared, &s.srcu);
	KT_EQ(t, report_expect_end(), 0);
	report_expect_begin();
	p = srcu_dereference(s.shared, &s.other);
	expect(t, "s.shared is dereferenced without protection",
	       "srcu_read_lock_held(&s.other)");
	KT_EXPECT(t, p == &s.value);
	report_expect_begin();
	check_nothing_held("a test ends", lockdep_held_count());
	expect(t, "a test ends in the SRCU section", "held+");
	srcu_read_unlock(&s.srcu, idx);
}

KTEST_FLAGS(srcu_check, synchronize_inside, KTF_LAB_ONLY)
{
	int idx;

	reset();
	idx = srcu_read_lock(&s.srcu);
	srcu_check_gp_begin(&s.srcu);
	srcu_read_unlock(&s.srcu, idx);
	expect(t, "synchronize_srcu() inside the section",
	       "synchronize_inside+");
}

KTEST_FLAGS(srcu_check, section_outlives_gp, KTF_LAB_ONLY)
{
	int idx;

	reset();
	idx = srcu_read_lock(&s.srcu);
	srcu_check_gp_end(&s.srcu, s.srcu.begun + 1);
	srcu_read_unlock(&s.srcu, idx);
	expect(t, "is still in bank 0, since", "section_outlives_gp+");
}
