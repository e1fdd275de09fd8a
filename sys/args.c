/* SPDX-License-Identifier: MIT */
/*
 * The strings of an exec, copied out of the old address space before it goes.
 * Their number and size are bounded by ARGS_MAX, pointers to them included.
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/exec.h"

#define FIRST_SIZE	4096

/* Room for n more bytes and one more pointer. */
static int reserve(struct exec_args *a, u64 n)
{
	u64 pointers = ((u64)a->argc + a->envc + 1) * sizeof(u64);
	u64 size = max(a->size, (u64)FIRST_SIZE);
	char *buf;

	if (a->used + n + pointers > ARGS_MAX)
		return -E2BIG;
	while (size < a->used + n)
		size *= 2;
	if (size == a->size)
		return 0;
	buf = kmalloc(size);
	if (!buf)
		return -ENOMEM;
	if (a->buf)
		memcpy(buf, a->buf, a->used);
	kfree(a->buf);
	a->buf = buf;
	a->size = size;
	return 0;
}

int args_add(struct exec_args *a, const char *s)
{
	u64 len = strlen(s) + 1;
	int err = reserve(a, len);

	if (err)
		return err;
	memcpy(a->buf + a->used, s, len);
	a->used += len;
	return 0;
}

int args_add_user(struct exec_args *a, vaddr_t from)
{
	u64 room;
	ssize_t n;
	int err;

	for (;;) {
		err = reserve(a, 1);
		if (err)
			return err;
		room = a->size - a->used;
		n = strncpy_from_user(a->buf + a->used, from, room);
		if (n >= 0) {
			a->used += (u64)n + 1;
			return reserve(a, 0);
		}
		if (n != -ENAMETOOLONG)
			return (int)n;
		a->used += room;
		from += room;
	}
}

s64 args_add_user_vector(struct exec_args *a, vaddr_t uvec)
{
	vaddr_t p;
	s64 n, err;

	if (!uvec)
		return 0;
	for (n = 0;; n++) {
		if (get_user_val(p, uvec + (u64)n * sizeof(p)))
			return -EFAULT;
		if (!p)
			return n;
		if ((u64)n * sizeof(p) > ARGS_MAX)
			return -E2BIG;
		err = args_add_user(a, p);
		if (err)
			return err;
	}
}

int args_replace_first(struct exec_args *a, const struct exec_args *head)
{
	u64 skip = a->argc ? strlen(a->buf) + 1 : 0;
	u64 rest = a->used - skip;
	int err = reserve(a, head->used);

	if (err)
		return err;
	memmove(a->buf + head->used, a->buf + skip, rest);
	memcpy(a->buf, head->buf, head->used);
	a->used = head->used + rest;
	a->argc = a->argc - (skip ? 1 : 0) + head->argc;
	return 0;
}

void args_free(struct exec_args *a)
{
	kfree(a->buf);
	*a = (struct exec_args){ 0 };
}
