/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences: a thread's word in user memory says on which CPU it
 * runs, and names a piece of its code that must not go on once it was
 * interrupted.
 *
 * K1. The words are written on the way to user mode whenever the thread was
 *     switched to since (ut->rseq_seen), with interrupts on; whoever is
 *     switched meanwhile does it again.
 * K2. Interrupted inside the critical section: it continues at abort_ip, if
 *     the program's signature stands before that.  A handler's frame is pushed
 *     afterwards, so it returns there.  Preemption, migration and signals all
 *     count.
 * K3. What cannot be read or written is the program's end (SIGSEGV).
 *
 * Fork without CLONE_VM hands it on, exec ends it.
 * Tests: tests/abi/t_rseq, glibc's programs
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"

#define RSEQ_FLAG_UNREGISTER	1U
#define RSEQ_CPU_ID_UNINITIALIZED (~0U)
#define RSEQ_MIN_SIZE		32U

struct linux_rseq {
	u32 cpu_id_start, cpu_id;
	u64 rseq_cs;
	u32 flags, node_id, mm_cid, pad;
};
static_assert(sizeof(struct linux_rseq) == RSEQ_MIN_SIZE);

struct linux_rseq_cs {
	u32 version, flags;
	u64 start_ip, post_commit_offset, abort_ip;
};

/* K2.  0 or -EFAULT, -EINVAL. */
static int leave_section(struct uthread *ut, struct regs *r)
{
	vaddr_t at = ut->rseq + offsetof(struct linux_rseq, rseq_cs);
	struct linux_rseq_cs cs;
	u64 where = 0;
	u32 sig;

	if (get_user_val(where, at))
		return -EFAULT;
	if (!where)
		return 0;
	if (get_user_val(cs, where))
		return -EFAULT;
	if (cs.version || cs.start_ip >= USER_END || cs.abort_ip >= USER_END ||
	    cs.start_ip + cs.post_commit_offset < cs.start_ip ||
	    cs.abort_ip - cs.start_ip < cs.post_commit_offset)
		return -EINVAL;
	if (get_user_val(sig, cs.abort_ip - sizeof(sig)))
		return -EFAULT;
	if (sig != ut->rseq_sig)
		return -EINVAL;
	where = 0;
	if (r->rip - cs.start_ip < cs.post_commit_offset)
		r->rip = cs.abort_ip;
	return put_user_val(at, where) ? -EFAULT : 0;
}

/* K1. */
static int put_ids(struct uthread *ut, u32 cpu)
{
	u32 ids[2] = { cpu == RSEQ_CPU_ID_UNINITIALIZED ? 0 : cpu, cpu };
	u32 node_and_cid[2] = { 0, cpu == RSEQ_CPU_ID_UNINITIALIZED ? 0 : cpu };

	if (copy_to_user(ut->rseq, ids, sizeof(ids)) ||
	    copy_to_user(ut->rseq + offsetof(struct linux_rseq, node_id),
			 node_and_cid, sizeof(node_and_cid)))
		return -EFAULT;
	return 0;
}

void rseq_update(struct regs *r)
{
	struct uthread *ut = cur_uthread();
	u64 seen = READ_ONCE(current()->switches);

	if (leave_section(ut, r) || put_ids(ut, smp_processor_id())) {
		ut->rseq = 0;						/* K3 */
		force_signal(&(struct linux_siginfo){ .signo = SIGSEGV,
						      .code = SI_KERNEL });
		return;
	}
	ut->rseq_seen = seen;
}

void rseq_copy(struct uthread *child, const struct uthread *ut)
{
	child->rseq = ut->rseq;
	child->rseq_len = ut->rseq_len;
	child->rseq_sig = ut->rseq_sig;
	child->rseq_seen = ~0ULL;
}

static s64 unregister(struct uthread *ut, const u64 *a)
{
	if ((u32)a[2] & ~RSEQ_FLAG_UNREGISTER)
		return -EINVAL;
	if (!ut->rseq || a[0] != ut->rseq || (u32)a[1] != ut->rseq_len)
		return -EINVAL;
	if ((u32)a[3] != ut->rseq_sig)
		return -EPERM;
	if (put_ids(ut, RSEQ_CPU_ID_UNINITIALIZED))
		return -EFAULT;
	ut->rseq = 0;
	return 0;
}

SYSCALL_FN(rseq)
{
	struct uthread *ut = cur_uthread();
	u32 len = (u32)s->a[1];

	if ((u32)s->a[2] & RSEQ_FLAG_UNREGISTER)
		return unregister(ut, s->a);
	if ((u32)s->a[2])
		return -EINVAL;
	if (ut->rseq) {
		if (s->a[0] != ut->rseq || len != ut->rseq_len)
			return -EINVAL;
		return (u32)s->a[3] != ut->rseq_sig ? -EPERM : -EBUSY;
	}
	if (len < RSEQ_MIN_SIZE || (s->a[0] & (RSEQ_MIN_SIZE - 1)))
		return -EINVAL;
	if (!access_ok(s->a[0], len))
		return -EFAULT;
	ut->rseq = s->a[0];
	ut->rseq_len = len;
	ut->rseq_sig = (u32)s->a[3];
	ut->rseq_seen = ~0ULL;
	return 0;
}
