/* SPDX-License-Identifier: MIT */
/*
 * Pipes: a ring of 16 pages, allocated as they are first needed.
 *
 * A1. Bytes [tail, head) are in the ring; head - tail <= PIPE_SIZE.
 * A2. A write of up to PIPE_BUF bytes goes in whole or not at all.
 * A3. An end's last close wakes the other side, which sees the count of ends
 *     and finds end-of-file or EPIPE.
 *
 * Locks: pipe->lock (LOCK_PIPE) held across user copies; sleepers wait outside
 * it.  Lifetime: each end's file holds one reference.
 * Tests: tests/abi/t_pipe
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "mm/page_alloc.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"

#define PIPE_PAGES	16U
#define PIPE_SIZE	(PIPE_PAGES * PAGE_SIZE)
#define PIPE_BUF	4096

struct pipe {
	struct mutex lock;		/* LOCK_PIPE */
	u64 head, tail;			/* lock; free running */
	u32 readers, writers;		/* a: files open */
	atomic_t refs;
	struct wait_queue_head rd, wr;
	struct page *page[PIPE_PAGES];	/* lock */
};

static u64 used(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail);
}

static u64 room(const struct pipe *p)
{
	return PIPE_SIZE - used(p);
}

/* Where `at` lies, its page allocated; *n is clipped to the page. */
static void *place(struct pipe *p, u64 at, u64 *n)
{
	u64 off = at % PIPE_SIZE;
	struct page **page = &p->page[off / PAGE_SIZE];

	if (!*page)
		*page = alloc_page(ALLOC_PLAIN);
	if (!*page)
		return NULL;
	*n = min(*n, PAGE_SIZE - off % PAGE_SIZE);
	return (u8 *)page_address(*page) + off % PAGE_SIZE;
}

static s64 read_some(struct pipe *p, vaddr_t to, u64 len)
{
	u64 done = 0, n;
	void *from;

	while (done < len && used(p)) {
		n = min(len - done, used(p));
		from = place(p, p->tail, &n);
		if (copy_to_user(to + done, from, n))
			return done ? (s64)done : -EFAULT;
		WRITE_ONCE(p->tail, p->tail + n);
		done += n;
	}
	return (s64)done;
}

static s64 pipe_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	struct pipe *p = f->priv;
	bool last;
	s64 ret;

	(void)pos;
	if (!len)
		return 0;
	for (;;) {
		/* First this: what the last writer wrote is in by then. */
		last = !READ_ONCE(p->writers);
		mutex_lock(&p->lock);
		ret = read_some(p, to, len);
		mutex_unlock(&p->lock);
		if (ret) {
			wake_up_all(&p->wr);
			return ret;
		}
		if (last)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&p->rd, used(p) ||
					     !READ_ONCE(p->writers)))
			return -ERESTARTSYS;
	}
}

/* What fits, if there is room for `want` bytes (A2).  0: no room now. */
static s64 write_some(struct pipe *p, vaddr_t from, u64 len, u64 want)
{
	u64 done = 0, n;
	void *to;

	if (room(p) < want)
		return 0;
	while (done < len && room(p)) {
		n = min(len - done, room(p));
		to = place(p, p->head, &n);
		if (!to)
			return done ? (s64)done : -ENOMEM;
		if (copy_from_user(to, from + done, n))
			return done ? (s64)done : -EFAULT;
		WRITE_ONCE(p->head, p->head + n);
		done += n;
	}
	return (s64)done;
}

static s64 broken_pipe(void)
{
	struct linux_siginfo info;

	siginfo_user(&info, SIGPIPE, SI_USER);
	send_signal_thread(cur_uthread(), &info);
	return -EPIPE;
}

static s64 pipe_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	struct pipe *p = f->priv;
	u64 done = 0, want = len <= PIPE_BUF ? len : 1;
	s64 n;

	(void)pos;
	while (done < len) {
		if (!READ_ONCE(p->readers))
			return done ? (s64)done : broken_pipe();
		mutex_lock(&p->lock);
		n = write_some(p, from + done, len - done, want);
		mutex_unlock(&p->lock);
		if (n < 0)
			return done ? (s64)done : n;
		done += (u64)n;
		if (n)
			wake_up_all(&p->rd);
		if (done == len)
			break;
		if (f->flags & O_NONBLOCK)
			return done ? (s64)done : -EAGAIN;
		if (wait_event_interruptible(&p->wr, room(p) >= want ||
					     !READ_ONCE(p->readers)))
			return done ? (s64)done : -ERESTARTSYS;
	}
	return (s64)done;
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	bool reader = file_readable(f);
	struct pipe *p = f->priv;
	u32 mask = 0;

	if (pt)
		poll_wait(pt, reader ? &p->rd : &p->wr);
	if (reader) {
		mask |= used(p) ? POLLIN | POLLRDNORM : 0;
		mask |= READ_ONCE(p->writers) ? 0 : POLLHUP;
	} else {
		mask |= room(p) >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0;
		mask |= READ_ONCE(p->readers) ? 0 : POLLERR;
	}
	return mask;
}

static s64 pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	u32 n = (u32)used(f->priv);

	return cmd == FIONREAD ? put_user_val(arg, n) : -ENOTTY;
}

static void pipe_free(struct pipe *p)
{
	for (u32 i = 0; i < PIPE_PAGES; i++) {
		if (p->page[i])
			put_page(p->page[i]);
	}
	kfree(p);
}

static void pipe_release(struct file *f)			/* A3 */
{
	struct pipe *p = f->priv;

	WRITE_ONCE(*(file_readable(f) ? &p->readers : &p->writers), 0);
	wake_up_all(&p->rd);
	wake_up_all(&p->wr);
	if (atomic_dec_and_test(&p->refs))
		pipe_free(p);
}

static const struct file_ops pipe_fops = {
	.read = pipe_read,
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
	.release = pipe_release,
};

/* Both ends; 0 or -ENOMEM with none. */
static int make_pipe(struct file *end[2], u32 flags)
{
	struct pipe *p = kzalloc(sizeof(*p));

	end[0] = file_alloc(NULL, &pipe_fops, O_RDONLY | flags);
	end[1] = file_alloc(NULL, &pipe_fops, O_WRONLY | flags);
	if (!p || !end[0] || !end[1]) {
		/* Nothing to release yet. */
		kfree(end[0]);
		kfree(end[1]);
		kfree(p);
		return -ENOMEM;
	}
	mutex_init(&p->lock, LOCK_PIPE);
	init_waitqueue_head(&p->rd);
	init_waitqueue_head(&p->wr);
	p->readers = p->writers = 1;
	atomic_set(&p->refs, 2);
	end[0]->priv = end[1]->priv = p;
	return 0;
}

static s64 do_pipe(vaddr_t to, u32 flags)
{
	struct file *end[2];
	int fd[2] = { -1, -1 };
	s64 err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = make_pipe(end, flags);
	if (err)
		return err;
	for (int i = 0; i < 2 && !err; i++) {
		fd[i] = fd_reserve(0, flags);
		err = fd[i] < 0 ? fd[i] : 0;
	}
	if (!err)
		err = put_user_val(to, fd);
	for (int i = 0; i < 2; i++) {
		if (!err) {
			fd_install(fd[i], end[i]);
			continue;
		}
		if (fd[i] >= 0)
			fd_unreserve(fd[i]);
		file_put(end[i]);
	}
	return err;
}

SYSCALL_FN(pipe) { return do_pipe(s->a[0], 0); }
SYSCALL_FN(pipe2) { return do_pipe(s->a[0], (u32)s->a[1]); }
