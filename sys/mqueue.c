/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues.  They have a name space of their own, as on Linux; an
 * open queue is a file.
 *
 * U1. A queue lives while it has a name or an open file.  Messages stand in
 *     the order of their priority, equal ones in the order they came.
 * U2. A message is allocated and copied in before the queue is locked, and
 *     copied out after it was taken off: no user memory under the lock.
 * U3. Who waits looks again under the lock after every wake-up.
 * U4. One process may be told of the next message that comes into an empty
 *     queue for which nobody waits; that ends its registration.
 *
 * Limits are those Linux gives to programs without privileges.
 * Locks: names (the list, U1), mq->lock; neither inside the other.
 * Tests: tests/abi/t_mqueue
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/mqueue.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define MSG_MAX		10
#define MSGSIZE_MAX	8192
#define QUEUES_MAX	256U
#define PRIO_MAX	32768U

static DEFINE_SPINLOCK(names_lock, LOCK_FILES);
static LIST_HEAD(names);		/* names_lock */
static u32 nr_queues;			/* names_lock */

static void mqueue_put(struct mqueue *mq)
{
	struct message *m, *n;

	if (!atomic_dec_and_test(&mq->refs))
		return;
	list_for_each_entry_safe(m, n, &mq->messages, link)
		kfree(m);
	kfree(mq);
}

static void mqueue_release(struct file *f)
{
	mqueue_put(f->priv);
}

/* A descriptor of it is closed: its process gives up its registration. */
static void mqueue_flush(struct file *f)
{
	struct mqueue *mq = f->priv;

	spin_lock(&mq->lock);
	if (mq->notify_pid == cur_proc()->pid)
		mq->notify_pid = 0;
	spin_unlock(&mq->lock);
}

static u32 mqueue_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *mq = f->priv;
	u32 nr = READ_ONCE(mq->nr);

	if (pt) {
		poll_wait(pt, &mq->rd);
		poll_wait(pt, &mq->wr);
	}
	return (nr ? POLLIN | POLLRDNORM : 0) |
	       (nr < mq->max ? POLLOUT | POLLWRNORM : 0);
}

static const struct file_ops mqueue_fops = {
	.poll = mqueue_poll,
	.flush = mqueue_flush,
	.release = mqueue_release,
};

static struct mqueue *find_locked(const char *name)
{
	struct mqueue *mq;

	list_for_each_entry(mq, &names, link) {
		if (!strcmp(mq->name, name))
			return mq;
	}
	return NULL;
}

/* NULL: no memory. */
static struct mqueue *mqueue_alloc(const char *name,
				   const struct linux_mq_attr *attr)
{
	struct mqueue *mq = kzalloc(sizeof(*mq));

	if (!mq)
		return NULL;
	atomic_set(&mq->refs, 1);
	strlcpy(mq->name, name, sizeof(mq->name));
	spin_lock_init(&mq->lock, LOCK_FILES);
	INIT_LIST_HEAD(&mq->messages);
	mq->max = (u32)attr->maxmsg;
	mq->msgsize = (u64)attr->msgsize;
	init_waitqueue_head(&mq->rd);
	init_waitqueue_head(&mq->wr);
	return mq;
}

static s64 check_attr(const struct linux_mq_attr *attr)
{
	return attr->maxmsg <= 0 || attr->maxmsg > MSG_MAX ||
	       attr->msgsize <= 0 || attr->msgsize > MSGSIZE_MAX ?
	       -EINVAL : 0;
}

/* The queue of that name, referenced, perhaps made now; ERR_PTR. */
static struct mqueue *mqueue_get(const char *name, u32 flags,
				 const struct linux_mq_attr *attr)
{
	struct mqueue *mq, *made = NULL;
	s64 err = 0;

	if (flags & O_CREAT) {
		made = mqueue_alloc(name, attr);
		if (!made)
			return ERR_PTR(-ENOMEM);
		err = check_attr(attr);
	}
	spin_lock(&names_lock);
	mq = find_locked(name);
	if (mq) {
		err = (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST : 0;
	} else if (!made) {
		err = -ENOENT;
	} else if (!err && nr_queues == QUEUES_MAX) {
		err = -ENOSPC;
	} else if (!err) {
		mq = made;
		made = NULL;
		list_add_tail(&mq->link, &names);
		nr_queues++;
	}
	if (!err)
		atomic_inc(&mq->refs);
	spin_unlock(&names_lock);
	if (made)
		mqueue_put(made);
	return err ? ERR_PTR(err) : mq;
}

/* The name of the user, checked, for kfree; ERR_PTR. */
static struct mqueue *get_by_name(vaddr_t uname, u32 flags,
				  const struct linux_mq_attr *attr)
{
	char *name = getname(uname);
	struct mqueue *mq;

	if (IS_ERR(name))
		return ERR_CAST(name);
	if (!*name)
		mq = ERR_PTR(-ENOENT);
	else if (strchr(name, '/') || !strcmp(name, ".") ||
		 !strcmp(name, ".."))
		mq = ERR_PTR(-EACCES);
	else if (strlen(name) > NAME_MAX)
		mq = ERR_PTR(-ENAMETOOLONG);
	else
		mq = mqueue_get(name, flags, attr);
	kfree(name);
	return mq;
}

SYSCALL_FN(mq_open)
{
	struct linux_mq_attr attr = { .maxmsg = MSG_MAX,
				      .msgsize = MSGSIZE_MAX };
	u32 flags = (u32)s->a[1];
	struct mqueue *mq;
	struct file *f;

	if ((flags & O_CREAT) && s->a[3] && get_user_val(attr, s->a[3]))
		return -EFAULT;
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	mq = get_by_name(s->a[0], flags, &attr);
	if (IS_ERR(mq))
		return PTR_ERR(mq);
	f = file_alloc(NULL, &mqueue_fops,
		       flags & (O_ACCMODE | O_NONBLOCK));
	if (!f) {
		mqueue_put(mq);
		return -ENOMEM;
	}
	f->priv = mq;
	return fd_add(f, O_CLOEXEC);
}

SYSCALL_FN(mq_unlink)
{
	struct mqueue *mq = get_by_name(s->a[0], 0, NULL);
	bool mine = false;

	if (IS_ERR(mq))
		return PTR_ERR(mq);
	spin_lock(&names_lock);
	if (!list_empty(&mq->link)) {		/* else another was quicker */
		list_del_init(&mq->link);
		nr_queues--;
		mine = true;
	}
	spin_unlock(&names_lock);
	if (mine)
		mqueue_put(mq);
	mqueue_put(mq);
	return mine ? 0 : -ENOENT;
}

struct file *mq_fget(u64 fd)
{
	struct file *f = fget(fd);

	if (!f)
		return ERR_PTR(-EBADF);
	if (f->ops == &mqueue_fops)
		return f;
	file_put(f);
	return ERR_PTR(-EBADF);
}

/* An absolute time of CLOCK_REALTIME as a deadline.  -EFAULT, -EINVAL. */
static s64 mq_deadline(vaddr_t uaddr, u64 *deadline)
{
	struct linux_timespec ts;
	u64 ns, now = realtime_ns();
	s64 err;

	*deadline = ~0ULL;
	if (!uaddr)
		return 0;
	if (get_user_val(ts, uaddr))
		return -EFAULT;
	err = timespec_ns(&ts, &ns);
	if (!err)
		*deadline = deadline_in(ns > now ? ns - now : 0);
	return err;
}

enum mq_side { MQ_ROOM, MQ_MESSAGE };

static bool mq_ready(const struct mqueue *mq, enum mq_side side)
{
	u32 nr = READ_ONCE(mq->nr);

	return side == MQ_ROOM ? nr < mq->max : nr;
}

/* 0: look again (U3); or why not. */
static s64 mq_wait(struct file *f, enum mq_side side, u64 deadline)
{
	struct mqueue *mq = f->priv;
	struct wait_queue_head *wq = side == MQ_ROOM ? &mq->wr : &mq->rd;

	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	if (wait_event_until(wq, mq_ready(mq, side), deadline))
		return 0;
	return signal_pending() ? -ERESTARTSYS : -ETIMEDOUT;
}

static void insert(struct mqueue *mq, struct message *m)
{
	struct message *at;

	list_for_each_entry(at, &mq->messages, link) {
		if (at->prio < m->prio)
			break;
	}
	list_add_tail(&m->link, &at->link);			/* U1 */
	mq->nr++;
}

/* U4.  mq->lock held.  Whom to tell after it is dropped; 0: nobody. */
static u32 take_notify(struct mqueue *mq, struct linux_siginfo *info)
{
	u32 pid = mq->notify_pid;

	if (!pid || mq->nr != 1 || mq->readers_waiting)
		return 0;
	mq->notify_pid = 0;
	siginfo_user(info, (u32)mq->notify.signo, SI_MESGQ);
	info->f[1] = mq->notify.value;
	return mq->notify.notify == SIGEV_SIGNAL && info->signo ? pid : 0;
}

static void tell(u32 pid, const struct linux_siginfo *info)
{
	struct process *p = pid ? find_process(pid) : NULL;

	if (!p)
		return;
	send_signal(p, info);
	process_put(p);
}

/* m goes in, or stays the caller's with an error. */
static s64 send_message(struct file *f, struct message *m, u64 deadline)
{
	struct mqueue *mq = f->priv;
	struct linux_siginfo info;
	bool full;
	u32 pid = 0;
	s64 err;

	for (;;) {
		spin_lock(&mq->lock);
		full = mq->nr >= mq->max;
		if (!full) {
			insert(mq, m);
			pid = take_notify(mq, &info);
		}
		spin_unlock(&mq->lock);
		if (!full)
			break;
		err = mq_wait(f, MQ_ROOM, deadline);
		if (err)
			return err;
	}
	wake_up_all(&mq->rd);
	tell(pid, &info);
	return 0;
}

static s64 do_send(struct file *f, const struct sysargs *s, u64 deadline)
{
	struct mqueue *mq = f->priv;
	struct message *m;
	s64 err;

	if (!file_writable(f))
		return -EBADF;
	if (s->a[2] > mq->msgsize)
		return -EMSGSIZE;
	m = kmalloc(sizeof(*m) + s->a[2]);
	if (!m)
		return -ENOMEM;
	m->prio = (u32)s->a[3];
	m->len = s->a[2];
	err = copy_from_user(m->data, s->a[1], m->len) ? -EFAULT :
	      send_message(f, m, deadline);
	if (err)
		kfree(m);
	return err;
}

SYSCALL_FN(mq_timedsend)
{
	struct file *f;
	u64 deadline;
	s64 err = mq_deadline(s->a[4], &deadline);

	if (err)
		return err;
	if ((u32)s->a[3] >= PRIO_MAX)
		return -EINVAL;
	f = mq_fget(s->a[0]);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = do_send(f, s, deadline);
	file_put(f);
	return err;
}

/* The next message, for kfree; ERR_PTR. */
static struct message *receive(struct file *f, u64 deadline)
{
	struct mqueue *mq = f->priv;
	struct message *m;
	s64 err;

	for (;;) {
		spin_lock(&mq->lock);
		m = list_first_entry_or_null(&mq->messages, struct message,
					     link);
		if (m) {
			list_del(&m->link);
			mq->nr--;
		}
		mq->readers_waiting += !m;
		spin_unlock(&mq->lock);
		if (m)
			break;
		err = mq_wait(f, MQ_MESSAGE, deadline);
		spin_lock(&mq->lock);
		mq->readers_waiting--;
		spin_unlock(&mq->lock);
		if (err)
			return ERR_PTR(err);
	}
	wake_up_all(&mq->wr);
	return m;
}

SYSCALL_FN(mq_timedreceive)
{
	struct message *m;
	struct file *f;
	u64 deadline;
	s64 ret = mq_deadline(s->a[4], &deadline);

	if (ret)
		return ret;
	f = mq_fget(s->a[0]);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!file_readable(f))
		m = ERR_PTR(-EBADF);
	else if (s->a[2] < ((struct mqueue *)f->priv)->msgsize)
		m = ERR_PTR(-EMSGSIZE);
	else
		m = receive(f, deadline);
	file_put(f);
	if (IS_ERR(m))
		return PTR_ERR(m);
	ret = (s64)m->len;
	if (copy_to_user(s->a[1], m->data, m->len) ||
	    (s->a[3] && put_user_val(s->a[3], m->prio)))
		ret = -EFAULT;
	kfree(m);
	return ret;
}
