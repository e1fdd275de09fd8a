/* SPDX-License-Identifier: MIT */
/*
 * What programs say to /dev/shadow-kvm, shadow-gru, shadow-sva, shadow-xpmem.
 * For programs too: no other header of the kernel's is needed.  docs/shadow.md
 */
#ifndef DRIVERS_SHADOW_UAPI_H
#define DRIVERS_SHADOW_UAPI_H

/* As Linux numbers them: direction, size, type, number. */
#define SHADOW_IOC(dir, nr, type) \
	((dir) << 30 | (unsigned int)sizeof(type) << 16 | 'S' << 8 | (nr))
#define SHADOW_IOC_NONE	0U
#define SHADOW_IOC_W	1U	/* the kernel reads */
#define SHADOW_IOC_R	2U	/* the kernel writes */

/* enum shadow_op */
#define SHADOW_IOC_OP_READ	0	/* val = word at va */
#define SHADOW_IOC_OP_WRITE	1	/* word at va = val */
#define SHADOW_IOC_OP_CMPXCHG	2	/* if it is old: val; val = what it was */
#define SHADOW_IOC_OP_FILL	3	/* len bytes of words = val */
#define SHADOW_IOC_OP_SUM	4	/* val = sum of the words of len bytes */

struct shadow_ioc_op {
	unsigned int op;
	int result;			/* 0 or -errno */
	unsigned long long va, len, val, old;
};

struct shadow_ioc_run {
	unsigned long long ops;		/* address of an array */
	unsigned int nr;		/* of so many */
	unsigned int done;		/* out: that succeeded */
};
#define SHADOW_RUN_OPS		64
#define SHADOW_RUN_BYTES	(16ULL << 20)	/* of all len together */

/* The page that mmap shows, and STATS copies. */
struct shadow_ioc_stats {
	unsigned long long faults, retries, installs, zaps, accesses, flushes;
	unsigned long long stale;	/* must be 0 */
	unsigned long long entries;	/* translations now */
};

struct shadow_ioc_range {
	unsigned long long start, len;	/* whole pages */
	unsigned int id;		/* EXPORT: out */
	unsigned int zero;
};

/* The caller's [user, user + len) at the guest's [guest, guest + len). */
struct shadow_ioc_slot {
	unsigned int slot;		/* 0 to 7; 0 shows everything at first */
	unsigned int zero;
	unsigned long long guest, len, user;	/* len 0: away with it */
};

/* One bit a page: written by the guest since the last time. */
struct shadow_ioc_dirty {
	unsigned long long guest, nr;	/* pages */
	unsigned long long bits;	/* address of (nr + 7) / 8 bytes */
};
#define SHADOW_DIRTY_PAGES	16384ULL

/* The device becomes one of the caller's address space (not xpmem). */
#define SHADOW_ATTACH	(SHADOW_IOC_NONE << 30 | 'S' << 8 | 1)
/* Run a program on the engine; it stops at the first failure. */
#define SHADOW_RUN	SHADOW_IOC(SHADOW_IOC_R | SHADOW_IOC_W, 2U, struct shadow_ioc_run)
#define SHADOW_STATS	SHADOW_IOC(SHADOW_IOC_R, 3U, struct shadow_ioc_stats)
/* xpmem: name a range of the caller's; show the one of that name. */
#define SHADOW_EXPORT	SHADOW_IOC(SHADOW_IOC_R | SHADOW_IOC_W, 4U, struct shadow_ioc_range)
#define SHADOW_IMPORT	SHADOW_IOC(SHADOW_IOC_W, 5U, unsigned int)
/* kvm.  DIRTY returns how many. */
#define SHADOW_SLOT	SHADOW_IOC(SHADOW_IOC_W, 6U, struct shadow_ioc_slot)
#define SHADOW_DIRTY	SHADOW_IOC(SHADOW_IOC_W, 7U, struct shadow_ioc_dirty)

#endif
