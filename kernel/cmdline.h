/* SPDX-License-Identifier: MIT */
/*
 * Kernel command line: words NAME or NAME=VALUE, values may be quoted.
 * PARAM(name, fn, help) registers a handler; an unknown word gets a warning.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include "lib/types.h"
#include "lib/compiler.h"

struct boot_param {
	const char *name;
	/* value is NULL when there was no '='.  0, or -EINVAL: warned about. */
	int (*fn)(const char *value);
	const char *help;
};
#define PARAM(n, f, h)	static const struct boot_param boot_param_##n	\
	__attribute__((section(".params"), used, aligned(8))) = { #n, (f), (h) }

extern u32 boot_max_cpus;		/* smp=N; 0: all */
/* panic=: what follows a panic. */
enum panic_action { PANIC_SHELL, PANIC_EXIT, PANIC_HALT };
extern enum panic_action panic_action;

/* Modifies line.  The first word is skipped when it names a file (QEMU). */
void cmdline_parse(char *line);

#endif
