/* SPDX-License-Identifier: MIT */
/*
 * sys/ from the inside: names, and programs that start without memory or end
 * by force.  What programs themselves see is tests/abi's business.
 */
#include "kernel/ktest.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/page_alloc.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/signal.h"

#define MAX_ALLOCS	400

static char *const sleeper[] = { "/bin/busybox", "sleep", "1000", NULL };
static char *const nop[] = { "/bin/busybox", "true", NULL };

static bool have_busybox(void)
{
	struct inode *inode = fs_lookup(NULL, nop[0], WALK_FOLLOW);

	if (IS_ERR(inode))
		return false;
	inode_put(inode);
	return true;
}

/* The wait status of one run, or -Exxx. */
static s64 run_once(char *const argv[])
{
	const char *why;
	struct process *p = process_spawn(argv, &why);
	u32 status;

	if (IS_ERR(p))
		return PTR_ERR(p);
	status = process_wait_end(p);
	process_put(p);
	return status;
}

KTEST(sys, spawn_and_exit)
{
	if (!have_busybox())
		KT_SKIP(t, "no archive");
	for (u32 i = 0; i < 3; i++)
		KT_EQ(t, run_once(nop), 0);
}

/* Each allocation of a spawn fails once: all or nothing, and nothing lost. */
KTEST(sys, spawn_out_of_memory)
{
	s64 status = -1;
	u32 n;

	if (!have_busybox())
		KT_SKIP(t, "no archive");
	for (n = 1; n < MAX_ALLOCS; n++) {
		bool fired;

		alloc_fail_nth(n);
		status = run_once(nop);
		fired = alloc_failed_nth();
		alloc_fail_nth(0);
		if (status < 0)
			KT_EXPECT(t, status == -ENOMEM || status == -ENOENT);
		if (!fired)
			break;
	}
	KT_EXPECT(t, n > 10 && n < MAX_ALLOCS);
	KT_EQ(t, status, 0);
}

KTEST(sys, kill_sleeper)
{
	struct linux_siginfo info = { .signo = SIGKILL };
	const char *why;
	struct process *p;

	if (!have_busybox())
		KT_SKIP(t, "no archive");
	p = process_spawn(sleeper, &why);
	KT_ASSERT(t, !IS_ERR(p));
	KT_EXPECT(t, find_process(p->pid) == p);
	process_put(p);				/* find_process()'s */
	KT_EQ(t, send_signal(p, &info), 0);
	KT_EQ(t, process_wait_end(p), SIGKILL);
	KT_EXPECT(t, !find_process(p->pid));
	process_put(p);
}

/* A stopped program neither runs nor dies of SIGTERM, until it is resumed. */
KTEST(sys, stop_and_continue)
{
	struct linux_siginfo info = { .signo = SIGSTOP };
	const char *why;
	struct process *p;

	if (!have_busybox())
		KT_SKIP(t, "no archive");
	p = process_spawn(sleeper, &why);
	KT_ASSERT(t, !IS_ERR(p));
	send_signal(p, &info);
	while (!READ_ONCE(p->stopped))
		yield();
	KT_EQ(t, p->stopped, SIGSTOP);
	info.signo = SIGTERM;
	send_signal(p, &info);
	yield();
	KT_EQ(t, p->state, PROC_RUNNING);
	info.signo = SIGCONT;
	send_signal(p, &info);
	KT_EQ(t, process_wait_end(p), SIGTERM);
	process_put(p);
}

static int path_exists(const char *path)
{
	struct inode *inode = fs_lookup(NULL, path, 0);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode_put(inode);
	return 0;
}

static int create(const char *path)
{
	struct inode *inode = fs_create(NULL, path, 0644);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode_put(inode);
	return 0;
}

static int rename(const char *from, const char *to)
{
	struct fs_path a = { NULL, from }, b = { NULL, to };

	return fs_rename(&a, &b, 0);
}

static int hard_link(const char *from, const char *to)
{
	struct fs_path a = { NULL, from }, b = { NULL, to };

	return fs_link(&a, &b, 0);
}

KTEST(sys, names)
{
	KT_EQ(t, fs_mkdir(NULL, "/kt", 0755), 0);
	KT_EQ(t, fs_mkdir(NULL, "/kt", 0755), -EEXIST);
	KT_EQ(t, create("/kt/a"), 0);
	KT_EQ(t, create("/kt/a/b"), -ENOTDIR);
	KT_EQ(t, create("/kt/no/b"), -ENOENT);
	KT_EQ(t, hard_link("/kt/a", "/kt/b"), 0);
	KT_EQ(t, hard_link("/kt", "/kt/d"), -EPERM);
	KT_EQ(t, fs_rmdir(NULL, "/kt"), -ENOTEMPTY);
	KT_EQ(t, fs_rmdir(NULL, "/kt/a"), -ENOTDIR);
	KT_EQ(t, fs_unlink(NULL, "/kt"), -EISDIR);
	KT_EQ(t, fs_mkdir(NULL, "/kt/sub", 0755), 0);
	KT_EQ(t, rename("/kt", "/kt/sub/x"), -EINVAL);
	KT_EQ(t, rename("/kt/a", "/kt/sub"), -EISDIR);
	KT_EQ(t, rename("/kt/a", "/kt/sub/c"), 0);
	KT_EQ(t, path_exists("/kt/a"), -ENOENT);
	KT_EQ(t, path_exists("/kt/sub/../sub/./c"), 0);
	KT_EQ(t, rename("/kt/sub/c", "/kt/b"), 0);	/* the same inode */
	KT_EQ(t, fs_symlink("sub/c", NULL, "/kt/l"), 0);
	KT_EQ(t, fs_symlink("m", NULL, "/kt/m"), 0);
	KT_EQ(t, create("/kt/m/x"), -ELOOP);
	KT_EQ(t, create("/kt/l"), -EEXIST);
	KT_EQ(t, fs_unlink(NULL, "/kt/l"), 0);
	KT_EQ(t, fs_unlink(NULL, "/kt/m"), 0);
	KT_EQ(t, rename("/kt/sub", "/kt2"), 0);
	KT_EQ(t, fs_unlink(NULL, "/kt2/c"), 0);
	KT_EQ(t, fs_rmdir(NULL, "/kt2/"), 0);
	KT_EQ(t, fs_unlink(NULL, "/kt/b"), 0);
	KT_EQ(t, fs_rmdir(NULL, "/kt"), 0);
	KT_EQ(t, path_exists("/kt"), -ENOENT);
}

/* Bytes once cut off never come back, though the archive still has them. */
KTEST(sys, truncate_forgets)
{
	struct inode *inode = fs_create(NULL, "/kt-data", 0644);
	static u8 archive[2 * PAGE_SIZE];
	u8 byte = 0;

	KT_ASSERT(t, !IS_ERR(inode));
	memset(archive, 0x5a, sizeof(archive));
	inode->data = archive;
	inode->data_len = sizeof(archive);
	WRITE_ONCE(inode->mapping.size, sizeof(archive));
	KT_EQ(t, filemap_read(&inode->mapping, &byte, 5000, 1), 1);
	KT_EQ(t, byte, 0x5a);
	down_write(&inode->i_rwsem);
	KT_EQ(t, inode_truncate(inode, 100), 0);
	KT_EQ(t, inode_truncate(inode, sizeof(archive)), 0);
	up_write(&inode->i_rwsem);
	KT_EQ(t, filemap_read(&inode->mapping, &byte, 99, 1), 1);
	KT_EQ(t, byte, 0x5a);
	KT_EQ(t, filemap_read(&inode->mapping, &byte, 100, 1), 1);
	KT_EQ(t, byte, 0);
	KT_EQ(t, filemap_read(&inode->mapping, &byte, 5000, 1), 1);
	KT_EQ(t, byte, 0);
	KT_EQ(t, fs_unlink(NULL, "/kt-data"), 0);
	inode_put(inode);
}

static u32 churn_stop;

static void churn(void *arg)
{
	u64 *done = arg;

	while (!READ_ONCE(churn_stop)) {
		if (run_once(nop))
			break;
		(*done)++;
	}
}

/* Programs come and go on all CPUs while others look for them by pid. */
KTEST_FLAGS(sys, spawn_churn, KTF_SLOW)
{
	struct thread *th[4];
	u64 done[4] = { 0 }, deadline = ktime_get() + 2000000000ULL;
	struct process *p;

	if (!have_busybox())
		KT_SKIP(t, "no archive");
	WRITE_ONCE(churn_stop, 0);
	for (u32 i = 0; i < 4; i++)
		th[i] = kthread_run("churn", -1, churn, &done[i]);
	for (u32 pid = 1; ktime_get() < deadline; pid = pid % 4000 + 1) {
		p = find_process(pid);
		if (p)
			process_put(p);
		yield();
	}
	WRITE_ONCE(churn_stop, 1);
	for (u32 i = 0; i < 4; i++) {
		thread_join(th[i]);
		KT_EXPECT(t, done[i] > 0);
	}
}
