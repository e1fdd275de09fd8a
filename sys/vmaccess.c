/* SPDX-License-Identifier: MIT */
/*
 * A process's memory as seen by another: process_vm_readv and _writev, and
 * /proc/PID/mem.
 *
 * M1. Everything goes through a kernel page: the remote side by gup under the
 *     remote mmap_lock, then, with no lock held, the local side as any user
 *     copy.  So neither can wait for the other, also when both are one mm.
 * M2. process_vm_* keep to the remote vmas' rights.  /proc/PID/mem does not
 *     (FOLL_FORCE), as debuggers want; gup keeps shared pages out of its reach.
 * M3. What was moved counts: an error is returned only if nothing was.
 *
 * Tests: tests/abi/t_vmaccess
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "mm/gup.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/syscall.h"

enum vm_dir { VM_READ_REMOTE, VM_WRITE_REMOTE };

struct transfer {
	struct mm_struct *mm;		/* the remote one */
	enum vm_dir dir;
	u32 foll;
	char *page;			/* M1 */
};

/* Within one remote page.  Bytes; -EFAULT: the local side; -EIO: the remote. */
static s64 move_part(const struct transfer *t, vaddr_t local, vaddr_t remote,
		     u64 n)
{
	u64 done;

	n = min(n, PAGE_SIZE - (remote & ~PAGE_MASK));
	if (t->dir == VM_READ_REMOTE) {
		n = access_remote_vm(t->mm, remote, t->page, n, t->foll);
		if (!n)
			return -EIO;
		done = n - copy_to_user(local, t->page, n);
		return done ? (s64)done : -EFAULT;
	}
	n -= copy_from_user_keep(t->page, local, n);
	if (!n)
		return -EFAULT;
	done = access_remote_vm(t->mm, remote, t->page, n,
				t->foll | FOLL_WRITE);
	return done ? (s64)done : -EIO;
}

/* n > 0 bytes.  Bytes moved, or what the first part said. */
static s64 move_range(const struct transfer *t, vaddr_t local, vaddr_t remote,
		      u64 n)
{
	u64 done = 0;
	s64 part = 0;

	while (done < n) {
		part = move_part(t, local + done, remote + done, n - done);
		if (part < 0)
			break;
		done += (u64)part;
	}
	return done ? (s64)done : part;
}

/*
 * process_vm_readv, process_vm_writev.
 */
struct vector {
	struct linux_iovec *iov;
	u64 nr, at, off;		/* entry, and bytes of it done */
};

static u64 vector_left(const struct vector *v)
{
	return v->iov[v->at].len - v->off;
}

/* Past n bytes and over empty entries.  False: the end. */
static bool vector_advance(struct vector *v, u64 n)
{
	v->off += n;
	while (v->at < v->nr && v->off == v->iov[v->at].len) {
		v->at++;
		v->off = 0;
	}
	return v->at < v->nr;
}

static s64 move_vectors(const struct transfer *t, struct vector *local,
			struct vector *remote)
{
	s64 total = 0, done;
	u64 n = 0;

	while (vector_advance(local, n) && vector_advance(remote, n)) {
		n = min(vector_left(local), vector_left(remote));
		done = move_range(t, local->iov[local->at].base + local->off,
				  remote->iov[remote->at].base + remote->off,
				  n);
		if (done < 0)
			return total ? total : done;
		total += done;
		if ((u64)done < n)
			break;
	}
	return total;
}

/* As ptrace would allow: the same user, or root. */
static bool may_access(const struct process *p)
{
	u32 me = READ_ONCE(cur_proc()->uid), group = READ_ONCE(cur_proc()->gid);

	if (p == cur_proc() || !READ_ONCE(cur_proc()->euid))
		return true;
	return me == READ_ONCE(p->uid) && me == READ_ONCE(p->euid) &&
	       me == READ_ONCE(p->suid) && group == READ_ONCE(p->gid) &&
	       group == READ_ONCE(p->egid) && group == READ_ONCE(p->sgid);
}

struct mm_struct *process_mm_access(u32 pid)
{
	struct mm_struct *mm = ERR_PTR(-ESRCH);
	struct process *p;

	spin_lock(&proc_lock);
	p = find_process_locked(pid);
	if (p && !may_access(p))
		mm = ERR_PTR(-EPERM);
	else if (p && p->mm && mmget_not_zero(p->mm))
		mm = p->mm;
	spin_unlock(&proc_lock);
	return mm;
}

static s64 move_with(u32 pid, enum vm_dir dir, struct vector *local,
		     struct vector *remote)
{
	struct transfer t = { .mm = process_mm_access(pid), .dir = dir };
	s64 ret = -ENOMEM;

	if (IS_ERR(t.mm))
		return PTR_ERR(t.mm);
	t.page = kmalloc(PAGE_SIZE);
	if (t.page)
		ret = move_vectors(&t, local, remote);
	if (ret == -EIO)
		ret = -EFAULT;
	kfree(t.page);
	mmput(t.mm);
	return ret;
}

static s64 process_vm(const struct sysargs *s, enum vm_dir dir)
{
	struct vector local = { .nr = s->a[2] }, remote = { .nr = s->a[4] };
	s64 ret = 0;

	if (s->a[5])
		return -EINVAL;
	local.iov = get_iovec(s->a[1], local.nr, IOVEC_LOCAL);
	if (IS_ERR(local.iov))
		return PTR_ERR(local.iov);
	if (!vector_advance(&local, 0))
		goto free_local;
	remote.iov = get_iovec(s->a[3], remote.nr, IOVEC_REMOTE);
	if (IS_ERR(remote.iov)) {
		ret = PTR_ERR(remote.iov);
		goto free_local;
	}
	if (vector_advance(&remote, 0))
		ret = move_with((u32)s->a[0], dir, &local, &remote);
	kfree(remote.iov);
free_local:
	kfree(local.iov);
	return ret;
}

SYSCALL_FN(process_vm_readv)
{
	return process_vm(s, VM_READ_REMOTE);
}

SYSCALL_FN(process_vm_writev)
{
	return process_vm(s, VM_WRITE_REMOTE);
}

/*
 * /proc/PID/mem: position is address.
 */
static s64 mem_move(struct file *f, vaddr_t user, u64 len, u64 *pos,
		    enum vm_dir dir)
{
	struct transfer t = { .dir = dir, .foll = FOLL_FORCE };
	s64 done = -ENOMEM;

	if (!len)
		return 0;
	t.mm = process_mm_access(f->inode->proc_pid);
	if (IS_ERR(t.mm))
		return PTR_ERR(t.mm) == -ESRCH ? 0 : -EACCES;
	t.page = kmalloc(PAGE_SIZE);
	if (t.page)
		done = move_range(&t, user, *pos, len);
	kfree(t.page);
	mmput(t.mm);
	if (done > 0)
		*pos += (u64)done;
	return done;
}

static s64 mem_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	return mem_move(f, to, len, pos, VM_READ_REMOTE);
}

static s64 mem_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	return mem_move(f, from, len, pos, VM_WRITE_REMOTE);
}

const struct file_ops procmem_fops = {
	.read = mem_read,
	.write = mem_write,
	.flags = FOP_SEEK | FOP_NO_END,
};
