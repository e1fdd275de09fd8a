/* SPDX-License-Identifier: MIT */
/*
 * Small system calls: identity, limits, the machine, random numbers.
 * Tests: tests/abi/t_fork, t_time, t_threads
 */
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "sys/process.h"
#include "sys/random.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define ARCH_SET_GS	0x1001
#define ARCH_SET_FS	0x1002
#define ARCH_GET_FS	0x1003
#define ARCH_GET_GS	0x1004
#define PR_SET_NAME	15
#define PR_GET_NAME	16
#define PR_GET_DUMPABLE	3
#define PR_SET_DUMPABLE	4
#define PR_SET_PDEATHSIG 1
#define PR_SET_NO_NEW_PRIVS 38

static DEFINE_SPINLOCK(random_lock, LOCK_FILES);
static struct prng random_state;

void random_fill(void *buf, u64 len)
{
	u8 *to = buf;
	u64 word = 0;

	spin_lock(&random_lock);
	if (!random_state.state)
		prng_seed(&random_state, realtime_ns());
	for (u64 i = 0; i < len; i++) {
		if (i % 8 == 0)
			word = prng_u64(&random_state) ^ rdtsc();
		to[i] = (u8)(word >> i % 8 * 8);
	}
	spin_unlock(&random_lock);
}

SYSCALL_FN(getrandom)
{
	u64 len = min(s->a[1], 33554431ULL), done = 0, n;
	u8 buf[256];

	if ((u32)s->a[2] & ~7U || ((u32)s->a[2] & 6) == 6)
		return -EINVAL;
	while (done < len) {
		n = min(len - done, sizeof(buf));
		random_fill(buf, n);
		if (copy_to_user(s->a[0] + done, buf, n))
			return done ? (s64)done : -EFAULT;
		done += n;
		if (signal_pending())
			break;
	}
	return (s64)done;
}

SYSCALL_NOARG(getpid) { return cur_proc()->pid; }
SYSCALL_NOARG(gettid) { return cur_uthread()->tid; }
SYSCALL_NOARG(getppid) { return parent_pid(cur_proc()); }
SYSCALL_NOARG(getuid) { return cur_proc()->uid; }
SYSCALL_NOARG(geteuid) { return cur_proc()->euid; }
SYSCALL_NOARG(getgid) { return cur_proc()->gid; }
SYSCALL_NOARG(getegid) { return cur_proc()->egid; }
SYSCALL_NOARG(getpgrp) { return cur_proc()->pgid; }

/*
 * Identities are kept for programs that ask; nothing checks them.  Each of
 * real, effective and saved: -1 leaves it.
 */
static s64 set_ids(u32 *const id[3], const u64 *to, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if ((u32)to[i] != ~0U)
			WRITE_ONCE(*id[i], (u32)to[i]);
	}
	return 0;
}

SYSCALL_FN(setresuid)
{
	struct process *p = cur_proc();

	return set_ids((u32 *[3]){ &p->uid, &p->euid, &p->suid }, s->a, 3);
}
SYSCALL_FN(setresgid)
{
	struct process *p = cur_proc();

	return set_ids((u32 *[3]){ &p->gid, &p->egid, &p->sgid }, s->a, 3);
}
SYSCALL_FN(setreuid)
{
	struct process *p = cur_proc();

	return set_ids((u32 *[3]){ &p->uid, &p->euid, &p->suid }, s->a, 2);
}
SYSCALL_FN(setregid)
{
	struct process *p = cur_proc();

	return set_ids((u32 *[3]){ &p->gid, &p->egid, &p->sgid }, s->a, 2);
}
SYSCALL_FN(setuid)
{
	struct process *p = cur_proc();

	if ((u32)s->a[0] == ~0U)
		return -EINVAL;
	p->uid = p->euid = p->suid = (u32)s->a[0];
	return 0;
}
SYSCALL_FN(setgid)
{
	struct process *p = cur_proc();

	if ((u32)s->a[0] == ~0U)
		return -EINVAL;
	p->gid = p->egid = p->sgid = (u32)s->a[0];
	return 0;
}

static s64 put_ids(const struct sysargs *s, const u32 id[3])
{
	for (int i = 0; i < 3; i++) {
		if (put_user_val(s->a[i], id[i]))
			return -EFAULT;
	}
	return 0;
}

SYSCALL_FN(getresuid)
{
	struct process *p = cur_proc();

	return put_ids(s, (u32[3]){ p->uid, p->euid, p->suid });
}
SYSCALL_FN(getresgid)
{
	struct process *p = cur_proc();

	return put_ids(s, (u32[3]){ p->gid, p->egid, p->sgid });
}

SYSCALL_NOARG(getgroups) { return 0; }
SYSCALL_FN(setgroups)
{
	return (u32)s->a[0] > 65536 ? -EINVAL : 0;
}

/* A process of ours or a child; proc_lock held. */
static struct process *pgid_target_locked(u32 pid)
{
	struct process *me = cur_proc(), *p;

	p = pid ? find_process_locked(pid) : me;
	return p && (p == me || p->parent == me) ? p : NULL;
}

SYSCALL_FN(setpgid)
{
	s32 pid = (s32)s->a[0], pgid = (s32)s->a[1];
	struct process *p;
	s64 err = 0;

	if (pgid < 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	p = pgid_target_locked((u32)pid);
	if (!p)
		err = -ESRCH;
	else if (p->sid == p->pid || p->sid != cur_proc()->sid)
		err = -EPERM;		/* a session's leader stays */
	else
		p->pgid = pgid ? (u32)pgid : p->pid;
	spin_unlock(&proc_lock);
	return err;
}

enum { ID_PGID, ID_SID };

static s64 get_id(u32 pid, int which)
{
	struct process *p;
	s64 ret = -ESRCH;

	spin_lock(&proc_lock);
	p = pid ? find_process_locked(pid) : cur_proc();
	if (p)
		ret = which == ID_PGID ? p->pgid : p->sid;
	spin_unlock(&proc_lock);
	return ret;
}

SYSCALL_FN(getpgid) { return get_id((u32)s->a[0], ID_PGID); }
SYSCALL_FN(getsid) { return get_id((u32)s->a[0], ID_SID); }

SYSCALL_NOARG(setsid)
{
	struct process *p = cur_proc();
	s64 ret = -EPERM;

	spin_lock(&proc_lock);
	if (p->pgid != p->pid) {
		p->pgid = p->sid = p->pid;
		ret = p->pid;
	}
	spin_unlock(&proc_lock);
	return ret;
}

SYSCALL_FN(uname)
{
	static const struct linux_utsname un = {
		"Linux", "rewalk", "6.1.0-rewalk", "#1 SMP", "x86_64",
		"(none)",
	};

	return put_user_val(s->a[0], un);
}

SYSCALL_FN(sysinfo)
{
	struct linux_sysinfo si;
	struct page_stats ps;
	struct process *p;

	memset(&si, 0, sizeof(si));
	page_alloc_stats(&ps);
	si.uptime = (s64)(ktime_get() / NSEC_PER_SEC);
	si.totalram = ps.total * PAGE_SIZE;
	si.freeram = nr_free_pages() * PAGE_SIZE;
	si.totalswap = nr_swap_total() * PAGE_SIZE;
	si.freeswap = nr_swap_free() * PAGE_SIZE;
	si.mem_unit = 1;
	spin_lock(&proc_lock);
	list_for_each_entry(p, &all_processes, all_link)
		si.procs++;
	spin_unlock(&proc_lock);
	return put_user_val(s->a[0], si);
}

static s64 do_rlimit(u32 which, vaddr_t new, vaddr_t old)
{
	struct process *p = cur_proc();
	struct linux_rlimit rl, before;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	before = p->rlim[which];
	if (new) {
		if (get_user_val(rl, new))
			return -EFAULT;
		if (rl.cur > rl.max)
			return -EINVAL;
		if (rl.max > before.max)
			return -EPERM;
		p->rlim[which] = rl;
		process_apply_limits(p, p->mm);
	}
	return old ? put_user_val(old, before) : 0;
}

SYSCALL_FN(prlimit64)
{
	u32 pid = (u32)s->a[0];

	if (pid && pid != cur_proc()->pid)
		return -ESRCH;
	return do_rlimit((u32)s->a[1], s->a[2], s->a[3]);
}
SYSCALL_FN(getrlimit)
{
	struct linux_rlimit rl;

	if ((u32)s->a[0] >= RLIM_NLIMITS)
		return -EINVAL;
	rl = cur_proc()->rlim[(u32)s->a[0]];
	return put_user_val(s->a[1], rl);
}
SYSCALL_FN(setrlimit)
{
	return s->a[1] ? do_rlimit((u32)s->a[0], s->a[1], 0) : -EFAULT;
}

SYSCALL_FN(arch_prctl)
{
	struct arch_thread *t = &current()->arch;
	u64 val;

	switch ((u32)s->a[0]) {
	case ARCH_SET_FS:
		if (s->a[1] >= USER_END)
			return -EPERM;
		arch_set_fs_base(t, s->a[1]);
		return 0;
	case ARCH_SET_GS:
		if (s->a[1] >= USER_END)
			return -EPERM;
		arch_set_gs_base(t, s->a[1]);
		return 0;
	case ARCH_GET_FS:
		val = arch_get_fs_base(t);
		return put_user_val(s->a[1], val);
	case ARCH_GET_GS:
		val = arch_get_gs_base(t);
		return put_user_val(s->a[1], val);
	default:
		return -EINVAL;
	}
}

SYSCALL_FN(prctl)
{
	struct process *p = cur_proc();
	char name[16] = "";

	switch ((u32)s->a[0]) {
	case PR_SET_NAME:
		if (strncpy_from_user(name, s->a[1], sizeof(name)) == -EFAULT)
			return -EFAULT;
		name[sizeof(name) - 1] = 0;
		memcpy(p->comm, name, sizeof(name));
		return 0;
	case PR_GET_NAME:
		memcpy(name, p->comm, sizeof(name));
		return put_user_val(s->a[1], name);
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
	case PR_SET_PDEATHSIG:
	case PR_SET_NO_NEW_PRIVS:
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL_FN(set_tid_address)
{
	cur_uthread()->clear_child_tid = s->a[0];
	return cur_uthread()->tid;
}

/* Accepted; locks of threads that die are not released (docs/CAVEATS). */
SYSCALL_FN(set_robust_list)
{
	return s->a[1] == 24 ? 0 : -EINVAL;
}
