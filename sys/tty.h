/* SPDX-License-Identifier: MIT */
/* The terminal: the console with Linux's line discipline. */
#ifndef SYS_TTY_H
#define SYS_TTY_H

#include "lib/types.h"

/* A program of the shell takes the terminal: sane modes, its group in front. */
void tty_take(u32 pgid);
/* The shell has it back. */
void tty_give_back(void);
/* Bytes came in that nobody has looked at; kernel_child_wait is woken. */
bool tty_needs_service(void);
/* Works on them.  How often ^C was typed since tty_take(). */
u32 tty_service(void);
/* Did the last program's output end with a newline (or was there none)? */
bool tty_at_line_start(void);

#endif
