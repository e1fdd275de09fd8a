/* SPDX-License-Identifier: MIT */
/*
 * newc archives: each entry is a header of 110 characters, the name, padding
 * to a multiple of 4, the data, padding; the last is named TRAILER!!!.
 *
 * C1. Every offset is compared with len before it is used; sizes are 32 bits
 *     and offsets 64, so no sum wraps.
 */
#include "lib/cpio.h"
#include "lib/err.h"
#include "lib/string.h"

#define HEADER_LEN	110
#define NR_FIELDS	13
#define TRAILER		"TRAILER!!!"

enum field {
	F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_FILESIZE,
	F_DEVMAJOR, F_DEVMINOR, F_RDEVMAJOR, F_RDEVMINOR, F_NAMESIZE, F_CHECK,
};

static int bad(struct cpio_iter *it, const char *why)
{
	it->why = why;
	return -EINVAL;
}

static int hex_digit(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Eight hexadecimal digits, no less.  Returns 0 or -EINVAL. */
static int parse_field(const u8 *p, u32 *out)
{
	u32 v = 0;

	for (int i = 0; i < 8; i++) {
		int d = hex_digit(p[i]);

		if (d < 0)
			return -EINVAL;
		v = v << 4 | (u32)d;
	}
	*out = v;
	return 0;
}

static int parse_header(struct cpio_iter *it, u32 *f)
{
	const u8 *p;

	if (it->off >= it->len)
		return bad(it, "the archive ends without a trailer");
	if (it->len - it->off < HEADER_LEN)
		return bad(it, "an entry's header is cut off");
	p = it->buf + it->off;
	if (memcmp(p, "070701", 6) && memcmp(p, "070702", 6))
		return bad(it, "not a newc header (magic is not 070701)");
	for (u32 i = 0; i < NR_FIELDS; i++)
		if (parse_field(p + 6 + 8 * i, &f[i]))
			return bad(it, "a header field is not hexadecimal");
	return 0;
}

static int check_name(struct cpio_iter *it, u64 start, u32 namesize)
{
	const u8 *name = it->buf + start;

	if (namesize < 2)
		return bad(it, "an entry has no name");
	if (namesize > CPIO_NAME_MAX)
		return bad(it, "an entry's name is too long");
	if (namesize > it->len - start)
		return bad(it, "an entry's name is cut off");
	if (name[namesize - 1])
		return bad(it, "an entry's name is not terminated");
	if (memchr(name, 0, namesize - 1))
		return bad(it, "an entry's name has a NUL inside");
	return 0;
}

static void fill(struct cpio_entry *out, const u32 *f)
{
	out->size = f[F_FILESIZE];
	out->mode = f[F_MODE];
	out->ino = f[F_INO];
	out->nlink = f[F_NLINK];
	out->uid = f[F_UID];
	out->gid = f[F_GID];
	out->mtime = f[F_MTIME];
	out->rdev_major = f[F_RDEVMAJOR];
	out->rdev_minor = f[F_RDEVMINOR];
}

int cpio_next(struct cpio_iter *it, struct cpio_entry *out)
{
	u64 name = it->off + HEADER_LEN, data;
	u32 f[NR_FIELDS];

	if (parse_header(it, f) || check_name(it, name, f[F_NAMESIZE]))
		return -EINVAL;
	out->name = (const char *)it->buf + name;
	if (!strcmp(out->name, TRAILER))
		return 0;
	data = ALIGN(name + f[F_NAMESIZE], 4);
	if (data > it->len || f[F_FILESIZE] > it->len - data)
		return bad(it, "an entry's data is cut off");
	fill(out, f);
	out->data = it->buf + data;
	it->off = min(ALIGN(data + f[F_FILESIZE], 4), it->len);
	return 1;
}
