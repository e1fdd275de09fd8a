/* SPDX-License-Identifier: MIT */
/* Between exec.c (the calls), args.c (strings) and elfload.c (the image). */
#ifndef SYS_EXEC_H
#define SYS_EXEC_H

#include "lib/types.h"

struct inode;
struct mm_struct;

#define ARGS_MAX	(128UL << 10)	/* strings and pointers together */

/* Strings one after the other: argv, envp, then the program's path. */
struct exec_args {
	char *buf;
	u64 used, size;
	u32 argc, envc;
};

struct exec {
	struct inode *inode;		/* referenced */
	struct exec_args args;
	/* elf_load()'s answer */
	struct mm_struct *mm;
	vaddr_t entry, sp;
	const char *why;		/* a phrase for the user, or NULL */
	/* in between */
	vaddr_t phdr, brk;
	u32 phnum;
	vaddr_t elf_entry;
};

/* args.c.  0, -E2BIG, -EFAULT, -ENOMEM. */
int args_add(struct exec_args *a, const char *s);
int args_add_user(struct exec_args *a, vaddr_t from);
/* The NULL-terminated vector at uvec (0: empty); how many, or -Exxx. */
s64 args_add_user_vector(struct exec_args *a, vaddr_t uvec);
/* Replaces argv[0] by the strings of head (its argc), for scripts. */
int args_replace_first(struct exec_args *a, const struct exec_args *head);
void args_free(struct exec_args *a);

/*
 * elfload.c: a new mm with the program of x->inode, its stack and arguments.
 * 0, or -ENOEXEC, -ENOMEM, -E2BIG... with nothing left behind.
 */
int elf_load(struct exec *x);

#endif
