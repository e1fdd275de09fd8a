/* SPDX-License-Identifier: MIT */
/*
 * The main job: a program's page tables are moved while it runs.
 *
 * The program (user/pattern.c) has four threads that write a pattern over
 * private and file memory, forks, and writes again through copy-on-write,
 * parent and child.  A device reads and writes the same memory through its
 * own shadow table all the while (device.c), and the migrator moves every
 * table of the program's address space again and again.  In the end
 *
 * G1  the program found every byte right, the device's included;
 * G2  every page written is dirty: no dirty bit was lost in a move;
 * G3  the device saw no stale page;
 * G4  the auditor finds nothing wrong;
 * G5  frames, tables and objects are as many as before.
 *
 * The moves are spread over rounds of the program by its own count of pages,
 * so that they meet faults, forks and copies, not one sleeping thread: first
 * touch, then copy-on-write, and the last quarter writing in place.  Before
 * that the dirty bits are cleared (dirty.c), else G2 would say little.
 *
 * Lifetime: the program's mm has a user here until it has checked itself; it
 * ends with the device still attached, so the device sees `release`.
 */
#include "drivers/shadow/shadow.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/check.h"
#include "mm/gup.h"
#include "mm/pgtable.h"
#include "mm/ptmigrate.h"
#include "mm/vma.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "tests/demo/demo.h"

#define STEP_NS		180000000000ULL	/* far above the usual */
#define MOVE_WAIT_NS	200000000ULL	/* a program that only forks or waits */

#define say(d, ...) do {						\
	if ((d)->plan->flags & DEMO_LOUD)				\
		kprintf("demo: " __VA_ARGS__);				\
} while (0)

int demo_fail(struct demo *d, const char *fmt, ...)
{
	va_list ap;

	if (__atomic_exchange_n(&d->failed, 1, __ATOMIC_SEQ_CST))
		return -EIO;
	va_start(ap, fmt);
	vscnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	return -EIO;
}

/* --- the program --- */

static bool program_ended(struct demo *d)
{
	return READ_ONCE(d->proc->state) != PROC_RUNNING;
}

/* 0 while it makes sense to wait on. */
static int may_wait(struct demo *d, u64 deadline, const char *what)
{
	if (READ_ONCE(d->failed))
		return -EIO;
	if (program_ended(d))
		return demo_fail(d, "the program ended early, status 0x%x, "
				 "before it was %s", d->proc->exit_status, what);
	if (shell_interrupted())
		return demo_fail(d, "interrupted");
	if (ktime_get() > deadline)
		return demo_fail(d, "the program was not %s in time", what);
	sleep_ms(2);
	return 0;
}

static int wait_phase(struct demo *d, u32 phase, const char *what)
{
	u64 deadline = ktime_get() + STEP_NS;
	u32 now;

	for (;;) {
		now = smp_load_acquire(&d->ctl->phase);
		if (now == PATTERN_FAILED)
			return demo_fail(d, "the program found a wrong byte");
		if (now >= phase)
			return 0;
		if (may_wait(d, deadline, what))
			return -EIO;
	}
}

static void tell(struct demo *d, u32 command)
{
	smp_store_release(&d->ctl->command, command);
}

/* A program of ours with these arguments; NULL terminates. */
static int spawn(struct demo *d, char *const argv[])
{
	const char *why = NULL;

	d->proc = process_spawn(argv, &why);
	if (!IS_ERR(d->proc))
		return 0;
	demo_fail(d, "%s cannot run: %s (%d)", argv[0], why ? why : "error",
		  (int)PTR_ERR(d->proc));
	d->proc = NULL;
	return -EIO;
}

/* Parent and child have one process group, the parent's.  0 or -ESRCH. */
static int signal_program(u32 pid, u32 sig)
{
	struct linux_siginfo info;

	siginfo_user(&info, sig, SI_KERNEL);
	return send_signal_pgrp(pid, &info);
}

/* Waits for the end and forgets the process.  Its status word. */
static u32 reap(struct demo *d)
{
	u32 status;

	wait_event(&d->proc->event, program_ended(d));
	status = d->proc->exit_status;
	process_put(d->proc);
	d->proc = NULL;
	return status;
}

/* The control page, as soon as the program has mapped it. */
static int find_control_page(struct demo *d)
{
	u64 deadline = ktime_get() + STEP_NS;
	bool writable;

	d->mm = upcall_mm_of_pid(d->proc->pid);
	if (!d->mm)
		return demo_fail(d, "the program has no address space");
	while (get_user_page(d->mm, PATTERN_CTL, FAULT_WRITE, &d->ctl_page,
			     &writable)) {
		if (may_wait(d, deadline, "mapped"))
			return -EIO;
	}
	d->ctl = page_address(d->ctl_page);
	return wait_phase(d, PATTERN_READY, "ready");
}

static int start_program(struct demo *d)
{
	char mib[16], file[64];
	char *argv[] = { "/bin/pattern", "0", mib, file, NULL };

	snprintf(mib, sizeof(mib), "%llu", d->plan->mib);
	snprintf(file, sizeof(file), "%s", d->plan->file);
	if (spawn(d, argv) || find_control_page(d))
		return -EIO;
	d->pages = d->ctl->anon_pages + d->ctl->file_pages;
	say(d, "/bin/pattern runs as process %u: %llu MiB of its own at 0x%lx, "
	    "%lu MiB of a file at 0x%lx, shared\n", d->proc->pid, d->plan->mib,
	    PATTERN_ANON, d->ctl->file_pages >> 8, PATTERN_FILE);
	return 0;
}

/* --- the moves --- */

/* Until the program has done so many pages, or a while has passed. */
static int wait_progress(struct demo *d, u64 pages)
{
	u64 now = ktime_get(), until = now + MOVE_WAIT_NS;

	while (READ_ONCE(d->ctl->progress) < pages && ktime_get() < until) {
		if (may_wait(d, now + STEP_NS, "busy"))
			return -EIO;
	}
	return 0;
}

static int move_once(struct demo *d)
{
	struct ptmigrate_result res;
	int err;

	memset(&res, 0, sizeof(res));
	err = mm_relocate_tables(d->mm, PTMIGRATE_LIVE, &res);
	if (err)
		return demo_fail(d, err == -EINTR ? "interrupted" :
				 "the tables cannot be moved: %d", err);
	if (!res.moved[PT_LEVELS])
		return demo_fail(d, "the top table was not moved");
	for (int level = 1; level <= PT_LEVELS; level++)
		d->tables_moved += res.moved[level];
	d->bits_settled += res.harvested;
	return 0;
}

/* An odd round, and the parent has written all of it? */
static bool own_pages_again(struct demo *d)
{
	u64 anon = d->ctl->anon_pages, file = d->ctl->file_pages;
	u64 round = PATTERN_ROUND(anon, file);
	u64 done = READ_ONCE(d->ctl->progress);

	return (done / round & 1) && done % round >= anon + file;
}

/*
 * The last round writes in place: the CPUs set the dirty bits while the tables
 * move, and no fault sets them.  It begins when the round that runs is done.
 */
static int begin_last_round(struct demo *d)
{
	u64 deadline = ktime_get() + STEP_NS, cleaned;
	u32 rounds;

	do {
		while (!own_pages_again(d)) {
			if (may_wait(d, deadline, "done with its writing"))
				return -EIO;
		}
		rounds = READ_ONCE(d->ctl->rounds);
		cleaned = demo_clean_pages(d);
		/* Else the next round has begun, and lost what it wrote. */
	} while (!(rounds & 1) || READ_ONCE(d->ctl->rounds) != rounds);
	tell(d, PATTERN_STOP);
	say(d, "all dirty bits are cleared: the processors must set %llu of "
	    "them again, while tables move\n", cleaned);
	while (READ_ONCE(d->ctl->rounds) == rounds) {
		if (may_wait(d, deadline, "in its last round"))
			return -EIO;
	}
	return 0;
}

static int move_tables(struct demo *d)
{
	u64 anon = d->ctl->anon_pages, file = d->ctl->file_pages;
	u64 span = PATTERN_ROUND(anon, file) + anon + file;
	u32 moves = d->plan->moves, paced = moves - moves / 4;

	for (u32 i = 1; i <= moves; i++) {
		if (i <= paced && wait_progress(d, span * (i - 1) / paced))
			return -EIO;
		if (i == paced + 1 && begin_last_round(d))
			return -EIO;
		if (move_once(d))
			return -EIO;
		if (i % max(moves / 4, 1U) == 0)
			say(d, "tables moved %u times (%llu pages of tables); "
			    "the program has done %u rounds, the device made "
			    "%llu accesses\n", i, d->tables_moved,
			    d->ctl->rounds,
			    d->reads + d->writes + d->adds + d->fills);
	}
	return 0;
}

/* --- the checks --- */

/* The program checks itself, G1, with what the device did at hand. */
static int settle(struct demo *d)
{
	u64 bytes = d->pages * sizeof(*d->ledger);

	tell(d, PATTERN_STOP);
	if (wait_phase(d, PATTERN_STOPPED, "done with its last round"))
		return -EIO;
	demo_device_stop(d);
	if (d->failed)
		return -EIO;
	say(d, "both stop: the device made %llu reads, %llu writes, %llu "
	    "fills and %llu atomic additions\n", d->reads, d->writes,
	    d->fills, d->adds);
	if (copy_to_mm(d->mm, PATTERN_LEDGER, d->ledger, bytes))
		return demo_fail(d, "the ledger does not fit");
	if (demo_check_dirty(d))
		return -EIO;
	say(d, "all %llu pages written are marked dirty; the moves carried "
	    "over %llu late accessed or dirty bits\n", d->pages,
	    d->bits_settled);
	tell(d, PATTERN_SETTLE);
	return wait_phase(d, PATTERN_CHECKED, "done with its check");
}

static void put_program_memory(struct demo *d)
{
	if (d->ctl_page)
		put_page(d->ctl_page);
	if (d->mm)
		mmput(d->mm);
	d->ctl_page = NULL;
	d->ctl = NULL;
	d->mm = NULL;
}

/* G1, G3: its end, with the device still there. */
static int end_program(struct demo *d)
{
	struct shadow_stats st;
	u32 status;

	tell(d, PATTERN_LEAVE);
	put_program_memory(d);
	status = reap(d);
	if (status)
		return demo_fail(d, "the program ended with status 0x%x",
				 status);
	shadow_get_stats(d->dev, &st);
	say(d, "the program ended with exit status 0; the device took %llu "
	    "faults, %llu entries were taken from it, stale accesses: %llu\n",
	    st.faults, st.zaps, st.stale);
	if (st.stale)
		return demo_fail(d, "%llu stale device accesses", st.stale);
	return 0;
}

static int run_steps(struct demo *d)
{
	if (start_program(d) || demo_device_start(d))
		return -EIO;
	say(d, "device %u attached: it reads and writes the same memory by "
	    "address, through its own shadow table\n",
	    shadow_dev_id(d->dev));
	tell(d, PATTERN_GO);
	if (wait_phase(d, PATTERN_RUNNING, "running"))
		return -EIO;
	say(d, "four threads write a pattern, fork, and write again through "
	    "copy-on-write; all page tables move under them\n");
	if (move_tables(d) || settle(d))
		return -EIO;
	if (mm_check())
		return demo_fail(d, "the auditor found problems");
	say(d, "the auditor walked all tables, mappings and counts: nothing "
	    "wrong\n");
	return end_program(d);
}

/* After a failure: its child, if there is one, goes as well. */
static void kill_program(struct demo *d)
{
	u64 deadline = ktime_get() + STEP_NS;
	u32 pid = d->proc->pid;

	signal_program(pid, SIGKILL);
	demo_device_stop(d);
	put_program_memory(d);
	reap(d);
	while (!signal_program(pid, 0) && ktime_get() < deadline)
		sleep_ms(2);
}

int demo_run(struct demo *d, const struct demo_plan *plan)
{
	int err;

	memset(d, 0, sizeof(*d));
	d->plan = plan;
	err = run_steps(d);
	if (d->proc)
		kill_program(d);
	demo_device_end(d);
	return err;
}
