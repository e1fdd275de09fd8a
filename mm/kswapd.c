/* SPDX-License-Identifier: MIT */
/*
 * kswapd: one thread a node, which reclaims before anybody has to wait.
 *
 *	allocator			kswapd
 *	(1) free < low			(A) sleeps until asked
 *	(2) kswapd_wanted = 1; wake	(B) kswapd_wanted = 0
 *	(3) goes on, down to min	(C) reclaims until free >= high
 * (2) after (B) is seen at (A) again.
 *
 * After many rounds that freed nothing it sleeps until memory was freed or the
 * next request: whoever needs memory then reclaims itself, and finds out
 * whether to kill.
 * Tests: tests/kt/kt_vmscan.c
 */
#include "kernel/init.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/page_alloc.h"
#include "mm/vmscan.h"

#define BATCH		128
#define MAX_FAILURES	4

static void balance(struct pglist_data *n)
{
	u32 failures = 0;

	while (memory_below(WMARK_HIGH) && failures < MAX_FAILURES) {
		if (try_to_free_pages(BATCH, RECLAIM_KSWAPD))
			failures = 0;
		else
			failures++;
	}
	WRITE_ONCE(n->kswapd_failures, failures);
}

static void kswapd_main(void *arg)
{
	struct pglist_data *n = arg;

	current()->memalloc++;
	for (;;) {
		wait_event(&n->kswapd_wait, READ_ONCE(n->kswapd_wanted));
		WRITE_ONCE(n->kswapd_wanted, 0);		/* (B) */
		balance(n);
		if (n->kswapd_failures)
			sleep_ms(100);
	}
}

void kswapd_wake(void)
{
	struct pglist_data *n = &node_data[0];

	if (READ_ONCE(n->kswapd_wanted) || !READ_ONCE(n->kswapd))
		return;
	WRITE_ONCE(n->kswapd_wanted, 1);			/* (2) */
	wake_up_all(&n->kswapd_wait);
}

static int kswapd_init(void)
{
	struct pglist_data *n = &node_data[0];
	struct thread *t = kthread_run("kswapd0", -1, kswapd_main, n);

	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	WRITE_ONCE(n->kswapd, t);
	return 0;
}
INITCALL_LEVEL(1, kswapd_init);
