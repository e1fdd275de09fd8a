/* SPDX-License-Identifier: MIT */
/*
 * The flusher: a thread that writes dirty pages back every few seconds, when
 * there are many, and when somebody asks; and the brake for writers.
 *
 * L1. Above half the limit the flusher works; above the limit writers wait
 *     for the device, each at most THROTTLE_NS per page: a device that is slow
 *     or dead slows its writers down and stops nobody.  Pages under write-back
 *     count: they are no more to be had than dirty ones.
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
static atomic64_t nr_dirty, nr_writeback;
static u64 limit_override;			/* a: tests; 0: none */
static atomic64_t nr_throttled;			/* waits of writers */
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

/* What cannot be given back before the device has answered. */
static u64 nr_unclean(void)
{
	return nr_dirty_pages() + (u64)atomic64_read(&nr_writeback);
}

void writeback_set_limit(u64 pages)
{
	WRITE_ONCE(limit_override, pages);
}

u64 writeback_throttled(void)
{
	return (u64)atomic64_read(&nr_throttled);
}

static u64 dirty_limit(void)
{
	u64 limit = READ_ONCE(limit_override);

	return limit ? limit : max(mem_usable_bytes / PAGE_SIZE / LIMIT_SHARE, LIMIT_MIN);
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

	if (likely(nr_unclean() <= limit / 2))
		return;
	if (nr_dirty_pages())
		flusher_wake();					/* L1 */
	if (nr_unclean() <= limit)
		return;
	atomic64_inc(&nr_throttled);
	wait_event_until(&throttle_wq, nr_unclean() <= limit,
			 ktime_get() + THROTTLE_NS);
}

void account_writeback(s64 pages)
{
	atomic64_add(pages, &nr_writeback);
	if (pages < 0 && nr_unclean() <= dirty_limit())
		wake_up_all(&throttle_wq);
}

static void write_all(void)
{
	struct address_space *m;

	down_read(&wb_sem);
	list_for_each_entry(m, &wb_list, wb_link) {
		const struct wb_range r = WB_WHOLE(m, WB_NONE);

		(void)write_mapping_pages(&r, U64_MAX);
	}
	up_read(&wb_sem);
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
