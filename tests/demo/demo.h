/* SPDX-License-Identifier: MIT */
/* Between the files of tests/demo; nobody else includes it. */
#ifndef TESTS_DEMO_DEMO_H
#define TESTS_DEMO_DEMO_H

#include "lib/compiler.h"
#include "lib/types.h"
#include "user/pattern.h"

struct mm_struct;
struct page;
struct process;
struct shadow_dev;
struct thread;

/* How much of it; what is printed. */
struct demo_plan {
	u64 mib;			/* of anonymous memory */
	u32 moves;
	const char *file;
	u32 flags;
};
#define DEMO_LOUD	BIT(0)		/* explain each step */

struct demo {
	const struct demo_plan *plan;	/* I */
	struct process *proc;		/* a reference */
	struct mm_struct *mm;		/* mm_users */
	struct page *ctl_page;		/* a reference */
	struct pattern_ctl *ctl;	/* in it */
	u64 pages, tables_moved, bits_settled;

	/* the device's user, device.c */
	struct shadow_dev *dev;
	struct thread *hammer;
	struct pattern_ledger *ledger;	/* the hammer's; ours when it is gone */
	u32 stop;			/* a */
	u64 reads, writes, adds, fills;	/* the hammer's */

	u32 failed;			/* a: the first who fails says why */
	char why[160];			/* who set failed */
};

/* Notes the first reason.  -EIO. */
int demo_fail(struct demo *d, const char *fmt, ...) __printf(2, 3);

/* device.c: attach a device to d->mm and keep it busy.  Sleeps. */
int demo_device_start(struct demo *d);
/* No access after this one; the device stays attached. */
void demo_device_stop(struct demo *d);
/* Stops, detaches, frees. */
void demo_device_end(struct demo *d);

/* dirty.c: clear the dirty bits of the private pages.  How many were set. */
u64 demo_clean_pages(struct demo *d);
/* All pages must be mapped and dirty.  0 or -EIO. */
int demo_check_dirty(struct demo *d);

/* Runs the plan: 0, or -Exxx with d->why set.  Sleeps. */
int demo_run(struct demo *d, const struct demo_plan *plan);

#endif
