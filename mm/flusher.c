/* SPDX-License-Identifier: MIT */
/*
 * The flusher: a thread that writes dirty pages back every few seconds, when
 * there are many, and when somebody asks; and the brake for writers.
 *
 * L1. Above half the limit the flusher works; above the limit writers wait
 *     for it, each at most THROTTLE_NS per piece: a device that is slow or
 *     dead slows its writers down and stops nobody.
 * L2. It holds wb_sem over a whole round, so a file leaves only between its
 *     rounds.
 *
 * Locks: wb_sem (LOCK_WRITEBACK) for the list of files with a device; under
 * it page locks.  Tests: tests/kt/kt_writeback.c
 */
#include "kernel/init.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "mm/init.h"
#include "mm/writeback.h"

#define PERIOD_NS	5000000000ULL
#define THROTTLE_NS	200000000ULL
#define LIMIT_SHARE	8		/* of all memory may be dirty */
#define LIMIT_MIN	256U

static struct rwsem wb_sem = RWSEM_INIT(wb_sem, LOCK_WRITEBACK);
static LIST_HEAD(wb_list);			/* wb_sem */
static atomic64_t nr_dirty;
static u32 wanted;				/* a: somebody asks */
static struct wait_queue_head flusher_wq = WAIT_QUEUE_HEAD_INIT(flusher_wq);
static struct wait_queue_head throttle_wq = WAIT_QUEUE_HEAD_INIT(throttle_wq);

void account_dirty(s64 pages)
{
	atomic64_add(pages, &nr_dirty);
}

u64 nr_dirty_pages(void)
{
	return (u64)atomic64_read(&nr_dirty);
}

static u64 dirty_limit(void)
{
	return max(mem_usable_bytes / PAGE_SIZE / LIMIT_SHARE, LIMIT_MIN);
}

void writeback_register(struct address_space *m)
{
	down_write(&wb_sem);
	list_add_tail(&m->wb_link, &wb_list);
	up_write(&wb_sem);
}

void writeback_unregister(struct address_space *m)
{
	down_write(&wb_sem);					/* L2 */
	list_del_init(&m->wb_link);
	up_write(&wb_sem);
}

void flusher_wake(void)
{
	WRITE_ONCE(wanted, 1);
	wake_up(&flusher_wq);
}

void balance_dirty_pages(void)
{
	u64 limit = dirty_limit();

	if (likely(nr_dirty_pages() <= limit / 2))
		return;
	flusher_wake();						/* L1 */
	if (nr_dirty_pages() > limit)
		wait_event_until(&throttle_wq, nr_dirty_pages() <= limit,
				 ktime_get() + THROTTLE_NS);
}

static void write_all(void)
{
	struct address_space *m;

	down_read(&wb_sem);
	list_for_each_entry(m, &wb_list, wb_link) {
		const struct wb_range r = WB_WHOLE(m, WB_NONE);

		if (write_mapping_pages(&r, U64_MAX))
			wake_up_all(&throttle_wq);
	}
	up_read(&wb_sem);
	wake_up_all(&throttle_wq);
}

static void flusher_main(void *arg)
{
	(void)arg;
	for (;;) {
		wait_event_until(&flusher_wq, READ_ONCE(wanted),
				 ktime_get() + PERIOD_NS);
		WRITE_ONCE(wanted, 0);
		write_all();
	}
}

void sync_all_mappings(void)
{
	struct address_space *m;

	down_read(&wb_sem);
	list_for_each_entry(m, &wb_list, wb_link) {
		const struct wb_range r = WB_WHOLE(m, WB_NONE);

		(void)write_mapping_pages(&r, U64_MAX);	/* all at once */
	}
	list_for_each_entry(m, &wb_list, wb_link) {
		const struct wb_range r = WB_WHOLE(m, WB_ALL);

		settle_mapping(&r);
	}
	up_read(&wb_sem);
}

void upcall_sync(void)
{
	sync_all_mappings();
}

static int flusher_init(void)
{
	struct thread *t = kthread_run("flusher", -1, flusher_main, NULL);

	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	thread_put(t);
	return 0;
}
INITCALL_LEVEL(1, flusher_init);
