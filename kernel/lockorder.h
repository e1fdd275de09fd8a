/* SPDX-License-Identifier: MIT */
/*
 * Every lock has a rank; a thread takes locks in the order of this list,
 * outermost first.  Lab builds panic on a lock taken at or inside a held rank,
 * naming both.  Locks of one rank nest only through the _nest_lock verbs,
 * whose caller names the outer lock that makes the order safe.
 *
 * Locks taken in interrupt handlers stand last: an interrupt may come while
 * any lock above them is held.
 */
#ifndef KERNEL_LOCKORDER_H
#define KERNEL_LOCKORDER_H

#define LOCK_RANKS(X)							\
	/* sleeping */							\
	X(SHELL)	/* one shell command at a time */		\
	X(TEST)								\
	X(SWAPON)	/* devices coming and going */		\
	X(AUDIT)	/* one whole-system audit at a time */		\
	X(SHADOW_FILE)	/* names of shared ranges */			\
	X(DEVLIST)	/* shadow devices */				\
	X(TTY)								\
	X(FPOS)		/* an open file's position */		\
	X(INODE)	/* i_rwsem */					\
	X(PIPE)								\
	X(MIGRATOR)	/* one relocation per mm at a time */		\
	X(KSM)		/* merging of one page */			\
	X(MM_CREATE)	/* read: a new mm */			\
	X(MMAP)		/* mm->mmap_lock */				\
	X(VMA)		/* vma->vm_lock */				\
	X(WRITEBACK)	/* address_spaces with a device */		\
	X(MOTION)	/* pages moved without a mmap_lock */	\
	X(MAPPINGS)	/* list of all address_spaces */		\
	X(PAGE)		/* PG_locked */					\
	X(RECLAIM)	/* no lock: where an allocation may reclaim */	\
	X(MM_ALL)	/* mm_all_locks_mutex */			\
	X(OOM)		/* one victim at a time */		\
	X(I_MMAP)	/* mapping->i_mmap_rwsem */			\
	X(ANON_VMA)	/* anon_vma->root->rwsem */			\
	X(SRCU)								\
	X(SHADOW_DEV)	/* a device's sleeping state lock */		\
	/* spinning */							\
	X(NOTIFIER)	/* subscriptions->lock */			\
	X(PT_ROOT)	/* mm->page_table_lock */			\
	X(PGD)		/* table locks, by level */			\
	X(PUD)								\
	X(PMD)								\
	X(PTE)								\
	X(SHADOW_MMU)	/* a device's mmu_lock */			\
	X(SHADOW_TLB)	/* a device's TLB and its accesses */		\
	X(SPT_ROOT)	/* shadow tables, by level */			\
	X(SPGD)								\
	X(SPUD)								\
	X(SPMD)								\
	X(SPTE)								\
	X(I_PAGES)	/* page cache tree */				\
	X(SWAP)		/* a swap device's slots */			\
	X(SWAPDATA)	/* compressed pages */				\
	X(LRU)		/* a node's lists of pages */			\
	X(PROC)		/* process tree, pids */			\
	X(ALARM)	/* timers of processes */			\
	X(FILES)	/* descriptor tables */				\
	X(SIGNAL)							\
	X(FUTEX)							\
	X(THREADS)	/* list of all threads */			\
	X(VMALLOC)	/* maps of kernel address ranges */		\
	X(SLAB_CPU)	/* a CPU's magazine of objects */		\
	X(SLAB)								\
	X(PCP)		/* a CPU's list of free frames */		\
	X(ZONE)		/* buddy allocator */				\
	X(SEM)		/* inner spinlock of mutexes and rwsems */	\
	/* taken by interrupt handlers as well */			\
	X(BLKDEV)	/* a disk driver's queue */			\
	X(BLK_DONE)	/* requests that are over */			\
	X(CONSOLE_IN)							\
	X(WAITQ)							\
	X(RQ)		/* run queues */				\
	X(TIMER)							\
	X(RCU)								\
	X(MODEL)	/* software MMU model: from flush IPIs too */	\
	X(CONSOLE)	/* printk output */				\
	/* of tests only: kt_lockdep.c */				\
	X(TEST_IRQ)							\
	X(TEST_MIDDLE)							\
	X(TEST_INNER)

enum lock_rank {
	LOCK_NONE,
#define X(name) LOCK_##name,
	LOCK_RANKS(X)
#undef X
	NR_LOCK_RANKS
};

extern const char *const lock_rank_name[NR_LOCK_RANKS];

#endif
