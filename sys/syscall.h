/* SPDX-License-Identifier: MIT */
/*
 * System calls: one handler each, sys_NAME, named in syscall.tbl.  A handler
 * gets its six arguments as the program passed them and returns the result or
 * -Exxx.  Context: the calling thread, interrupts on, may sleep.
 */
#ifndef SYS_SYSCALL_H
#define SYS_SYSCALL_H

#include "arch/trap.h"
#include "lib/types.h"

struct sysargs {
	u64 a[6];
	struct regs *regs;	/* the program's, to read and to change */
};

#define SYSCALL(nr, name, test)	s64 sys_##name(const struct sysargs *s);
#include "sys/syscall.tbl"
#undef SYSCALL

/* Handlers of one file are defined by these; the type is in one place. */
#define SYSCALL_FN(name)	s64 sys_##name(const struct sysargs *s)
#define SYSCALL_NOARG(name)	s64 sys_##name(const struct sysargs *s __maybe_unused)

#endif
