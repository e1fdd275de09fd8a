/* SPDX-License-Identifier: MIT */
/*
 * The thread that scans, and the shell's command for it.
 *
 * pages_to_scan pages, then a sleep of sleep_ms, while `run` says so and some
 * mm has mergeable memory.  Off at boot, as in Linux.
 * Tests: tests/kt/kt_ksm.c, drive/stress
 */
#include "kernel/init.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/ksm_impl.h"

static u32 running;				/* a */
static u32 pages_to_scan = 100, sleep_time = 20;	/* a; the latter: ms */
static struct wait_queue_head ksmd_wait = WAIT_QUEUE_HEAD_INIT(ksmd_wait);

void ksmd_wake(void)
{
	if (READ_ONCE(running))
		wake_up_all(&ksmd_wait);
}

static void ksmd_main(void *arg)
{
	(void)arg;
	for (;;) {
		wait_event_idle(&ksmd_wait, READ_ONCE(running) && !ksm_idle());
		ksm_scan(READ_ONCE(pages_to_scan));
		sleep_ms(READ_ONCE(sleep_time));
	}
}

static int ksmd_init(void)
{
	struct thread *t = kthread_run("ksmd", -1, ksmd_main, NULL);

	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	thread_put(t);
	return 0;
}
INITCALL_LEVEL(1, ksmd_init);

static void print_state(void)
{
	struct ksm_stats s;

	ksm_stats(&s);
	kprintf("%s: %u pages, then %u ms of sleep\n",
		READ_ONCE(running) ? "runs" : "stopped",
		READ_ONCE(pages_to_scan), READ_ONCE(sleep_time));
	kprintf("pages_shared %llu, pages_sharing %llu, pages_unshared %llu, pages_volatile %llu\n",
		s.shared, s.sharing, s.unshared, s.volatile_);
	kprintf("full_scans %llu, scanned %llu, merged %llu, busy %llu\n",
		s.full_scans, s.scanned, s.merged, s.busy);
	kprintf("%llu address spaces, %llu items, %llu places\n", s.slots,
		s.items, s.places);
}

static int set_number(const char *what, const char *text, u32 *to)
{
	u64 n;

	if (shell_parse_u64(what, text, &n) || !n || n > 1000000)
		return -EINVAL;
	WRITE_ONCE(*to, (u32)n);
	return 0;
}

static int cmd_ksm(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	u32 passes = 1;
	int err = 0;

	if (argc == 3 && !strcmp(what, "pages"))
		err = set_number("PAGES", argv[2], &pages_to_scan);
	else if (argc == 3 && !strcmp(what, "sleep"))
		err = set_number("MS", argv[2], &sleep_time);
	else if (argc == 3 && !strcmp(what, "scan"))
		err = set_number("PASSES", argv[2], &passes);
	else if (argc != 1 && (argc != 2 || (strcmp(what, "run") &&
		 strcmp(what, "stop") && strcmp(what, "unmerge"))))
		err = -EINVAL;
	if (err) {
		kprintf("usage: ksm [run|stop|unmerge|pages N|sleep MS|scan PASSES]\n");
		return err;
	}
	if (!strcmp(what, "run") || !strcmp(what, "stop") ||
	    !strcmp(what, "unmerge"))
		WRITE_ONCE(running, !strcmp(what, "run"));
	ksmd_wake();
	if (!strcmp(what, "unmerge"))
		err = ksm_unmerge_all();
	else if (!strcmp(what, "scan"))
		ksm_scan_passes(passes);
	print_state();
	return err;
}
SHELL_CMD(ksm, "[run|stop|unmerge|pages N|sleep MS|scan PASSES]",
	  "merging of equal pages (MADV_MERGEABLE): do it; counts", 0, 2,
	  cmd_ksm);
