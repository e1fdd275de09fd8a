/* SPDX-License-Identifier: MIT */
/*
 * The toy secondary MMUs behind one interface.  A shadow device has its own
 * multi-level table of shadow entries, filled on its faults from a process's
 * page tables, holding no page references; engine threads of its own on other
 * CPUs read and write process memory by virtual address through that table
 * alone.  The notifier chain is all that keeps it coherent.
 */
#ifndef DRIVERS_SHADOW_SHADOW_H
#define DRIVERS_SHADOW_SHADOW_H

#include "lib/types.h"

struct shadow_dev;
struct mm_struct;

enum shadow_op {
	SHADOW_READ,	/* *val = word at va */
	SHADOW_WRITE,	/* word at va = *val */
	SHADOW_CMPXCHG, /* if word == old: word = *val; *val = previous */
	SHADOW_FILL,	/* len bytes of words = *val */
	SHADOW_SUM,	/* *val = sum of the u64 words of len bytes */
};

struct shadow_req {
	enum shadow_op op;
	vaddr_t va;
	u64 len;
	u64 val, old;
	int result; /* 0 or -EFAULT ... */
};

struct shadow_stats {
	u64 faults, retries, installs, zaps, accesses, flushes;
	u64 stale; /* accesses that hit a page that was not the process's */
	u64 entries, tables;
};

/* Attach a device to mm: registers its notifier.  ERR_PTR. Sleeps. */
struct shadow_dev *shadow_attach(struct mm_struct *mm, const char *kind);
/* Stops the engine, unregisters, frees. Sleeps. */
void shadow_detach(struct shadow_dev *d);
/* Run one access on the device's engine thread and wait.  r->result. */
int shadow_access(struct shadow_dev *d, struct shadow_req *r);
void shadow_get_stats(struct shadow_dev *d, struct shadow_stats *s);
u32 shadow_dev_id(const struct shadow_dev *d);

#endif
