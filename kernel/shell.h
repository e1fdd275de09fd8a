/* SPDX-License-Identifier: MIT */
/*
 * The in-kernel shell.  Commands register through a linker section.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include "lib/types.h"
#include "lib/compiler.h"

struct shell_cmd {
	const char *name;
	const char *args;		/* "PID VA", "" for none: shown by help */
	const char *help;		/* one line */
	int min_args, max_args;		/* without the name; max -1: any */
	u32 flags;
	/* argv[0] is the name.  Returns 0 or -Exxx (already explained). */
	int (*fn)(int argc, char **argv);
	/* Completes argument number `arg`; calls emit for each candidate. */
	void (*complete)(int arg, const char *prefix, void (*emit)(const char *));
};
#define SHELL_HIDDEN	BIT(1)		/* not listed by help */
#define SHELL_PANIC_OK	BIT(0)		/* also in the panic shell: takes no locks */

#define SHELL_CMD_FULL(n, a, h, lo, hi, fl, f, c) \
	SHELL_CMD_NAMED(n, #n, a, h, lo, hi, fl, f, c)
/* For names that are no C identifiers. */
#define SHELL_CMD_NAMED(n, s, a, h, lo, hi, fl, f, c)			\
	static const struct shell_cmd shell_cmd_##n			\
	__attribute__((section(".shellcmds"), used, aligned(8))) = {	\
		.name = (s), .args = (a), .help = (h), .min_args = (lo),	\
		.max_args = (hi), .flags = (fl), .fn = (f), .complete = (c) }
#define SHELL_CMD(n, a, h, lo, hi, f) SHELL_CMD_FULL(n, a, h, lo, hi, 0, f, NULL)

extern const struct shell_cmd __shellcmds_start[], __shellcmds_end[];

/* NULL when there is none of that name. */
const struct shell_cmd *shell_find(const char *name);
/*
 * Reads one line with editing, history and completion into buf (size >= 2),
 * without the line end.  Returns its length, or -EINTR for ^C.  The lab and
 * the panic shell share it; input comes from getc.
 */
#define SHELL_LINE_MAX	1024
struct shell_input {
	int (*getc)(void);			/* 0..255 or -Exxx */
	int (*getc_until)(u64 deadline_ns);	/* for the bytes after ESC */
	void (*put)(const char *s, size_t len);	/* the echo; NULL: console */
};
ssize_t shell_read_line(const struct shell_input *in, char *buf, size_t size);
extern const char shell_prompt[];
/* Candidates for the word that starts at word_start of line[0..len). */
void shell_complete(const char *line, size_t len, size_t *word_start,
		    void (*emit)(const char *));
/* Interrupts off, other CPUs stopped: only SHELL_PANIC_OK commands. */
void shell_panic_loop(void);
_Noreturn void shell_main(void *arg);	/* the shell thread */
/* Runs one line ("CMD; CMD").  Returns the last command's value. */
int shell_run_line(char *line);
/* Parse helpers that print the one clear line when the text is bad. */
int shell_parse_u64(const char *what, const char *text, u64 *out);
/* Interactive ^C was typed since the command started. */
bool shell_interrupted(void);
/* Queue a line to be "typed" after boot (the run= parameter). */
void shell_queue_startup(const char *line);

#endif
