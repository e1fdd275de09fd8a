/* SPDX-License-Identifier: MIT */
/*
 * Shell: demo.  Test: demo.relocate_small, the same with less of it.
 *
 * G5 compares the leak gates of the tests before and after.  Clean pages of
 * files are dropped before each look; the file of the archive is made dirty
 * before the first, for dirty pages stay.
 */
#include "kernel/ktest.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/page_alloc.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "tests/demo/demo.h"

#define MAX_GATES	32
#define FILE_MIB	4
#define SPARE_MIB	16		/* for everything else */

extern const struct kt_gate __ktgates_start[], __ktgates_end[];
extern void (*const __ktsettles_start[])(void);
extern void (*const __ktsettles_end[])(void);

static u32 nr_gates(void)
{
	u64 n = __ktgates_end - __ktgates_start;

	return min_t(u32, n, MAX_GATES);
}

static void sample(u64 *out)
{
	/* Twice: what one settles may be what another waited for. */
	for (int i = 0; i < 2; i++) {
		thread_reap_wait();
		for (void (*const *fn)(void) = __ktsettles_start;
		     fn < __ktsettles_end; fn++)
			(*fn)();
		rcu_barrier();
	}
	thread_reap_wait();
	for (u32 i = 0; i < nr_gates(); i++)
		out[i] = __ktgates_start[i].sample();
}

static int compare(struct demo *d, const u64 *before)
{
	u64 after[MAX_GATES];

	sample(after);
	for (u32 i = 0; i < nr_gates(); i++) {
		if (before[i] != after[i])
			return demo_fail(d, "%s: %llu before, %llu after",
					 __ktgates_start[i].name, before[i],
					 after[i]);
	}
	kprintf("demo: free frames, tables and objects are as many as "
		"before\n");
	return 0;
}

/* Twice `want`, for both sides of copy-on-write, and some room. */
static u64 fitting_mib(u64 want)
{
	u64 free = nr_free_pages() >> (20 - PAGE_SHIFT);

	while (want > 1 && 2 * want + FILE_MIB + SPARE_MIB > free)
		want /= 2;
	return want;
}

/* Makes the pages of the archive's file dirty: they stay from now on. */
static int warm_up(struct demo *d)
{
	char *argv[] = { "/bin/pattern", "warm", "1", NULL };
	const char *why = NULL;
	struct process *p = process_spawn(argv, &why);
	u32 status;

	if (IS_ERR(p))
		return demo_fail(d, "/bin/pattern cannot run: %s (%d)",
				 why ? why : "error", (int)PTR_ERR(p));
	wait_event(&p->event, READ_ONCE(p->state) != PROC_RUNNING);
	status = p->exit_status;
	process_put(p);
	return status ? demo_fail(d, "warming up: status 0x%x", status) : 0;
}

static int run_demo(struct demo *d, const struct demo_plan *plan)
{
	u64 before[MAX_GATES];

	memset(d, 0, sizeof(*d));
	if (warm_up(d))
		return -EIO;
	sample(before);
	if (demo_run(d, plan))
		return -EIO;
	return compare(d, before);
}

static int cmd_demo(int argc, char **argv)
{
	struct demo_plan plan = {
		.moves = 100, .file = "/data/pattern", .flags = DEMO_LOUD,
	};
	u64 want = 64, moves = 100;
	static struct demo d;
	int err;

	if (argc > 1 && shell_parse_u64("MIB", argv[1], &want))
		return -EINVAL;
	if (argc > 2 && shell_parse_u64("MOVES", argv[2], &moves))
		return -EINVAL;
	if (!want || want > 2048 || !moves || moves > 1000000) {
		kprintf("demo: MIB is 1 to 2048, MOVES 1 to 1000000\n");
		return -EINVAL;
	}
	plan.moves = (u32)moves;
	plan.mib = fitting_mib(want);
	if (plan.mib < want)
		kprintf("demo: memory is short: %llu MiB instead of %llu\n",
			plan.mib, want);
	kprintf("demo: a program uses %llu MiB of memory and %u MiB of a file; "
		"all its page tables move %u times meanwhile\n", plan.mib,
		FILE_MIB, plan.moves);
	err = run_demo(&d, &plan);
	if (err)
		kprintf("demo: FAIL: %s\n", d.why);
	else
		kprintf("demo: PASS\n");
	return err;
}
SHELL_CMD(demo, "[MIB [MOVES]]",
	  "move a running program's page tables, step by step", 0, 2, cmd_demo);

static bool have_program(const char *path)
{
	struct inode *inode = fs_lookup(NULL, path, WALK_FOLLOW);

	if (IS_ERR(inode))
		return false;
	inode_put(inode);
	return true;
}

KTEST(demo, relocate_small)
{
	struct demo_plan plan = { .moves = 20, .file = "/tmp/pattern.demo" };
	static struct demo d;

	plan.mib = fitting_mib(8);
	if (!have_program("/bin/pattern"))
		KT_SKIP(t, "the archive has no /bin/pattern");
	if (demo_run(&d, &plan))
		kt_fail(t, __FILE__, __LINE__, "%s", d.why);
}
