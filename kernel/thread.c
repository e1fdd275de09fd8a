/* SPDX-License-Identifier: MIT */
/*
 * Threads: birth, death and references.
 *
 * T1  A thread has a reference of its own from creation until the reaper has
 *     freed its stack; others hold more.  The last one frees the structure.
 * T2  Nobody runs on a stack that is freed: a dead thread reaches the reaper
 *     from finish_switch(), when its CPU is on another stack.
 * T3  all_threads holds every thread that has a structure, idle ones too; an
 *     entry leaves it, under all_lock, before the structure is freed.
 *
 * The list to the reaper is lock-free, many producers and one consumer that
 * takes everything:
 *
 *	producer (irqs off)		reaper
 *	(1) t->reap_next = head		(A) list = xchg(head, NULL)
 *	(2) cmpxchg(head, old, t)	(B) works through it
 * (2) fails when (A) or another (2) came between, and is tried again.  Only
 * (A) removes, and it removes all, so no entry comes back meanwhile (no ABA).
 *
 * Tests: tests/kt/kt_sched.c
 */
#include "arch/cpu.h"
#include "kernel/config.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"

#define STACK_BYTES	(CONFIG_STACK_PAGES * 4096UL)

static LIST_HEAD(all_threads);
static DEFINE_SPINLOCK(all_lock, LOCK_THREADS);
static atomic_t next_tid = ATOMIC_INIT(1);

static struct thread *reap_list;
static struct wait_queue_head reap_wq = WAIT_QUEUE_HEAD_INIT(reap_wq);
static struct wait_queue_head reaped_wq = WAIT_QUEUE_HEAD_INIT(reaped_wq);
static atomic_t nr_unreaped;		/* exiting, not yet through the reaper */

static void thread_init_common(struct thread *t, const char *name)
{
	t->state = THREAD_SLEEPING;
	strlcpy(t->name, name, sizeof(t->name));
	cpumask_setall(&t->affinity);
	INIT_LIST_HEAD(&t->rq_link);
	init_waitqueue_head(&t->exit_wait);
	atomic_set(&t->refs, 1);
	spin_lock(&all_lock);
	list_add_tail(&t->all_link, &all_threads);
	spin_unlock(&all_lock);
}

void thread_init_idle(struct thread *t, u32 cpu)
{
	char name[16] = "idle/";

	name[5] = (char)('0' + cpu / 100);
	name[6] = (char)('0' + cpu / 10 % 10);
	name[7] = (char)('0' + cpu % 10);
	thread_init_common(t, name);
	t->state = THREAD_RUNNABLE;
	t->cpu = cpu;
	t->idle = true;
	cpumask_clear(&t->affinity);
	cpumask_set_cpu(cpu, &t->affinity);
}

struct thread *thread_create(const char *name, void (*fn)(void *), void *arg)
{
	struct thread *t = kzalloc(sizeof(*t));

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->stack = kstack_alloc();
	if (!t->stack) {
		kfree(t);
		return ERR_PTR(-ENOMEM);
	}
	/* commit */
	arch_thread_init(&t->arch, (u8 *)t->stack + STACK_BYTES);
	t->fn = fn;
	t->arg = arg;
	t->tid = (u32)atomic_fetch_add(1, &next_tid);
	t->cpu = smp_processor_id();
	thread_init_common(t, name);
	thread_get(t);			/* the caller's; T1 */
	return t;
}

void thread_start(struct thread *t)
{
	KASSERT(t->state == THREAD_SLEEPING);
	wake_up_thread(t);
}

void thread_bind(struct thread *t, u32 cpu)
{
	struct cpumask m = CPUMASK_NONE;

	cpumask_set_cpu(cpu, &m);
	thread_set_affinity(t, &m);
}

void thread_migrate_self(u32 cpu)
{
	might_sleep();
	thread_bind(current(), cpu);
	KASSERT(smp_processor_id() == cpu);
}

struct thread *kthread_run(const char *name, int cpu, void (*fn)(void *),
			   void *arg)
{
	struct thread *t = thread_create(name, fn, arg);

	if (IS_ERR(t))
		return t;
	if (cpu >= 0)
		thread_bind(t, (u32)cpu);
	thread_start(t);
	return t;
}

void thread_exiting(void)
{
	struct thread *t = current();

	if (t->exiting)
		return;
	t->exiting = true;
	atomic_inc(&nr_unreaped);
}

void thread_exit(void)
{
	struct thread *t = current();

	might_sleep();
	if (CONFIG_LAB)
		check_nothing_held("a thread exits", 0);
	thread_exiting();
	/* Not preempted between the two: it would be reaped while it is queued. */
	local_irq_disable();
	WRITE_ONCE(t->state, THREAD_DEAD);
	schedule();
	panic("a dead thread runs");
}

void thread_queue_reap(struct thread *t)
{
	struct thread *head = READ_ONCE(reap_list);

	do {
		t->reap_next = head;				/* (1) */
	} while (!try_cmpxchg(&reap_list, &head, t));		/* (2) */
	wake_up(&reap_wq);
}

static void reap(struct thread *t)
{
	upcall_thread_mm_drop(t);
	kstack_free(t->stack);
	t->stack = NULL;
	smp_store_release(&t->reaped, true);	/* partner: thread_join() */
	wake_up_all(&t->exit_wait);
	thread_put(t);
}

static void reaper_main(void *arg)
{
	struct thread *t, *next;

	(void)arg;
	for (;;) {
		wait_event_idle(&reap_wq, READ_ONCE(reap_list));
		for (t = xchg(&reap_list, NULL); t; t = next) {	/* (A) */
			next = t->reap_next;			/* (B) */
			reap(t);
			if (atomic_dec_and_test(&nr_unreaped))
				wake_up_all(&reaped_wq);
		}
	}
}

void thread_start_reaper(void)
{
	struct thread *t = thread_create("reaper", reaper_main, NULL);

	if (IS_ERR(t))
		panic("no memory for the reaper thread");
	t->urgent = true;
	thread_start(t);
	thread_put(t);
}

void thread_reap_wait(void)
{
	wait_event(&reaped_wq, !atomic_read(&nr_unreaped));
}

void thread_get(struct thread *t)
{
	atomic_inc(&t->refs);
}

void thread_put(struct thread *t)
{
	KASSERT(atomic_read(&t->refs) > 0);
	if (!atomic_dec_and_test(&t->refs))
		return;
	spin_lock(&all_lock);				/* T3 */
	list_del(&t->all_link);
	spin_unlock(&all_lock);
	if (t->user)
		upcall_thread_free(t);
	if (t->stack)			/* never started */
		kstack_free(t->stack);
	kfree(t);
}

void thread_join(struct thread *t)
{
	wait_event(&t->exit_wait, smp_load_acquire(&t->reaped));
	thread_put(t);
}

void for_each_thread(void (*fn)(struct thread *t, void *arg), void *arg)
{
	struct thread *t;

	spin_lock(&all_lock);
	list_for_each_entry(t, &all_threads, all_link)
		fn(t, arg);
	spin_unlock(&all_lock);
}

const char *thread_state_name(const struct thread *t)
{
	switch (READ_ONCE(t->state)) {
	case THREAD_RUNNABLE:
		return READ_ONCE(t->on_cpu) ? "running" : "runnable";
	case THREAD_SLEEPING:
		return "sleeping";
	case THREAD_INTERRUPTIBLE:
		return "waiting";
	default:
		return "dead";
	}
}
