/* SPDX-License-Identifier: MIT */
/* Sleeping locks: mutex and reader-writer semaphore (writers not starved). */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include "lib/list.h"
#include "kernel/lockdep.h"
#include "kernel/spinlock.h"

struct thread;

struct mutex {
	spinlock_t wait_lock;		/* LOCK_SEM */
	u16 rank;
	struct thread *owner;		/* NULL: free */
	struct list_head waiters;
};

#define DEFINE_MUTEX(name, r) \
	struct mutex name = { SPINLOCK_INIT(LOCK_SEM), (r), NULL, \
			      LIST_HEAD_INIT(name.waiters) }

void mutex_init(struct mutex *m, enum lock_rank rank);
void mutex_lock(struct mutex *m);
/* -EINTR when the thread has a signal pending before the lock is had. */
int __must_check mutex_lock_interruptible(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_locked(const struct mutex *m);

struct rwsem {
	spinlock_t wait_lock;		/* LOCK_SEM */
	u16 rank;
	s32 count;			/* >0 readers, -1 a writer, 0 free */
	struct thread *owner;		/* the writer */
	struct list_head waiters;	/* FIFO of readers and writers */
};

#define RWSEM_INIT(name, r) { SPINLOCK_INIT(LOCK_SEM), (r), 0, NULL, \
			      LIST_HEAD_INIT(name.waiters) }

void rwsem_init(struct rwsem *s, enum lock_rank rank);
void down_read(struct rwsem *s);
bool down_read_trylock(struct rwsem *s);
void up_read(struct rwsem *s);
void down_write(struct rwsem *s);
/* For many semaphores of one rank, all under `outer` (mm_take_all_locks). */
void down_write_nest_lock(struct rwsem *s, const void *outer);
bool down_write_trylock(struct rwsem *s);
void up_write(struct rwsem *s);
void downgrade_write(struct rwsem *s);
bool rwsem_is_write_locked(const struct rwsem *s);
bool rwsem_is_locked(const struct rwsem *s);
/* Chokepoints (lab): the current thread holds it, reports anything else. */
#define mutex_assert_held(m)	lockdep_assert_held(m, (m)->rank)
#define rwsem_assert_held(s)	lockdep_assert_held(s, (s)->rank)
#define rwsem_assert_held_write(s) do {					\
	lockdep_assert_held(s, (s)->rank);				\
	KASSERT(rwsem_is_write_locked(s));				\
} while (0)

#endif
