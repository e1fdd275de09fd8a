/* SPDX-License-Identifier: MIT */
/*
 * Futexes: sleeping on a word of user memory.
 *
 *	waiter				waker (user code, then kernel)
 *	(1) lock the key's bucket	(A) change the word
 *	(2) enter the queue		(B) lock the bucket
 *	(3) word still as expected?	(C) take waiters off, wake them
 *	(4) unlock, sleep
 * (1) before (B): (C) finds the waiter.  (B) before (1): the bucket's lock
 * orders (A) before (3), which fails.  No wake-up is missed.
 *
 * K1. A key is (mm, address) for memory that is one mm's own, whether or not
 *     the caller says so, and (file, offset) for shared memory; a waiter holds
 *     a reference on the file, so a key names one thing as long as anyone
 *     waits with it.
 * K2. (3) reads the word without sleeping; when that faults, everything is
 *     undone, the page is faulted in, and it begins again.
 * K3. A queue entry is on its waiter's stack: the waiter takes the bucket's
 *     lock before it leaves, so nobody touches the entry afterwards.
 *
 * Locks: bucket locks (LOCK_FUTEX); two by address.  Tests: tests/abi/t_futex
 */
#include "arch/uaccess.h"
#include "kernel/init.h"
#include "lib/err.h"
#include "mm/vma.h"
#include "sys/futex.h"
#include "sys/process.h"
#include "sys/syscall.h"
#include "sys/times.h"

#define BUCKETS		256U
#define ANY_BITS	0xffffffffU

struct key {
	void *object;			/* mm_struct or address_space */
	u64 where;
	struct address_space *mapping;	/* referenced, or NULL */
};

struct bucket {
	spinlock_t lock;
	struct list_head waiters;
};

struct waiter {
	struct list_head link;		/* bucket's lock */
	struct bucket *bucket;		/* bucket's lock: requeue moves it */
	struct key key;			/* bucket's lock */
	u32 bits;			/* I */
	u32 woken;			/* a: off the queue */
	struct wait_queue_head wq;
};

static struct bucket buckets[BUCKETS];

static int futex_init(void)
{
	for (u32 i = 0; i < BUCKETS; i++) {
		spin_lock_init(&buckets[i].lock, LOCK_FUTEX);
		INIT_LIST_HEAD(&buckets[i].waiters);
	}
	return 0;
}
INITCALL_LEVEL(1, futex_init);

static struct bucket *bucket_of(const struct key *k)
{
	u64 h = ((u64)k->object >> 6) ^ (k->where >> 2);

	h *= 0x9e3779b97f4a7c15ULL;
	return &buckets[h >> 56 & (BUCKETS - 1)];
}

static bool key_same(const struct key *a, const struct key *b)
{
	return a->object == b->object && a->where == b->where;
}

static void key_put(struct key *k)
{
	if (k->mapping)
		k->mapping->a_ops->put(k->mapping);
	k->mapping = NULL;
}

/* K1.  -EINVAL, -EFAULT. */
static s64 key_get(struct key *k, vaddr_t uaddr, u32 op)
{
	struct mm_struct *mm = cur_proc()->mm;
	struct vm_area_struct *vma;
	s64 err = 0;

	if (uaddr & 3)
		return -EINVAL;
	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	*k = (struct key){ mm, uaddr, NULL };
	if (op & FUTEX_PRIVATE_FLAG)
		return 0;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, uaddr);
	if (!vma) {
		err = -EFAULT;
	} else if ((vma->vm_flags & VM_SHARED) && vma->vm_mapping) {
		k->mapping = vma->vm_mapping;
		k->mapping->a_ops->get(k->mapping);
		k->object = k->mapping;
		k->where = linear_page_index(vma, uaddr) << PAGE_SHIFT |
			   (uaddr & ~PAGE_MASK);
	}
	mmap_read_unlock(mm);
	return err;
}

/* (2) and (3): 0 queued; -EAGAIN value differs; -EFAULT not readable now. */
static s64 queue_if(struct waiter *w, vaddr_t uaddr, u32 expected)
{
	struct bucket *b = bucket_of(&w->key);
	s64 err = 0;
	u32 val;

	spin_lock(&b->lock);						/* (1) */
	if (copy_nofault(&val, (const void *)uaddr, sizeof(val)))
		err = -EFAULT;
	else if (val != expected)
		err = -EAGAIN;
	if (!err) {
		w->bucket = b;
		list_add_tail(&w->link, &b->waiters);
	}
	spin_unlock(&b->lock);
	return err;
}

/* K3.  True: it was woken and off the queue already. */
static bool unqueue(struct waiter *w)
{
	struct bucket *b;
	bool woken;

	for (;;) {
		b = READ_ONCE(w->bucket);
		spin_lock(&b->lock);
		if (b == READ_ONCE(w->bucket))
			break;
		spin_unlock(&b->lock);		/* requeued meanwhile */
	}
	woken = w->woken;
	if (!woken)
		list_del(&w->link);
	spin_unlock(&b->lock);
	return woken;
}

static s64 wait_queued(struct waiter *w, u64 deadline)
{
	if (deadline == ~0ULL)
		(void)wait_event_interruptible(&w->wq, READ_ONCE(w->woken));
	else
		(void)wait_event_until(&w->wq, READ_ONCE(w->woken), deadline);
	if (unqueue(w))
		return 0;
	return signal_pending() ? -EINTR : -ETIMEDOUT;
}

struct wait_args {
	vaddr_t uaddr;
	u32 val, op, bits;
	u64 deadline;
};

static s64 wait_once(const struct wait_args *a)
{
	struct waiter w = { .bits = a->bits };
	u32 val;
	s64 err;

	init_waitqueue_head(&w.wq);
	for (;;) {
		err = key_get(&w.key, a->uaddr, a->op);
		if (err)
			return err;
		err = queue_if(&w, a->uaddr, a->val);
		if (err != -EFAULT)
			break;
		key_put(&w.key);
		err = user_load_u32(a->uaddr, &val);		/* K2 */
		if (err)
			return err;
	}
	if (!err)
		err = wait_queued(&w, a->deadline);
	else
		err = -EWOULDBLOCK;
	key_put(&w.key);
	return err;
}

/* arg: uaddr, val, op, bits, deadline */
static s64 restart_wait(struct restart_block *rb)
{
	struct wait_args a = {
		rb->arg[0], (u32)rb->arg[1], (u32)rb->arg[2], (u32)rb->arg[3],
		rb->arg[4],
	};
	s64 ret = wait_once(&a);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

static s64 futex_wait(const struct wait_args *a)
{
	struct restart_block *rb = &cur_uthread()->restart;
	s64 ret;

	if (!a->bits)
		return -EINVAL;
	ret = wait_once(a);
	if (ret != -EINTR)
		return ret;
	if (a->deadline == ~0ULL)
		return -ERESTARTSYS;
	*rb = (struct restart_block){ restart_wait, { a->uaddr, a->val, a->op,
				      a->bits, a->deadline } };
	return -ERESTART_RESTARTBLOCK;
}

/* The bucket's lock is held. */
static void wake_waiter(struct waiter *w)
{
	list_del(&w->link);
	WRITE_ONCE(w->woken, 1);
	wake_up_all(&w->wq);
}

static s64 futex_wake(vaddr_t uaddr, u32 op, u32 nr, u32 bits)
{
	struct waiter *w, *n;
	struct bucket *b;
	struct key key;
	s64 woken = 0, err;

	if (!bits)
		return -EINVAL;
	err = key_get(&key, uaddr, op);
	if (err)
		return err;
	b = bucket_of(&key);
	spin_lock(&b->lock);						/* (B) */
	list_for_each_entry_safe(w, n, &b->waiters, link) {
		if (!key_same(&w->key, &key) || !(w->bits & bits))
			continue;
		if (woken >= (s64)(s32)nr && woken)
			break;
		wake_waiter(w);						/* (C) */
		woken++;
	}
	spin_unlock(&b->lock);
	key_put(&key);
	return woken;
}

s64 futex_wake_addr(vaddr_t uaddr, u32 nr)
{
	return futex_wake(uaddr, 0, nr, ANY_BITS);
}

static void lock_two(struct bucket *a, struct bucket *b)
{
	if (a > b)
		swap(a, b);
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_nest_lock(&b->lock, &a->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

struct requeue {
	struct key from, to;
	s32 nr_wake, nr_move;
};

/* Both buckets locked.  Woken and moved. */
static s64 requeue_locked(struct requeue *rq, struct bucket *a,
			  struct bucket *b)
{
	struct waiter *w, *n;
	s64 done = 0;

	list_for_each_entry_safe(w, n, &a->waiters, link) {
		if (!key_same(&w->key, &rq->from))
			continue;
		if (rq->nr_wake > 0) {
			rq->nr_wake--;
			wake_waiter(w);
		} else if (rq->nr_move > 0) {
			rq->nr_move--;
			if (a != b)	/* else it would be met again */
				list_move_tail(&w->link, &b->waiters);
			if (rq->to.mapping)
				rq->to.mapping->a_ops->get(rq->to.mapping);
			/* Not its last reference: rq->from has one too. */
			if (w->key.mapping)
				w->key.mapping->a_ops->put(w->key.mapping);
			w->key = rq->to;
			WRITE_ONCE(w->bucket, b);
		} else {
			break;
		}
		done++;
	}
	return done;
}

/* s->a: uaddr, op, nr_wake, nr_move, uaddr2, val3 */
static s64 futex_requeue(const struct sysargs *s, u32 op, const u32 *expected)
{
	struct requeue rq = { .nr_wake = (s32)s->a[2],
			      .nr_move = (s32)s->a[3] };
	struct bucket *a, *b;
	s64 ret;
	u32 val;

	if (rq.nr_wake < 0 || rq.nr_move < 0)
		return -EINVAL;
again:
	ret = key_get(&rq.from, s->a[0], op);
	if (ret)
		return ret;
	ret = key_get(&rq.to, s->a[4], op);
	if (ret)
		goto out_from;
	a = bucket_of(&rq.from);
	b = bucket_of(&rq.to);
	lock_two(a, b);
	if (expected && copy_nofault(&val, (const void *)s->a[0], sizeof(val)))
		ret = -EFAULT;
	else if (expected && val != *expected)
		ret = -EAGAIN;
	else
		ret = requeue_locked(&rq, a, b);
	unlock_two(a, b);
	key_put(&rq.to);
out_from:
	key_put(&rq.from);
	if (ret == -EFAULT && expected && !user_load_u32(s->a[0], &val))
		goto again;
	return ret;
}

/* The deadline of a wait; WAIT's time is relative, WAIT_BITSET's absolute. */
static s64 wait_deadline(const struct sysargs *s, u32 op, u64 *deadline)
{
	struct linux_timespec ts;
	u64 ns, now;
	s64 err;

	*deadline = ~0ULL;
	if (!s->a[3])
		return 0;
	if ((op & 127) == FUTEX_WAIT)
		return get_timeout(s->a[3], deadline);
	if (get_user_val(ts, s->a[3]))
		return -EFAULT;
	err = timespec_ns(&ts, &ns);
	if (err)
		return err;
	now = op & FUTEX_CLOCK_REALTIME ? realtime_ns() : ktime_get();
	*deadline = deadline_in(ns > now ? ns - now : 0);
	return 0;
}

SYSCALL_FN(futex)
{
	u32 op = (u32)s->a[1], val3 = (u32)s->a[5];
	struct wait_args wa = { s->a[0], (u32)s->a[2], op, ANY_BITS, 0 };
	s64 err;

	switch (op & ~(u32)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
	case FUTEX_WAIT_BITSET:
		wa.bits = val3;
		fallthrough;
	case FUTEX_WAIT:
		err = wait_deadline(s, op & ~(u32)FUTEX_PRIVATE_FLAG,
				    &wa.deadline);
		return err ? err : futex_wait(&wa);
	case FUTEX_WAKE:
		return futex_wake(s->a[0], op, (u32)s->a[2], ANY_BITS);
	case FUTEX_WAKE_BITSET:
		return futex_wake(s->a[0], op, (u32)s->a[2], val3);
	case FUTEX_REQUEUE:
		return futex_requeue(s, op, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(s, op, &val3);
	default:
		return -ENOSYS;
	}
}
