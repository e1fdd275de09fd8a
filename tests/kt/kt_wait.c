/* SPDX-License-Identifier: MIT */
/* Wait queues, sleeps with a deadline, timers. */
#include "kernel/preempt.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "tests/kt/kt_util.h"

#define MS	1000000ULL

static struct {
	struct wait_queue_head wq;
	u32 tickets, go;
	atomic_t woken, waiting;
	u32 fired, order[4], in_irq;
	bool ok;
	struct timer timer[3];
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	init_waitqueue_head(&s.wq);
}

static bool take_ticket(void)
{
	u32 n = READ_ONCE(s.tickets);

	do {
		if (!n)
			return false;
	} while (!try_cmpxchg(&s.tickets, &n, n - 1));
	return true;
}

static void ticket_taker(void *arg)
{
	(void)arg;
	wait_event(&s.wq, take_ticket());
	atomic_inc(&s.woken);
}

static u32 queued(void)
{
	struct list_head *p;
	u64 flags = spin_lock_irqsave(&s.wq.lock);
	u32 n = 0;

	list_for_each(p, &s.wq.head)
		n++;
	spin_unlock_irqrestore(&s.wq.lock, flags);
	return n;
}

KTEST(wait, wake_one)
{
	struct kt_team team = { .nr = 0 };

	reset();
	for (u32 i = 0; i < 3; i++)
		kt_spawn(t, &team, -1, ticket_taker, NULL);
	KT_EXPECT(t, kt_wait_for(queued() == 3));
	WRITE_ONCE(s.tickets, 1);
	wake_up(&s.wq);
	KT_EXPECT(t, kt_wait_for(atomic_read(&s.woken) == 1));
	KT_EQ(t, queued(), 2);
	WRITE_ONCE(s.tickets, 2);
	wake_up_all(&s.wq);
	kt_join(&team);
	KT_EQ(t, atomic_read(&s.woken), 3);
	KT_EQ(t, queued(), 0);
}

KTEST(wait, deadline)
{
	u64 start = ktime_get(), end = start + 15 * MS;

	reset();
	KT_EXPECT(t, !wait_event_until(&s.wq, READ_ONCE(s.go), end));
	KT_EXPECT(t, ktime_get() >= end);
	KT_EQ(t, queued(), 0);
	KT_EXPECT(t, !wait_event_until(&s.wq, false, start));	/* past */
	KT_EXPECT(t, wait_event_until(&s.wq, true, start));
}

static void waiter_until(void *arg)
{
	(void)arg;
	s.ok = wait_event_until(&s.wq, READ_ONCE(s.go),
				ktime_get() + KT_DEADLINE_NS);
}

KTEST(wait, before_deadline)
{
	struct kt_team team = { .nr = 0 };
	u64 start = ktime_get();

	reset();
	kt_spawn(t, &team, -1, waiter_until, NULL);
	KT_EXPECT(t, kt_wait_for(queued() == 1));
	WRITE_ONCE(s.go, 1);
	wake_up(&s.wq);
	kt_join(&team);
	KT_EXPECT(t, s.ok);
	KT_EXPECT(t, ktime_get() - start < KT_DEADLINE_NS);
}

KTEST(wait, sleep)
{
	u64 start = ktime_get();

	sleep_ms(12);
	KT_EXPECT(t, ktime_get() - start >= 12 * MS);
}

static void fire(void *arg)
{
	u32 i = (u32)(u64)arg;

	WRITE_ONCE(s.in_irq, s.in_irq + in_irq());
	s.order[s.fired] = i;
	smp_store_release(&s.fired, s.fired + 1);
}

KTEST(timer, order)
{
	u64 now;

	reset();
	preempt_disable();		/* all on one CPU's list */
	now = ktime_get();
	timer_start(&s.timer[2], now + 3, fire, (void *)2);
	timer_start(&s.timer[0], now + 1, fire, (void *)0);
	timer_start(&s.timer[1], now + 2, fire, (void *)1);
	KT_EXPECT(t, kt_spin_for(smp_load_acquire(&s.fired) == 3));
	preempt_enable();
	for (u32 i = 0; i < 3; i++)
		KT_EQ(t, s.order[i], i);
	KT_EQ(t, s.in_irq, 3);
	for (u32 i = 0; i < 3; i++)
		KT_EXPECT(t, !timer_cancel(&s.timer[i]));
}

KTEST(timer, cancel)
{
	reset();
	timer_start(&s.timer[0], ktime_get() + 20 * MS, fire, NULL);
	KT_EXPECT(t, timer_cancel(&s.timer[0]));
	KT_EXPECT(t, !timer_cancel(&s.timer[0]));
	sleep_ms(40);
	KT_EQ(t, s.fired, 0);
}

static void again(void *arg)
{
	fire(arg);
	if (s.fired < 3)
		timer_start(&s.timer[0], ktime_get(), again, arg);
}

KTEST(timer, restarts_itself)
{
	reset();
	timer_start(&s.timer[0], ktime_get(), again, NULL);
	KT_EXPECT(t, kt_wait_for(smp_load_acquire(&s.fired) == 3));
	timer_cancel(&s.timer[0]);
	KT_EQ(t, s.fired, 3);
}
