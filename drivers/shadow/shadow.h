/* SPDX-License-Identifier: MIT */
/*
 * The toy secondary MMUs behind one interface.  A device of any class has
 * translations of its own of a process's addresses and an engine thread on
 * another CPU that reads and writes the process's memory through these alone.
 * The notifier chain is what keeps them coherent.  The classes differ in what
 * they keep, and so in what they owe the chain: docs/shadow.md.
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

/* Requests in a row. */
struct shadow_program {
	struct shadow_req *req;
	u32 nr, done;
};

struct shadow_stats {
	u64 faults, retries, installs, zaps, accesses, flushes;
	u64 stale; /* accesses that hit a page that was not the process's */
	u64 entries, tables;
};

/* The names of the classes, in order; NULL behind the last. */
const char *shadow_class_name(u32 n);
/* Attach a device to mm: registers its notifier.  ERR_PTR. Sleeps. */
struct shadow_dev *shadow_attach(struct mm_struct *mm, const char *kind);
/* Stops the engine, unregisters, frees. Sleeps. */
void shadow_detach(struct shadow_dev *d);
/* Run one access on the device's engine thread and wait.  r->result. */
int shadow_access(struct shadow_dev *d, struct shadow_req *r);
/*
 * The same with nr requests, up to the first that fails: how many did not.
 * Sleeps.
 */
u32 shadow_run(struct shadow_dev *d, struct shadow_req *req, u32 nr);
void shadow_get_stats(struct shadow_dev *d, struct shadow_stats *s);
u32 shadow_dev_id(const struct shadow_dev *d);

#endif
