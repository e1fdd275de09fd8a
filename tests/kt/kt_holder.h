/* SPDX-License-Identifier: MIT */
/*
 * A thread that keeps a test's mm loaded on another CPU: running on it, or
 * asleep so that the CPU's idle thread borrows it (lazy).  The test's own
 * thread stays on CPU 0 meanwhile.
 */
#ifndef TESTS_KT_KT_HOLDER_H
#define TESTS_KT_KT_HOLDER_H

#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/thread.h"
#include "mm/tlb.h"
#include "tests/kt/kt_mm.h"

enum holder_how { HOLD_ACTIVE, HOLD_LAZY };

struct holder {
	struct mm_struct *mm;
	enum holder_how how;
	u32 cpu, ready, stop;
	vaddr_t touch;			/* written once when set */
	struct wait_queue_head wq;
	struct thread *thread;
};

static inline void holder_main(void *arg)
{
	struct holder *h = arg;

	activate_mm(h->mm);
	WRITE_ONCE(h->ready, 1);
	while (!READ_ONCE(h->stop)) {
		vaddr_t va = READ_ONCE(h->touch);
		u64 one = 1;

		if (va && !copy_to_user(va, &one, sizeof(one)))
			WRITE_ONCE(h->touch, 0);
		if (h->how == HOLD_LAZY)
			wait_event(&h->wq, READ_ONCE(h->stop) ||
					   READ_ONCE(h->touch));
		else
			yield();
		cpu_relax();
	}
	deactivate_mm();
}

/* Asleep and off its CPU, which keeps what was loaded. */
static inline bool holder_is_lazy(const struct holder *h)
{
	return READ_ONCE(h->thread->state) == THREAD_SLEEPING &&
	       !READ_ONCE(h->thread->on_cpu) &&
	       (!h->cpu || cpu_tlb_state(h->cpu)->lazy);
}

static inline bool holder_start(struct kt *t, struct holder *h,
				struct mm_struct *mm, enum holder_how how)
{
	*h = (struct holder){ .mm = mm, .how = how, .cpu = kt_other_cpu() };
	init_waitqueue_head(&h->wq);
	kt_pin(0);
	h->thread = kthread_run("holder", (int)h->cpu, holder_main, h);
	if (!KT_EXPECT(t, !IS_ERR(h->thread)))
		return false;
	while (!READ_ONCE(h->ready))
		yield();
	while (how == HOLD_LAZY && !holder_is_lazy(h))
		yield();
	return true;
}

/* The holder's CPU writes a word at va; returns when it has. */
static inline void holder_touch(struct holder *h, vaddr_t va)
{
	WRITE_ONCE(h->touch, va);
	wake_up_all(&h->wq);
	while (READ_ONCE(h->touch))
		yield();
}

static inline void holder_stop(struct holder *h)
{
	WRITE_ONCE(h->stop, 1);
	wake_up_all(&h->wq);
	thread_join(h->thread);
	kt_unpin();
}

#endif
