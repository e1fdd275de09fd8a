/* SPDX-License-Identifier: MIT */
/*
 * Message queues: attributes, and who is told of a message (mqueue.c, U4).
 * Tests: tests/abi/t_mqueue
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "sys/file.h"
#include "sys/mqueue.h"
#include "sys/process.h"
#include "sys/syscall.h"

static s64 set_notify(struct mqueue *mq, const struct linux_sigevent *ev)
{
	u32 me = cur_proc()->pid;
	s64 err = 0;

	spin_lock(&mq->lock);
	if (!ev) {
		if (mq->notify_pid == me)
			mq->notify_pid = 0;
	} else if (mq->notify_pid) {
		err = -EBUSY;
	} else {
		mq->notify_pid = me;
		mq->notify = *ev;
	}
	spin_unlock(&mq->lock);
	return err;
}

/* SIGEV_THREAD wants a socket of the library's, which there is not. */
SYSCALL_FN(mq_notify)
{
	struct linux_sigevent ev;
	struct file *f;
	s64 err;

	if (s->a[1]) {
		if (get_user_val(ev, s->a[1]))
			return -EFAULT;
		if (ev.notify != SIGEV_NONE && ev.notify != SIGEV_SIGNAL)
			return -EINVAL;
		if (ev.notify == SIGEV_SIGNAL &&
		    (ev.signo < 0 || ev.signo > NSIG))
			return -EINVAL;
	}
	f = mq_fget(s->a[0]);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = set_notify(f->priv, s->a[1] ? &ev : NULL);
	file_put(f);
	return err;
}

SYSCALL_FN(mq_getsetattr)
{
	struct linux_mq_attr new, old = { 0 };
	struct mqueue *mq;
	struct file *f;

	if (s->a[1]) {
		if (get_user_val(new, s->a[1]))
			return -EFAULT;
		if (new.flags & ~(s64)O_NONBLOCK)
			return -EINVAL;
	}
	f = mq_fget(s->a[0]);
	if (IS_ERR(f))
		return PTR_ERR(f);
	mq = f->priv;
	old.flags = f->flags & O_NONBLOCK;
	old.maxmsg = mq->max;
	old.msgsize = (s64)mq->msgsize;
	old.curmsgs = READ_ONCE(mq->nr);
	if (s->a[1])
		WRITE_ONCE(f->flags, (f->flags & ~(u32)O_NONBLOCK) |
			   (u32)new.flags);
	file_put(f);
	return s->a[2] ? put_user_val(s->a[2], old) : 0;
}
