/* SPDX-License-Identifier: MIT */
/*
 * Between the files of drivers/shadow; nobody else includes it.
 *
 * A device is an engine thread that makes accesses, a TLB that they go
 * through, and a class that says where translations come from.
 *
 * V1  An access looks up, checks and moves its words with tlb_lock held: one
 *     that whoever flushes has not waited for comes after the flush.
 * V2  An entry enters the TLB only by its class, which proves that no section
 *     has come since what it says was read from the process's tables.
 * V3  The model counts each entry of the TLB as a name of its frame
 *     (mmu_model_device.c): a frame freed under one is reported.
 */
#ifndef DRIVERS_SHADOW_INTERNAL_H
#define DRIVERS_SHADOW_INTERNAL_H

#include "drivers/shadow/shadow.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"
#include "mm/mmu_notifier.h"
#include "mm/pgtable.h"

#define SHADOW_TLB_SIZE 64 /* direct mapped by page number */

struct shadow_tlb_entry {
	u64 vpn; /* valid when pte is present */
	pte_t pte;
};

enum shadow_access { SHADOW_ACCESS_READ, SHADOW_ACCESS_WRITE };

enum shadow_counter {
	SHADOW_FAULTS,
	SHADOW_RETRIES,
	SHADOW_INSTALLS,
	SHADOW_ZAPS,
	SHADOW_ACCESSES,
	SHADOW_FLUSHES,
	SHADOW_STALE,
	SHADOW_ENTRIES,
	SHADOW_NR_COUNTERS,
};

/* Where an XPMEM-like device shows the exporter's [start, start + len). */
struct shadow_window {
	struct mm_struct *importer;	/* NULL: everything, in place */
	vaddr_t start;
	u64 len;
	u32 segid;
	atomic64_t *count;		/* where to count; NULL: anywhere */
};

/*
 * A kind of secondary MMU.  The device's structure has a struct shadow_dev as
 * its first member.
 */
struct shadow_class {
	const char *name;			/* "kvm" */
	const char *node;			/* "shadow-kvm" */
	size_t size;				/* of the whole device */
	const struct mmu_notifier_ops *mn_ops;
	/* Before registration.  0 or -Exxx.  NULL: nothing to do.  w: or NULL */
	int (*init)(struct shadow_dev *d, const struct shadow_window *w);
	/* Registered, no access made yet.  NULL: nothing to do. */
	void (*start)(struct shadow_dev *d);
	/* Engine stopped, unregistered; or after a failed registration. */
	void (*exit)(struct shadow_dev *d);
	void (*free)(struct shadow_dev *d);	/* NULL: kfree */
	/*
	 * The TLB misses: the hardware's walk, accessed and dirty bits too.
	 * tlb_lock held.  False: a fault.  NULL: every miss is one.
	 */
	bool (*walk)(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		     pte_t *found);
	/*
	 * Resolve a fault at a page, so far that another look at TLB and
	 * tables may find it.  The mm's users are pinned.  0, -EAGAIN (again,
	 * something came between), -EFAULT, -ENOMEM, -EIO, -ESRCH.  Sleeps.
	 */
	int (*resolve)(struct shadow_dev *d, vaddr_t va,
		       enum shadow_access how);
	/* An entry leaves the TLB.  tlb_lock held; its frame is still the va's. */
	void (*dropped)(struct shadow_dev *d, vaddr_t va, pte_t e);
	/* Translations that exceed the process's (I3); prints them.  Sleeps. */
	u32 (*check)(struct shadow_dev *d);
	u64 (*tables)(struct shadow_dev *d);	/* NULL: it has none */
	/* Commands of this class only (node.c).  NULL: none. */
	s64 (*command)(struct shadow_dev *d, u32 cmd, u64 arg);
};
extern const struct shadow_class shadow_kvm, shadow_gru, shadow_sva, shadow_xpmem;

struct shadow_dev {
	const struct shadow_class *class; /* I */
	u32 id;				  /* I */
	struct mm_struct *mm;		  /* I: mm_count held by the notifier */
	struct mmu_notifier mn;
	struct list_head link;		  /* shadow_list_mutex */
	bool dead;			  /* class's lock: release has run */

	spinlock_t tlb_lock;			      /* LOCK_SHADOW_TLB */
	struct shadow_tlb_entry tlb[SHADOW_TLB_SIZE]; /* tlb_lock */

	struct mutex req_mutex;	     /* LOCK_SHADOW_DEV: one caller */
	struct shadow_program *prog; /* engine's when set; a */
	bool stop;		     /* a */
	struct wait_queue_head wait; /* prog and stop change */
	struct thread *engine;

	atomic64_t *count;			    /* I: so many */
	atomic64_t own_count[SHADOW_NR_COUNTERS];
};

static inline struct shadow_dev *dev_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct shadow_dev, mn);
}

static inline void shadow_count(struct shadow_dev *d, enum shadow_counter what,
				s64 n)
{
	atomic64_add(n, &d->count[what]);
}

/*
 * The open sections of an mm as a device remembers them: their number and,
 * while there is one, their span - an over-estimate, which costs retries only.
 * Under the class's lock.
 */
struct shadow_fence {
	u32 open; /* read without the lock too */
	vaddr_t start, end;
};
static inline void fence_open(struct shadow_fence *f,
			      const struct mmu_notifier_range *r)
{
	f->start = f->open ? min(f->start, r->start) : r->start;
	f->end = f->open ? max(f->end, r->end) : r->end;
	WRITE_ONCE(f->open, f->open + 1);
}
static inline void fence_close(struct shadow_fence *f)
{
	KASSERT(f->open);
	WRITE_ONCE(f->open, f->open - 1);
}
static inline bool fence_covers(const struct shadow_fence *f, vaddr_t va)
{
	return f->open && va >= f->start && va < f->end;
}

/* device.c */
/* As shadow_attach(), by class, with what its init wants. */
struct shadow_dev *shadow_attach_window(struct mm_struct *mm,
					const struct shadow_class *class,
					const struct shadow_window *w);
extern struct mutex shadow_list_mutex;
extern struct list_head shadow_list;
struct shadow_dev *shadow_find(u32 id); /* shadow_list_mutex held */
const struct shadow_class *shadow_class_of(const char *name);
/*
 * Does the process have at va what e says: the frame, and no right less (G10)?
 * The answer counts while no section can begin.
 */
bool shadow_within_primary(struct shadow_dev *d, vaddr_t va, pte_t e);

/* xpmem.c: what a window shows in mmap; the end of all windows on a segment. */
struct address_space *xpmem_mapping(struct shadow_dev *d);
void xpmem_kill_segment(u32 id);

/* tlb.c */
void shadow_tlb_flush(struct shadow_dev *d, vaddr_t start, vaddr_t end);
/* The same, tlb_lock held: entries dropped. */
u32 shadow_tlb_drop(struct shadow_dev *d, vaddr_t start, vaddr_t end);
/* tlb_lock held (V2). */
void shadow_tlb_insert(struct shadow_dev *d, vaddr_t va, pte_t e);
/* tlb_lock held.  False: a device fault. */
bool shadow_translate(struct shadow_dev *d, vaddr_t va, enum shadow_access how,
		      pfn_t *pfn);
/* Entries of the TLB that exceed the process's; tlb_lock held. */
u32 shadow_tlb_check(struct shadow_dev *d);
/*
 * Those that do so time after time: for a class that may be behind for a
 * moment.  Sleeps.
 */
u32 shadow_check_settled(struct shadow_dev *d);
/* The hardware uses a leaf of a user's table: sets A (and D).  False: may not. */
bool shadow_use_leaf(pte_t *p, enum shadow_access how, pte_t *found);

/* engine.c */
void shadow_engine(void *dev);

#endif
