/* SPDX-License-Identifier: MIT */
/*
 * Reader of cpio archives in the "newc" form (070701; 070702 is taken without
 * checking its sums) that lie whole in memory.  Nothing is copied: names and
 * data point into the archive, which may be hostile; no byte outside
 * [buf, buf + len) is ever read.  Tests: tests/host/test_cpio.c
 */
#ifndef LIB_CPIO_H
#define LIB_CPIO_H

#include "lib/types.h"
#include "lib/compiler.h"

#define CPIO_NAME_MAX	4096	/* bytes, with its NUL */

struct cpio_iter {
	const u8 *buf;
	u64 len;
	u64 off;		/* of the next header; after -EINVAL: the bad one */
	const char *why;	/* after -EINVAL: one clear phrase */
};

struct cpio_entry {
	const char *name;	/* NUL-terminated, at least one character */
	const void *data;
	u64 size;		/* bytes of data */
	u32 mode;		/* S_IFMT and permission bits */
	u32 ino, nlink, uid, gid;
	u32 mtime;		/* seconds */
	u32 rdev_major, rdev_minor;
};

static inline void cpio_init(struct cpio_iter *it, const void *buf, u64 len)
{
	it->buf = buf;
	it->len = len;
	it->off = 0;
	it->why = NULL;
}

/*
 * Returns 1 with *out filled, 0 at the trailer, or -EINVAL with it->why and
 * it->off (and again -EINVAL if called again).
 */
int cpio_next(struct cpio_iter *it, struct cpio_entry *out);

#endif
