/* SPDX-License-Identifier: MIT */
/* Scheduling policies and nice values, as a program without privileges. */
#include <sched.h>
#include <sys/resource.h>

#include "tests/abi/t.h"

static long set(int pid, int policy, int prio)
{
	struct sched_param sp = { .sched_priority = prio };

	return syscall(SYS_sched_setscheduler, pid, policy, &sp);
}

static long get(int pid)
{
	return syscall(SYS_sched_getscheduler, pid);
}

static void inherits(void)
{
	T_EQ("a child has its parent's policy", get(0), SCHED_BATCH);
	T_EQ("and nice value", getpriority(PRIO_PROCESS, 0), 3);
}

static void policies(void)
{
	struct sched_param sp = { .sched_priority = 0 };
	struct timespec ts = { -1, -1 };

	T_EQ("it begins as SCHED_OTHER", get(0), SCHED_OTHER);
	T_EQ("the same by number", get(getpid()), SCHED_OTHER);
	T_EQ("to SCHED_BATCH", set(0, SCHED_BATCH, 0), 0);
	T_EQ("it is", get(0), SCHED_BATCH);
	T_ERR("SCHED_FIFO is for others", set(0, SCHED_FIFO, 1), EPERM);
	T_ERR("SCHED_RR too", set(0, SCHED_RR, 99), EPERM);
	T_ERR("FIFO without priority", set(0, SCHED_FIFO, 0), EINVAL);
	T_ERR("OTHER with priority", set(0, SCHED_OTHER, 1), EINVAL);
	T_ERR("priority 100", set(0, SCHED_RR, 100), EINVAL);
	T_ERR("no such policy", set(0, 77, 0), EINVAL);
	T_ERR("negative policy", set(0, -1, 0), EINVAL);
	T_ERR("negative pid", set(-1, SCHED_OTHER, 0), EINVAL);
	T_ERR("nobody", set(0x3ffffff, SCHED_OTHER, 0), ESRCH);
	T_ERR("no parameters", syscall(SYS_sched_setscheduler, 0, 0, NULL),
	      EINVAL);
	T_EQ("setparam", syscall(SYS_sched_setparam, 0, &sp), 0);
	T_EQ("keeps the policy", get(0), SCHED_BATCH);
	T_EQ("getparam", syscall(SYS_sched_getparam, 0, &sp), 0);
	T_EQ("priority 0", sp.sched_priority, 0);
	T_ERR("getparam of nobody", syscall(SYS_sched_getparam, 0x3ffffff, &sp),
	      ESRCH);
	T_ERR("getparam nowhere", syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	T_ERR("getscheduler of -1", get(-1), EINVAL);
	T_EQ("highest FIFO", sched_get_priority_max(SCHED_FIFO), 99);
	T_EQ("lowest FIFO", sched_get_priority_min(SCHED_FIFO), 1);
	T_EQ("highest OTHER", sched_get_priority_max(SCHED_OTHER), 0);
	T_ERR("highest of nothing", sched_get_priority_max(99), EINVAL);
	T_ERR("lowest of nothing", sched_get_priority_min(-1), EINVAL);
	T_EQ("a slice", sched_rr_get_interval(0, &ts), 0);
	T_OK("is a time", ts.tv_sec == 0 && ts.tv_nsec >= 0);
	T_ERR("slice of nobody", sched_rr_get_interval(0x3ffffff, &ts), ESRCH);
	T_ERR("slice of -1", sched_rr_get_interval(-1, &ts), EINVAL);
}

static void nice_values(void)
{
	T_EQ("nice is 0", getpriority(PRIO_PROCESS, 0), 0);
	T_EQ("to 3", setpriority(PRIO_PROCESS, 0, 3), 0);
	T_EQ("it is", getpriority(PRIO_PROCESS, getpid()), 3);
	T_ERR("never down", setpriority(PRIO_PROCESS, 0, -5), EACCES);
	T_ERR("nobody's", getpriority(PRIO_PROCESS, 0x3ffffff), ESRCH);
	T_ERR("of whom?", getpriority(9, 0), EINVAL);
	T_EQ("in a child", t_in_child(inherits), 0);
	T_EQ("99 is 19", setpriority(PRIO_PROCESS, 0, 99), 0);
	T_EQ("it is", getpriority(PRIO_PROCESS, 0), 19);
}

int main(void)
{
	policies();
	nice_values();
	return t_done();
}
