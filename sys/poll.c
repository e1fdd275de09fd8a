/* SPDX-License-Identifier: MIT */
/*
 * poll, ppoll, select and pselect6, all through one list of pollfds.
 *
 *	poller					waker
 *	(1) enter every file's wait queue	(A) change the file's state
 *	(2) state = INTERRUPTIBLE; mb		(B) wake the queue
 *	(3) look at every file, sleeping in none
 *	(4) schedule
 * A wake-up before (2) finds us running and leaves us on the queue; (3) sees
 * what (A) changed.
 * Tests: tests/abi/t_pipe
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define LOOK_AGAIN_NS	(10 * 1000000ULL)

void poll_wait(struct poll_table *pt, struct wait_queue_head *wq)
{
	struct poll_entry *e;

	if (pt->nr == pt->max) {
		pt->failed = 1;
		return;
	}
	e = &pt->entry[pt->nr++];
	e->wq = wq;
	e->w.thread = NULL;
	prepare_to_wait(wq, &e->w, WAIT_INTERRUPTIBLE);
}

static void table_init(struct poll_table *pt, u32 nr)
{
	pt->nr = pt->failed = 0;
	pt->max = POLL_INLINE;
	pt->entry = pt->small;
	if (nr <= POLL_INLINE)
		return;
	pt->entry = kmalloc(nr * sizeof(*pt->entry));
	if (pt->entry) {
		pt->max = nr;
	} else {		/* some are watched, the others looked at */
		pt->entry = pt->small;
		pt->failed = 1;
	}
}

static void table_leave(struct poll_table *pt)
{
	for (u32 i = 0; i < pt->nr; i++)
		finish_wait(pt->entry[i].wq, &pt->entry[i].w);
	WRITE_ONCE(current()->state, THREAD_RUNNABLE);
	pt->nr = 0;
}

static u32 file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->ops->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->ops->poll(f, pt);
}

struct poll_set {
	struct linux_pollfd *fds;
	struct file **files;		/* NULL: not open, or fd < 0 */
	u32 nr;
};

/* How many have something to say. */
static s64 look(struct poll_set *ps, struct poll_table *pt)
{
	s64 ready = 0;

	for (u32 i = 0; i < ps->nr; i++) {
		struct linux_pollfd *p = &ps->fds[i];
		u32 mask = 0;

		if (ps->files[i])
			mask = file_poll(ps->files[i], pt) &
			       ((u32)(u16)p->events | POLLERR | POLLHUP);
		else if (p->fd >= 0)
			mask = POLLNVAL;
		p->revents = (s16)mask;
		ready += mask != 0;
	}
	return ready;
}

static s64 poll_loop(struct poll_set *ps, u64 deadline)
{
	struct poll_table pt;
	s64 ready = look(ps, NULL);

	if (ready || deadline <= ktime_get())
		return ready;
	table_init(&pt, ps->nr);
	for (;;) {
		u64 until = deadline;

		look(ps, &pt);						/* (1) */
		smp_store_mb(&current()->state, THREAD_INTERRUPTIBLE);	/* (2) */
		ready = look(ps, NULL);					/* (3) */
		if (ready || signal_pending() || ktime_get() >= deadline)
			break;
		if (pt.failed)
			until = min(until, ktime_get() + LOOK_AGAIN_NS);
		schedule_until(until);					/* (4) */
		table_leave(&pt);
	}
	table_leave(&pt);
	if (pt.entry != pt.small)
		kfree(pt.entry);
	return ready ? ready : signal_pending() ? -ERESTARTNOHAND : 0;
}

static s64 poll_files(struct linux_pollfd *fds, u32 nr, u64 deadline)
{
	struct poll_set ps = { fds, NULL, nr };
	s64 ret;

	ps.files = kzalloc((nr + 1) * sizeof(*ps.files));
	if (!ps.files)
		return -ENOMEM;
	for (u32 i = 0; i < nr; i++) {
		if (fds[i].fd >= 0)
			ps.files[i] = fget((u64)fds[i].fd);
	}
	ret = poll_loop(&ps, deadline);
	for (u32 i = 0; i < nr; i++) {
		if (ps.files[i])
			file_put(ps.files[i]);
	}
	kfree(ps.files);
	return ret;
}

static s64 do_poll(vaddr_t ufds, u64 nr, u64 deadline)
{
	struct linux_pollfd *fds;
	s64 ret;

	if (nr > FILES_MAX)
		return -EINVAL;
	fds = kmalloc((nr + 1) * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	ret = -EFAULT;
	if (!copy_from_user(fds, ufds, nr * sizeof(*fds))) {
		ret = poll_files(fds, (u32)nr, deadline);
		if (ret >= 0 && copy_to_user(ufds, fds, nr * sizeof(*fds)))
			ret = -EFAULT;
	}
	kfree(fds);
	return ret;
}

SYSCALL_FN(poll)
{
	s32 ms = (s32)s->a[2];

	return do_poll(s->a[0], (u32)s->a[1],
		       ms < 0 ? ~0ULL : deadline_in((u64)ms * 1000000));
}

/* The mask of ppoll and pselect6 until the return to user mode. */
static s64 use_mask(vaddr_t uset, u64 size)
{
	struct uthread *ut = cur_uthread();
	u64 mask;

	if (!uset)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user_val(mask, uset))
		return -EFAULT;
	ut->saved_mask = ut->blocked;
	ut->restore_mask = 1;
	set_blocked(mask);
	return 0;
}

SYSCALL_FN(ppoll)
{
	u64 deadline = ~0ULL;
	s64 err = 0;

	if (s->a[2])
		err = get_timeout(s->a[2], &deadline);
	if (!err)
		err = use_mask(s->a[3], s->a[4]);
	return err ? err : do_poll(s->a[0], (u32)s->a[1], deadline);
}

#define SET_WORDS	(FILES_MAX / 64)
struct fd_sets {
	u64 in[SET_WORDS], out[SET_WORDS], ex[SET_WORDS];
};

static s64 get_set(u64 *set, vaddr_t from, u32 nr)
{
	if (!from)
		return 0;
	return copy_from_user(set, from, DIV_ROUND_UP(nr, 64) * 8) ?
	       -EFAULT : 0;
}

static s64 put_set(vaddr_t to, const u64 *set, u32 nr)
{
	if (!to)
		return 0;
	return copy_to_user(to, set, DIV_ROUND_UP(nr, 64) * 8) ? -EFAULT : 0;
}

static bool in_set(const u64 *set, u32 fd)
{
	return set[fd / 64] >> (fd % 64) & 1;
}

/* The pollfds of the sets; how many. */
static u32 sets_to_fds(const struct fd_sets *fs, u32 nr,
		       struct linux_pollfd *fds)
{
	u32 n = 0;

	for (u32 fd = 0; fd < nr; fd++) {
		s16 events = 0;

		events |= in_set(fs->in, fd) ? POLLIN : 0;
		events |= in_set(fs->out, fd) ? POLLOUT : 0;
		events |= in_set(fs->ex, fd) ? POLLPRI : 0;
		if (events)
			fds[n++] = (struct linux_pollfd){ (s32)fd, events, 0 };
	}
	return n;
}

/* The sets of what is ready; how many bits.  -EBADF. */
static s64 fds_to_sets(const struct linux_pollfd *fds, u32 n,
		       struct fd_sets *fs)
{
	s64 bits = 0;

	memset(fs, 0, sizeof(*fs));
	for (u32 i = 0; i < n; i++) {
		u32 fd = (u32)fds[i].fd;
		u64 bit = 1ULL << (fd % 64);
		s16 r = fds[i].revents, want = fds[i].events;

		if (r & POLLNVAL)
			return -EBADF;
		if ((r & (POLLIN | POLLHUP | POLLERR)) && (want & POLLIN)) {
			fs->in[fd / 64] |= bit;
			bits++;
		}
		if ((r & (POLLOUT | POLLERR)) && (want & POLLOUT)) {
			fs->out[fd / 64] |= bit;
			bits++;
		}
	}
	return bits;
}

struct select_mem {
	struct fd_sets sets;
	struct linux_pollfd fds[FILES_MAX];
};

static s64 do_select(const struct sysargs *s, u64 deadline)
{
	u32 nr = min((u32)s->a[0], (u32)FILES_MAX), n;
	struct select_mem *m;
	s64 ret;

	if ((s32)s->a[0] < 0)
		return -EINVAL;
	m = kzalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	ret = get_set(m->sets.in, s->a[1], nr);
	if (!ret)
		ret = get_set(m->sets.out, s->a[2], nr);
	if (!ret)
		ret = get_set(m->sets.ex, s->a[3], nr);
	if (!ret) {
		n = sets_to_fds(&m->sets, nr, m->fds);
		ret = poll_files(m->fds, n, deadline);
		if (ret >= 0)
			ret = fds_to_sets(m->fds, n, &m->sets);
	}
	if (ret >= 0 && (put_set(s->a[1], m->sets.in, nr) ||
			 put_set(s->a[2], m->sets.out, nr) ||
			 put_set(s->a[3], m->sets.ex, nr)))
		ret = -EFAULT;
	kfree(m);
	return ret;
}

SYSCALL_FN(select)
{
	u64 deadline = ~0ULL, ns;
	struct linux_timeval tv;
	s64 err;

	if (s->a[4]) {
		if (get_user_val(tv, s->a[4]))
			return -EFAULT;
		err = timeval_ns(&tv, &ns);
		if (err)
			return err;
		deadline = deadline_in(ns);
	}
	return do_select(s, deadline);
}

SYSCALL_FN(pselect6)
{
	u64 deadline = ~0ULL, mask[2] = { 0, 0 };
	s64 err = 0;

	if (s->a[4])
		err = get_timeout(s->a[4], &deadline);
	if (!err && s->a[5] && get_user_val(mask, s->a[5]))
		err = -EFAULT;
	if (!err)
		err = use_mask(mask[0], mask[1]);
	return err ? err : do_select(s, deadline);
}
