/* SPDX-License-Identifier: MIT */
/* mm/motion.c: who moves pages is stopped, and let go again. */
#include "kernel/ktest.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/motion.h"
#include "tests/kt/kt_util.h"

struct mover {
	u32 inside, go, done;
};

static void move_once(void *arg)
{
	struct mover *m = arg;

	page_motion_begin();
	page_motion_begin();			/* nests */
	WRITE_ONCE(m->inside, 1);
	while (!READ_ONCE(m->go))
		sleep_ms(1);
	page_motion_end();
	page_motion_end();
	WRITE_ONCE(m->done, 1);
}

static struct thread *start_mover(struct kt *t, struct mover *m)
{
	struct thread *th = kthread_run("mover", -1, move_once, m);

	KT_EXPECT(t, !IS_ERR(th));
	return IS_ERR(th) ? NULL : th;
}

/* One inside is waited for, and not for ever. */
KTEST(motion, stop_waits)
{
	struct mover m = { 0 };
	struct thread *th = start_mover(t, &m);

	KT_ASSERT(t, th);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(m.inside)));
	KT_EXPECT(t, !page_motion_stop(5));
	WRITE_ONCE(m.go, 1);
	while (!page_motion_stop(50))
		yield();
	page_motion_start();
	thread_join(th);
}

/* One that comes meanwhile waits outside. */
KTEST(motion, begin_waits)
{
	struct mover m = { .go = 1 };
	struct thread *th;

	while (!page_motion_stop(50))
		yield();
	th = start_mover(t, &m);
	KT_ASSERT(t, th);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(th->state) == THREAD_SLEEPING));
	KT_EXPECT(t, !READ_ONCE(m.inside));
	page_motion_start();
	thread_join(th);
	KT_EXPECT(t, m.done);
}
